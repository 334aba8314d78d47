//! `/beacon` speaks as browsers need it to, and what it answers is counted.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};

use crate::support::{
    Server, count,
    http::{Client, request},
};

const BODY: &str =
    r#"{"event_type":"page_view","identifier":"/docs/home","meta":{"ref":"utm:home"}}"#;

#[test]
fn a_first_beacon_is_on_every_page_at_once() {
    let server = Server::start("");
    assert!(server.get("/").text().contains("Waiting for the first beacon"));
    let answer = server.post(BODY);
    assert_eq!((answer.status, answer.body.len()), (204, 0));

    let page = server.get("/");
    assert_eq!(page.status, 200);
    assert!(!page.text().contains("Waiting for the first beacon"));
    assert!(page.text().contains("/docs/home"), "{}", page.text());
    let month = server.get("/month?identifier=/docs/home");
    assert_eq!(month.status, 200);
    assert!(month.text().contains("/docs/home"), "{}", month.text());
    let report = server.json("/api/v1/reports/month?identifier=/docs/home");
    for figure in ["count", "visitors", "visits", "bounces"] {
        assert_eq!(report["total"][figure], 1, "{figure}");
    }
    let top = server.json("/api/v1/reports/top?dimension=source");
    assert_eq!(top["rows"][0]["name"], "home", "{top}");
    assert_eq!(server.count("day", None), 1);

    assert_eq!(server.post(BODY).status, 204);
    let report = server.json("/api/v1/reports/month?identifier=/docs/home");
    assert_eq!((&report["total"]["count"], &report["total"]["visitors"]), (&2.into(), &1.into()));
}

#[test]
fn every_origin_may_send_with_credentials() {
    let server = Server::start("");
    for origin in ["https://site.example:9443", "http://localhost:8080", "null"] {
        let preflight = [
            ("Origin", origin),
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "content-type"),
        ];
        for path in ["/beacon", "/beacon.gif", "/beacon?x=1"] {
            let answer = server.client().send("OPTIONS", path, &preflight, b"").unwrap();
            assert_eq!(answer.status, 204, "{path}");
            assert_eq!(answer.header("access-control-allow-origin"), origin);
            assert_eq!(answer.header("access-control-allow-credentials"), "true");
            assert_eq!(answer.header("access-control-allow-headers"), "content-type");
            assert!(answer.header("access-control-allow-methods").contains("POST"));
            assert_eq!(answer.header("access-control-max-age"), "86400");
            assert!(answer.header("vary").contains("Origin"));
            assert!(answer.all("set-cookie").is_empty());
        }
        let headers = [("Origin", origin), ("Content-Type", "application/json")];
        let answer = server.client().send("POST", "/beacon", &headers, BODY.as_bytes()).unwrap();
        assert_eq!(answer.status, 204);
        assert_eq!(answer.header("access-control-allow-origin"), origin);
        assert_eq!(answer.header("access-control-allow-credentials"), "true");
        assert_eq!(answer.header("vary"), "Origin");
    }
}

#[test]
fn header_names_are_echoed_one_by_one_and_never_as_a_star() {
    let server = Server::start("");
    for (asked, allowed) in [
        ("authorization,content-type,x-umami-cache", "authorization,content-type,x-umami-cache"),
        ("x-site-uuid", "x-site-uuid"),
        ("*", "content-type, x-umami-cache, authorization, x-requested-with, x-site-uuid"),
        ("a: b", "content-type, x-umami-cache, authorization, x-requested-with, x-site-uuid"),
    ] {
        let headers = [("Origin", "https://a.example"), ("Access-Control-Request-Headers", asked)];
        let answer = server.client().send("OPTIONS", "/beacon", &headers, b"").unwrap();
        assert_eq!(answer.header("access-control-allow-headers"), allowed, "{asked}");
    }
}

