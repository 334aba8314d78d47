//! What explains a course: hours without a server are told from hours without visitors, and what
//! happened stands beside what was counted.

use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::support::{BINARY, Server, http, time::Clock, wait_until};

const CONFIG: &str = "[[site]]\ndomain = \"a.example\"\n[[site]]\ndomain = \"b.example\"\n";

/// For how long the server was down in each hour of 24 November, in seconds.
fn down(server: &Server) -> Vec<i64> {
    let query = "site=a.example&from=2026-11-24&to=2026-11-24&granularity=hour";
    let report = server.json(&format!("/api/v1/reports/overview?{query}"));
    let points = report["series"]["points"].as_array().cloned().unwrap_or_default();
    points.iter().map(|point| point["down_seconds"].as_i64().unwrap_or_default()).collect()
}

fn texts(server: &Server, query: &str) -> Vec<String> {
    let found = server.json(&format!("/api/v1/annotations{query}"));
    let found = found["annotations"].as_array().cloned().unwrap_or_default();
    found.iter().map(|it| it["text"].as_str().unwrap_or_default().to_owned()).collect()
}

fn is_noted(server: &Server, began: i64) -> bool {
    let sql = "SELECT EXISTS (SELECT 1 FROM uptime WHERE began = ?1)";
    server.file_as_it_is().query_row(sql, [began], |row| row.get(0)).unwrap()
}

#[test]
fn hours_without_a_server_are_no_hours_without_visitors() {
    const TEN: i64 = 1_795_514_400;
    let clock = Clock::at("2026-11-24 10:00:00");
    let mut server = Server::start_at(&clock, CONFIG);
    server.post(br#"{"event_type":"page_view","identifier":"/","site":"a.example"}"#);
    wait_until("that it is up to be noted", || is_noted(&server, TEN));
    server.kill();
    // Nothing is known of the time before, and the end was not noted.
    clock.set("2026-11-24 13:30:00");
    server.restart();
    wait_until("that it is up to be noted", || is_noted(&server, TEN + 3 * 3600 + 1800));
    let mut expected = vec![0; 24];
    expected[10..14].copy_from_slice(&[3600, 3600, 3600, 1800]);
    assert_eq!(down(&server), expected);
    // A clean stop notes it to the second; a short restart leaves no gap.
    clock.set("2026-11-24 13:30:40");
    assert!(server.terminate().success());
    clock.set("2026-11-24 13:32:00");
    server.restart();
    wait_until("the note", || {
        let sql = "SELECT max(last) FROM uptime";
        let last: i64 = server.file_as_it_is().query_row(sql, [], |row| row.get(0)).unwrap();
        last == TEN + 3 * 3600 + 1920
    });
    assert_eq!(down(&server), expected);
    let page = server.get("/?site=a.example&period=today").text();
    assert!(page.contains("The server was down") && page.contains("Server down for 30"), "{page}");
}

fn run(server: &Server, words: &[&str]) -> Output {
    let mut command = Command::new(BINARY);
    command.args(words).current_dir(server.folder.path()).envs(server.environment());
    command.output().unwrap()
}

fn post(server: &Server, kind: &str, headers: &[(&str, &str)], body: &str) -> http::Answer {
    let headers = [&[("content-type", kind)], headers].concat();
    let mut client = server.client();
    client.send("POST", "/api/v1/annotations", &headers, body.as_bytes()).unwrap()
}

#[test]
fn what_happened_is_said_by_hand_by_command_and_by_programs() {
    const FORM: &str = "application/x-www-form-urlencoded";
    let clock = Clock::at("2026-11-24 10:00:00");
    let mut server = Server::start_at(&clock, CONFIG);
    server.post(br#"{"event_type":"page_view","identifier":"/","site":"a.example"}"#);
    let written = post(
        &server,
        "application/json",
        &[],
        r#"{"text":"by a program","at":"2026-11-24T08:00:00Z"}"#,
    );
    assert_eq!((written.status, written.text().contains("\"id\":1")), (201, true));
    let beside =
        run(&server, &["annotate", "by command", "--at", "2026-11-24", "--site", "a.example"]);
    assert!(beside.status.success(), "{beside:?}");
    let form = "text=by+hand&at=2026-11-24T09:00&site=b.example&back=/?site=b.example";
    let by_hand = post(&server, FORM, &[("sec-fetch-site", "same-origin")], form);
    assert_eq!((by_hand.status, by_hand.header("location")), (303, "/?site=b.example"));
    let elsewhere = post(&server, FORM, &[("sec-fetch-site", "cross-site")], form);
    assert_eq!(elsewhere.status, 403);
    for wrong in [r#"{"text":""}"#, r#"{"text":"a","at":"2027-01-01"}"#, r#"{"txt":"a"}"#, "{"] {
        assert_eq!(post(&server, "application/json", &[], wrong).status, 400, "{wrong}");
    }
    assert_eq!(texts(&server, "?site=a.example"), ["by command", "by a program"]);
    assert_eq!(texts(&server, "?site=b.example"), ["by a program", "by hand"]);
    assert!(texts(&server, "?site=b.example&from=2026-11-23&to=2026-11-23").is_empty());
    let page = server.get("/?site=a.example&period=today").text();
    assert!(
        page.contains("class=\"said\"") && page.contains("<title>by command</title>"),
        "{page}"
    );
    // A person takes back what a person has said.
    assert_eq!(post(&server, FORM, &[], "remove=1&back=//evil.example").header("location"), "/");
    assert_eq!(texts(&server, "?site=b.example"), ["by hand"]);
    assert_eq!(post(&server, FORM, &[], "remove=1").status, 404);
    // Without a server, the command writes the file itself.
    assert!(server.terminate().success());
    assert!(run(&server, &["annotate", "without a server"]).status.success());
    let refused = run(&server, &["annotate", "a", "--at", "soon"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("is no time"), "{refused:?}");
    server.restart();
    assert_eq!(texts(&server, "?site=b.example"), ["by hand", "without a server"]);
}

#[test]
fn another_release_and_another_configuration_are_noted_and_a_comment_is_not() {
    let clock = Clock::at("2026-11-24 10:00:00");
    let mut server = Server::start_at(&clock, CONFIG);
    let config = server.folder.path().join("beacons.toml");
    let runs = |server: &Server| -> Vec<String> { texts(server, "?site=a.example") };
    assert!(server.terminate().success());
    std::fs::write(&config, format!("# A comment.\n{CONFIG}")).unwrap();
    server.restart();
    assert!(server.terminate().success());
    std::fs::write(&config, format!("{CONFIG}[event.video]\nidentifier = \"key\"\n")).unwrap();
    server.restart();
    wait_until("the note", || !runs(&server).is_empty());
    assert_eq!(runs(&server), ["beacons.toml was changed"]);
    assert!(server.terminate().success());
    let file = rusqlite::Connection::open(server.database()).unwrap();
    file.execute("UPDATE ran SET version = '0.0.9'", []).unwrap();
    drop(file);
    server.restart();
    wait_until("the note", || runs(&server).len() > 1);
    let upgraded = format!("Trim Beacons {} instead of 0.0.9", env!("CARGO_PKG_VERSION"));
    assert_eq!(runs(&server), ["beacons.toml was changed".to_owned(), upgraded]);
    let kinds = server.json("/api/v1/annotations");
    let kinds: Vec<&Value> =
        kinds["annotations"].as_array().unwrap().iter().map(|it| &it["kind"]).collect();
    assert_eq!(kinds, [&json!("configuration"), &json!("upgrade")]);
}
