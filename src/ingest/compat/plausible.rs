//! Plausible: its scripts, trackers and events API, `POST /api/event`.

use serde_json::{Value, json};

use super::{
    claim::{Claim, field, file_of, host_of},
    contract::{Foreign, Item, Outcome, Product, Reply, Setup, Wrong},
};
use crate::model::rejection::Reason;

/// The path that its clients send to.
pub(super) const DOOR: &str = "/api/event";

/// The longest name of an event and the longest address, in bytes.
const NAME_BYTES_MAX: usize = 120;
const URL_BYTES_MAX: usize = 2000;

/// How many sites an event may count for.
const DOMAINS_MAX: usize = 32;

/// The longest time that a page may have been looked at, in milliseconds: 30 days.
const ENGAGED_MS_MAX: f64 = 30.0 * 86_400_000.0;

pub(super) const PRODUCT: Product = Product {
    name: "Plausible",
    doors: &[DOOR],
    body_bytes_max: 128 * 1024,
    is_meant: |_| true,
    read,
    answer,
    setup: &[
        Setup {
            client: "Script",
            line: "<script defer data-domain=\"{site}\" data-api=\"{base}/api/event\" src=\"https://plausible.io/js/script.js\"></script>",
        },
        Setup {
            client: "@plausible-analytics/tracker",
            line: "init({ domain: '{site}', endpoint: '{base}/api/event' })",
        },
        Setup {
            client: "plausible-tracker",
            line: "Plausible({ domain: '{site}', apiHost: '{base}' })",
        },
        Setup {
            client: "next-plausible",
            line: "<PlausibleProvider init={{ endpoint: '{base}/api/event' }} src=\"…\">",
        },
        Setup { client: "Events API", line: "POST {base}/api/event" },
    ],
};

fn read(foreign: &Foreign<'_>) -> Result<Vec<Item>, Wrong> {
    let event = event(foreign)?;
    let required =
        |name: &'static str, sentence: &str| Wrong::new(name, Reason::Malformed, sentence.into());
    let name =
        field(&event, &["n", "name"]).ok_or_else(|| required("event_name", "can't be blank"))?;
    if name.len() > NAME_BYTES_MAX {
        return Err(required("event_name", "should be at most 120 byte(s)"));
    }
    let url = field(&event, &["u", "url"]).ok_or_else(|| required("url", "is required"))?;
    if url.len() > URL_BYTES_MAX {
        return Err(required("url", "must be 2000 bytes or less"));
    }
    if url.starts_with("data:") {
        return Err(required("url", "scheme is not allowed"));
    }
    let domains = field(&event, &["d", "domain"]).or_else(|| host_of(&url));
    let domains = domains.ok_or_else(|| required("domain", "can't be blank"))?;
    let Some(claim) = claim(&name, &url, &event)? else { return Ok(vec![Ok(None)]) };
    if domains.split(',').count() > DOMAINS_MAX {
        return Err(required("domain", "should be at most 32 domains"));
    }
    let each = domains.split(',').map(str::trim).filter(|domain| !domain.is_empty());
    let claims = each.map(|domain| {
        let mut claim = claim.clone().of_site([Some(domain)]);
        claim.is_named = true;
        Ok(Some(claim))
    });
    Ok(claims.collect())
}

/// The event: JSON, or a form with the same names.
fn event(foreign: &Foreign<'_>) -> Result<Value, Wrong> {
    match foreign.json() {
        Ok(event) if event.is_object() => Ok(event),
        Ok(_) => {
            let sentence = "Unable to parse request body as json".to_owned();
            Err(Wrong::new("request", Reason::Malformed, sentence))
        }
        Err(wrong) => {
            let fields = foreign.fields();
            if fields.get("n").or_else(|| fields.get("name")).is_none() {
                return Err(wrong);
            }
            Ok(fields.all().map(|(name, value)| (name.to_owned(), Value::from(value))).collect())
        }
    }
}

