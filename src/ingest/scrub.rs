//! Taking out what tells who somebody is, before a single beacon is kept.

use std::{borrow::Cow, sync::LazyLock};

use regex::{Captures, Regex};
use serde_json::Value;

use super::payload::Payload;
use crate::config::registry::EventType;

/// Facts that need not be kept a second time: dimensions are made of them, or they only served to
/// judge the beacon.
const TOLD_ELSEWHERE: [&str; 14] = [
    "url",
    "ref",
    "referrer",
    "title",
    "width",
    "tz",
    "lang",
    "webdriver",
    "source",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_content",
    "utm_term",
];

/// Ids of people, which stay out whatever they look like.
const OF_PEOPLE: [&str; 5] = ["user", "user_id", "session", "session_id", "email"];

/// What a property of an event is called by whose own name a fact about the page is known.
const PROPERTY: &str = "prop_";

/// What is put in the place of what was taken out.
const TAKEN_OUT: &str = "…";

static PERSONAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let patterns = [
        // E-mail addresses, also as they stand in a query.
        r"(?i)[a-z0-9._+'-]+(?:@|%40)[a-z0-9-]+(?:\.[a-z0-9-]+)+",
        // Signed tokens: three parts of base64, the first of which begins a JSON object.
        r"eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?",
        // What follows a word that says what it is.
        r"(?i)\b(?:bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}",
        r#"(?i)\b(?:password|passwd|secret|token|api[_-]?key|authorization|session[_-]?id)["']?\s*[:=]\s*["']?(?:(?:bearer|basic)\s+)?[^\s"'&,;]+"#,
        // Addresses of machines.
        r"\b(?:\d{1,3}\.){3}\d{1,3}\b",
        r"(?i)\b(?:[0-9a-f]{1,4}:){4,7}[0-9a-f]{1,4}\b",
        // Long numbers: of cards and accounts.
        r"\+?\b\d(?:[ -]?\d){13,18}\b",
        // Long names that no person has made up: keys, hashes, UUIDs.
        r"(?i)\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b",
        r"\b[A-Za-z0-9_-]{32,}\b",
        r"(?i)\b[0-9a-f]{20,}\b",
    ];
    Regex::new(&patterns.join("|")).ok()
});

/// An address's query and fragment, up to where it ends.
static QUERY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(https?://[^\s"'<>?#]*|(?:^|\s)/[^\s"'<>?#]*)\?([^\s"'<>#]*)(#[^\s"'<>)]*)?"#)
        .ok()
});

/// What `payload` tells beside its dimensions, scrubbed: a JSON object, `{}` if there is nothing.
pub(super) fn payload(payload: &Payload<'_>, event: &EventType) -> Cow<'static, str> {
    let mut kept = serde_json::Map::new();
    let is_kept = |key: &str| {
        let own = key.strip_prefix(PROPERTY).unwrap_or(key);
        !TOLD_ELSEWHERE.contains(&key) && !OF_PEOPLE.contains(&own)
    };
    for (key, fact) in payload.meta.facts().filter(|(key, _)| is_kept(key)) {
        kept.insert(text(key, event).into_owned(), value(fact.clone().into_value(), event));
    }
    if kept.is_empty() { "{}".into() } else { Value::Object(kept).to_string().into() }
}

fn value(found: Value, event: &EventType) -> Value {
    match found {
        Value::String(found) => Value::String(text(&found, event).into_owned()),
        Value::Array(list) => list.into_iter().map(|found| value(found, event)).collect(),
        Value::Object(object) => object
            .into_iter()
            .map(|(key, found)| (text(&key, event).into_owned(), value(found, event)))
            .collect(),
        // A number may be one of a card.
        Value::Number(number) => {
            let written = number.to_string();
            match text(&written, event) {
                Cow::Borrowed(_) => Value::Number(number),
                Cow::Owned(scrubbed) => Value::String(scrubbed),
            }
        }
        plain => plain,
    }
}

/// `text` without what tells who somebody is: the values of queries but for those that `event` keeps,
/// e-mail addresses, tokens, addresses of machines, and long numbers.
pub(super) fn text<'t>(text: &'t str, event: &EventType) -> Cow<'t, str> {
    // Without its patterns nothing would be safe to keep.
    let (Some(personal), Some(query)) = (&*PERSONAL, &*QUERY) else { return TAKEN_OUT.into() };
    let without_queries = query.replace_all(text, |found: &Captures<'_>| {
        let part = |at: usize| found.get(at).map_or("", |part| part.as_str());
        format!("{}?{}", part(1), kept_query(part(2), event))
    });
    let taken_out = |found: &Captures<'_>| {
        let found = found.get(0).map_or("", |found| found.as_str());
        // A long name without a digit was made up by a person: that of a file or a function.
        let plain = found.bytes().all(|byte| byte.is_ascii_alphabetic() || b"-_".contains(&byte));
        if plain { found.to_owned() } else { TAKEN_OUT.to_owned() }
    };
    match personal.replace_all(&without_queries, taken_out) {
        Cow::Borrowed(_) => without_queries,
        Cow::Owned(scrubbed) => scrubbed.into(),
    }
}

