//! Single values of the file: text and numbers become checked types here, once.

use std::{net::IpAddr, ops::RangeInclusive, path::PathBuf};

use jiff::tz::TimeZone;
use toml::Spanned;

use super::{
    error::{Fault, quoted},
    nearest,
    registry::Prefix,
};
use crate::model::period::Granularity;

/// How long something lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Duration {
    /// This many seconds.
    Seconds(u32),
    /// Without an end.
    Forever,
}

/// Seconds in a day of the file, which knows no change of clocks.
pub(super) const DAY_SECONDS: u32 = 86_400;

/// The longest name of an event type, a measure, a key of `meta` or a query parameter, in bytes.
pub(super) const NAME_BYTES_MAX: usize = 64;

/// The one of `words` that `text` is; `what` names the thing in the error.
pub(super) fn word<T: Copy>(
    what: &str,
    text: &Spanned<String>,
    words: &[(&str, T)],
) -> Result<T, Fault> {
    let written = text.get_ref();
    words.iter().find(|(word, _)| word == written).map(|(_, meaning)| *meaning).ok_or_else(|| {
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let hint = nearest::hint(written, &names);
        Fault::at(text, format!("{} is not {what}{hint}", quoted(written)))
    })
}

/// Every member of a list, which may be left out, checked by `read`.
pub(super) fn list<T>(
    written: Option<&Vec<Spanned<String>>>,
    read: impl Fn(&Spanned<String>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    written.into_iter().flatten().map(read).collect()
}

/// The members of a list; none may stand there twice.
pub(super) fn distinct<T: PartialEq>(
    written: Option<&Vec<Spanned<String>>>,
    read: impl Fn(&Spanned<String>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let mut members = Vec::new();
    for text in written.into_iter().flatten() {
        let member = read(text)?;
        if members.contains(&member) {
            let message = format!("{} is listed twice; remove one", quoted(text.get_ref()));
            return Err(Fault::at(text, message));
        }
        members.push(member);
    }
    Ok(members)
}

/// A name that the owner has chosen freely, for `what`: one line of text.
pub(super) fn free_name(what: &str, text: &Spanned<String>) -> Result<String, Fault> {
    let plain = text.get_ref().trim();
    if !plain.is_empty() && plain.len() <= NAME_BYTES_MAX && !plain.contains(char::is_control) {
        return Ok(plain.to_owned());
    }
    let message = format!(
        "{} can't be the name of {what}; use 1 to {NAME_BYTES_MAX} bytes of text",
        quoted(plain)
    );
    Err(Fault::at(text, message))
}

/// A name that must be one of `known`, which are called `what`.
pub(super) fn known_name(
    what: &str,
    text: &Spanned<String>,
    known: &[&str],
) -> Result<String, Fault> {
    let name = text.get_ref();
    if known.contains(&&**name) {
        return Ok(name.clone());
    }
    let hint = nearest::hint(name, known);
    Err(Fault::at(text, format!("no {what} is called {}{hint}", quoted(name))))
}

/// The granularity that `text` names.
pub(super) fn granularity(text: &Spanned<String>) -> Result<Granularity, Fault> {
    word("a granularity", text, &Granularity::ALL.map(|one| (one.as_str(), one)))
}

/// A whole number within `range`.
pub(super) fn number<T: TryFrom<i64>>(
    name: &str,
    value: &Spanned<i64>,
    range: RangeInclusive<i64>,
) -> Result<T, Fault> {
    let found = *value.get_ref();
    let checked = if range.contains(&found) { T::try_from(found).ok() } else { None };
    checked.ok_or_else(|| {
        let (min, max) = (range.start(), range.end());
        Fault::at(value, format!("{name} = {found} is out of range; use {min} to {max}"))
    })
}

/// A duration: a whole number and its unit, or "forever".
pub(super) fn duration(text: &Spanned<String>) -> Result<Duration, Fault> {
    let written = text.get_ref();
    if written == "forever" {
        return Ok(Duration::Forever);
    }
    let digits = written.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = match written.get(digits.len()..) {
        Some("s") => Some(1),
        Some("m") => Some(60),
        Some("h") => Some(3600),
        Some("d") => Some(DAY_SECONDS),
        Some("w") => Some(7 * DAY_SECONDS),
        Some("y") => Some(365 * DAY_SECONDS),
        _ => None,
    };
    let written_plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let Some(unit) = unit.filter(|_| written_plain) else {
        return Err(Fault::at(
            text,
            format!(
                "{} is not a duration; write a whole number and s, m, h, d, w or y, such as \
                 \"90d\", or \"forever\"",
                quoted(written)
            ),
        ));
    };
    let seconds = digits.parse::<u32>().ok().and_then(|count| count.checked_mul(unit));
    seconds.map(Duration::Seconds).ok_or_else(|| {
        Fault::at(text, format!("{} is too long; write \"forever\"", quoted(written)))
    })
}

/// A zone of the IANA database and its name there.
pub(super) fn zone(text: &Spanned<String>) -> Result<(TimeZone, String), Fault> {
    let written = text.get_ref();
    match TimeZone::get(written) {
        Ok(zone) => {
            let name = zone.iana_name().unwrap_or(written).to_owned();
            Ok((zone, name))
        }
        Err(_) => {
            let names: Vec<String> =
                jiff::tz::db().available().map(|name| name.as_str().to_owned()).collect();
            let hint = match nearest::hint(written, &names) {
                hint if hint.is_empty() => {
                    "; write an IANA name such as \"Europe/Berlin\"".to_owned()
                }
                hint => hint,
            };
            Err(Fault::at(text, format!("unknown time zone {}{hint}", quoted(written))))
        }
    }
}

/// An address (a network of one) or a network.
pub(super) fn prefix(text: &Spanned<String>) -> Result<Prefix, Fault> {
    parse_prefix(text.get_ref()).ok_or_else(|| {
        Fault::at(
            text,
            format!(
                "{} is neither an address nor a network; write one such as \"192.0.2.7\", \
                 \"10.0.0.0/8\" or \"2001:db8::/32\"",
                quoted(text.get_ref())
            ),
        )
    })
}

fn parse_prefix(text: &str) -> Option<Prefix> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) if bits.bytes().all(|byte| byte.is_ascii_digit()) => {
            (address, Some(bits.parse::<u8>().ok()?))
        }
        Some(_) => return None,
        None => (text, None),
    };
    let written: IpAddr = address.parse().ok()?;
    let address = written.to_canonical();
    // An IPv4 address in IPv6 clothes counts its bits from the 97th.
    let bits = match bits {
        Some(bits) if written.is_ipv6() && address.is_ipv4() => Some(bits.checked_sub(96)?),
        bits => bits,
    };
    let bits_max = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or(bits_max);
    (bits <= bits_max).then_some(Prefix { address, bits })
}

