//! Which requests may change something.

use std::net::IpAddr;

use hyper::{HeaderMap, header, http::uri::Authority};

use crate::config::registry::Server;

/// Whether `Host` is a name of ours: that of `base_url`, the address that is listened on, or this machine's
/// own names, which no page of others can have. Without a `base_url` every name may be one.
pub(super) fn is_known_host(headers: &HeaderMap, server: &Server) -> bool {
    let Some(is_own) = is_own_name(headers, server) else { return true };
    let Ok(authority) = told(headers).parse::<Authority>() else { return false };
    let host = authority.host();
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    is_own
        || host.eq_ignore_ascii_case("localhost")
        || address.is_ok_and(|address| address.is_loopback() || Some(address) == server.listen.ip())
}

/// Whether `Host` is that of `base_url`; `None` without one.
pub(super) fn is_own_name(headers: &HeaderMap, server: &Server) -> Option<bool> {
    let own = authority(server.base_url.as_deref()?)?;
    Some(told(headers).eq_ignore_ascii_case(own))
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
