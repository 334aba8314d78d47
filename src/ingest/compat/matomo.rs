//! Matomo, once called Piwik: `matomo.js`, its plugins and the tracking API, `/matomo.php`.
//!
//! Contents that were shown, heart beats and custom actions of further plugins are answered and not
//! counted. Ids of visitors and users are not even looked at.

use serde_json::{Value, json};

use super::{
    claim::{Claim, When, address, field, file_of, host_of},
    contract::{Fields, Foreign, ITEMS_MAX, Item, Outcome, Product, Reply, Setup, Wrong},
};
use crate::{config::registry::Token, ingest::Rejected, model::rejection::Reason};

/// Matomo's own words for what others call `utm_…`, and what they are here.
const CAMPAIGN: [(&str, &str); 10] = [
    ("mtm_campaign", "utm_campaign"),
    ("pk_campaign", "utm_campaign"),
    ("mtm_source", "utm_source"),
    ("pk_source", "utm_source"),
    ("mtm_medium", "utm_medium"),
    ("pk_medium", "utm_medium"),
    ("mtm_kwd", "utm_term"),
    ("pk_kwd", "utm_term"),
    ("mtm_content", "utm_content"),
    ("pk_content", "utm_content"),
];

pub(super) const PRODUCT: Product = Product {
    name: "Matomo",
    doors: &["/matomo.php", "/piwik.php"],
    body_bytes_max: 1024 * 1024,
    is_meant: |_| true,
    read,
    answer,
    setup: &[
        Setup { client: "Script", line: "_paq.push(['setTrackerUrl', '{base}/matomo.php']);" },
        Setup {
            client: "Without JavaScript",
            line: "<img src=\"{base}/matomo.php?idsite=1&rec=1\" alt=\"\">",
        },
        Setup { client: "matomo-tracker", line: "new MatomoTracker(1, '{base}/matomo.php')" },
        Setup {
            client: "@jonkoops/matomo-tracker",
            line: "new MatomoTracker({ urlBase: '{base}', siteId: 1, srcUrl: '…/matomo.js' })",
        },
    ],
};

fn read(foreign: &Foreign<'_>) -> Result<Vec<Item>, Wrong> {
    if !is_bulk(foreign) {
        return Ok(vec![claim(foreign, &foreign.fields(), None)]);
    }
    let wrong = |sentence: String| Wrong::new("requests", Reason::Malformed, sentence);
    let body = foreign.json()?;
    let requests = body.get("requests").and_then(Value::as_array);
    let requests =
        requests.ok_or_else(|| wrong("a bulk request needs a list of requests".into()))?;
    if requests.len() > ITEMS_MAX {
        return Err(wrong(format!("a bulk request holds at most {ITEMS_MAX} requests")));
    }
    let token = field(&body, &["token_auth"]);
    let fields = requests.iter().map(|request| match request {
        Value::String(query) => Fields::of(query.split_once('?').map_or(query, |(_, query)| query)),
        object => Fields::of_object(object),
    });
    Ok(fields.map(|fields| claim(foreign, &fields, token.as_deref())).collect())
}

/// Whether the body holds several requests, whatever type it says it has.
fn is_bulk(foreign: &Foreign<'_>) -> bool {
    foreign.body.trim_ascii_start().starts_with(b"{")
}

fn claim(foreign: &Foreign<'_>, fields: &Fields, token: Option<&str>) -> Item {
    let malformed = |sentence: &str| Rejected::new(Reason::Malformed, sentence.to_owned());
    let site = fields.get("idsite").ok_or_else(|| malformed("idsite is needed"))?;
    if fields.get("rec") == Some("0") {
        return Ok(None);
    }
    let url = fields.get("url").or(foreign.request.referer);
    let Some(kind) = kind(fields) else { return Ok(None) };
    let claim = match url {
        Some(url) => kind.at(url),
        None if kind.payload.identifier.is_some() => kind,
        None => return Err(malformed("url is needed")),
    };
    let mut claim = claim.of_site([Some(site), url.and_then(host_of).as_deref()]);
    claim.is_named = url.is_none();
    let token = fields.get("token_auth").or(token);
    claim.is_vouched = token.is_some_and(|token| Token::is_among(foreign.tokens, token));
    describe(&mut claim, fields, url.unwrap_or_default())?;
    Ok(Some(claim))
}

