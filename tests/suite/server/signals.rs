//! SIGTERM ends everything in order, SIGHUP takes a new configuration or keeps the old one.

use std::{
    fs,
    sync::atomic::{AtomicBool, AtomicU16, Ordering::Relaxed},
    thread,
};

use crate::support::{Server, count, http::Client, wait_until};

const CONFIG: &str = "[event.page_view]\nvisits = true\ndedupe = \"0s\"\n";

/// Sends beacons until it is told to stop or turned away; says how many were answered.
fn send_until(stop: &AtomicBool, port: u16) -> i64 {
    let body = br#"{"event_type":"page_view","identifier":"/a"}"#;
    let mut answered = 0;
    let Ok(mut client) = Client::connect(port) else { return 0 };
    while !stop.load(Relaxed) {
        match client.send("POST", "/beacon", &[], body) {
            Ok(answer) if answer.status == 204 => {
                answered += 1;
                if answer.header("connection") == "close" {
                    break;
                }
            }
            // Turned away while it ends: not counted.
            Ok(answer) => assert_eq!(answer.status, 503),
            Err(_) => break,
        }
    }
    answered
}

#[test]
fn what_was_answered_is_counted_before_it_ends_and_one_file_stays() {
    let mut server = Server::start(CONFIG);
    let stop = AtomicBool::new(false);
    let port = server.port;
    let answered: i64 = thread::scope(|scope| {
        let stop = &stop;
        let clients: Vec<_> =
            (0..16).map(|_| scope.spawn(move || send_until(stop, port))).collect();
        wait_until("some beacons", || server.health("/beacons/stored") > 500);
        let ended = server.terminate();
        assert!(ended.success(), "{ended}");
        stop.store(true, Relaxed);
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    });
    assert!(answered > 500);
    let mut names: Vec<String> = fs::read_dir(server.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["beacons.toml", "trim-beacons.db", "trim-beacons.db-salt"]);
    let file = server.file_as_it_is();
    let waiting: i64 =
        file.query_row("SELECT count(*) FROM beacon_journal", [], |row| row.get(0)).unwrap();
    assert_eq!(waiting, 0);
    for granularity in ["hour", "day", "month", "year"] {
        assert_eq!(count(&file, granularity, None), answered, "{granularity}");
        assert_eq!(count(&file, granularity, Some("/a")), answered, "{granularity}");
    }
}

#[test]
fn a_second_server_on_the_same_file_is_turned_away() {
    let server = Server::start("");
    let out = std::process::Command::new(crate::support::BINARY)
        .args(["--listen", "127.0.0.1:0"])
        .current_dir(server.folder.path())
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(1));
    let said = String::from_utf8(out.stderr).unwrap();
    assert!(said.contains("in use by another trim-beacons"), "{said}");
    assert_eq!(server.get("/health").status, 200);
}

#[test]
fn a_broken_file_keeps_the_old_rules_and_a_good_one_brings_new_ones() {
    let server = Server::start("[event.old]\nidentifier = \"none\"\n");
    let send = |event: &str| server.post(format!(r#"{{"event_type":"{event}"}}"#)).status;
    assert_eq!((send("old"), send("new")), (204, 400));

    let path = server.folder.path().join("beacons.toml");
    fs::write(&path, "[event.new]\nidentifer = \"none\"\n").unwrap();
    server.signal("HUP");
    wait_until("the complaint", || server.said().contains("the old configuration stays in force"));
    let said = server.said();
    assert!(said.contains("beacons.toml:2:1: unknown key \"identifer\""), "{said}");
    assert!(said.contains("did you mean \"identifier\"?"), "{said}");
    assert_eq!((send("old"), send("new")), (204, 400));

    // One that is gone is not the built-in one.
    fs::remove_file(&path).unwrap();
    server.signal("HUP");
    wait_until("the complaint", || server.said().matches("stays in force").count() == 2);
    assert!(server.said().contains("can't read beacons.toml"), "{}", server.said());
    assert_eq!((send("old"), send("new")), (204, 400));

    fs::write(&path, "[event.new]\nidentifier = \"none\"\n").unwrap();
    server.signal("HUP");
    wait_until("the new rules", || send("new") == 204);
    assert_eq!(send("old"), 400);
    // What was counted by the old rules is still there.
    server.json("/api/v1/reports/overview");
    let sql =
        "SELECT sum(count) FROM beacon_aggregates WHERE event_type = 'old' AND granularity = 'day'";
    let old: i64 = server.file().query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(old, 3);
}

#[test]
fn a_reload_under_load_loses_nothing() {
    let server = Server::start(CONFIG);
    let (stop, port) = (AtomicBool::new(false), AtomicU16::new(server.port));
    let answered: i64 = thread::scope(|scope| {
        let (stop, port) = (&stop, port.load(Relaxed));
        let clients: Vec<_> = (0..8).map(|_| scope.spawn(move || send_until(stop, port))).collect();
        for round in 1..=5 {
            server.signal("HUP");
            wait_until("some beacons", || server.health("/beacons/stored") > round * 100);
        }
        stop.store(true, Relaxed);
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    });
    assert_eq!(server.count("day", None), answered);
}
