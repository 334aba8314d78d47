//! The address of the page before, reduced to what may be kept of it.

/// Longest referrer that is kept, in bytes.
const REFERRER_BYTES_MAX: usize = 512;

/// A referrer that counts: from another site, with a scheme that names one.
pub(super) struct Referrer {
    /// In lower case, with `www.` and without port; an app's package.
    pub(super) host: String,
    /// Host and path as they are kept.
    pub(super) text: String,
    /// The host is the package of an Android app.
    pub(super) is_app: bool,
}

/// Reads the address of the page before; `None` for what is neither a web page nor an app.
pub(super) fn parse(text: &str) -> Option<Referrer> {
    let (scheme, rest) = text.trim().split_once("://")?;
    let is_app = scheme.eq_ignore_ascii_case("android-app");
    if !is_app && !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
        return None;
    }
    let rest = rest.split(['?', '#']).next()?;
    let (authority, path) = rest.find(['/', '\\']).map_or((rest, ""), |at| rest.split_at(at));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = if host.starts_with('[') {
        host.split_inclusive(']').next()?
    } else {
        host.split(':').next()?
    };
    // A dot alone is the root of all hosts.
    let is_named = host.contains(|sign| sign != '.');
    if !is_named || host.chars().any(|sign| sign.is_whitespace() || sign.is_control()) {
        return None;
    }
    let host = host.to_lowercase();
    // A lone slash says nothing, and an app's address goes on with the page that it opened.
    let path = if is_app || path == "/" { "" } else { path };
    let text = cut(&format!("{host}{path}"), REFERRER_BYTES_MAX).to_owned();
    Some(Referrer { host, text, is_app })
}

/// A host as a name: without `www.`, `m.` and the root's dot.
pub(super) fn bare_host(host: &str) -> &str {
    let host = host.trim_end_matches('.');
    let bare =
        ["www.", "m."].into_iter().find_map(|prefix| host.strip_prefix(prefix)).unwrap_or(host);
    if bare.contains('.') { bare } else { host }
}

/// The longest part of `text` of whole characters that `bytes_max` bytes hold.
pub(super) fn cut(text: &str, bytes_max: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes_max)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(parse(text).map(|referrer| referrer.text).as_deref(), expected, "{text}");
    }

    #[test]
    fn host_and_path_are_kept() {
        check("https://www.Example.com/", Some("www.example.com"));
        check("http://user:pw@Blog.example:8080/Post?a=b#c", Some("blog.example/Post"));
        check("http://[::1]:80/x", Some("[::1]/x"));
        check("HTTPS://a.example?q", Some("a.example"));
        check("android-app://com.slack/https/a.example/", Some("com.slack"));
    }

    #[test]
    fn other_addresses_are_ignored() {
        for text in [
            "",
            " ",
            "null",
            "javascript:alert(1)",
            "about:blank",
            "file:///etc",
            "https://",
            "http:///x",
        ] {
            check(text, None);
        }
        for text in [
            "https://.",
            "https://../x",
            "https://a b/",
            "data://x",
            "//google.com/",
            "https://?q",
            "\u{0}",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn names_lose_what_all_hosts_have() {
        for (host, bare) in [
            ("www.a.example", "a.example"),
            ("m.a.example", "a.example"),
            ("www.com", "www.com"),
            ("a.example.", "a.example"),
        ] {
            assert_eq!(bare_host(host), bare, "{host}");
        }
    }
}
