//! The common log format and what Apache, nginx and lighttpd have made of it.
//!
//! `address ident user [time] "request" status size`, then maybe `"referrer" "user agent"`; the host
//! stands before it all, behind it all, or in the place of the ident. Quotes within quotes are written
//! `\"` by Apache and `\x22` by nginx; other bytes `\xHH` by both.

use std::borrow::Cow;

use super::{
    contract::{Line, Lines, LogFormat, Logged, client, told},
    time,
};

/// Where a log says which host was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Vhost {
    /// Nowhere.
    Untold,
    /// In front: Apache's `vhost_combined`.
    First,
    /// Second, where others have the ident: lighttpd.
    Second,
    /// At the end, quoted or not.
    Last,
}

/// One of these formats.
#[derive(Debug, Clone, Copy)]
struct Clf {
    vhost: Vhost,
    /// Whether referrer and user agent are told.
    combined: bool,
}

pub(super) const COMBINED: LogFormat = LogFormat {
    name: "combined",
    reader: || Box::new(Clf { vhost: Vhost::Untold, combined: true }),
    example: r#"192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /a?b=c HTTP/1.1" 200 20 "https://other.example/" "Mozilla/5.0 (X11)""#,
};

pub(super) const COMMON: LogFormat = LogFormat {
    name: "common",
    reader: || Box::new(Clf { vhost: Vhost::Untold, combined: false }),
    example: r#"192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /a?b=c HTTP/1.1" 200 20"#,
};

pub(super) const COMBINED_VHOST: LogFormat = LogFormat {
    name: "combined-vhost",
    reader: || Box::new(Clf { vhost: Vhost::First, combined: true }),
    example: r#"site.example:443 192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /a?b=c HTTP/1.1" 200 20 "https://other.example/" "Mozilla/5.0 (X11)""#,
};

pub(super) const COMMON_VHOST: LogFormat = LogFormat {
    name: "common-vhost",
    reader: || Box::new(Clf { vhost: Vhost::First, combined: false }),
    example: r#"site.example:443 192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /a?b=c HTTP/1.1" 200 20"#,
};

pub(super) const COMBINED_VHOST_LAST: LogFormat = LogFormat {
    name: "combined-vhost-last",
    reader: || Box::new(Clf { vhost: Vhost::Last, combined: true }),
    example: r#"192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /a?b=c HTTP/1.1" 200 20 "https://other.example/" "Mozilla/5.0 (X11)" "site.example""#,
};

pub(super) const LIGHTTPD: LogFormat = LogFormat {
    name: "lighttpd",
    reader: || Box::new(Clf { vhost: Vhost::Second, combined: true }),
    example: r#"192.0.2.1 site.example - [17/May/2015:10:05:03 +0000] "GET /a?b=c HTTP/1.1" 200 20 "https://other.example/" "Mozilla/5.0 (X11)""#,
};

/// What is still to be read of a line.
#[derive(Debug, Clone, Copy)]
struct Rest<'l>(&'l str);

impl<'l> Rest<'l> {
    /// The next word, which may be empty at the very start only.
    fn word(&mut self) -> &'l str {
        let (word, rest) = self.0.split_once(' ').unwrap_or((self.0, ""));
        self.0 = rest.trim_start_matches(' ');
        word
    }

    /// The next text in quotes, as it was before it was escaped. A line that was cut off ends it too.
    fn quoted(&mut self) -> Option<Cow<'l, str>> {
        let inside = self.0.strip_prefix('"')?;
        let bytes = inside.as_bytes();
        let mut at = 0;
        let mut escaped = false;
        while let Some(byte) = bytes.get(at).filter(|byte| **byte != b'"') {
            let is_escape = *byte == b'\\';
            escaped |= is_escape;
            at += if is_escape { 2 } else { 1 };
        }
        let text = inside.get(..at.min(inside.len())).unwrap_or(inside);
        self.0 = inside.get(at + 1..).unwrap_or_default().trim_start_matches(' ');
        Some(if escaped { unescaped(text).into() } else { text.into() })
    }

    /// The host at the end: a word, quoted or not.
    fn last(&mut self) -> Option<Cow<'l, str>> {
        self.quoted().or_else(|| Some(self.word().into()))
    }
}

