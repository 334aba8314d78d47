//! Leave for other origins to send beacons: on ingest paths alone, which read no cookies.
//!
//! `sendBeacon` with a JSON body is always sent with credentials, and for such requests browsers
//! take no `*` for an answer, neither for the origin nor for header names: both are echoed.

use hyper::{
    HeaderMap, StatusCode,
    header::{self, HeaderValue},
};

use super::respond::{self, Answer};

/// The longest list of header names that is echoed, in bytes.
const NAMES_MAX: usize = 1024;

/// The header names that are allowed when those asked for can't be echoed.
const NAMES: &str = "content-type, x-umami-cache, authorization, x-requested-with, x-site-uuid";

/// The answer to a preflight request.
pub(super) fn preflight(request: &HeaderMap) -> Answer {
    let mut answer = respond::empty(StatusCode::NO_CONTENT);
    allow(&mut answer, Origin::of(request));
    let asked = request.get(header::ACCESS_CONTROL_REQUEST_HEADERS);
    let names = asked.filter(|names| is_token_list(names.as_bytes())).cloned();
    let headers = answer.headers_mut();
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        names.unwrap_or(HeaderValue::from_static(NAMES)),
    );
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, POST, OPTIONS"),
    );
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    headers
        .insert(header::VARY, HeaderValue::from_static("Origin, Access-Control-Request-Headers"));
    answer
}

/// Where a request comes from, if it says so.
#[derive(Debug)]
pub(super) struct Origin(Option<HeaderValue>);

impl Origin {
    /// That of the request with these headers.
    pub(super) fn of(request: &HeaderMap) -> Self {
        Self(request.get(header::ORIGIN).cloned())
    }
}

/// Allows `origin` to read `answer`, whatever that says.
pub(super) fn allow(answer: &mut Answer, Origin(origin): Origin) {
    let headers = answer.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
}

/// Whether `names` is a list of header names and nothing else (RFC 9110, section 5.6.2).
fn is_token_list(names: &[u8]) -> bool {
    let is_token = |b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b);
    !names.is_empty()
        && names.len() <= NAMES_MAX
        && names.iter().all(|b| is_token(b) || matches!(b, b',' | b' ' | b'\t'))
        // With credentials, `*` is a name like any other and allows nothing.
        && names != b"*"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lists_of_names_are_echoed() {
        for (names, echoed) in [
            ("content-type", true),
            ("authorization,content-type, x-umami-cache", true),
            ("", false),
            ("*", false),
            ("a: b", false),
            ("content-type;", false),
        ] {
            assert_eq!(is_token_list(names.as_bytes()), echoed, "{names}");
        }
    }
}
