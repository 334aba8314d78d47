//! What is counted within an event type: taken as it was sent, or derived by the registry's rule.

use std::borrow::Cow;

use url::{Url, form_urlencoded};

use super::{Rejected, Request, fingerprint, page_address::PageAddress, payload::Payload};
use crate::{
    config::registry::{EventType, IdentifierRule},
    model::rejection::Reason,
};

/// The identifier of a beacon, or `None` where the event type has none.
///
/// # Errors
/// When there should be one and none can be told, or it is too long or not allowed.
pub fn of(
    payload: &Payload<'_>,
    address: &PageAddress,
    request: &Request<'_>,
    event: &EventType,
) -> Result<Option<String>, Rejected> {
    if event.identifier == IdentifierRule::None && payload.identifier.is_none() {
        return Ok(None);
    }
    let sent = payload.identifier.as_deref().map(str::trim).filter(|sent| !sent.is_empty());
    let identifier = match sent {
        Some(sent) => as_sent(sent, event)?,
        None => derived(payload, address, request, event)?,
    };
    let most = event.limits.identifier_bytes;
    if identifier.len() > most {
        let sentence = format!("the identifier has {} bytes, {most} are allowed", identifier.len());
        return Err(Rejected::new(Reason::IdentifierTooLong, sentence));
    }
    let allowed = &event.identifiers_allowed;
    if !allowed.is_empty() && !allowed.iter().any(|pattern| pattern.is_match(&identifier)) {
        let sentence = format!("the identifier is none that {} allows", event.name);
        return Err(Rejected::new(Reason::IdentifierNotAllowed, sentence));
    }
    Ok(Some(identifier))
}

/// The identifier that was sent, as `event` counts it.
///
/// # Errors
/// When it holds control characters, or nothing that can be seen.
pub fn as_sent(sent: &str, event: &EventType) -> Result<String, Rejected> {
    let shown = without_marks(sent);
    let shown = shown.trim();
    let first = || sent.chars().next().filter(|_| shown.is_empty());
    if let Some(control) = shown.chars().find(|c| is_forbidden(*c)).or_else(first) {
        let sentence =
            format!("the identifier holds the control character U+{:04X}", u32::from(control));
        return Err(Rejected::new(Reason::IdentifierNotAllowed, sentence));
    }
    let sent = shown;
    let url = sent.starts_with("http").then(|| Url::parse(sent).ok()).flatten();
    Ok(match (event.identifier, url) {
        (IdentifierRule::PagePath | IdentifierRule::RefererPath, Some(url)) => {
            page_path(&url, event)
        }
        (IdentifierRule::PagePath | IdentifierRule::RefererPath, None) => cleaned(sent, event),
        (IdentifierRule::CanonicalUrl, Some(url)) => canonical(&url),
        (IdentifierRule::SiteSection, Some(url)) => section(url.path()),
        (IdentifierRule::SiteSection, None) => section(sent),
        _ => sent.to_owned(),
    })
}

fn derived(
    payload: &Payload<'_>,
    address: &PageAddress,
    request: &Request<'_>,
    event: &EventType,
) -> Result<String, Rejected> {
    let meta = |key: &str| payload.meta.text(key).map(str::to_owned);
    let page = address.url.as_ref();
    let identifier = match event.identifier {
        IdentifierRule::PagePath => page.map(|url| page_path(url, event)),
        IdentifierRule::CanonicalUrl => page.map(canonical),
        IdentifierRule::SiteSection => page.map(|url| section(url.path())),
        IdentifierRule::RefererPath => {
            let referer = request.referer.and_then(|referer| Url::parse(referer).ok());
            referer.map(|url| page_path(&url, event))
        }
        IdentifierRule::Session => meta("session").or_else(|| meta("session_id")),
        IdentifierRule::User => meta("user").or_else(|| meta("user_id")),
        IdentifierRule::Fingerprint => fingerprint::of(payload, address, event),
        IdentifierRule::Key | IdentifierRule::None => None,
    };
    identifier.ok_or_else(|| {
        let wanted = match event.identifier {
            IdentifierRule::PagePath
            | IdentifierRule::CanonicalUrl
            | IdentifierRule::SiteSection => "send identifier, or the page's address as meta.url",
            IdentifierRule::RefererPath => "send identifier, or a Referer header",
            IdentifierRule::Session => "send identifier, or meta.session",
            IdentifierRule::User => "send identifier, or meta.user",
            IdentifierRule::Fingerprint => "send what went wrong as meta.message",
            IdentifierRule::Key | IdentifierRule::None => "send identifier",
        };
        let sentence = format!("{} needs an identifier: {wanted}", event.name);
        Rejected::new(Reason::IdentifierMissing, sentence)
    })
}

pub(super) fn page_path(url: &Url, event: &EventType) -> String {
    cleaned(&url[url::Position::BeforePath..url::Position::AfterQuery], event)
}

fn canonical(url: &Url) -> String {
    url[..url::Position::AfterPath].to_owned()
}

/// The first segment of a path: `/docs` of `/docs/home`, `/` of `/`.
fn section(path: &str) -> String {
    let end = path.find(['?', '#']).unwrap_or(path.len());
    let path = path.get(..end).unwrap_or(path);
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    format!("/{first}")
}