/// A host: lower case, in the ASCII form that browsers send.
pub(super) fn host(text: &Spanned<String>) -> Result<String, Fault> {
    let written = text.get_ref();
    let parsed = url::Host::parse(written.strip_suffix('.').unwrap_or(written));
    let valid = match &parsed {
        Ok(url::Host::Domain(domain)) => {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            domain.len() <= 253
                && domain
                    .split('.')
                    .all(|label| !label.is_empty() && label.len() <= 63 && label.chars().all(plain))
        }
        Ok(_) => true,
        Err(_) => false,
    };
    match parsed {
        Ok(host) if valid => Ok(host.to_string()),
        _ => Err(Fault::at(
            text,
            format!(
                "{} is not a host; write it alone, such as \"example.com\", without \"https://\", \
                 port, path or \"*\"",
                quoted(written)
            ),
        )),
    }
}

/// An origin, as browsers write it in their `Origin` header: scheme, host, and port where it isn't
/// the scheme's own.
pub(super) fn origin(text: &Spanned<String>) -> Result<String, Fault> {
    let written = text.get_ref();
    url::Url::parse(written)
        .ok()
        .filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.path() == "/"
                && url.query().is_none()
                && url.fragment().is_none()
                && url.username().is_empty()
                && url.password().is_none()
        })
        .map(|url| url.origin().ascii_serialization())
        .ok_or_else(|| {
            Fault::at(
                text,
                format!(
                    "{} is not a web address without a path; write one such as \
                     \"https://example.com\"",
                    quoted(written)
                ),
            )
        })
}

/// The address under which browsers find a server, a path included; without a slash at its end.
pub(super) fn base(text: &Spanned<String>) -> Result<String, Fault> {
    let is_plain = |path: &str| {
        path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte))
            && !path.contains("//")
    };
    let written = text.get_ref();
    let url = url::Url::parse(written).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && is_plain(url.path())
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    });
    let path = |url: &url::Url| url.path().trim_end_matches('/').to_owned();
    url.map(|url| format!("{}{}", url.origin().ascii_serialization(), path(&url))).ok_or_else(
        || {
            Fault::at(
                text,
                format!(
                    "{} is not a web address; write one such as \"https://example.com\" or \
                 \"https://example.com/stats\"",
                    quoted(written)
                ),
            )
        },
    )
}

/// The path of a file or folder.
pub(super) fn path(text: &Spanned<String>) -> Result<PathBuf, Fault> {
    if text.get_ref().is_empty() || text.get_ref().contains('\0') {
        return Err(Fault::at(text, "this must be the path of a file"));
    }
    Ok(PathBuf::from(text.get_ref()))
}