/// What happened; `None` for what is not counted.
fn kind(fields: &Fields) -> Option<Claim> {
    let named = |name: String, facts: &[(&str, Option<&str>)]| {
        let mut claim = Claim::custom(&name);
        for (key, value) in facts {
            claim.property(key, &value.map_or(Value::Null, Value::from));
        }
        Some(claim)
    };
    if fields.get("ping").is_some() {
        return None;
    }
    if let (Some(category), Some(action)) = (fields.get("e_c"), fields.get("e_a")) {
        let facts = [
            ("category", Some(category)),
            ("action", Some(action)),
            ("name", fields.get("e_n")),
            ("value", fields.get("e_v")),
        ];
        return named(format!("{category}: {action}"), &facts);
    }
    if let Some(sought) = fields.get("search") {
        return Some(Claim::new("search").counted_as(sought));
    }
    if let Some(target) = fields.get("download") {
        let file = file_of(target);
        return Some(Claim::new("download_click").counted_as(file.as_deref().unwrap_or(target)));
    }
    if let Some(target) = fields.get("link") {
        let host = host_of(target);
        return Some(Claim::new("outbound_click").counted_as(host.as_deref().unwrap_or(target)));
    }
    if let Some(goal) = fields.get("idgoal") {
        let name = if goal == "0" { "Order".to_owned() } else { format!("Goal {goal}") };
        return named(name, &[("revenue", fields.get("revenue"))]);
    }
    let is_other = fields.get("ca").is_some() || fields.get("c_n").is_some();
    (!is_other).then(|| Claim::new("page_view"))
}

fn describe(claim: &mut Claim, fields: &Fields, url: &str) -> Result<(), Rejected> {
    if let Some(referrer) = fields.get("urlref") {
        claim.referrer(referrer);
    }
    for (field, fact) in [("action_name", "title"), ("lang", "lang")] {
        if let Some(value) = fields.get(field) {
            claim.fact(fact, value.split(',').next().filter(|_| fact == "lang").unwrap_or(value));
        }
    }
    if let Some(size) = fields.get("res") {
        claim.screen(size);
    }
    let query = url.split('#').next().unwrap_or_default();
    let parameters = Fields::of(query.split_once('?').map_or("", |(_, query)| query));
    for (theirs, ours) in CAMPAIGN {
        if let Some(value) = parameters.get(theirs) {
            claim.fact(ours, value);
        }
    }
    for (name, value) in fields.all().filter(|(name, _)| name.starts_with("dimension")) {
        claim.property(name, &Value::from(value));
    }
    claim.client = fields.get("cip").and_then(address);
    claim.user_agent = fields.get("ua").map(str::to_owned);
    if let Some(time) = fields.get("cdt") {
        claim.when = When::At(moment(time).ok_or_else(|| {
            let sentence = "cdt is neither seconds since 1970 nor like 2026-11-24 12:00:00 (UTC)";
            Rejected::new(Reason::Malformed, sentence.to_owned())
        })?);
    }
    Ok(())
}

/// A moment in UTC milliseconds, of seconds or `2026-11-24 12:00:00`.
fn moment(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<i64>() {
        return seconds.checked_mul(1000);
    }
    let civil: jiff::civil::DateTime = text.parse().ok()?;
    Some(jiff::tz::TimeZone::UTC.to_timestamp(civil).ok()?.as_millisecond())
}

fn answer(foreign: &Foreign<'_>, outcome: &Outcome) -> Reply {
    let items = match outcome {
        Ok(items) => items,
        Err(wrong) => return refused(&wrong.rejected),
    };
    if is_bulk(foreign) {
        return bulk_answer(items);
    }
    match items.first() {
        Some(Err(rejected)) if !rejected.is_silent() => refused(rejected),
        _ if foreign.fields().get("send_image") == Some("0") => Reply::empty(204),
        _ => Reply::pixel(200),
    }
}

fn refused(rejected: &Rejected) -> Reply {
    Reply::json(400, &json!({ "status": "error", "message": rejected.sentence }))
}

fn bulk_answer(items: &[Result<(), Rejected>]) -> Reply {
    let wrong = items
        .iter()
        .enumerate()
        .filter(|(_, item)| item.as_ref().is_err_and(|rejected| !rejected.is_silent()));
    let invalid: Vec<usize> = wrong.map(|(index, _)| index).collect();
    Reply::json(
        200,
        &json!({
            "status": "success",
            "tracked": items.len() - invalid.len(),
            "invalid": invalid.len(),
            "invalid_indices": invalid,
        }),
    )
}
