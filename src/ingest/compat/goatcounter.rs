//! GoatCounter: `count.js`, its pixel, and its API for servers, `/count` and `POST /api/v0/count`.

use serde_json::{Map, Value, json};

use super::{
    claim::{Claim, When, address, field, host_of},
    contract::{Fields, Foreign, ITEMS_MAX, Item, Outcome, Product, Reply, Setup, Wrong},
};
use crate::{
    ingest::{Rejected, page_address::bare_host},
    model::rejection::Reason,
};

const COUNT: &str = "/count";
/// The same as an image that block lists let pass.
const PIXEL: &str = "/pixel.gif";
const API: &str = "/api/v0/count";

/// The bit of `permissions` that allows to count.
const MAY_COUNT: i64 = 2;

/// What its importer asks first: whether it may count.
const ME: &str = "/api/v0/me";

pub(super) const PRODUCT: Product = Product {
    name: "GoatCounter",
    doors: &[COUNT, PIXEL, API, ME],
    body_bytes_max: 1024 * 1024,
    is_meant: |_| true,
    read,
    answer,
    setup: &[
        Setup {
            client: "Script",
            line: "<script data-goatcounter=\"{base}/count\" async src=\"//gc.zgo.at/count.js\"></script>",
        },
        Setup {
            client: "Without JavaScript",
            line: "<img src=\"{base}/pixel.gif?p=/path\" alt=\"\">",
        },
        Setup { client: "goatcounter-js", line: "initialize({ endpointUrl: '{base}/count' })" },
        Setup { client: "API for servers", line: "POST {base}/api/v0/count" },
    ],
};

fn read(foreign: &Foreign<'_>) -> Result<Vec<Item>, Wrong> {
    match foreign.path {
        ME => Ok(Vec::new()),
        API => many(foreign),
        _ => Ok(vec![Ok(Some(one(foreign)?))]),
    }
}

/// A hit of the script or the pixel: all in the query.
fn one(foreign: &Foreign<'_>) -> Result<Claim, Rejected> {
    let malformed = |sentence: &str| Rejected::new(Reason::Malformed, sentence.to_owned());
    let fields = foreign.fields();
    let path = fields.get("p").ok_or_else(|| malformed("p: can't be blank"))?;
    let bot = fields.get("b").map_or(Ok(0), str::parse::<u16>);
    let bot = bot.ok().filter(|bot| *bot == 0 || *bot >= 150);
    let bot = bot.ok_or_else(|| malformed("b: must be 0 or at least 150"))?;
    let mut claim = hit(foreign, &fields, path, is_true(fields.get("e")));
    for (name, fact) in [("t", "title")] {
        if let Some(value) = fields.get(name) {
            claim.fact(fact, value);
        }
    }
    if let Some(referrer) = fields.get("r") {
        // Not always an address: any word that tells where somebody came from.
        claim.fact("ref", referrer);
    }
    if let Some(size) = fields.get("s") {
        claim.screen(size);
    }
    if bot > 0 {
        claim.fact("webdriver", "true");
    }
    // Made anew for each hit: a browser that sends one twice sends the same number.
    claim.payload.id = fields.get("rnd").map(|id| id.to_owned().into());
    Ok(claim)
}

/// A page or an event, on the host that its headers tell: its own site has one, and no word for it.
fn hit(foreign: &Foreign<'_>, fields: &Fields, path: &str, is_event: bool) -> Claim {
    let request = foreign.request;
    let page_host = request.origin.or(request.referer).and_then(host_of);
    let own_host = request.host.map(bare_host);
    let sites = [page_host.as_deref(), own_host.as_deref()];
    if is_event {
        return Claim::custom(path).of_site(sites);
    }
    let query = fields.get("q").filter(|_| !path.contains('?')).unwrap_or_default();
    let query = query.trim_start_matches('?');
    let mark = if query.is_empty() { "" } else { "?" };
    let host = page_host.as_deref().or(own_host.as_deref()).unwrap_or("localhost");
    let path = path.trim_start_matches('/');
    Claim::page_view(&format!("http://{host}/{path}{mark}{query}")).of_site(sites)
}

