//! Which heads of requests are taken (RFC 9112, read strictly). Whatever two parsers could read in two
//! ways is refused here, before hyper reads it: nothing that a proxy in front has seen as one request
//! may be seen as two.

use std::str;

use memchr::{memchr, memchr_iter, memchr2_iter};

use super::target::{is_escaped, is_host, is_of_host};

/// The largest head, in bytes, with the empty line that ends it.
pub(super) const HEAD_BYTES_MAX: usize = 16 * 1024;

/// The longest target: path and query, in bytes.
const TARGET_BYTES_MAX: usize = 8 * 1024;

/// How many headers a request may have.
const HEADERS_MAX: usize = 100;

/// The methods that any door knows, or that browsers ask for.
const METHODS: [&[u8]; 7] = [b"GET", b"HEAD", b"POST", b"OPTIONS", b"PUT", b"PATCH", b"DELETE"];

/// Why a request is not taken: a status, and a sentence for who has sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) struct Refusal {
    pub(in crate::web) status: u16,
    pub(in crate::web) sentence: &'static str,
}

/// How the body that follows a head is told from the next request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes, often none.
    Length(u64),
    /// In chunks that tell their size.
    Chunked,
}

/// What was found in the bytes of a head that has not wholly come, perhaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scan {
    /// No end yet; so many bytes need not be looked at again.
    More(usize),
    /// The head has so many bytes.
    End(usize),
    /// It can't become one.
    Refused(Refusal),
}

const fn refusal(status: u16, sentence: &'static str) -> Refusal {
    Refusal { status, sentence }
}

const fn bad(sentence: &'static str) -> Refusal {
    refusal(400, sentence)
}

/// A head has begun and not come to its end in time.
pub(super) const TOO_SLOW: Refusal =
    refusal(408, "the head of the request did not arrive within 5 seconds");

const LONE_LINE_FEED: Refusal = bad("a line ends with LF alone; lines of a head end with CR LF");
const LONE_RETURN: Refusal = bad("a CR stands without its LF in the head");
const MALFORMED_LINE: Refusal = bad("the first line is not METHOD SP TARGET SP HTTP/1.1");
const TARGET: Refusal = bad("the target is neither a path nor a web address");
const UNESCAPED: Refusal =
    bad("the target holds a character that must be escaped, such as %3C for <");
const METHOD: Refusal =
    refusal(405, "this method is not known here; methods are written in capitals");
const TARGET_TOO_LONG: Refusal = refusal(414, "the path and query are longer than 8192 bytes");
const HEAD_TOO_LARGE: Refusal = refusal(431, "the head is larger than 16384 bytes");
const TOO_MANY_HEADERS: Refusal = refusal(431, "there are more than 100 headers");
const VERSION: Refusal = refusal(505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
const HEADER_NAME: Refusal = bad("the name of a header is not one");
const HEADER_VALUE: Refusal = bad("the value of a header holds a control character");
const FOLDED: Refusal = bad("a line of the head begins with a space");
const HOST_MISSING: Refusal = bad("the Host header is missing");
const HOST_TWICE: Refusal = bad("the Host header stands more than once");
const HOST: Refusal = bad("the Host header is not a host");
const OTHER_HOST: Refusal = bad("the target names another host than the Host header");
const LENGTH: Refusal = bad("Content-Length is not one whole number");
const LENGTH_AND_CODING: Refusal = bad("Content-Length and Transfer-Encoding exclude each other");
const CODING: Refusal = bad("Transfer-Encoding is not exactly \"chunked\"");
const CODING_OF_1_0: Refusal = bad("HTTP/1.0 has no Transfer-Encoding");
const BODY_OF_GET: Refusal = bad("a GET or HEAD request has no body");
const EXPECTATION: Refusal = refusal(417, "nothing but 100-continue can be expected");
const UPGRADE: Refusal = bad("HTTP/2 is not spoken here without TLS, and not by upgrade");

/// Looks for the end of the head that begins `held`, where the first `seen` bytes were looked at before.
pub(super) fn scan(held: &[u8], seen: usize) -> Scan {
    // What was seen may end within the four bytes that end a head.
    let from = seen.saturating_sub(3);
    let looked_at = held.get(..=HEAD_BYTES_MAX).unwrap_or(held);
    let rest = looked_at.get(from..).unwrap_or_default();
    for at in memchr2_iter(b'\r', b'\n', rest).map(|at| from + at) {
        let before = at.checked_sub(1).and_then(|before| looked_at.get(before));
        match (looked_at.get(at), looked_at.get(at + 1)) {
            (Some(b'\r'), None | Some(b'\n')) => {}
            (Some(b'\r'), _) => return Scan::Refused(LONE_RETURN),
            _ if before != Some(&b'\r') => return Scan::Refused(LONE_LINE_FEED),
            _ if looked_at.get(..at).is_some_and(|head| head.ends_with(b"\r\n\r")) => {
                let end = at + 1;
                let is_too_large = end > HEAD_BYTES_MAX;
                return if is_too_large { Scan::Refused(too_large(held)) } else { Scan::End(end) };
            }
            _ => {}
        }
    }
    if held.len() > HEAD_BYTES_MAX {
        Scan::Refused(too_large(held))
    } else {
        Scan::More(held.len())
    }
}

fn too_large(held: &[u8]) -> Refusal {
    let line = held.iter().position(|byte| *byte == b'\n').unwrap_or(held.len());
    if line > TARGET_BYTES_MAX { TARGET_TOO_LONG } else { HEAD_TOO_LARGE }
}

/// What of a head decides about its body and its fate.
#[derive(Debug, Default)]
struct Seen<'h> {
    host: Option<&'h [u8]>,
    length: Option<u64>,
    is_chunked: bool,
    expectation: Option<&'h [u8]>,
    asks_for_http2: bool,
}

