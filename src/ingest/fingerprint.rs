//! What an error is, whoever met it and with whatever browser: its kind, its message without what
//! varies, and where in the site's own code it came up.

use std::{borrow::Cow, sync::LazyLock};

use regex::{Captures, Regex};
use url::Url;

use super::{page_address::PageAddress, payload::Payload, scrub};
use crate::config::registry::EventType;

/// How many frames of a stack are looked at.
const FRAMES_MAX: usize = 50;

/// What stands for a part that varies.
const VARIES: &str = "…";

/// Browsers say the same in words of their own: what a message begins with or holds, and the words
/// that stand for it here. The first that fits is taken.
const SAME_WORDS: [(&str, &str); 10] = [
    // Chromium; Firefox; WebKit.
    (r"^Cannot read propert(?:y|ies) .*of (undefined|null)", "$1 has no properties"),
    (r"^Cannot set propert(?:y|ies) .*of (undefined|null)", "$1 has no properties"),
    (r"^can't access property .* is (undefined|null)$", "$1 has no properties"),
    (r"^[\w.$\[\]()]+ is (undefined|null)$", "$1 has no properties"),
    (r"^(undefined|null) is not an object", "$1 has no properties"),
    (r"^Can't find variable: (\S+)$", "$1 is not defined"),
    (r"^(\S+) is not a function\. \(In .*$", "$1 is not a function"),
    (
        r"^(?:Unexpected token .* is not valid JSON|Unexpected (?:end of JSON|non-whitespace).*|JSON\.parse: .*|JSON Parse error: .*|Unexpected token .* in JSON at position.*|.* is not valid JSON)$",
        "invalid JSON",
    ),
    (
        r"^(?:Failed to fetch|NetworkError when attempting to fetch resource\.|Load failed|The network connection was lost\.)$",
        "a request failed",
    ),
    (r"^(?:Maximum call stack size exceeded\.?|too much recursion)$", "too much recursion"),
];

struct Patterns {
    same_words: Vec<(Regex, &'static str)>,
    kind: Regex,
    varying: Regex,
    frame: Regex,
    hash: Regex,
}

static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(|| {
    let same_words = SAME_WORDS.iter().map(|(pattern, words)| Ok((Regex::new(pattern)?, *words)));
    let patterns = || -> Result<Patterns, regex::Error> {
        Ok(Patterns {
            same_words: same_words.collect::<Result<_, regex::Error>>()?,
            kind: Regex::new(
                r"^(?:Uncaught )?(?:\(in promise\) )?([A-Z]\w*(?:Error|Exception))(?:: |$)",
            )?,
            varying: Regex::new(
                r#"'[^']*'|"[^"]*"|`[^`]*`|“[^”]*”|https?://\S+|\b\d[\d.,:_-]*\b|\b0x[0-9a-fA-F]+\b"#,
            )?,
            // Chromium: "at name (address:1:2)" or "at address:1:2"; others: "name@address:1:2".
            frame: Regex::new(
                r"^\s*(?:at )?(?:(.*?) ?[(@])?((?:https?|file|[a-z-]+-extension)://[^\s()]+?|<anonymous>|\[native code\])(?::\d+)?(?::\d+)?\)?$",
            )?,
            hash: Regex::new(r"[.-](?:[0-9a-f]{6,}|[A-Za-z0-9_]*\d[A-Za-z0-9_]*)(\.[a-z]+)$")?,
        })
    };
    patterns().ok()
});

/// Where in the code something came up.
#[derive(Debug, Default, PartialEq, Eq)]
struct Place {
    /// The path of the file, without a hash in its name.
    file: String,
    /// The function, if it has a name.
    function: String,
}

/// The name of the group of an error that says a `message` in its facts, with a `name`, a `stack` or
/// a `source` (the file's address); at most as long as `event` allows. `None` without a message.
pub(super) fn of(
    payload: &Payload<'_>,
    address: &PageAddress,
    event: &EventType,
) -> Option<String> {
    let patterns = PATTERNS.as_ref()?;
    let said = payload.meta.text("message")?;
    let (kind, message) = kind_and_message(payload, said, patterns);
    let page = address.url.as_ref();
    let stack = payload.meta.text("stack").unwrap_or_default();
    let place = own_frame(stack, address.host.as_deref(), page, patterns)
        .or_else(|| file(payload.meta.text("source")?, page, patterns))
        .unwrap_or_default();
    let mut name = format!("{kind}: {}", without_what_varies(message, patterns));
    name = scrub::text(&name, event).into_owned();
    let place = [place.file.as_str(), place.function.as_str()].join(" ");
    let place =
        if place.trim().is_empty() { String::new() } else { format!(" · {}", place.trim()) };
    let room = event.limits.identifier_bytes.saturating_sub(place.len());
    if name.len() > room {
        name.truncate(name.floor_char_boundary(room.saturating_sub(VARIES.len())));
        name.push_str(VARIES);
    }
    name.push_str(&place);
    name.truncate(name.floor_char_boundary(event.limits.identifier_bytes));
    Some(name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect())
}

fn kind_and_message<'m>(
    payload: &'m Payload<'_>,
    said: &'m str,
    patterns: &Patterns,
) -> (&'m str, &'m str) {
    let first_line = said.lines().next().unwrap_or_default().trim();
    let begins = patterns.kind.captures(first_line);
    let message = begins.as_ref().map_or(first_line, |found| {
        first_line.get(found.get(0).map_or(0, |all| all.end())..).unwrap_or_default()
    });
    let message = message.strip_prefix("Uncaught ").unwrap_or(message);
    let begins = begins.and_then(|found| found.get(1)).map(|kind| kind.as_str());
    let kind = payload.meta.text("name").or(begins).unwrap_or("Error");
    (kind, message)
}

