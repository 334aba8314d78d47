//! Which requests may change something.

use std::net::IpAddr;

use hyper::{HeaderMap, header, http::uri::Authority};

use crate::config::registry::{Access, Server};

/// Whether `Host` is a name of ours: that of `base_url`, the address that is listened on, or this machine's
/// own names, which no page of others can have. Without a `base_url` every name may be one, unless nobody
/// signs in: then a name that others can give to this machine would let their pages read all.
pub(super) fn is_known_host(headers: &HeaderMap, server: &Server) -> bool {
    match is_own_name(headers, server) {
        Some(is_own) => {
            is_own
                || is_near_name(headers, |address| {
                    address.is_loopback() || Some(address) == server.listen.ip()
                })
        }
        None => server.access != Access::Open || is_near_name(headers, |_| true),
    }
}

/// Whether `Host` is a name that a page of others can't have been loaded under: this machine's, or an address.
pub(super) fn is_near_host(headers: &HeaderMap) -> bool {
    is_near_name(headers, |_| true)
}

fn is_near_name(headers: &HeaderMap, is_own_address: impl Fn(IpAddr) -> bool) -> bool {
    let Ok(authority) = told(headers).parse::<Authority>() else { return false };
    let host = authority.host();
    match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(address) => is_own_address(address),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

/// Whether `Host` is the name in `base_url`; `None` without one. Its port makes no difference, as proxies pass it on
/// or not, nor does a dot at the end of the name.
pub(super) fn is_own_name(headers: &HeaderMap, server: &Server) -> Option<bool> {
    let url = server.base_url.as_deref()?;
    let name = |text: &str| {
        let authority: Authority = text.parse().ok()?;
        let host = authority.host();
        Some(host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase())
    };
    Some(name(told(headers)).is_some_and(|told| Some(told) == authority(url).and_then(name)))
}

/// The name in an address, with its port if there is one.
fn authority(url: &str) -> Option<&str> {
    url.split_once("://")?.1.split('/').next()
}

fn told(headers: &HeaderMap) -> &str {
    headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default()
}

/// Whether a browser sends this from a page of ours: another site's page may not decide anything in the
/// name of who looks at it. What says nothing of where it comes from is taken if it `may_be_program`.
pub(super) fn is_own(headers: &HeaderMap, base_url: Option<&str>, may_be_program: bool) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    // The browser itself says this, and it knows what a proxy may have hidden from us.
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return may_be_program };
    let Some((_, host)) = origin.to_str().ok().and_then(|origin| origin.split_once("://")) else {
        return false;
    };
    Some(host) == text(header::HOST.as_str()) || Some(host) == base_url.and_then(authority)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;

    #[test]
    fn a_form_comes_from_a_page_of_ours() {
        let check = |told: &[(&'static str, &'static str)], expected: [bool; 2]| {
            let mut headers = HeaderMap::new();
            for (name, value) in told {
                headers.insert(*name, value.parse().unwrap());
            }
            for (may_be_program, expected) in [true, false].into_iter().zip(expected) {
                let own = is_own(&headers, Some("https://stats.example/x"), may_be_program);
                assert_eq!(own, expected, "{told:?}");
            }
        };
        check(&[("host", "a.example")], [true, false]);
        for (origin, expected) in [
            ("http://a.example", true),
            ("https://stats.example", true),
            ("https://evil.example", false),
            ("https://a.example.evil.example", false),
            ("null", false),
            ("", false),
        ] {
            check(&[("host", "a.example"), ("origin", origin)], [expected; 2]);
        }
        for site in ["cross-site", "same-site", "none", ""] {
            check(&[("host", "a.example"), ("sec-fetch-site", site)], [false; 2]);
        }
        check(&[("host", "inner:80"), ("sec-fetch-site", "same-origin")], [true; 2]);
    }
}