/// Whether `head`, which ends with an empty line, is taken, and how its body is told.
pub(super) fn judge(head: &[u8]) -> Result<Framing, Refusal> {
    let mut lines = Lines(head);
    let line = lines.next().unwrap_or_default();
    let (method, target, is_1_0) = request_line(line)?;
    let mut seen = Seen::default();
    let mut count = 0;
    for line in lines.take_while(|line| !line.is_empty()) {
        count += 1;
        if count > HEADERS_MAX {
            return Err(TOO_MANY_HEADERS);
        }
        note(&mut seen, line)?;
    }
    match seen.host {
        None if !is_1_0 => return Err(HOST_MISSING),
        Some(host) if !is_host(host) => return Err(HOST),
        _ => {}
    }
    if !is_escaped(target) {
        return Err(UNESCAPED);
    }
    if !is_of_host(method, target, seen.host).ok_or(TARGET)? {
        return Err(OTHER_HOST);
    }
    if seen.asks_for_http2 {
        return Err(UPGRADE);
    }
    if seen.is_chunked && seen.length.is_some() {
        return Err(LENGTH_AND_CODING);
    }
    if seen.is_chunked && is_1_0 {
        return Err(CODING_OF_1_0);
    }
    let has_body = seen.is_chunked || seen.length.is_some_and(|length| length > 0);
    if has_body && matches!(method, b"GET" | b"HEAD") {
        return Err(BODY_OF_GET);
    }
    if seen.expectation.is_some_and(|told| !told.eq_ignore_ascii_case(b"100-continue")) {
        return Err(EXPECTATION);
    }
    Ok(match seen.is_chunked {
        true => Framing::Chunked,
        false => Framing::Length(seen.length.unwrap_or(0)),
    })
}

/// The lines of a head, each without the CR LF that ends it.
struct Lines<'h>(&'h [u8]);

impl<'h> Iterator for Lines<'h> {
    type Item = &'h [u8];

    fn next(&mut self) -> Option<&'h [u8]> {
        let mut returns = memchr_iter(b'\r', self.0);
        let end = returns.find(|at| self.0.get(at + 1) == Some(&b'\n'))?;
        let (line, rest) = self.0.split_at(end);
        self.0 = rest.get(2..).unwrap_or_default();
        Some(line)
    }
}

/// The method, the target, and whether the version is 1.0.
fn request_line(line: &[u8]) -> Result<(&[u8], &[u8], bool), Refusal> {
    let mut parts = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(MALFORMED_LINE);
    };
    if method.is_empty() || !method.iter().copied().all(is_token) {
        return Err(MALFORMED_LINE);
    }
    if target.len() > TARGET_BYTES_MAX {
        return Err(TARGET_TOO_LONG);
    }
    let is_1_0 = match version {
        b"HTTP/1.1" => false,
        b"HTTP/1.0" => true,
        b"HTTP/2.0" => return Err(bad("HTTP/2 is not spoken here without TLS")),
        other if other.starts_with(b"HTTP/") => return Err(VERSION),
        _ => return Err(MALFORMED_LINE),
    };
    if !METHODS.contains(&method) {
        return Err(METHOD);
    }
    Ok((method, target, is_1_0))
}