fn without_what_varies<'m>(message: &'m str, patterns: &Patterns) -> Cow<'m, str> {
    for (pattern, words) in &patterns.same_words {
        if let Some(found) = pattern.captures(message) {
            let mut same = String::new();
            found.expand(words, &mut same);
            return same.into();
        }
    }
    patterns.varying.replace_all(message, VARIES)
}

/// The first frame of the stack in the site's own code; the first of all if none is.
fn own_frame(
    stack: &str,
    host: Option<&str>,
    page: Option<&Url>,
    patterns: &Patterns,
) -> Option<Place> {
    let mut first = None;
    for line in stack.lines().take(FRAMES_MAX) {
        let Some(found) = patterns.frame.captures(line) else { continue };
        let Some(url) = found.get(2).and_then(|url| Url::parse(url.as_str()).ok()) else {
            continue;
        };
        if !matches!(url.scheme(), "http" | "https") {
            continue;
        }
        let name = found.get(1).map_or("", |name| name.as_str());
        let Some(mut place) = file(url.as_str(), page, patterns) else { continue };
        place.function = function(name).to_owned();
        if url.host_str() == host {
            return Some(place);
        }
        first.get_or_insert(place);
    }
    first
}

/// The name of a function as all browsers write it: without the object, and nothing for one that has
/// none.
fn function(name: &str) -> &str {
    let name = name.trim().trim_end_matches("/<").trim_end_matches("/<");
    let name = name.split(" [as ").next().unwrap_or_default();
    let name = name.rsplit([' ', '*', '/']).next().unwrap_or_default();
    let name = name.rsplit('.').next().unwrap_or_default();
    match name {
        "<anonymous>" | "code" | "anonymous" | "?" => "",
        name => name.trim_end_matches('<'),
    }
}