#[test]
fn refusals_can_be_read_by_the_page_that_caused_them() {
    let server = Server::start("");
    let headers = [("Origin", "https://a.example")];
    let huge = vec![b' '; 100_000];
    for (body, status) in [(&b"{"[..], 400), (b"{\"event_type\":\"nope\"}", 400), (&huge, 413)] {
        let answer = server.client().send("POST", "/beacon", &headers, body).unwrap();
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("access-control-allow-origin"), "https://a.example");
        assert_eq!(answer.header("access-control-allow-credentials"), "true");
    }
}

#[test]
fn only_ingest_is_open_to_other_origins_and_cookies_make_no_difference() {
    let server = Server::start("");
    let headers = [("Origin", "https://a.example"), ("Cookie", "session=1")];
    for path in ["/", "/month", "/api/v1/reports", "/api/v1/reports/month", "/health"] {
        let answer = server.client().send("GET", path, &headers, b"").unwrap();
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.all("access-control-allow-credentials").is_empty(), "{path}");
        assert_ne!(answer.header("access-control-allow-origin"), "https://a.example", "{path}");
    }
    let with_cookie = server.client().send("POST", "/beacon", &headers, BODY.as_bytes()).unwrap();
    assert_eq!((with_cookie.status, with_cookie.all("set-cookie").len()), (204, 0));
    server.client().send("POST", "/beacon", &headers[..1], BODY.as_bytes()).unwrap();
    let month = server.json("/api/v1/reports/month");
    assert_eq!((&month["total"]["count"], &month["total"]["visitors"]), (&2.into(), &1.into()));
}

#[test]
fn a_beacon_is_read_by_what_it_looks_like_whatever_its_type() {
    let server = Server::start("");
    let form = "event_type=page_view&identifier=%2Fdocs%2Fhome&ref=x";
    let marked = format!("\u{feff}{BODY}");
    let spaced = format!(" \r\n\t{BODY}\n");
    let bodies = [
        (None, BODY),
        (Some("text/plain"), BODY),
        (Some("text/plain;charset=UTF-8"), BODY),
        (Some("TEXT/Plain; charset=utf-8"), BODY),
        (Some("application/json"), BODY),
        (Some("application/json; charset=utf-8"), BODY),
        (Some("Application/JSON"), BODY),
        (Some("application/vnd.api+json"), BODY),
        (Some("application/x-www-form-urlencoded"), BODY),
        (Some("application/octet-stream"), BODY),
        (Some("application/x-www-form-urlencoded"), form),
        (Some("application/x-www-form-urlencoded;charset=UTF-8"), form),
        (Some("application/json"), &marked),
        (None, &spaced),
    ];
    for (kind, body) in bodies {
        let headers: Vec<_> = kind.map(|kind| ("Content-Type", kind)).into_iter().collect();
        let answer = server.client().send("POST", "/beacon", &headers, body.as_bytes()).unwrap();
        assert_eq!(answer.status, 204, "{kind:?} {body}: {}", answer.text());
    }
    let many = i64::try_from(bodies.len()).unwrap();
    assert_eq!(server.count("day", Some("/docs/home")), many);
}

#[test]
fn an_empty_body_with_a_query_is_a_beacon() {
    let server = Server::start("");
    let path = "/beacon?event_type=page_view&identifier=/docs/home";
    assert_eq!(server.client().send("POST", path, &[], b"").unwrap().status, 204);
    let pixel = server.get("/beacon.gif?identifier=/docs/home");
    assert_eq!((pixel.status, pixel.header("content-type")), (200, "image/gif"));
    assert!(pixel.body.starts_with(b"GIF89a") && pixel.body.len() == 43);
    assert!(pixel.header("cache-control").contains("no-store"));
    assert_eq!(server.count("day", Some("/docs/home")), 2);
}