/// Notes what a header line tells, if it is one.
fn note<'h>(seen: &mut Seen<'h>, line: &'h [u8]) -> Result<(), Refusal> {
    if line.starts_with(b" ") || line.starts_with(b"\t") {
        return Err(FOLDED);
    }
    let colon = memchr(b':', line).ok_or(HEADER_NAME)?;
    let (name, rest) = line.split_at(colon);
    if name.is_empty() || !name.iter().copied().all(is_token) {
        return Err(HEADER_NAME);
    }
    let value = rest.get(1..).unwrap_or_default();
    // To look at all of them is quicker than to look whether to go on.
    let is_control = |byte: u8| (byte < b' ' && byte != b'\t') || byte == 0x7f;
    if value.iter().fold(false, |any, byte| any | is_control(*byte)) {
        return Err(HEADER_VALUE);
    }
    let value = trimmed(value);
    if name.eq_ignore_ascii_case(b"host") {
        if seen.host.replace(value).is_some() {
            return Err(HOST_TWICE);
        }
    } else if name.eq_ignore_ascii_case(b"content-length") {
        // A number of nineteen digits at most can't overflow; two of them are one too many, even if
        // they are the same.
        let is_number = (1..=19).contains(&value.len()) && value.iter().all(u8::is_ascii_digit);
        let number = str::from_utf8(value).ok().filter(|_| is_number);
        let length = number.and_then(|text| text.parse().ok()).ok_or(LENGTH)?;
        if seen.length.replace(length).is_some() {
            return Err(LENGTH);
        }
    } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
        if seen.is_chunked || !value.eq_ignore_ascii_case(b"chunked") {
            return Err(CODING);
        }
        seen.is_chunked = true;
    } else if name.eq_ignore_ascii_case(b"expect") {
        seen.expectation = Some(value);
    } else if name.eq_ignore_ascii_case(b"upgrade") {
        let mut asked = value.split(|byte| *byte == b',').map(trimmed);
        seen.asks_for_http2 |=
            asked.any(|one| one.len() >= 2 && one[..2].eq_ignore_ascii_case(b"h2"));
    }
    Ok(())
}

/// A letter of a token (RFC 9110, 5.6.2).
const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

