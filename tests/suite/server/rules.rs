//! Rules that change while people are here, and beacons that are told late: neither makes a number wrong.

use std::fs;

use rusqlite::Connection;

use super::backup::done;
use crate::support::{Server, time::Clock, wait_until};

const OPEN: &str = "[server]\naccess = \"open\"\ntrusted_proxies = [\"127.0.0.1\"]\n";

/// A page view of somebody at `address`.
fn view(server: &Server, address: usize, page: &str) {
    let from = format!("203.0.113.{address}");
    let headers = [("X-Forwarded-For", from.as_str()), ("User-Agent", "Mozilla/5.0 Firefox/143.0")];
    let body = format!(r#"{{"event_type":"page_view","identifier":"{page}"}}"#);
    let answer = server.client().send("POST", "/beacon", &headers, body.as_bytes()).unwrap();
    assert_eq!(answer.status, 204, "{}", answer.text());
}

/// Visits and bounces of all days.
fn visits(server: &Server) -> (i64, i64) {
    let sql = "SELECT sum(visits), sum(bounces) FROM beacon_aggregates
               WHERE event_type = 'page_view' AND granularity = 'day' AND identifier IS NULL";
    server.file().query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
}

/// Puts `config` into force, and waits until it is.
fn reload(server: &Server, config: &str) {
    fs::write(server.folder.path().join("beacons.toml"), config).unwrap();
    server.signal("HUP");
    wait_until("the new rules", || server.said().contains("reloaded"));
}

#[test]
fn who_tells_late_what_happened_ends_no_visit_and_lets_no_repeat_count() {
    let server = Server::start(OPEN);
    let late = || {
        let report = r#"[{"type":"csp-violation","age":86400000,"url":"https://a.example/x",
            "body":{"documentURL":"https://a.example/x","effectiveDirective":"img-src","blockedURL":"inline"}}]"#;
        let headers = [
            ("Content-Type", "application/reports+json"),
            ("User-Agent", "Mozilla/5.0 Chrome/140"),
        ];
        let answer = server.client().send("POST", "/reports", &headers, report.as_bytes()).unwrap();
        assert!(answer.status < 300, "{}: {}", answer.status, answer.text());
        // It is counted, and by itself: whoever asks for a page is told what was counted before.
        server.file();
    };
    let named = || {
        let body = r#"{"event_type":"page_view","identifier":"/named","id":"1"}"#;
        assert_eq!(server.post(body).status, 204);
        server.file();
    };
    named();
    for page in ["/1", "/2", "/3"] {
        view(&server, 7, page);
    }
    let before = visits(&server);
    late();
    view(&server, 7, "/4");
    late();
    named();
    late();
    named();
    view(&server, 7, "/5");
    assert_eq!(visits(&server), before);
    assert_eq!(server.count("day", Some("/named")), 1);
}

/// What a change of `[event.page_view]` does while visits go on, once by a reload, once by a restart.
fn change(before: &str, after: &str) {
    for with_restart in [false, true] {
        // In the first bucket of all, one that lost its parts looks the same as one that came before them.
        let clock = Clock::at("2026-05-31 21:55:00");
        let mut server = Server::start_at(&clock, &format!("{OPEN}{before}"));
        view(&server, 7, "/a");
        clock.set("2026-06-01 10:10:00");
        (1..=6).for_each(|address| view(&server, address, "/a"));
        server.file();
        if with_restart {
            assert!(server.terminate().success());
            let config = format!("{OPEN}{after}");
            fs::write(server.folder.path().join("beacons.toml"), config).unwrap();
            server.restart();
        } else {
            reload(&server, &format!("{OPEN}{after}"));
        }
        clock.set("2026-06-01 10:20:00");
        (1..=6).for_each(|address| view(&server, address, "/b"));
        server.file();
        check_sums(&server);
    }
}

/// The file is what was counted, and nothing in it is below zero.
fn check_sums(server: &Server) {
    done(server, &["verify"]);
    let least = "SELECT min(min(count, visitors, visits, bounces, seconds)) FROM (
            SELECT count, visitors, visits, bounces, seconds FROM beacon_aggregate
            UNION ALL SELECT count, visitors, visits, bounces, seconds FROM beacon_breakdown)";
    let least: i64 = server.file().query_row(least, [], |row| row.get(0)).unwrap();
    assert!(least >= 0, "{least}");
}

const EVENT: &str = "[event.page_view]\nidentifier = \"page_path\"\nvisits = true\n";

#[test]
fn visits_that_go_on_while_granularities_change_are_counted_right() {
    let event = |all: &str| format!("{EVENT}granularities = [{all}]\n");
    change(&event(r#""hour", "day", "month""#), &event(r#""minute", "hour", "day", "month""#));
    change(&event(r#""day", "month""#), &event(r#""hour", "day", "month""#));
}

#[test]
fn visits_that_go_on_while_dimensions_change_are_counted_right() {
    let pages = r#"dimensions = ["entry_page", "exit_page"]"#;
    change(EVENT, &format!("{EVENT}{pages}\n"));
    let split = format!("{EVENT}dimensions = [\"browser\"]\n");
    change(&split, &format!("{split}pairs = [\"browser\"]\n"));
}

#[test]
fn what_was_answered_before_a_change_of_the_time_zone_is_counted_in_the_zone_before() {
    let clock = Clock::at("2026-06-01 10:10:00");
    let server = Server::start_at(&clock, OPEN);
    (1..=6).for_each(|address| view(&server, address, "/a"));
    server.file();
    (1..=6).for_each(|address| view(&server, address, "/b"));
    reload(&server, &format!("{OPEN}time_zone = \"Europe/Berlin\"\n"));
    check_sums(&server);
    let sql = "SELECT max(period_start % 86400), sum(visits), sum(bounces) FROM beacon_aggregate
               WHERE granularity = 4 AND identifier = 0";
    let row = server.file().query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    let found: (i64, i64, i64) = row.unwrap();
    assert_eq!(found, (0, 6, 0), "the day of UTC");
}

#[test]
fn what_was_answered_before_a_reload_is_counted_by_the_rules_before() {
    let foo = "[event.foo]\nidentifier = \"none\"\n";
    let server = Server::start(&format!("{OPEN}{foo}"));
    let send = || assert_eq!(server.post(r#"{"event_type":"foo"}"#).status, 204);
    (0..5).for_each(|_| send());
    server.file();
    (0..3).for_each(|_| send());
    reload(&server, OPEN);
    let sql = "SELECT granularity, sum(count) FROM beacon_aggregates
               WHERE event_type = 'foo' AND identifier IS NULL GROUP BY 1";
    let file: Connection = server.file();
    let mut statement = file.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let found: Vec<(String, i64)> = rows.collect::<Result<_, _>>().unwrap();
    assert!(found.len() > 2 && found.iter().all(|(_, count)| *count == 8), "{found:?}");
}

#[test]
fn a_reload_does_not_wait_for_a_file_that_can_not_be_changed() {
    let server = Server::start_closed(OPEN);
    let file = Connection::open(server.database()).unwrap();
    // Whoever holds it keeps the writer waiting for longer than a reload does.
    file.execute_batch("BEGIN IMMEDIATE").unwrap();
    reload(&server, &OPEN.replace("open", "sign-in"));
    assert!(server.said().contains("what waits is counted by the new configuration"));
    assert_eq!(server.get("/").status, 403);
    assert_eq!(server.get("/live/events").status, 401);
    file.execute_batch("ROLLBACK").unwrap();
}
