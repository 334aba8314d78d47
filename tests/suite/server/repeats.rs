//! A beacon that is sent again counts once, also when the server has stopped in between.

use crate::support::{Server, time::Clock};

const PAGE: &str = r#"{"event_type":"page_view","identifier":"/a""#;

/// Sends a beacon as somebody's browser does; it is answered like any other.
fn send(server: &Server, body: &str, address: &str) {
    let headers = [("X-Forwarded-For", address), ("User-Agent", "Mozilla/5.0 Firefox/143.0")];
    let answer = server.client().send("POST", "/beacon", &headers, body.as_bytes()).unwrap();
    assert_eq!(answer.status, 204, "{}", answer.text());
}

#[test]
fn what_is_sent_again_within_ten_seconds_counts_once() {
    let clock = Clock::at("2026-06-01 12:00:00");
    let config = "[server]\ntrusted_proxies = [\"127.0.0.1\"]\n[event.tick]\nidentifier = \"key\"\ndedupe = \"0s\"\n[event.look]\nidentifier = \"key\"\ndedupe_by = \"request\"\n";
    let mut server = Server::start_at(&clock, config);
    let named = |id: &str, more: &str| format!(r#"{PAGE},"id":"{id}"{more}}}"#);
    // By its id, whatever else has changed; by all that it says, where it has none.
    send(&server, &named("1", ""), "203.0.113.1");
    send(&server, &named("1", r#","meta":{"n":1}"#), "203.0.113.1");
    send(&server, &named("2", ""), "203.0.113.1");
    assert_eq!(server.count("day", Some("/a")), 2);
    let looks = [r#""n":1"#, r#""n":1"#, r#""n":2"#, r#""n":[1]"#, r#""n":[2]"#, r#""n":[2]"#];
    for n in looks {
        let body = format!(r#"{{"event_type":"look","identifier":"x","meta":{{{n}}}}}"#);
        send(&server, &body, "203.0.113.1");
    }
    assert_eq!(server.count("day", Some("x")), 4);
    // Where they are known by their id, those without one count every time.
    send(&server, &format!("{PAGE}}}"), "203.0.113.1");
    send(&server, &format!("{PAGE}}}"), "203.0.113.1");
    assert_eq!(server.count("day", Some("/a")), 4);
    // Somebody else may have the same.
    send(&server, &named("1", ""), "203.0.113.2");
    assert_eq!(server.count("day", Some("/a")), 5);

    // Ten seconds on: once after a kill with the beacon in the journal, once after a clean stop.
    send(&server, &named("3", ""), "203.0.113.1");
    server.kill();
    server.restart();
    clock.set("2026-06-01 12:00:09");
    send(&server, &named("3", ""), "203.0.113.1");
    assert!(server.terminate().success());
    server.restart();
    clock.set("2026-06-01 12:00:10");
    send(&server, &named("3", ""), "203.0.113.1");
    assert_eq!(server.count("day", Some("/a")), 6);
    clock.set("2026-06-01 12:00:11");
    send(&server, &named("3", ""), "203.0.113.1");
    assert_eq!(server.count("day", Some("/a")), 7);

    // Where every one counts, every one counts.
    for _ in 0..3 {
        send(&server, r#"{"event_type":"tick","identifier":"tick","id":"1"}"#, "203.0.113.1");
    }
    assert_eq!(server.count("day", Some("tick")), 3);
    assert_eq!(server.refusals("repeat"), 5);
}

#[test]
fn what_is_sent_again_over_midnight_counts_once() {
    let clock = Clock::at("2026-06-01 23:59:55");
    let config = "[server]\ntrusted_proxies = [\"127.0.0.1\"]\n[event.look]\nidentifier = \"key\"\ndedupe_by = \"request\"\n";
    let mut server = Server::start_at(&clock, config);
    let page = |id: &str| format!(r#"{PAGE},"id":"{id}"}}"#);
    let look = r#"{"event_type":"look","identifier":"x"}"#;
    let days = |server: &Server, identifier: &str| {
        let sql = "SELECT group_concat(substr(period_start, 9, 2) || ':' || count) FROM
            (SELECT * FROM beacon_aggregates WHERE granularity = 'day' AND identifier = ?1
             ORDER BY period_start)";
        server.file().query_row(sql, [identifier], |row| row.get::<_, String>(0)).unwrap()
    };
    for id in ["1", "2"] {
        send(&server, &page(id), "203.0.113.1");
    }
    send(&server, look, "203.0.113.1");
    // One with the beacons counted and one with them in the journal, the second after a kill.
    assert_eq!(days(&server, "/a"), "01:2");
    clock.set("2026-06-01 23:59:58");
    send(&server, &page("3"), "203.0.113.1");
    server.kill();
    server.restart();
    clock.set("2026-06-02 00:00:03");
    for id in ["1", "2", "3", "3"] {
        send(&server, &page(id), "203.0.113.1");
    }
    send(&server, look, "203.0.113.1");
    // Somebody else, and something else.
    send(&server, &page("1"), "203.0.113.2");
    send(&server, &page("4"), "203.0.113.1");
    assert_eq!((days(&server, "/a"), days(&server, "x")), ("01:3,02:2".into(), "01:1".into()));
    // Of the new day: known by either key.
    clock.set("2026-06-02 00:00:12");
    send(&server, &page("4"), "203.0.113.1");
    assert_eq!(days(&server, "/a"), "01:3,02:2");
    // Too late for those of yesterday.
    send(&server, &page("1"), "203.0.113.1");
    assert_eq!(days(&server, "/a"), "01:3,02:3");
    assert_eq!(server.refusals("repeat"), 6);
}
