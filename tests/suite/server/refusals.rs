//! What can't be counted is refused, told in a sentence, counted by its reason, and harms nobody.

use crate::support::Server;

#[test]
fn every_refusal_has_its_status_its_sentence_and_its_count() {
    let server = Server::start("");
    let page = |rest: &str| format!(r#"{{"event_type":"page_view","identifier":"/a"{rest}}}"#);
    let deep = format!(r#","meta":{{"x":{}{}}}"#, "[".repeat(100), "]".repeat(100));
    let long = format!(r#"{{"event_type":"page_view","identifier":"/{}"}}"#, "a".repeat(512));
    let large = format!(r#","meta":{{"x":"{}"}}"#, "y".repeat(2048));
    let many: Vec<String> = (0..65).map(|key| format!(r#""k{key}":1"#)).collect();
    let cases: Vec<(Vec<u8>, u16, &str, &str)> = vec![
        (b"".into(), 400, "malformed", "EOF"),
        (b"no".into(), 400, "malformed", "line 1 column"),
        (b"[]".into(), 400, "malformed", "one object"),
        (page("").as_bytes()[..30].into(), 400, "malformed", "EOF"),
        (page("").replace("/a", "/\0").into(), 400, "malformed", "control character"),
        (page("").replace("/a", "/\\u0000").into(), 400, "identifier_not_allowed", "U+0000"),
        (page("").replace("/a", "/\u{202e}").into(), 400, "identifier_not_allowed", "U+202E"),
        (page("").replace("/a", "/\\ud800").into(), 400, "malformed", "hex escape"),
        (page(&deep).into(), 400, "malformed", "nested deeper than 32"),
        (page(&deep.replace('[', "{\"a\":").replace(']', "}")).into(), 400, "malformed", ""),
        ("[".repeat(8000).into(), 400, "malformed", ""),
        (page(r#","identifier":"/b""#).into(), 400, "malformed", "duplicate field"),
        (page(r#","meta":{"x":1,"x":2}"#).into(), 400, "malformed", "duplicate key \"x\""),
        (page(r#","meta":{"x":1e400}"#).into(), 400, "malformed", "number out of range"),
        (page(r#","meta":[1]"#).into(), 400, "malformed", "an object for meta"),
        (page(r#","when":1"#).into(), 400, "malformed", "unknown field `when`"),
        (format!("{} {}", page(""), page("")).into(), 400, "malformed", "trailing"),
        (page(&format!(r#","meta":{{{}}}"#, many.join(","))).into(), 400, "malformed", "64 keys"),
        (b"{\"event_type\":\"a\xff\"}".into(), 400, "not_utf8", "from byte 17 on"),
        (b"{\"event_type\":\"page_view\"}".into(), 400, "identifier_missing", "meta.url"),
        (page("").replace("page_view", "nope").into(), 400, "unknown_event_type", "\"nope\""),
        (long.into(), 400, "identifier_too_long", "512 are allowed"),
        (page(&large).into(), 400, "meta_too_large", "2048 are allowed"),
        (page(&" ".repeat(8192)).into(), 413, "body_too_large", "8192 bytes"),
        (b"\x1f\x8bnot gzip at all".into(), 400, "malformed", "does not unpack"),
    ];
    let mut noted = std::collections::BTreeMap::<&str, u64>::new();
    for (body, status, reason, part) in &cases {
        let shown = String::from_utf8_lossy(&body[..body.len().min(100)]).into_owned();
        let answer = server.post(body);
        assert_eq!(answer.status, *status, "{shown}: {}", answer.text());
        assert_eq!(answer.header("content-type"), "application/json");
        let told: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(told["reason"], *reason, "{shown}");
        let sentence = told["error"].as_str().unwrap();
        assert!(sentence.contains(part), "{shown}: {sentence}");
        assert!(!sentence.contains('\n') && sentence.len() < 1000, "{sentence}");
        *noted.entry(reason).or_default() += 1;
        assert_eq!(server.get("/health").status, 200);
    }
    for (reason, count) in noted {
        assert_eq!(server.refusals(reason), count, "{reason}");
    }
    let all = u64::try_from(cases.len()).unwrap();
    assert_eq!(server.health("/beacons/rejected"), all);
    assert_eq!(server.health("/beacons/stored"), 0);
    assert_eq!(server.post(page("")).status, 204);
    assert_eq!(server.count("day", None), 1);
}

#[test]
fn multipart_forms_are_refused_by_their_type() {
    let server = Server::start("");
    let headers = [("Content-Type", "multipart/form-data; boundary=x")];
    let body = b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x--\r\n";
    let answer = server.client().send("POST", "/beacon", &headers, body).unwrap();
    assert_eq!(answer.status, 415, "{}", answer.text());
    assert_eq!(server.refusals("unsupported_body"), 1);
}

#[test]
fn a_site_takes_beacons_of_its_own_pages_and_origins_alone() {
    let server = Server::start(
        "[[site]]\ndomain = \"a.example\"\nallowed_origins = [\"https://a.example\"]\n",
    );
    let send = |origin: &str| {
        let headers = [("Origin", origin)];
        let body = br#"{"event_type":"page_view","identifier":"/"}"#;
        server.client().send("POST", "/beacon", &headers, body).unwrap().status
    };
    assert_eq!(send("https://a.example"), 204);
    assert_eq!(send("https://b.example"), 400);
    assert_eq!(send("http://a.example"), 403);
    let named = r#"{"event_type":"page_view","identifier":"/","site":"b.example"}"#;
    assert_eq!(server.post(named).status, 400);
    assert_eq!(server.refusals("origin_not_allowed"), 1);
    assert_eq!(server.count("day", None), 1);
}

#[test]
fn visitors_who_ask_for_privacy_and_bots_are_answered_but_not_counted() {
    let server = Server::start("[server]\ntrusted_proxies = [\"127.0.0.1\"]\n");
    let browser = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0";
    let send = |headers: &[(&str, &str)]| {
        let mut all = vec![("X-Forwarded-For", "198.51.100.7")];
        all.extend_from_slice(headers);
        let body = br#"{"event_type":"page_view","identifier":"/"}"#;
        server.client().send("POST", "/beacon", &all, body).unwrap().status
    };
    assert_eq!(send(&[("User-Agent", browser)]), 204);
    assert_eq!(send(&[("User-Agent", browser), ("Sec-GPC", "1")]), 204);
    assert_eq!(send(&[("User-Agent", browser), ("DNT", "1")]), 204);
    assert_eq!(send(&[("User-Agent", "Googlebot/2.1 (+http://www.google.com/bot.html)")]), 204);
    assert_eq!(send(&[]), 204);
    assert_eq!(server.count("day", None), 1);
    assert_eq!(server.refusals("privacy_signal"), 2);
    assert_eq!(server.refusals("bot"), 1);
    assert_eq!(server.refusals("implausible"), 1);
}
