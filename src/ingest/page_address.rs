//! The address of the page that a beacon is about, from whatever tells it.

use std::borrow::Cow;

use url::Url;

use super::{Request, payload::Payload};

/// Where the page is: its host, and its address as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageAddress {
    /// The page's host, lower case, without a port.
    pub host: Option<String>,
    /// The page's address, if path and query are known.
    pub url: Option<Url>,
}

impl PageAddress {
    /// The page of a beacon: `meta.url` if that is an address, else what its headers tell.
    ///
    /// A `Referer` tells the path only when it has one: across origins browsers send the origin
    /// alone, and taking its `/` for the page's path would count every page as the first.
    pub fn of(payload: &Payload<'_>, request: &Request<'_>) -> Self {
        let own = payload.meta.text("url").and_then(web_address);
        let named = || payload.identifier.as_deref().and_then(web_address);
        let host = |url: &Url| url.host_str().map(ToOwned::to_owned);
        if let Some(url) = own.or_else(named) {
            return Self { host: host(&url), url: Some(url) };
        }
        let referer = request.referer.and_then(web_address);
        let origin = request.origin.and_then(web_address);
        let host = origin.as_ref().or(referer.as_ref()).and_then(host);
        Self { host, url: referer.filter(|url| is_whole(url, request)) }
    }

    /// The value of the query parameter `name` of the page, not empty.
    pub fn parameter(&self, name: &str) -> Option<Cow<'_, str>> {
        let mut parameters = self.url.as_ref()?.query_pairs();
        parameters.find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value)
    }
}

/// `host` in lower case, without a port, brackets or a trailing dot.
pub fn bare_host(host: &str) -> String {
    let host = host.trim();
    let without_port = match host.rfind(':') {
        Some(colon) if !host.ends_with(']') => host.get(..colon).unwrap_or(host),
        _ => host,
    };
    without_port.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase()
}

/// `text` as an http or https address with a host.
fn web_address(text: &str) -> Option<Url> {
    let text = text.trim();
    if !text.starts_with("http") {
        return None;
    }
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

fn is_whole(referer: &Url, request: &Request<'_>) -> bool {
    let is_same_origin =
        request.host.map(bare_host).as_deref() == referer.host_str() && request.host.is_some();
    is_same_origin || referer.path() != "/" || referer.query().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_lose_what_is_not_the_host() {
        for (host, bare) in [
            ("Example.com:8080", "example.com"),
            ("[::1]:80", "::1"),
            ("[::1]", "::1"),
            ("example.com.", "example.com"),
        ] {
            assert_eq!(bare_host(host), bare);
        }
    }

    #[test]
    fn only_web_addresses_are_addresses() {
        for text in ["javascript:alert(1)", "/docs", "http://", "ftp://a/b", "httpfoo"] {
            assert_eq!(web_address(text), None, "{text}");
        }
        assert!(web_address(" https://example.com/a?b#c ").is_some());
    }
}
