//! Alerts begin when they should, last as long as what they tell of, and begin once, also over a kill.

use serde_json::Value;

use crate::support::{Server, time::Clock, wait_until};

const CONFIG: &str = r#"
[alert.Busy]
above = 5
within = "1h"
[alert.Spike]
spike = 100
[alert.Drop]
drop = 50
[alert.New]
new_error = true
[alert.Back]
returned_error = true
[alert.Silence]
silent_for = "6h"
[alert.Large]
file_above = 1
[alert.Full]
disk_below = 9_000_000_000_000_000
[event.page_view]
visits = true
dedupe = "0s"
"#;

fn views(server: &Server, count: usize) {
    for number in 0..count {
        let body = format!(r#"{{"event_type":"page_view","identifier":"/{}"}}"#, number % 3);
        assert_eq!(server.post(body).status, 204);
    }
}

fn error(server: &Server, message: &str) {
    let body = format!(r#"{{"event_type":"error","meta":{{"message":"{message}"}}}}"#);
    assert_eq!(server.post(body).status, 204);
}

/// The names of the alerts that last, in order; and how many are over.
fn state(server: &Server) -> (Vec<String>, usize) {
    let report = server.json("/api/v1/reports/alerts");
    let names = report["open"].as_array().unwrap().iter();
    let mut names: Vec<String> =
        names.map(|incident| incident["alert"].as_str().unwrap().to_owned()).collect();
    names.sort();
    (names, report["over"].as_array().map_or(0, Vec::len))
}

/// Begins anew, so that alerts are looked after at once, and waits until exactly these last.
fn expect(server: &mut Server, open: &[&str], over: usize) {
    server.kill();
    server.restart();
    let expected: Vec<String> = open.iter().map(|name| (*name).to_owned()).collect();
    wait_until(&format!("{open:?}"), || state(server) == (expected.clone(), over));
}

#[test]
fn alerts_begin_once_and_end_when_it_is_over() {
    // Four Mondays at nine with thirty page views, and one hour before each with nothing.
    let clock = Clock::at("2026-06-01 09:10:00");
    let mut server = Server::start_at(&clock, CONFIG);
    for day in ["2026-06-01", "2026-06-08", "2026-06-15", "2026-06-22"] {
        clock.set(&format!("{day} 09:10:00"));
        views(&server, 30);
    }
    // What is about the disk lasts to the end.
    expect(&mut server, &["Busy", "Full", "Large"], 0);
    clock.set("2026-06-22 12:00:00");
    expect(&mut server, &["Full", "Large"], 1);
    clock.set("2026-06-22 16:30:00");
    expect(&mut server, &["Full", "Large", "Silence"], 1);
    // Again and again it is the same incident.
    expect(&mut server, &["Full", "Large", "Silence"], 1);

    // The fifth Monday: far more than usual at nine, seen at ten; the silence is over.
    clock.set("2026-06-29 09:10:00");
    views(&server, 70);
    expect(&mut server, &["Busy", "Full", "Large"], 2);
    clock.set("2026-06-29 10:05:00");
    expect(&mut server, &["Busy", "Full", "Large", "Spike"], 2);
    let page = server.get("/").text();
    assert!(page.contains("70 page_view in the last full hour"), "{page}");
    // The sixth: a few only.
    clock.set("2026-07-06 09:10:00");
    views(&server, 5);
    clock.set("2026-07-06 10:05:00");
    expect(&mut server, &["Drop", "Full", "Large"], 4);

    errors_are_told(&mut server, &clock);
    let page = server.get("/alerts").text();
    assert!(page.contains("is not like the others") && page.contains("No beacon for"), "{page}");
    let report: Value = server.json("/api/v1/reports/alerts");
    for incident in report["over"].as_array().unwrap() {
        assert!(incident["ended"].as_i64().unwrap() >= incident["begun"].as_i64().unwrap());
    }
}

/// A new error, which is resolved, comes back, and is muted.
fn errors_are_told(server: &mut Server, clock: &Clock) {
    clock.set("2026-07-06 11:30:00");
    error(server, "this is not like the others");
    expect(server, &["Full", "Large", "New"], 5);
    let name = "Error: this is not like the others";
    let decide = |server: &Server, state: &str| {
        let form = format!("identifier={}&state={state}", name.replace(' ', "+"));
        let answer = server.client().send("POST", "/errors", &[], form.as_bytes()).unwrap();
        assert_eq!(answer.status, 303, "{}", answer.text());
    };
    decide(server, "resolved");
    expect(server, &["Full", "Large"], 6);
    clock.set("2026-07-06 11:40:00");
    error(server, "this is not like the others");
    expect(server, &["Back", "Full", "Large"], 6);
    decide(server, "muted");
    expect(server, &["Full", "Large"], 7);
    clock.set("2026-07-06 11:50:00");
    error(server, "this is not like the others");
    expect(server, &["Full", "Large"], 7);
}
