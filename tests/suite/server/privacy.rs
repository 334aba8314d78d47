//! What tells who somebody is comes in with every request, and is found in nothing that is written:
//! not in the database and the files beside it, not in the log, not in an answer.

use std::{fs, os::unix::fs::FileTypeExt as _};

use crate::support::{Server, http::Client};

/// The address that a proxy tells, as text; its bytes are looked for too.
const ADDRESS: &str = "203.0.113.77";
const ADDRESS_BYTES: [u8; 4] = [203, 0, 113, 77];
const ADDRESS_6: &str = "2001:db8:77aa:bb77:1:2:3:77";
const ADDRESS_6_BYTES: [u8; 8] = [0x20, 0x01, 0x0d, 0xb8, 0x77, 0xaa, 0xbb, 0x77];

/// Marks that stand in what a person's browser sends, and may stand nowhere else.
const MARKS: [&str; 12] = [
    ADDRESS,
    ADDRESS_6,
    "2001:db8:77aa:bb77",
    "Markfox",
    "AppleWebKit/537.36 (KHTML",
    "mark-cookie",
    "mark-token",
    "mark-query",
    "mark-fragment",
    "mark-user",
    "mark-click",
    "mark-etag",
];

const BROWSER: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.7339.80 Safari/537.36 Markfox/7";
const CRAWLER: &str =
    "Mozilla/5.0 (compatible; Googlebot/2.1; Markfox/7; +http://www.google.com/bot.html)";

const CONFIG: &str = r#"
[server]
trusted_proxies = ["127.0.0.1"]
[[site]]
domain = "localhost"
aliases = ["shop.example"]
deny_sources = ["spam.example"]
ignore = ["192.0.2.0/24"]
[event.login]
identifier = "user"
dimensions = ["browser", "source"]
"#;

fn send(
    client: &mut Client,
    method: &str,
    path: &str,
    address: &str,
    agent: &str,
    body: &[u8],
) -> String {
    let headers = [
        ("X-Forwarded-For", address),
        ("User-Agent", agent),
        ("Cookie", "session=mark-cookie"),
        ("Authorization", "Bearer mark-token"),
        ("Referer", "https://news.example/story?q=mark-query#mark-fragment"),
        ("If-None-Match", "\"mark-etag\""),
    ];
    let answer = client.send(method, path, &headers, body).unwrap();
    let head: Vec<String> =
        answer.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    format!("{}\n{}", head.join("\n"), answer.text())
}

/// Everything a beacon can come to, with marks wherever a browser puts something personal.
fn bodies() -> Vec<String> {
    let page = r#"{"event_type":"page_view","meta":{"url":"https://localhost/a?email=mark-query&gclid=mark-click#mark-fragment","ref":"https://news.example/?token=mark-query""#;
    vec![
        format!("{page}}}}}"),
        format!(r#"{page},"title":"A page"}}}}"#),
        page.replace("localhost/a", "undeclared.example/a") + "}}",
        page.replace("news.example", "spam.example") + "}}",
        page.replace("page_view", "no_such_type") + "}}",
        format!(r#"{page},"webdriver":true}}}}"#),
        page.replace("page_view", "login")
            .replace("\"meta\"", r#""identifier":"mark-user@mail.example","meta""#)
            + "}}",
        // Cut off, not JSON, and far too large.
        page.to_owned(),
        format!("email=mark-query&user=mark-user {page}"),
        format!(r#"{page},"x":"{}"}}}}"#, "mark-query ".repeat(1_000)),
    ]
}

#[test]
fn nothing_that_is_written_tells_who_somebody_was() {
    let all = vec![("TRIM_BEACONS_LOG".to_owned(), "trace".to_owned())];
    let mut server = Server::start_with(all, CONFIG);
    let mut answers = Vec::new();
    for (address, agent) in
        [(ADDRESS, BROWSER), (ADDRESS_6, BROWSER), (ADDRESS, CRAWLER), ("192.0.2.9", BROWSER)]
    {
        for body in bodies() {
            let mut client = server.client();
            answers.push(send(&mut client, "POST", "/beacon", address, agent, body.as_bytes()));
        }
        let mut client = server.client();
        let pixel =
            "/beacon.gif?event_type=page_view&url=https%3A%2F%2Flocalhost%2Fb%3Femail%3Dmark-query";
        answers.push(send(&mut client, "GET", pixel, address, agent, b""));
    }
    let pages = [
        "/",
        "/top",
        "/month",
        "/year",
        "/filtered",
        "/privacy",
        "/health",
        "/api/v1/privacy",
        "/api/v1/reports/overview",
        "/api/v1/reports/top?limit=1000",
        "/api/v1/reports/filtered",
        "/api/v1/reports/top?dimension=source",
        "/api/v1/reports/top?dimension=referrer",
        "/api/v1/reports/top?dimension=browser",
        "/nowhere",
    ];
    for page in pages {
        let mut client = server.client();
        answers.push(send(&mut client, "GET", page, ADDRESS, BROWSER, b""));
    }
    assert_eq!(
        server.health("/beacons/stored"),
        8,
        "two pages, a login and a pixel, from two people"
    );
    // As it is while it runs, with its write-ahead log and the journal; and what a kill leaves.
    check_files(&server);
    server.kill();
    check_files(&server);
    server.restart();
    server.signal("HUP");
    assert!(server.terminate().success());
    check_files(&server);
    for answer in answers {
        check("an answer", answer.as_bytes());
    }
    check("the log", server.said().as_bytes());
}

fn check_files(server: &Server) {
    for entry in fs::read_dir(server.folder.path()).unwrap() {
        let entry = entry.unwrap();
        // The socket for commands holds nothing.
        if entry.file_type().unwrap().is_socket() {
            continue;
        }
        check(&entry.path().display().to_string(), &fs::read(entry.path()).unwrap());
    }
}

fn check(place: &str, bytes: &[u8]) {
    let holds = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    for mark in MARKS {
        assert!(!holds(mark.as_bytes()), "{place} tells {mark}");
    }
    assert!(!holds(&ADDRESS_BYTES) && !holds(&ADDRESS_6_BYTES), "{place} holds an address's bytes");
}

#[test]
fn the_search_finds_what_it_looks_for() {
    for found in [b"x 203.0.113.77".as_slice(), b"\0\xcb\0\x71\x4d\0", b"by Markfox"] {
        assert!(std::panic::catch_unwind(|| check("here", found)).is_err());
    }
}