impl Lines for Clf {
    fn read<'l>(&mut self, line: &'l str) -> Result<Line<'l>, &'static str> {
        if line.trim().is_empty() {
            return Ok(Line::Nothing);
        }
        let mut rest = Rest(line);
        let host = (self.vhost == Vhost::First).then(|| rest.word());
        let address = rest.word();
        let ident = rest.word();
        // A user's name may hold spaces, and brackets too; a time begins with a digit.
        let begins =
            bracket(rest.0).ok_or("there is no time in [brackets] after the first three words")?;
        let (user, timed) = rest.0.split_at(begins);
        if user.is_empty() {
            return Err("there are fewer words before the time than this format has");
        }
        if self.vhost != Vhost::First
            && !user.trim_end().is_empty()
            && is_host_first(address, ident, user)
        {
            return Err("there are more words before the time than this format has");
        }
        let (at, after) = timed[1..].split_once(']').ok_or("the time has no end")?;
        let at_ms =
            time::common(at).ok_or("the time is not one like 17/May/2015:10:05:03 +0000")?;
        rest.0 = after.trim_start_matches(' ');
        let request = rest.quoted().ok_or("there is no request in quotes after the time")?;
        let status = rest.word().parse().map_err(|_| "there is no status after the request")?;
        let _size = rest.word();
        let (mut referrer, mut user_agent) = (None, None);
        if self.combined {
            referrer = told(rest.quoted().ok_or("there is no referrer in quotes after the size")?);
            let agent =
                rest.quoted().ok_or("there is no user agent in quotes after the referrer")?;
            user_agent = Some(told(agent).unwrap_or_default());
        }
        let host: Option<Cow<'l, str>> = match self.vhost {
            Vhost::Untold => None,
            Vhost::First => host.map(Into::into),
            Vhost::Second if ident.contains('.') => Some(ident.into()),
            Vhost::Second => return Err("the second word is no host"),
            Vhost::Last if rest.0.is_empty() => return Err("there is no host at the end"),
            Vhost::Last => rest.last(),
        };
        // More may follow: many add the time that it took, or what a proxy has told.
        if !self.combined && rest.0.starts_with('"') {
            return Err("there is more in quotes after the size than this format has");
        }
        let (method, target) = split(request);
        Ok(Line::Request(Box::new(Logged {
            at_ms,
            client: client(address),
            host: host.and_then(told),
            method,
            target,
            status,
            content_type: None,
            referrer,
            user_agent,
            languages: None,
        })))
    }
}

/// Where the `[` of the time is.
fn bracket(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let found = bytes.windows(2).position(|two| matches!(two, [b'[', b'0'..=b'9']));
    found.filter(|at| !text.get(..*at).is_some_and(|before| before.contains('"')))
}

/// Whether the words before a time are those of a log with the host in front: the second of them is an
/// address, and no ident is one.
fn is_host_first(address: &str, ident: &str, user: &str) -> bool {
    let is_address = |text: &str| text.parse::<std::net::IpAddr>().is_ok();
    is_address(ident) && !is_address(address) && user.trim_end().contains(' ')
}

/// Method and target of a request line; no method if it is none.
pub(super) fn split(request: Cow<'_, str>) -> (Cow<'_, str>, Cow<'_, str>) {
    fn parts(request: &str) -> Option<(&str, &str)> {
        let (method, rest) = request.split_once(' ')?;
        let is_method = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
        // Before HTTP/1.0 there was no version. A target may hold spaces, though none should.
        let target = rest.rsplit_once(' ').filter(|(_, version)| version.starts_with("HTTP/"));
        is_method.then(|| (method, target.map_or(rest, |(target, _)| target).trim()))
    }
    match request {
        Cow::Borrowed(request) => match parts(request) {
            Some((method, target)) => (method.into(), target.into()),
            None => ("".into(), request.into()),
        },
        Cow::Owned(request) => match parts(&request) {
            Some((method, target)) => (method.to_owned().into(), target.to_owned().into()),
            None => ("".into(), request.into()),
        },
    }
}

