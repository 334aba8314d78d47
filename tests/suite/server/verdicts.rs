//! Requests that two parsers could read in two ways are refused and end their connection; nothing that
//! follows them is ever answered.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    thread,
};

use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, TestRunner},
};

use crate::support::{PATIENCE, Server};

/// What would be answered 200 if it were taken for a request.
const SMUGGLED: &str = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n";

/// A request that ends its connection.
const LAST: &str = "GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/// Sends `bytes` and reads all that comes back; the statuses of the answers, and all as text.
fn exchange(port: u16, bytes: &[u8]) -> (Vec<u16>, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // A server that has answered may close while the rest is still being sent.
    let _cut_short = stream.write_all(bytes);
    let mut all = Vec::new();
    let _reset = stream.read_to_end(&mut all);
    let text = String::from_utf8_lossy(&all).into_owned();
    let status = regex::Regex::new(r"HTTP/1\.[01] (\d{3}) ").unwrap();
    let statuses = status.captures_iter(&text).map(|found| found[1].parse().unwrap()).collect();
    (statuses, text)
}

/// What must be answered by one refusal.
fn refused() -> Vec<(u16, String)> {
    let post = "POST /beacon HTTP/1.1\r\nHost: a\r\n";
    let chunked = format!("{post}Transfer-Encoding: chunked\r\n\r\n");
    let mut cases: Vec<(u16, String)> = [
        (400, "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
        (400, "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"),
        (400, "Content-Length: 3, 3\r\n\r\nabc"),
        (400, "Content-Length: +3\r\n\r\nabc"),
        (400, "Content-Length: -1\r\n\r\n"),
        (400, "Content-Length: 0x3\r\n\r\nabc"),
        (400, "Content-Length:\r\n\r\n"),
        (400, "Content-Length: 18446744073709551616\r\n\r\n"),
        (400, "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        (400, "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"),
        (400, "Transfer-Encoding: identity\r\n\r\n"),
        (400, "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        (400, "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
        (400, "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
        (400, "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        (400, "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
        (400, "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"),
        (400, "Host: b\r\nContent-Length: 0\r\n\r\n"),
        (400, "X: a\nY: b\r\nContent-Length: 0\r\n\r\n"),
        (400, "X: a\rb\r\nContent-Length: 0\r\n\r\n"),
        (400, "X: a\0b\r\nContent-Length: 0\r\n\r\n"),
        (400, "X: a\r\n b\r\nContent-Length: 0\r\n\r\n"),
        (400, "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n"),
        (413, "Content-Length: 1000000000000\r\n\r\n"),
        (413, "Content-Length: 8193\r\n\r\n"),
        (417, "Expect: 200-x\r\nContent-Length: 0\r\n\r\n"),
    ]
    .map(|(status, rest)| (status, format!("{post}{rest}")))
    .into();
    for chunks in [
        "3 \r\nabc\r\n0\r\n\r\n",
        "0x3\r\nabc\r\n0\r\n\r\n",
        "+3\r\nabc\r\n0\r\n\r\n",
        "3\nabc\r\n0\r\n\r\n",
        "3\r\nabcd\r\n0\r\n\r\n",
        "3;a\nb\r\nabc\r\n0\r\n\r\n",
        "FFFFFFFFFFFFFFFFF\r\n",
        "0\r\nX: y\n\r\n",
    ] {
        cases.push((400, format!("{chunked}{chunks}")));
    }
    let chunk = format!("ff0\r\n{}\r\n", "a".repeat(0xff0));
    cases.push((413, format!("{chunked}{}", chunk.repeat(4))));
    for (status, head) in [
        (400, "GET / HTTP/1.1\r\n".to_owned()),
        (400, "GET / HTTP/1.1\r\nHost: a b\r\n".to_owned()),
        (400, "GET / HTTP/1.1\nHost: a\n\n".to_owned()),
        (400, "GET / HTTP/1.1\r\n Host: a\r\n".to_owned()),
        (400, "GET http://b/ HTTP/1.1\r\nHost: a\r\n".to_owned()),
        (400, "GET /`x HTTP/1.1\r\nHost: a\r\n".to_owned()),
        (400, "GET /<x> HTTP/1.1\r\nHost: a\r\n".to_owned()),
        (400, "GET /health?a=\"b\" HTTP/1.1\r\nHost: a\r\n".to_owned()),
        (400, "GET /health/live#x HTTP/1.1\r\nHost: a\r\n".to_owned()),
        (400, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n".to_owned()),
        (400, "HEAD / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n".to_owned()),
        (400, "POST /beacon HTTP/1.0\r\nTransfer-Encoding: chunked\r\n".to_owned()),
        (400, "PRI * HTTP/2.0\r\n\r\nSM\r\n".to_owned()),
        (505, "GET / HTTP/1.2\r\nHost: a\r\n".to_owned()),
        (405, "get / HTTP/1.1\r\nHost: a\r\n".to_owned()),
        (405, "TRACE / HTTP/1.1\r\nHost: a\r\n".to_owned()),
        (405, "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n".to_owned()),
        (431, format!("GET / HTTP/1.1\r\nHost: a\r\n{}", "X: y\r\n".repeat(100))),
        (431, format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n", "y".repeat(20_000))),
        (414, format!("GET /{} HTTP/1.1\r\nHost: a\r\n", "a".repeat(70_000))),
    ] {
        cases.push((status, format!("{head}\r\n")));
    }
    cases
}

#[test]
fn each_refusal_has_its_status_and_ends_its_connection() {
    let server = Server::start("");
    for (status, request) in refused() {
        let shown = &request[..request.len().min(120)];
        let sent = format!("{request}{SMUGGLED}{SMUGGLED}");
        let (statuses, text) = exchange(server.port, sent.as_bytes());
        assert_eq!(statuses, [status], "{shown:?}: {text}");
        assert!(
            text.to_ascii_lowercase().contains("\r\nconnection: close\r\n"),
            "{shown:?}: {text}"
        );
        assert!(text.contains("{\"error\":\""), "{shown:?}: {text}");
        // The same after a request that was taken.
        let sent = format!("{SMUGGLED}{request}{SMUGGLED}");
        let (statuses, text) = exchange(server.port, sent.as_bytes());
        assert_eq!(statuses, [200, status], "{shown:?}: {text}");
    }
    assert_eq!(server.health("/beacons/stored"), 0);
}

#[test]
fn what_is_plain_is_taken_one_after_the_other() {
    let server = Server::start("[event.page_view]\ndedupe = \"0s\"\n");
    let beacon = r#"{"event_type":"page_view","identifier":"/a"}"#;
    let length = beacon.len();
    let (first, second) = beacon.split_at(9);
    let chunks =
        format!("9\r\n{first}\r\n{:X};x=\"y\"\r\n{second}\r\n0\r\nT: z\r\n\r\n", length - 9);
    let mut requests = vec![
        (200, SMUGGLED.to_owned()),
        (200, "GET http://a/health HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        (404, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        (
            204,
            format!("POST /beacon HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{beacon}"),
        ),
        (
            204,
            format!(
                "POST /beacon HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{beacon}\r\n"
            ),
        ),
        (
            204,
            format!(
                "POST /beacon HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"
            ),
        ),
        (405, "DELETE /beacon HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        (400, "POST /beacon HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
    ];
    requests.extend_from_within(..);
    requests.push((200, LAST.to_owned()));
    let all: String = requests.iter().map(|(_, request)| request.as_str()).collect();
    let expected: Vec<u16> = requests.iter().map(|(status, _)| *status).collect();
    let (statuses, text) = exchange(server.port, all.as_bytes());
    assert_eq!(statuses, expected, "{text}");
    assert_eq!(server.count("day", Some("/a")), 6);
    let mut client = server.client();
    for part in [SMUGGLED, "\r", "\n", SMUGGLED] {
        client.write(part.as_bytes()).unwrap();
        // Each part comes by itself: the moment in between is the point.
        std::thread::sleep(std::time::Duration::from_millis(30));
    }
    assert_eq!([client.answer().unwrap().status, client.answer().unwrap().status], [200, 200]);
    // A proxy may speak the older version, which ends a connection after each answer.
    let old = "POST /beacon HTTP/1.0\r\nContent-Length: ";
    let (statuses, text) =
        exchange(server.port, format!("{old}{length}\r\n\r\n{beacon}{SMUGGLED}").as_bytes());
    assert!(text.starts_with("HTTP/1.0 204 "), "{text}");
    assert_eq!(statuses, [204], "{text}");
}

/// How many requests a strict parser sees at the beginning of `bytes`: each with an LF after every CR
/// and a CR before every LF, one Host, and a body of one Content-Length or in chunks.
fn strictly(mut bytes: &[u8]) -> usize {
    let mut requests = 0;
    while let Some(rest) = one(bytes) {
        requests += 1;
        bytes = rest;
    }
    requests
}

fn one(bytes: &[u8]) -> Option<&[u8]> {
    let bytes = bytes.strip_prefix(b"\r\n").unwrap_or(bytes);
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    if head.replace("\r\n", "").contains(['\r', '\n', '\0']) {
        return None;
    }
    let lines: Vec<(String, &str)> = head
        .split("\r\n")
        .skip(1)
        .map(|line| {
            line.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value.trim()))
        })
        .collect::<Option<_>>()?;
    let all = |wanted: &str| -> Vec<&str> {
        lines.iter().filter(|(name, _)| name == wanted).map(|(_, value)| *value).collect()
    };
    let rest = &bytes[end + 4..];
    if all("host").len() != 1 {
        return None;
    }
    match (all("content-length").as_slice(), all("transfer-encoding").as_slice()) {
        ([], []) => Some(rest),
        ([length], []) => rest.get(length.parse().ok()?..),
        ([], [coding]) if coding.eq_ignore_ascii_case("chunked") => after_chunks(rest),
        _ => None,
    }
}

fn after_chunks(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        let line = rest.windows(2).position(|two| two == b"\r\n")?;
        let size = std::str::from_utf8(&rest[..line]).ok()?.split(';').next()?;
        let size = usize::from_str_radix(size, 16).ok()?;
        rest = rest.get(line + 2..)?;
        if size == 0 {
            let end = rest.windows(4).position(|four| four == b"\r\n\r\n");
            return rest.strip_prefix(b"\r\n").or_else(|| rest.get(end? + 4..));
        }
        rest = rest.get(size..)?.strip_prefix(b"\r\n")?;
    }
}

/// Three requests, of which a few bytes are other ones, missing or new.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let one = prop::sample::select(vec![
        SMUGGLED.to_owned(),
        "POST /beacon HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\n\r\nGET /health HTTP/1.1\r\nHost: a\r\nX: abcd\r\n".to_owned(),
        "POST /beacon HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nGET \r\n0\r\n\r\n".to_owned(),
        "POST /beacon HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
    ]);
    let bytes = prop::sample::select(b"\r\n \t:,;0123aZ\0\x0b\x7f".to_vec());
    let change = (any::<prop::sample::Index>(), 0..3_u8, bytes);
    (prop::collection::vec(one, 1..4), prop::collection::vec(change, 0..4)).prop_map(
        |(requests, changes)| {
            let mut all = requests.concat().into_bytes();
            for (at, kind, byte) in changes {
                let at = at.index(all.len());
                match kind {
                    0 => all[at] = byte,
                    1 => drop(all.remove(at)),
                    _ => all.insert(at, byte),
                }
            }
            all
        },
    )
}

#[test]
fn never_is_more_answered_than_a_strict_parser_sees() {
    /// Connections, and how many at a time: some wait until the server gives up on them.
    const CASES: usize = 1_200;
    const AT_ONCE: usize = 120;
    let server = Server::start("");
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::deterministic_rng(
            proptest::test_runner::RngAlgorithm::ChaCha,
        ),
    );
    let cases: Vec<Vec<u8>> = (0..CASES)
        .map(|_| {
            let mut bytes = mutated().new_tree(&mut runner).unwrap().current();
            bytes.extend_from_slice(LAST.as_bytes());
            bytes
        })
        .collect();
    thread::scope(|scope| {
        for some in cases.chunks(CASES.div_ceil(AT_ONCE)) {
            let port = server.port;
            scope.spawn(move || {
                for bytes in some {
                    let (statuses, text) = exchange(port, bytes);
                    let shown = String::from_utf8_lossy(bytes);
                    let seen = strictly(bytes);
                    // One more is the refusal of what comes after them.
                    assert!(statuses.len() <= seen + 1, "{seen} in {shown:?}: {text}");
                    assert!(
                        statuses.iter().all(|status| *status < 500 || *status == 505),
                        "{text}"
                    );
                    let taken = statuses.iter().filter(|status| **status == 200).count();
                    assert!(taken <= seen, "{seen} in {shown:?}: {text}");
                }
            });
        }
    });
    assert_eq!(server.get("/health").status, 200);
}