/// Hits that a server tells of its visitors.
fn many(foreign: &Foreign<'_>) -> Result<Vec<Item>, Wrong> {
    if !foreign.is_trusted {
        let sentence = "only senders with one of sender_tokens, among trusted_proxies, or on this machine, may count for others";
        return Err(Wrong::new("auth", Reason::OriginNotAllowed, sentence.to_owned()));
    }
    let body = foreign.json()?;
    let hits = body.get("hits").and_then(Value::as_array).filter(|hits| !hits.is_empty());
    let hits = hits.ok_or_else(|| Wrong::new("hits", Reason::Malformed, "no hits".to_owned()))?;
    if hits.len() > ITEMS_MAX {
        let sentence = format!("maximum amount of pageviews in one batch is {ITEMS_MAX}");
        return Err(Wrong::new("hits", Reason::Malformed, sentence));
    }
    Ok(hits.iter().map(|hit| told(foreign, hit).map(Some)).collect())
}

fn told(foreign: &Foreign<'_>, object: &Value) -> Result<Claim, Rejected> {
    let malformed = |sentence: String| Rejected::new(Reason::Malformed, sentence);
    let path = field(object, &["path"]);
    let path = path.ok_or_else(|| malformed("path: must be set".to_owned()))?;
    let mut fields = Vec::new();
    if let Some(query) = field(object, &["query"]) {
        fields.push(format!(
            "q={}",
            url::form_urlencoded::byte_serialize(query.as_bytes()).collect::<String>()
        ));
    }
    let is_event = object.get("event").and_then(Value::as_bool) == Some(true);
    let mut claim = hit(foreign, &Fields::of(&fields.join("&")), &path, is_event);
    if let Some(host) = field(object, &["host"]) {
        claim.sites.insert(0, host);
    }
    for (name, fact) in [("title", "title"), ("ref", "ref"), ("language", "lang")] {
        if let Some(value) = field(object, &[name]) {
            claim.fact(fact, &value);
        }
    }
    if let Some(width) = object.get("size").and_then(|size| size.get(0)).and_then(Value::as_f64) {
        claim.number("width", width);
    }
    claim.client = field(object, &["ip"]).and_then(|ip| address(&ip));
    claim.user_agent = field(object, &["user_agent"]);
    if let Some(time) = field(object, &["created_at"]) {
        let time: jiff::Timestamp = time.parse().map_err(|_| {
            malformed("created_at: must be a time of RFC 3339, such as 2026-11-24T12:00:00Z".into())
        })?;
        claim.when = When::At(time.as_millisecond());
    }
    Ok(claim)
}

/// The words by which a truth is told in a query.
fn is_true(word: Option<&str>) -> bool {
    matches!(word, Some("true" | "1" | "on" | "yes" | "t"))
}

fn answer(foreign: &Foreign<'_>, outcome: &Outcome) -> Reply {
    match foreign.path {
        ME => me(foreign),
        API => told_answer(outcome),
        _ => {
            let item = match outcome {
                Ok(items) => items.first().and_then(|item| item.as_ref().err()),
                Err(wrong) => Some(&wrong.rejected),
            };
            match item.filter(|rejected| !rejected.is_silent()) {
                Some(rejected) => {
                    Reply::pixel(400).with("x-goatcounter", rejected.sentence.clone())
                }
                None => Reply::pixel(200),
            }
        }
    }
}

fn me(foreign: &Foreign<'_>) -> Reply {
    if !foreign.is_trusted {
        return Reply::json(403, &json!({ "error": "this sender may not count for others" }));
    }
    let token = json!({ "name": "trusted sender", "permissions": MAY_COUNT });
    Reply::json(200, &json!({ "user": {}, "token": token }))
}

fn told_answer(outcome: &Outcome) -> Reply {
    let items = match outcome {
        Ok(items) => items,
        Err(wrong) => {
            let status = if wrong.field == "auth" { 403 } else { 400 };
            return Reply::json(status, &json!({ "error": wrong.rejected.sentence }));
        }
    };
    let (mut errors, mut filtered) = (Map::new(), Vec::new());
    for (index, rejected) in
        items.iter().enumerate().filter_map(|(at, item)| Some((at, item.as_ref().err()?)))
    {
        if rejected.is_silent() {
            filtered.push(index.to_string());
        } else {
            errors.insert(index.to_string(), rejected.sentence.clone().into());
        }
    }
    let reply = if errors.is_empty() {
        Reply::json(202, &json!({ "status": "ok" }))
    } else {
        Reply::json(400, &json!({ "errors": errors }))
    };
    if filtered.is_empty() {
        reply
    } else {
        reply.with("x-goatcounter-filter", filtered.join(", "))
    }
}