#[test]
fn chunked_and_packed_bodies_are_read() {
    let server = Server::start("");
    let mut chunked =
        b"POST /beacon HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for chunk in BODY.as_bytes().chunks(7) {
        write!(chunked, "{:x}\r\n", chunk.len()).unwrap();
        chunked.extend_from_slice(chunk);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    let mut client = server.client();
    client.write(&chunked).unwrap();
    assert_eq!(client.answer().unwrap().status, 204);

    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(BODY.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    for headers in [&[("Content-Type", "text/plain")][..], &[("Content-Encoding", "gzip")]] {
        assert_eq!(client.send("POST", "/beacon", headers, &packed).unwrap().status, 204);
    }
    // A small body that unpacks to far more than is allowed.
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    bomb.write_all(&vec![b' '; 4_000_000]).unwrap();
    let bomb = bomb.finish().unwrap();
    assert!(bomb.len() < 8192);
    assert_eq!(client.send("POST", "/beacon", &[], &bomb).unwrap().status, 413);
    assert_eq!(server.count("day", Some("/docs/home")), 3);
}

#[test]
fn what_browsers_really_send_is_counted() {
    let server = Server::start("");
    let captured = [
        include_str!("../../fixtures/requests/string.http"),
        include_str!("../../fixtures/requests/json_cross_site.http"),
        include_str!("../../fixtures/requests/no_type.http"),
        include_str!("../../fixtures/requests/bare.http"),
    ];
    for text in captured {
        let (head, body) = text.split_once("\n\n").unwrap();
        let head = head.trim_end().replace('\n', "\r\n");
        let body = body.trim_end();
        let mut client = server.client();
        let length = format!("\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        client.write((head + &length).as_bytes()).unwrap();
        let answer = client.answer().unwrap();
        assert_eq!(answer.status, 204, "{text}: {}", answer.text());
    }
    let many = i64::try_from(captured.len()).unwrap();
    assert_eq!(server.count("day", Some("/p/page.html")), many);
}

#[test]
fn a_connection_is_kept_and_requests_may_follow_each_other_at_once() {
    let server = Server::start("");
    let mut client = server.client();
    for _ in 0..5 {
        assert_eq!(client.send("POST", "/beacon", &[], BODY.as_bytes()).unwrap().status, 204);
    }
    let one = request("POST", "/beacon", &[], BODY.as_bytes());
    client.write(&one.repeat(10)).unwrap();
    for _ in 0..10 {
        assert_eq!(client.answer().unwrap().status, 204);
    }
    assert_eq!(server.count("day", Some("/docs/home")), 15);
}

#[test]
fn ingest_never_redirects() {
    let server = Server::start("");
    for (method, path) in
        [("POST", "/beacon/"), ("GET", "/beacon"), ("PUT", "/beacon"), ("POST", "/beacon.gif")]
    {
        let answer = server.client().send(method, path, &[], b"").unwrap();
        assert!((400..500).contains(&answer.status), "{method} {path}: {}", answer.status);
        assert!(answer.all("location").is_empty());
    }
}

#[test]
fn a_large_body_is_answered_and_only_then_closed() {
    let server = Server::start("");
    // Declared to be larger than is ever read: the answer comes before the body.
    let mut client = server.client();
    client
        .write(b"POST /beacon HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000000\r\n\r\n")
        .unwrap();
    let answer = client.answer().unwrap();
    assert_eq!((answer.status, answer.header("connection")), (413, "close"));
    assert!(client.is_closed());
    // A whole one of two megabytes, as one browser sends it without asking.
    let body =
        format!(r#"{{"event_type":"page_view","meta":{{"x":"{}"}}}}"#, "x".repeat(2_000_000));
    let answer = server.post(&body);
    assert_eq!(answer.status, 413, "{}", answer.text());
    // One that never ends.
    let mut endless = Client::connect(server.port).unwrap();
    endless
        .write(b"POST /beacon HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        .unwrap();
    let chunk = format!("400\r\n{}\r\n", " ".repeat(0x400));
    for _ in 0..9 {
        endless.write(chunk.as_bytes()).unwrap();
    }
    assert_eq!(endless.answer().unwrap().status, 413);
    assert_eq!(server.refusals("body_too_large"), 3);
    assert_eq!(count(&server.file(), "day", None), 0);
    assert_eq!(server.post(BODY).status, 204);
}