/// `text` without the escapes of Apache and nginx. What is no UTF-8 then becomes `U+FFFD`.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, tail @ ..] = rest {
        rest = tail;
        let (b'\\', [kind, after @ ..]) = (*byte, tail) else {
            bytes.push(*byte);
            continue;
        };
        rest = after;
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let code = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (kind, code) {
            (b'x' | b'X', Some(code)) => {
                bytes.push(code);
                rest = after.get(2..).unwrap_or_default();
            }
            (b'n', _) => bytes.push(b'\n'),
            (b'r', _) => bytes.push(b'\r'),
            (b't', _) => bytes.push(b'\t'),
            _ => bytes.push(*kind),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;

    fn read<'l>(format: &LogFormat, line: &'l str) -> Logged<'l> {
        let mut reader = (format.reader)();
        // The reader keeps nothing of these lines.
        match reader.read(line) {
            Ok(Line::Request(logged)) => *logged,
            other => panic!("{line}: {other:?}"),
        }
    }

    fn wrong(format: &LogFormat, line: &str) -> &'static str {
        (format.reader)().read(line).unwrap_err()
    }

    fn line(request: &str, agent: &str) -> String {
        format!(r#"2001:db8::1 - - [17/May/2015:10:05:03 +0000] "{request}" 200 - "-" "{agent}""#)
    }

    #[test]
    fn a_line_is_read_as_its_server_meant_it() {
        let logged = read(&COMBINED, COMBINED.example);
        assert_eq!(logged.client, "192.0.2.1".parse::<std::net::IpAddr>().unwrap());
        assert_eq!((&*logged.method, &*logged.target, logged.status), ("GET", "/a?b=c", 200));
        assert_eq!(logged.referrer.as_deref(), Some("https://other.example/"));
        assert_eq!(logged.user_agent.as_deref(), Some("Mozilla/5.0 (X11)"));
        assert_eq!(read(&COMMON, COMMON.example).user_agent, None);
    }

    #[test]
    fn the_host_stands_where_the_format_says() {
        for (format, host) in [
            (COMBINED_VHOST, "site.example:443"),
            (COMMON_VHOST, "site.example:443"),
            (COMBINED_VHOST_LAST, "site.example"),
            (LIGHTTPD, "site.example"),
        ] {
            assert_eq!(
                read(&format, format.example).host.as_deref(),
                Some(host),
                "{}",
                format.name
            );
        }
        // nginx leaves $host empty when none was sent: the line begins with a space.
        let empty = format!(" {}", line("GET / HTTP/1.0", "x"));
        assert_eq!(read(&COMBINED_VHOST, &empty).host, None);
    }

    #[test]
    fn what_servers_escape_is_as_it_was() {
        for (written, meant) in [
            (r#"a \"quoted\" agent"#, r#"a "quoted" agent"#),
            (r"a \x22quoted\x22 agent", r#"a "quoted" agent"#),
            (r"back\\slash \x5Cslash", r"back\slash \slash"),
            (r"caf\xC3\xA9 caf\xc3\xa9", "café café"),
            (r"tab\there", "tab\there"),
            (r"\xff", "\u{fffd}"),
            (r"\x", "x"),
        ] {
            let line = line("GET / HTTP/1.1", written);
            assert_eq!(read(&COMBINED, &line).user_agent.as_deref(), Some(meant), "{written}");
        }
    }

    #[test]
    fn requests_that_are_none_have_no_method() {
        for (request, method, target) in [
            ("GET /", "GET", "/"),
            ("GET /a b HTTP/1.1", "GET", "/a b"),
            ("OPTIONS * HTTP/1.1", "OPTIONS", "*"),
            ("GET http://proxy.example/x HTTP/1.1", "GET", "http://proxy.example/x"),
            (r"\x16\x03\x01\x02", "", "\u{16}\u{3}\u{1}\u{2}"),
            ("-", "", "-"),
            ("  ", "", "  "),
            ("", "", ""),
        ] {
            let line = line(request, "x");
            let logged = read(&COMBINED, &line);
            assert_eq!((&*logged.method, &*logged.target), (method, target), "{request}");
        }
    }

    #[test]
    fn a_line_that_was_cut_off_in_its_last_quotes_is_read() {
        let whole = line("GET / HTTP/1.1", "Mozilla/5.0 (X11");
        assert_eq!(
            read(&COMBINED, whole.trim_end_matches('"')).user_agent.as_deref(),
            Some("Mozilla/5.0 (X11")
        );
        let escape = r#"192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "a\"#;
        assert_eq!(read(&COMBINED, escape).user_agent.as_deref(), Some(r"a\"));
    }

    #[test]
    fn users_may_have_any_name_and_more_may_follow() {
        let line = r#"192.0.2.1 - jane [the] doe [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "x" 0.004 "10.0.0.1""#;
        assert_eq!(read(&COMBINED, line).target, "/");
    }

    #[test]
    fn what_is_wrong_is_told_without_the_line() {
        for (line, why) in [
            ("hello", "there is no time in [brackets] after the first three words"),
            (
                r#"1.2.3.4 - - [17/Mai/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "x""#,
                "the time is not one like 17/May/2015:10:05:03 +0000",
            ),
            (r"1.2.3.4 - - [17/May/2015:10:05:03 +0000", "the time has no end"),
            (
                r"1.2.3.4 - - [17/May/2015:10:05:03 +0000] GET",
                "there is no request in quotes after the time",
            ),
            (
                r#"1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1""#,
                "there is no status after the request",
            ),
            (COMMON.example, "there is no referrer in quotes after the size"),
        ] {
            assert_eq!(wrong(&COMBINED, line), why, "{line}");
        }
        assert!((COMMON.reader)().read(COMBINED.example).is_err());
        assert!((COMBINED.reader)().read(COMBINED_VHOST.example).is_err());
        assert!((COMBINED_VHOST.reader)().read(COMBINED.example).is_err());
        assert!((LIGHTTPD.reader)().read(COMBINED.example).is_err());
    }
}