fn trimmed(value: &[u8]) -> &[u8] {
    value.trim_ascii()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is said about a whole head.
    fn verdict(head: &[u8]) -> Result<Framing, u16> {
        match scan(head, 0) {
            Scan::End(end) => {
                judge(head.get(..end).unwrap_or_default()).map_err(|refusal| refusal.status)
            }
            Scan::Refused(refusal) => Err(refusal.status),
            Scan::More(_) => Err(0),
        }
    }

    fn check(lines: &str, expected: Result<Framing, u16>) {
        let head = format!("{lines}\r\n\r\n");
        assert_eq!(verdict(head.as_bytes()), expected, "{lines:?}");
    }

    const EMPTY: Result<Framing, u16> = Ok(Framing::Length(0));

    #[test]
    fn plain_requests_are_taken() {
        check("GET / HTTP/1.1\r\nHost: a", EMPTY);
        check("GET /?q=%20 HTTP/1.1\r\nHOST:a.example:80\r\nX: \t caf\u{e9} ", EMPTY);
        check("GET / HTTP/1.0", EMPTY);
        check("HEAD / HTTP/1.1\r\nHost: [::1]:8080\r\nContent-Length: 0", EMPTY);
        check("OPTIONS * HTTP/1.1\r\nHost: a", EMPTY);
        check("GET http://A.example/x HTTP/1.1\r\nHost: a.example", EMPTY);
        check("POST / HTTP/1.0\r\nContent-Length: 12", Ok(Framing::Length(12)));
        check("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked", Ok(Framing::Chunked));
        check("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue", EMPTY);
        check("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket", EMPTY);
    }

    #[test]
    fn whatever_two_parsers_could_read_in_two_ways_is_refused() {
        let host = "POST / HTTP/1.1\r\nHost: a\r\n";
        for (lines, status) in [
            ("Content-Length: 3\r\nContent-Length: 4", 400),
            ("Content-Length: 3\r\nContent-Length: 3", 400),
            ("Content-Length: 3, 3", 400),
            ("Content-Length: +3", 400),
            ("Content-Length: -1", 400),
            ("Content-Length: 0x3", 400),
            ("Content-Length:", 400),
            ("Content-Length: 18446744073709551616", 400),
            ("Content-Length: 3\r\nTransfer-Encoding: chunked", 400),
            ("Transfer-Encoding: chunked\r\nContent-Length: 3", 400),
            ("Transfer-Encoding: identity", 400),
            ("Transfer-Encoding: xchunked", 400),
            ("Transfer-Encoding: chunked, identity", 400),
            ("Transfer-Encoding: chunked, chunked", 400),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400),
            ("Transfer-Encoding: gzip, chunked", 400),
            ("Transfer-Encoding : chunked", 400),
            ("Transfer-Encoding: \x0bchunked", 400),
            ("Transfer-Encoding:\r\n chunked", 400),
            ("Host: a", 400),
            ("X: a\0b", 400),
            ("X: a\x7fb", 400),
            (": a", 400),
            ("X", 400),
            (" X: a", 400),
            ("Expect: 200-x", 417),
            ("Upgrade: h2c", 400),
            ("Upgrade: websocket, H2C", 400),
        ] {
            check(&format!("{host}{lines}"), Err(status));
        }
    }

    #[test]
    fn first_lines_are_strict() {
        for (line, status) in [
            ("GET / HTTP/1.1\r\nX: a", 400),
            ("GET / HTTP/1.1\r\nHost:", 400),
            ("GET / HTTP/1.1\r\nHost: a b", 400),
            ("GET / HTTP/1.1\r\nHost: a/b", 400),
            ("GET / HTTP/1.1\r\nHost: a@b", 400),
            ("GET / HTTP/1.1\r\nHost: a:80:80", 400),
            ("GET / HTTP/1.1\r\nHost: [::1", 400),
            ("GET http://b/ HTTP/1.1\r\nHost: a", 400),
            ("GET http://a@b/ HTTP/1.0", 400),
            ("GET ftp://a/ HTTP/1.1\r\nHost: a", 400),
            ("GET a HTTP/1.1\r\nHost: a", 400),
            ("GET * HTTP/1.1\r\nHost: a", 400),
            ("GET  / HTTP/1.1\r\nHost: a", 400),
            ("GET / /b HTTP/1.1\r\nHost: a", 400),
            ("GET\t/ HTTP/1.1\r\nHost: a", 400),
            ("GET /\0 HTTP/1.1\r\nHost: a", 400),
            (" GET / HTTP/1.1\r\nHost: a", 400),
            ("GET /", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked", 400),
            ("PRI * HTTP/2.0", 400),
            ("GET / HTTP/1.2\r\nHost: a", 505),
            ("GET / HTTP/3\r\nHost: a", 505),
            ("get / HTTP/1.1\r\nHost: a", 405),
            ("TRACE / HTTP/1.1\r\nHost: a", 405),
            ("CONNECT a:1 HTTP/1.1\r\nHost: a", 405),
            ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked", 400),
        ] {
            check(line, Err(status));
        }
    }

    #[test]
    fn sizes_are_bounded() {
        check(&format!("GET /{} HTTP/1.1\r\nHost: a", "a".repeat(8191)), EMPTY);
        check(&format!("GET /{} HTTP/1.1\r\nHost: a", "a".repeat(8192)), Err(414));
        check(&format!("GET /{} HTTP/1.1\r\nHost: a", "a".repeat(70_000)), Err(414));
        check(&format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}", "a".repeat(16_384)), Err(431));
        check(&format!("GET / HTTP/1.1\r\nHost: a{}", "\r\nX: a".repeat(99)), EMPTY);
        check(&format!("GET / HTTP/1.1\r\nHost: a{}", "\r\nX: a".repeat(100)), Err(431));
    }

    #[test]
    fn lone_ends_of_lines_are_refused_as_soon_as_they_come() {
        for head in [&b"GET / HTTP/1.1\n"[..], b"\n", b"GET / HTTP/1.1\r\nHost: a\n\n", b"GET\r /"]
        {
            assert_eq!(verdict(head), Err(400), "{head:?}");
        }
        assert_eq!(verdict(b"GET / HTTP/1.1\r\nHost: a\r\n\r"), Err(0));
    }

    proptest! {
        #[test]
        fn heads_are_found_however_they_arrive(text in "[GH:a \r\n]{0,60}", cut in 0_usize..60) {
            let bytes = text.as_bytes();
            let first = bytes.get(..cut.min(bytes.len())).unwrap_or_default();
            if let Scan::More(seen) = scan(first, 0) {
                prop_assert_eq!(scan(bytes, seen), scan(bytes, 0));
            }
        }

        #[test]
        fn line_by_line_is_the_same_as_byte_by_byte(text in "[GHa\r\n]{0,12}(\r\n){0,3}a?") {
            let (mut expected, bytes) = (Scan::More(text.len()), text.as_bytes());
            for end in 1..=bytes.len() {
                expected = match bytes.get(..end).unwrap_or_default() {
                    [b'\n'] | [.., b'\0'..=b'\x0c' | b'\x0e'.., b'\n'] => Scan::Refused(LONE_LINE_FEED),
                    [.., b'\r', last] if *last != b'\n' => Scan::Refused(LONE_RETURN),
                    [.., b'\r', b'\n', b'\r', b'\n'] => Scan::End(end),
                    _ => continue,
                };
                break;
            }
            prop_assert_eq!(scan(bytes, 0), expected);
        }

        #[test]
        fn no_head_makes_it_panic(head in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _any = judge(&head);
        }
    }
}
