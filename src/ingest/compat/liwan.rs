//! Liwan: its script and `liwan-tracker`. They knock at Plausible's door, and bring an `entity_id`.

use serde_json::{Value, json};

use super::{
    claim::{Claim, field},
    contract::{Foreign, Item, Outcome, Product, Reply, Setup, Wrong},
    plausible,
};
use crate::model::rejection::Reason;

pub(super) const PRODUCT: Product = Product {
    name: "Liwan",
    doors: &[plausible::DOOR],
    body_bytes_max: 128 * 1024,
    is_meant: |foreign| foreign.json().is_ok_and(|event| event.get("entity_id").is_some()),
    read,
    answer,
    setup: &[
        Setup {
            client: "Script",
            line: "<script type=\"module\" data-entity=\"{site}\" data-api=\"{base}/api/event\" src=\"…/script.js\"></script>",
        },
        Setup {
            client: "liwan-tracker",
            line: "event('pageview', { endpoint: '{base}/api/event', entity: '{site}' })",
        },
    ],
};

fn read(foreign: &Foreign<'_>) -> Result<Vec<Item>, Wrong> {
    let event = foreign.json()?;
    if foreign.request.user_agent.is_empty() {
        let sentence = "a User-Agent header is needed".to_owned();
        return Err(Wrong::new("request", Reason::Implausible, sentence));
    }
    Ok(vec![Ok(Some(claim(&event)?))])
}

fn claim(event: &Value) -> Result<Claim, Wrong> {
    let required = |name: &'static str| {
        Wrong::new(name, Reason::Malformed, format!("the field {name} is needed"))
    };
    let entity = field(event, &["entity_id"]).ok_or_else(|| required("entity_id"))?;
    let name = field(event, &["name"]).ok_or_else(|| required("name"))?;
    let url = field(event, &["url"]).ok_or_else(|| required("url"))?;
    let mut claim = match &*name {
        "pageview" => Claim::page_view(&url),
        _ => Claim::custom(&name).at(&url),
    };
    if let Some(referrer) = field(event, &["referrer"]) {
        claim.referrer(&referrer);
    }
    Ok(claim.of_site([Some(&*entity)]))
}

fn answer(_: &Foreign<'_>, outcome: &Outcome) -> Reply {
    match outcome {
        // Its script throws at anything else, and what is not wanted is its owner's business.
        Ok(_) => Reply::empty(200),
        Err(wrong) => Reply::json(400, &json!({ "message": wrong.rejected.sentence })),
    }
}
