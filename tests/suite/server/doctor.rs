//! What is amiss is told, with what to do, by command and on a page, beside a server and without one.

use std::{fs, os::unix::fs::PermissionsExt as _};

use rusqlite::Connection;
use serde_json::Value;

use super::backup::run;
use crate::support::Server;

/// What the doctor says, by what it is about: the state and the two sentences. And whether all is well.
fn visit(server: &Server) -> (bool, Vec<(String, String, String)>) {
    let output = run(server, &["doctor", "--json"]);
    let told: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let finding = |finding: &Value| {
        let text = |name: &str| finding[name].as_str().unwrap().to_owned();
        let (why, to_do) = (text("why"), text("to_do"));
        assert!(why.ends_with('.'), "{why}");
        assert_eq!(to_do.is_empty(), text("state") == "well", "{finding}");
        (text("about"), text("state"), format!("{why} {to_do}"))
    };
    (output.status.success(), told.as_array().unwrap().iter().map(finding).collect())
}

/// Holds that this alone is wrong.
fn assert_wrong(server: &Server, about: &str, part: &str) {
    let (is_well, findings) = visit(server);
    let wrong: Vec<_> = findings.iter().filter(|(_, state, _)| state == "wrong").collect();
    assert!(!is_well && wrong.len() == 1, "{findings:?}");
    assert_eq!(wrong[0].0, about);
    assert!(wrong[0].2.contains(part), "{wrong:?}");
}

fn assert_well(server: &Server) {
    let (is_well, findings) = visit(server);
    assert!(is_well, "{findings:?}");
}

#[test]
fn what_is_amiss_is_told_with_what_to_do() {
    let mut server = Server::start_closed("");
    assert_wrong(&server, "Who may look", "trim-beacons user add");
    server.terminate();
    let mut server = Server::start("[server]\naccess = \"open\"\n");
    assert_well(&server);
    let page = server.get("/doctor").text();
    assert!(
        page.contains("All is well") && page.contains("None is made by the calendar"),
        "{page}"
    );
    // As a proxy passes on what it has forgotten to be trusted for.
    let forwarded = [("X-Forwarded-For", "203.0.113.77")];
    let beacon = br#"{"event_type":"page_view","identifier":"/a"}"#;
    assert_eq!(server.client().send("POST", "/beacon", &forwarded, beacon).unwrap().status, 204);
    assert_wrong(&server, "Visitors’ addresses", "trusted_proxies");
    let page = server.get("/doctor").text();
    assert!(page.contains("One thing is wrong") && !page.contains("203.0.113"), "{page}");
    let in_words = run(&server, &["doctor"]);
    let in_words = String::from_utf8(in_words.stdout).unwrap();
    assert!(in_words.contains("wrong   Visitors’ addresses: 1 beacons came"), "{in_words}");
    server.terminate();
    server.restart();
    assert_well(&server);
    // A rule that refuses what pages send.
    assert_eq!(server.post(r#"{"event_type":"nothing_of_ours"}"#).status, 400);
    server.json("/api/v1/reports/overview");
    let refused =
        visit(&server).1.into_iter().find(|(about, ..)| about == "Refused beacons").unwrap();
    assert!(
        refused.1 == "advice" && refused.2.contains("1\u{a0}beacon was refused"),
        "{refused:?}"
    );
    let database = server.database();
    let mode = |mode| fs::set_permissions(&database, fs::Permissions::from_mode(mode)).unwrap();
    mode(0o644);
    assert_wrong(&server, "Who may read the files", "chmod 600");
    mode(0o600);
    server.terminate();
    // Without a server the file is looked at, and the rest stays open.
    let (is_well, findings) = visit(&server);
    assert!(is_well && findings.iter().any(|(_, state, _)| state == "open"), "{findings:?}");
    let version = |version| {
        let file = Connection::open(&database).unwrap();
        file.pragma_update(None, "user_version", version).unwrap();
    };
    version(3);
    let (is_well, findings) = visit(&server);
    assert!(is_well && findings[0].2.contains("of an older release"), "{findings:?}");
    version(99);
    assert_wrong(&server, "The file", "of a newer release");
}

#[test]
fn a_clock_that_went_back_a_wrong_name_and_missing_backups_are_told() {
    let config =
        "[server]\nbase_url = \"http://stats.example\"\n[server.backup]\nfolder = \"kept\"\n";
    let server = Server::start(config);
    crate::support::wait_until("the first backup", || {
        let kept = fs::read_dir(server.folder.path().join("kept"));
        let mut names = kept.into_iter().flatten().map(|entry| entry.unwrap().file_name());
        names.any(|name| name.to_str().unwrap().ends_with(".db"))
    });
    let (is_well, findings) = visit(&server);
    assert!(is_well, "{findings:?}");
    server.get("/");
    assert_wrong(&server, "base_url", "under another name than http://stats.example");
    let mut client = server.client();
    client.write(b"GET / HTTP/1.1\r\nHost: stats.example\r\n\r\n").unwrap();
    assert_eq!(client.answer().unwrap().status, 200);
    assert!(visit(&server).0, "a wrong name beside the right one is advice");
    fs::remove_dir_all(server.folder.path().join("kept")).unwrap();
    assert_wrong(&server, "Backups", "There is none in kept");
    let old = server.folder.path().join("kept/trim-beacons-2026-01-01.db");
    fs::create_dir(old.parent().unwrap()).unwrap();
    fs::write(&old, "").unwrap();
    assert_wrong(&server, "Backups", "is of 2026-01-01");
    // A folder that is named while the server runs has its first backup at once, and not when the next is due.
    let other = config.replace("kept", "elsewhere");
    fs::write(server.folder.path().join("beacons.toml"), other).unwrap();
    server.signal("HUP");
    crate::support::wait_until("a backup after the reload", || {
        let backups = visit(&server).1.into_iter().find(|(about, ..)| about == "Backups").unwrap();
        backups.1 == "well" && backups.2.contains("in elsewhere")
    });
}