fn claim(name: &str, url: &str, event: &Value) -> Result<Option<Claim>, Wrong> {
    let is_hashed =
        field(event, &["h", "hashMode"]).is_some_and(|mode| mode == "1" || mode == "true");
    let told = |key: &&str| event.get(*key).filter(|value| !value.is_null());
    let properties = ["m", "meta", "p", "props"].iter().find_map(told);
    let page = |claim: Claim| if is_hashed { claim.at_fragment(url) } else { claim.at(url) };
    let mut claim = match name {
        "pageview" => page(Claim::new("page_view")),
        // An older script's word for the end of a page, which tells neither time nor depth.
        "pageleave" => return Ok(None),
        "engagement" => return engagement(page(Claim::new("engagement")), event).map(Some),
        _ => automatic(name, properties).unwrap_or_else(|| Claim::custom(name)).at(url),
    };
    if let Some(referrer) = field(event, &["r", "referrer"]) {
        claim.referrer(&referrer);
    }
    if let Some(width) = field(event, &["w", "screen_width"]) {
        claim.screen(&width);
    }
    if let Some(revenue) = ["$", "revenue"].iter().find_map(|key| event.get(*key)) {
        let parsed = revenue.as_str().and_then(|text| serde_json::from_str(text).ok());
        let revenue: &Value = parsed.as_ref().unwrap_or(revenue);
        for (key, name) in [("amount", "revenue"), ("currency", "currency")] {
            if let Some(value) = revenue.get(key) {
                claim.property(name, value);
            }
        }
    }
    if let Some(properties) = properties {
        claim.properties(properties);
    }
    Ok(Some(claim))
}

/// How long a page was looked at and how far it was scrolled; one of both at least.
fn engagement(mut claim: Claim, event: &Value) -> Result<Claim, Wrong> {
    let number = |key| field(event, &[key]).and_then(|text| text.parse::<f64>().ok());
    let milliseconds = number("e").filter(|ms| (0.0..ENGAGED_MS_MAX).contains(ms));
    let scrolled = number("sd").filter(|percent| *percent >= 0.0).map(|percent| percent.min(100.0));
    if milliseconds.is_none() && scrolled.is_none() {
        let sentence = "engagement needs a scroll depth (sd) or a time (e)".to_owned();
        return Err(Wrong::new("event", Reason::Malformed, sentence));
    }
    if let Some(milliseconds) = milliseconds {
        claim.number("seconds", milliseconds / 1000.0);
    }
    if let Some(percent) = scrolled {
        claim.number("scroll", percent);
    }
    Ok(claim)
}

/// Events that its script sends by itself and that ours has a type for: they count together.
fn automatic(name: &str, properties: Option<&Value>) -> Option<Claim> {
    let parsed =
        properties.and_then(Value::as_str).and_then(|text| serde_json::from_str(text).ok());
    let properties = parsed.as_ref().or(properties)?;
    match name {
        "Outbound Link: Click" => {
            let host = host_of(&field(properties, &["url"])?)?;
            Some(Claim::new("outbound_click").counted_as(&host))
        }
        "File Download" => {
            Some(Claim::new("download_click").counted_as(&file_of(&field(properties, &["url"])?)?))
        }
        "Form: Submission" => {
            Some(Claim::new("form_submit").counted_as(&field(properties, &["path"])?))
        }
        _ => None,
    }
}

fn answer(_: &Foreign<'_>, outcome: &Outcome) -> Reply {
    match outcome {
        Ok(items) => {
            let dropped = items.iter().filter(|item| item.is_err()).count();
            let reply = Reply::text(202, "ok");
            if dropped == 0 {
                return reply;
            }
            reply.with("x-plausible-dropped", dropped.to_string())
        }
        Err(wrong) => {
            Reply::json(400, &json!({ "errors": { wrong.field: [wrong.rejected.sentence] } }))
        }
    }
}
