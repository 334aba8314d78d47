//! What a request asks for, and of whom: a path, or a web address, and a host (RFC 9112, 3.2).

use hyper::Uri;

/// Whether `target` is a path, or an address whose host is that of the `Host` header; `*` for OPTIONS.
/// `None` when it is no target at all.
pub(super) fn is_of_host(method: &[u8], target: &[u8], host: Option<&[u8]>) -> Option<bool> {
    if target.iter().any(|byte| *byte <= b' ' || *byte == 0x7f) {
        return None;
    }
    if target.starts_with(b"/") || (target == b"*" && method == b"OPTIONS") {
        return Some(true);
    }
    let rest = [&b"http://"[..], b"https://"].into_iter().find_map(|scheme| {
        let start = target.get(..scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then(|| target.get(scheme.len()..)).flatten()
    })?;
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#'));
    let named = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
    match host {
        Some(host) => Some(named.eq_ignore_ascii_case(host)),
        None => is_host(named).then_some(true),
    }
}

/// Whether every character of `target` is one that may stand in an address as it is: what is not would be
/// refused later without a word.
pub(super) fn is_escaped(target: &[u8]) -> bool {
    // Nearly all: no other way is as quick.
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/.-_".contains(byte);
    (target.first() == Some(&b'/') && target.iter().all(is_plain))
        || !target.contains(&b'#') && Uri::try_from(target).is_ok()
}

/// Whether this is a host and perhaps a port (RFC 3986, 3.2.2), not empty.
pub(super) fn is_host(text: &[u8]) -> bool {
    let (host, port) = match text.first() {
        Some(b'[') => {
            let Some(end) = text.iter().position(|byte| *byte == b']') else { return false };
            let (inside, rest) = text.split_at(end);
            let is_address = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
            let inside = inside.get(1..).unwrap_or_default();
            if inside.len() < 2 || !inside.iter().all(is_address) {
                return false;
            }
            (inside, rest.get(1..).unwrap_or_default())
        }
        _ => text.split_at(text.iter().position(|byte| *byte == b':').unwrap_or(text.len())),
    };
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:".contains(byte);
    let is_port = match port.split_first() {
        None => true,
        Some((b':', digits)) => digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit),
        Some(_) => false,
    };
    (1..=255).contains(&host.len()) && host.iter().all(is_plain) && is_port
}
