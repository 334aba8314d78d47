//! Umami: its script, `@umami/node` and their like, `POST /api/send` and `POST /api/batch`.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{
    claim::{Claim, When, address, field},
    contract::{Foreign, ITEMS_MAX, Item, Outcome, Product, Reply, Setup, Wrong},
};
use crate::{ingest::Rejected, model::rejection::Reason};

const ONE: &str = "/api/send";
const MANY: &str = "/api/batch";

/// The measures of a page's speed that its script sends, in milliseconds but for the last.
const VITALS: [&str; 5] = ["lcp", "inp", "fcp", "ttfb", "cls"];

/// The number that stands for a session in its answers. There are no sessions here that a client
/// could be told.
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

pub(super) const PRODUCT: Product = Product {
    name: "Umami",
    doors: &[ONE, MANY],
    body_bytes_max: 1024 * 1024,
    is_meant: |_| true,
    read,
    answer,
    setup: &[
        Setup {
            client: "Script",
            line: "<script defer src=\"https://cloud.umami.is/script.js\" data-website-id=\"{site}\" data-host-url=\"{base}\"></script>",
        },
        Setup {
            client: "@umami/node",
            line: "umami.init({ websiteId: '{site}', hostUrl: '{base}' })",
        },
        Setup {
            client: "umami-analytics (Python)",
            line: "umami.set_url_base('{base}'); umami.set_website_id('{site}')",
        },
    ],
};

fn read(foreign: &Foreign<'_>) -> Result<Vec<Item>, Wrong> {
    let body = foreign.json()?;
    if foreign.path != MANY {
        return Ok(vec![Ok(claim(&body)?)]);
    }
    let list = body.as_array().filter(|list| list.len() <= ITEMS_MAX).ok_or_else(|| {
        let sentence = format!("a batch is a list of at most {ITEMS_MAX} events");
        Wrong::new("request", Reason::Malformed, sentence)
    })?;
    Ok(list.iter().map(claim).collect())
}

fn claim(body: &Value) -> Item {
    let malformed = |sentence: &str| Rejected::new(Reason::Malformed, sentence.to_owned());
    let kind = body.get("type").and_then(Value::as_str).unwrap_or_default();
    let payload = body.get("payload").filter(|payload| payload.is_object());
    let payload = payload.ok_or_else(|| malformed("the object payload is needed"))?;
    let website = field(payload, &["website", "link", "pixel"]);
    let website = website.ok_or_else(|| malformed("one of website, link and pixel is needed"))?;
    let page = page(payload);
    let claim = match (kind, field(payload, &["name"])) {
        ("event", None) => Claim::page_view(page.as_deref().unwrap_or("/")),
        ("event", Some(name)) => {
            let claim = Claim::custom(&name);
            page.iter().fold(claim, |claim, page| claim.at(page))
        }
        ("performance", _) => Claim::new("vitals").at(page.as_deref().unwrap_or("/")),
        // Who somebody is does not concern us.
        ("identify", _) => return Ok(None),
        _ => return Err(malformed("type is none of event, identify and performance")),
    };
    let hostname = field(payload, &["hostname"]);
    let mut claim = claim.of_site([Some(&*website), hostname.as_deref()]);
    claim.is_named = page.is_none();
    describe(&mut claim, payload);
    Ok(Some(claim))
}

/// The page's address: with its host, where only that and a path are told.
fn page(payload: &Value) -> Option<String> {
    let url = field(payload, &["url"]);
    let hostname = field(payload, &["hostname"]);
    match (url, hostname) {
        (Some(url), _) if url.contains("://") => Some(url),
        (url, Some(host)) => {
            // Scripts up to version 2 encode a path a second time.
            let path = url.unwrap_or_default().replace("%25", "%");
            Some(format!("http://{host}/{}", path.trim_start_matches('/')))
        }
        (url, None) => url,
    }
}

fn describe(claim: &mut Claim, payload: &Value) {
    if let Some(referrer) = field(payload, &["referrer"]) {
        claim.referrer(&referrer);
    }
    if let Some(title) = field(payload, &["title"]) {
        claim.fact("title", &decoded(&title));
    }
    if let Some(language) = field(payload, &["language"]) {
        claim.fact("lang", &language);
    }
    if let Some(screen) = field(payload, &["screen"]) {
        claim.screen(&screen);
    }
    if claim.payload.event_type == "vitals" {
        for name in VITALS {
            if let Some(value) = payload.get(name).and_then(Value::as_f64) {
                claim.number(name, value);
            }
        }
    }
    if let Some(tag) = payload.get("tag") {
        claim.property("tag", tag);
    }
    if let Some(data) = payload.get("data") {
        claim.properties(data);
    }
    claim.client = field(payload, &["ip"]).and_then(|ip| address(&ip));
    claim.user_agent = field(payload, &["userAgent"]);
    if let Some(seconds) = payload.get("timestamp").and_then(Value::as_i64) {
        claim.when = When::At(seconds.saturating_mul(1000));
    }
}

/// A title as it was written: scripts of version 2 encode it as a part of an address.
fn decoded(title: &str) -> Cow<'_, str> {
    if title.contains(char::is_whitespace) || !title.contains('%') {
        return title.into();
    }
    // A plus is one: only what a form sends means a space by it.
    let escaped = format!("t={}", title.replace('+', "%2B").replace('&', "%26"));
    let mut fields = url::form_urlencoded::parse(escaped.as_bytes());
    fields.next().map_or(title.into(), |(_, title)| Cow::Owned(title.into_owned()))
}

fn answer(foreign: &Foreign<'_>, outcome: &Outcome) -> Reply {
    let refused = |rejected: &Rejected| {
        let error = json!({
            "message": rejected.sentence, "code": "bad-request", "status": 400,
        });
        (400, json!({ "error": error }))
    };
    let one = |item: &Result<(), Rejected>| match item {
        Err(rejected) if rejected.reason == Reason::Bot => (200, json!({ "beep": "boop" })),
        Err(rejected) if !rejected.is_silent() => refused(rejected),
        _ => (200, json!({ "cache": "none", "sessionId": NOBODY, "visitId": NOBODY })),
    };
    let (status, body) = match outcome {
        Err(wrong) => refused(&wrong.rejected),
        Ok(items) if foreign.path == MANY => (200, batch(items.iter().map(one).collect())),
        Ok(items) => one(items.first().unwrap_or(&Ok(()))),
    };
    Reply::json(status, &body)
}

fn batch(answers: Vec<(u16, Value)>) -> Value {
    let size = answers.len();
    let wrong = answers.into_iter().enumerate().filter(|(_, (status, _))| *status != 200);
    let details: Vec<Value> =
        wrong.map(|(index, (_, body))| json!({ "index": index, "response": body })).collect();
    json!({
        "size": size,
        "processed": size - details.len(),
        "errors": details.len(),
        "details": details,
        "cache": "none",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_read_encoded_or_not() {
        for (sent, title) in [
            ("Caf%C3%A9%20%26%20Bar", "Café & Bar"),
            ("100% of it", "100% of it"),
            ("C%2B%2B", "C++"),
            ("a+b%21", "a+b!"),
            ("plain", "plain"),
        ] {
            assert_eq!(decoded(sent), title);
        }
    }
}