/// A path without what is not the page: its query but for the names that are kept, and session ids.
/// A fragment stays, because only pages that are routed by it send one.
fn cleaned(path: &str, event: &EventType) -> String {
    let (before, fragment) = match path.find('#') {
        Some(at) => path.split_at(at),
        None => (path, ""),
    };
    let (path, query) = before.split_once('?').unwrap_or((before, ""));
    let path = path.split(';').next().unwrap_or(path);
    let mut kept = form_urlencoded::Serializer::new(String::new());
    let mut any = false;
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        if event.query_kept.iter().any(|name| *name == key) {
            kept.append_pair(&key, &value);
            any = true;
        }
    }
    let path = readable(if path.is_empty() { "/" } else { path });
    match (any, fragment) {
        (false, "") => path.into_owned(),
        (false, fragment) => format!("{path}{fragment}"),
        (true, fragment) => format!("{path}?{}{fragment}", kept.finish()),
    }
}

/// A path with letters of all scripts instead of their escapes. Escapes of ASCII stay: decoded, they
/// could mean something else.
fn readable(path: &str) -> Cow<'_, str> {
    if !path.contains('%') {
        return path.into();
    }
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [byte, tail @ ..] = rest {
        let escaped = (*byte == b'%').then(|| tail.get(..2)).flatten();
        let decoded = escaped
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
            .filter(|decoded| !decoded.is_ascii());
        bytes.push(decoded.unwrap_or(*byte));
        rest = if decoded.is_some() { tail.get(2..).unwrap_or_default() } else { tail };
    }
    match String::from_utf8(bytes) {
        Ok(text) if !text.chars().any(is_forbidden) && without_marks(&text) == text => text.into(),
        _ => path.into(),
    }
}

/// A text without marks of direction, which texts show without too, and without joiners that join nothing: that would
/// be another name which looks the same.
fn without_marks(text: &str) -> Cow<'_, str> {
    if !text.contains(|c| is_mark(c) || is_joiner(c)) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        let joins = || shown.chars().next_back().is_some_and(|c| !c.is_ascii() && !is_joiner(c));
        if !is_mark(c) && (!is_joiner(c) || joins()) {
            shown.push(c);
        }
    }
    shown.into()
}

/// The marks that only say in which direction their neighbours run.
const fn is_mark(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}')
}

/// What joins letters or keeps them apart: Persian and the scripts of India are spelled with it, and families of emoji
/// are made with it.
const fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// Control characters, and those that change the direction or the look of what follows.
pub(super) fn is_forbidden(c: char) -> bool {
    c.is_control()
        || is_mark(c)
        || matches!(c, '\u{200b}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
            | '\u{feff}' | '\u{fffe}' | '\u{ffff}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: &str) {
        let mut event = EventType::bare("page_view");
        event.query_kept = vec!["id".to_owned()];
        assert_eq!(cleaned(path, &event), expected);
    }

    #[test]
    fn a_path_keeps_only_what_tells_the_page() {
        check("/docs/home", "/docs/home");
        check("/docs?utm_source=x&fbclid=y", "/docs");
        check("/docs?utm_source=x&id=7&gclid=1", "/docs?id=7");
        check("/a;jsessionid=123?id=1", "/a?id=1");
        check("/app?x=1#/settings", "/app#/settings");
        check("", "/");
        check("signup", "signup");
    }

    #[test]
    fn letters_of_all_scripts_are_readable_and_other_escapes_stay() {
        check("/caf%C3%A9", "/café");
        check("/a%2Fb%20c", "/a%2Fb%20c");
        check("/%C3", "/%C3");
        check("/100%", "/100%");
        check("/%E2%80%AE", "/%E2%80%AE");
        check("/%D9%85%DB%8C%E2%80%8C%D8%AE", "/می\u{200c}خ");
        check("/a%E2%80%8C", "/a%E2%80%8C");
        check("/%D7%90%E2%80%8F", "/%D7%90%E2%80%8F");
    }

    #[test]
    fn texts_of_all_scripts_are_identifiers_and_what_only_looks_the_same_is_no_other() {
        let event = EventType { identifier: IdentifierRule::Key, ..EventType::bare("a") };
        let told = |sent: &str| as_sent(sent, &event).ok();
        for sent in ["می\u{200c}خواهم", "क्\u{200d}ष", "👩\u{200d}👧", "🏳\u{fe0f}\u{200d}🌈"]
        {
            assert_eq!(told(sent).as_deref(), Some(sent));
        }
        for (sent, shown) in [
            ("שלום\u{200f}!", "שלום!"),
            ("\u{200e}a ", "a"),
            ("pay\u{200d}pal", "paypal"),
            ("\u{200c}a", "a"),
            ("é\u{200d}\u{200d}a", "é\u{200d}a"),
        ] {
            assert_eq!(told(sent).as_deref(), Some(shown));
        }
        for sent in
            ["\u{200f}", "\u{200d}", "a\u{200b}b", "a\u{202e}b", "a\u{2066}b\u{2069}", "a\u{feff}"]
        {
            assert_eq!(told(sent), None, "{sent:?}");
        }
    }

    #[test]
    fn a_section_is_the_first_segment() {
        for (path, first) in [("/", "/"), ("/docs", "/docs"), ("/docs/home?x", "/docs")] {
            assert_eq!(section(path), first);
        }
    }
}