/// The names of a query, and the values of those that are kept.
fn kept_query(query: &str, event: &EventType) -> String {
    let pair = |pair: &str| {
        let name = pair.split('=').next().unwrap_or_default();
        let kept = event.query_kept.iter().any(|kept| kept == name);
        if kept { pair.to_owned() } else { format!("{name}={TAKEN_OUT}") }
    };
    query.split('&').map(pair).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;
    use crate::config;

    fn event() -> std::sync::Arc<EventType> {
        let written = "[event.error]\nidentifier = \"key\"\nquery_kept = [\"page\"]\n";
        let registry = config::parse(written, "beacons.toml").unwrap();
        std::sync::Arc::clone(registry.event("error").unwrap())
    }

    #[test]
    fn what_tells_who_somebody_is_goes() {
        let event = event();
        for (found, kept) in [
            ("user jo.doe+x@mail.example.org failed", "user … failed"),
            (
                "at https://a.example/x?page=2&token=abc#me and on",
                "at https://a.example/x?page=2&… and on",
            ),
            ("/login?email=jo%40mail.example", "/login?email=…"),
            ("jo%40mail.example", "…"),
            ("Authorization: Bearer abcdefgh12345678", "…"),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_", "…"),
            ("from 192.0.2.17 and 2001:db8:0:0:0:0:0:17", "from … and …"),
            ("card 4111 1111 1111 1111", "card …"),
            ("123e4567-e89b-12d3-a456-426614174000", "…"),
            ("password=hunter2 x", "… x"),
            ("deadbeef00deadbeef00dead", "…"),
        ] {
            assert_eq!(text(found, &event), kept, "{found}");
        }
    }

    #[test]
    fn what_tells_what_went_wrong_stays() {
        let event = event();
        for plain in [
            "TypeError: Cannot read properties of undefined (reading 'length')",
            "at render (https://a.example/assets/app-1f2e3d.js:10:2345)",
            "2026-11-24 12:00 took 1234 ms, version 10.2.3",
            "a/b?c",
            "1732446000000 is a time",
            "somewhat-longish-names-of-files-stay-readable.js",
        ] {
            assert_eq!(text(plain, &event), plain);
        }
    }

    #[test]
    fn a_payload_keeps_what_no_dimension_tells() {
        let body = br#"{"event_type":"error","identifier":"x","meta":{"url":"https://a.example/?q=1","plan":"pro","n":7,"card":4111111111111111,"who":{"mail":"a@b.example","list":[1,"c@d.example"]},"user":"jo","prop_user":"jo"}}"#;
        let kept = payload(&Payload::from_json(body).unwrap(), &event());
        assert_eq!(kept, r#"{"card":"…","n":7,"plan":"pro","who":{"list":[1,"…"],"mail":"…"}}"#);
    }
}