/// The file at an address: its path without query and hash; what stands in the page itself is inline.
fn file(address: &str, page: Option<&Url>, patterns: &Patterns) -> Option<Place> {
    let url = Url::parse(address)
        .or_else(|_| page.map_or_else(|| Url::parse(address), |page| page.join(address)));
    let url = url.ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    if page.is_some_and(|page| page.path() == url.path() && page.host_str() == url.host_str()) {
        return Some(Place { file: "inline".to_owned(), function: String::new() });
    }
    let path = patterns.hash.replace(url.path(), |found: &Captures<'_>| {
        found.get(1).map_or(String::new(), |ending| ending.as_str().to_owned())
    });
    Some(Place { file: path.into_owned(), function: String::new() })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::config;

    fn event() -> Arc<EventType> {
        let registry = config::parse("", "beacons.toml").unwrap();
        Arc::clone(registry.event("error").unwrap())
    }

    fn group(meta: &serde_json::Value) -> Option<String> {
        let body = json!({ "event_type": "error", "meta": meta }).to_string();
        let payload = Payload::from_json(body.as_bytes()).unwrap();
        let page = Url::parse("https://shop.example/cart?x=1").unwrap();
        let address = PageAddress { host: Some("shop.example".to_owned()), url: Some(page) };
        of(&payload, &address, &event())
    }

    fn check(meta: &serde_json::Value, expected: &str) {
        assert_eq!(group(meta).as_deref(), Some(expected), "{meta}");
    }

    #[test]
    fn three_browsers_have_one_error() {
        let expected = "TypeError: undefined has no properties · /assets/app.js total";
        check(
            &json!({ "name": "TypeError", "message": "Cannot read properties of undefined (reading 'price')",
                "stack": "TypeError: Cannot read properties of undefined (reading 'price')\n    at Cart.total (https://shop.example/assets/app-1f2e3d4c.js:1:2345)\n    at https://cdn.example/lib.js:2:2" }),
            expected,
        );
        check(
            &json!({ "name": "TypeError", "message": "can't access property \"price\", item is undefined",
                "stack": "total@https://shop.example/assets/app-1f2e3d4c.js:1:2340\n@https://cdn.example/lib.js:2:2" }),
            expected,
        );
        check(
            &json!({ "name": "TypeError", "message": "undefined is not an object (evaluating 'item.price')",
                "stack": "total@https://shop.example/assets/app-99aa00bb.js:1:2349\nglobal code@https://cdn.example/lib.js:2:2" }),
            expected,
        );
        let expected = "ReferenceError: tracker is not defined · inline";
        check(
            &json!({ "message": "Uncaught ReferenceError: tracker is not defined", "source": "https://shop.example/cart" }),
            expected,
        );
        check(
            &json!({ "name": "ReferenceError", "message": "Can't find variable: tracker", "source": "https://shop.example/cart?a=1" }),
            expected,
        );
    }

    #[test]
    fn what_varies_is_left_out_and_what_tells_errors_apart_stays() {
        let stack = "Error: x\n    at https://cdn.example/lib.js:1:1\n    at async load (https://shop.example/js/load.js?v=2:3:4)";
        check(
            &json!({ "message": "user 4711 not found at https://a.example/x?y=1 in 'basket'", "stack": stack }),
            "Error: user … not found at … in … · /js/load.js load",
        );
        check(&json!({ "message": "Script error." }), "Error: Script error.");
        check(
            &json!({ "name": "ResourceError", "message": "img could not be loaded", "source": "/pictures/a.png" }),
            "ResourceError: img could not be loaded · /pictures/a.png",
        );
        check(&json!({ "message": "no letter for jo@mail.example" }), "Error: no letter for …");
        assert_eq!(group(&json!({ "name": "Error" })), None);
        let long = group(&json!({ "message": "x ".repeat(1000), "source": "/a.js" })).unwrap();
        assert!(
            long.len() <= event().limits.identifier_bytes && long.ends_with("… · /a.js"),
            "{long}"
        );
    }

    #[test]
    fn functions_are_called_the_same_everywhere() {
        for (written, name) in [
            ("Cart.total", "total"),
            ("new Cart", "Cart"),
            ("async load", "load"),
            ("async*load", "load"),
            ("load/<", "load"),
            ("Object.save [as onclick]", "save"),
            ("HTMLButtonElement.<anonymous>", ""),
            ("global code", ""),
            ("", ""),
        ] {
            assert_eq!(function(written), name, "{written}");
        }
    }
}