/// A number with up to three decimals, in thousandths.
pub(super) fn thousandths(value: &Spanned<f64>) -> Result<i64, Fault> {
    const BOUND_MAX: f64 = 1e12;
    let found = *value.get_ref();
    if !(0.0..=BOUND_MAX).contains(&found) {
        return Err(Fault::at(value, format!("{found} is out of range; use 0 to {BOUND_MAX}")));
    }
    // Through decimal text, so that 0.1 becomes 100 and nothing is rounded without a word.
    let decimal = format!("{:.3}", found.abs());
    let exact = decimal.parse() == Ok(found);
    let digits = decimal.replace('.', "").parse();
    digits.ok().filter(|_| exact).ok_or_else(|| {
        Fault::at(value, format!("{found} has too many decimals; write three at most"))
    })
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;

    fn check<T: Debug + PartialEq>(
        read: impl Fn(&Spanned<String>) -> Result<T, Fault>,
        text: &str,
        expected: Option<T>,
    ) {
        assert_eq!(read(&Spanned::new(0..1, text.to_owned())).ok(), expected, "{text}");
    }

    #[test]
    fn durations_are_a_number_and_a_unit() {
        for (text, seconds) in
            [("10s", 10), ("0s", 0), ("5m", 300), ("2h", 7200), ("1w", 604_800), ("3y", 94_608_000)]
        {
            check(duration, text, Some(Duration::Seconds(seconds)));
        }
        check(duration, "forever", Some(Duration::Forever));
        for text in ["", "d", "10", "-1d", "1.5d", "1 d", "+1d", "10D", "1d1h", "٣d", "999y"] {
            check(duration, text, None);
        }
    }

    #[test]
    fn networks_are_an_address_and_its_leading_bits() {
        let network = |address: &str, bits| Some(Prefix { address: address.parse().ok()?, bits });
        check(prefix, "127.0.0.1", network("127.0.0.1", 32));
        check(prefix, "10.0.0.0/8", network("10.0.0.0", 8));
        check(prefix, "0.0.0.0/0", network("0.0.0.0", 0));
        check(prefix, "2001:db8::/32", network("2001:db8::", 32));
        check(prefix, "::1", network("::1", 128));
        check(prefix, "::ffff:10.0.0.0/104", network("10.0.0.0", 8));
        check(prefix, "::ffff:10.0.0.1", network("10.0.0.1", 32));
        for text in [
            "",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0/8",
            "host",
            "::ffff:1.2.3.4/95",
        ] {
            check(prefix, text, None);
        }
    }

    #[test]
    fn hosts_are_lower_case_and_ascii() {
        check(host, "Example.COM", Some("example.com".to_owned()));
        check(host, "example.com.", Some("example.com".to_owned()));
        check(host, "bücher.example", Some("xn--bcher-kva.example".to_owned()));
        check(host, "localhost", Some("localhost".to_owned()));
        check(host, "[::1]", Some("[::1]".to_owned()));
        for text in [
            "",
            "https://example.com",
            "example.com:80",
            "example.com/",
            "*.example.com",
            "a..b",
            "a b",
        ] {
            check(host, text, None);
        }
    }

    #[test]
    fn origins_have_no_path() {
        check(origin, "https://Example.com", Some("https://example.com".to_owned()));
        check(origin, "https://example.com:443/", Some("https://example.com".to_owned()));
        check(origin, "http://localhost:8080", Some("http://localhost:8080".to_owned()));
        for text in [
            "",
            "example.com",
            "ftp://example.com",
            "https://example.com/a",
            "https://u@example.com",
            "https://example.com?a",
        ] {
            check(origin, text, None);
        }
    }

    #[test]
    fn a_server_may_have_a_path() {
        check(base, "https://Example.com/", Some("https://example.com".to_owned()));
        check(base, "https://example.com/stats/", Some("https://example.com/stats".to_owned()));
        check(base, "http://localhost:8080/a/b", Some("http://localhost:8080/a/b".to_owned()));
        for text in [
            "",
            "example.com/a",
            "https://example.com/a?b",
            "https://example.com//a",
            "https://a.example/é\"",
        ] {
            check(base, text, None);
        }
    }

    #[test]
    fn thousandths_are_exact() {
        for (number, expected) in [
            (0.0, Some(0)),
            (-0.0, Some(0)),
            (0.1, Some(100)),
            (2.675, Some(2675)),
            (1800.0, Some(1_800_000)),
        ] {
            assert_eq!(thousandths(&Spanned::new(0..1, number)).ok(), expected, "{number}");
        }
        for number in [0.0001, -1.0, 1e13, f64::NAN, f64::INFINITY] {
            assert!(thousandths(&Spanned::new(0..1, number)).is_err(), "{number}");
        }
    }
}
