//! A disk that is really full, and a file that may not grow: what is answered 204 is there, and with room
//! again the server goes on by itself.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::Write as _,
    path::PathBuf,
    process::Command,
};

use crate::support::{Server, wait_until};

const CONFIG: &str = r#"
[server]
database = "data/trim-beacons.db"
[event.sent]
identifier = "key"
dedupe = "1h"
"#;

/// The server, and after its end a check of its file, where the disk of its own is still there.
const SERVE: &str = r#""$0" "$@" && "$0" verify --config beacons.toml; exit $?"#;

/// How many beacons a disk takes at most before it is full.
const FILLING_MAX: usize = 20_000;

/// How many more are sent to a full disk.
const WHILE_FULL: usize = 50;

/// How large the disk is: with little more than 64 MiB free the server is not ready.
const DISK: &str = "size=80m";

/// Sends beacon `number`, and says whether it is stored.
fn is_stored(server: &Server, number: usize) -> bool {
    // Long enough that it needs room of its own.
    let body = format!(
        r#"{{"event_type":"sent","identifier":"b{number:0300}","id":"{number}","meta":{{"n":{number}}}}}"#
    );
    let answer = server.post(body);
    assert!(matches!(answer.status, 204 | 503), "{} {}", answer.status, answer.text());
    answer.status == 204
}

/// How often each is counted.
fn counted(server: &Server) -> HashMap<usize, i64> {
    let mut all = HashMap::new();
    for page in 0.. {
        let path = format!(
            "/api/v1/reports/top?event_type=sent&dimension=identifier&limit=1000&offset={}",
            page * 1000
        );
        let report = server.json(&path);
        let rows = report["rows"].as_array().unwrap_or_else(|| panic!("{report}"));
        all.extend(rows.iter().map(|row| {
            let number = row["name"].as_str().unwrap().trim_start_matches('b').parse().unwrap();
            (number, row["figures"]["count"].as_i64().unwrap())
        }));
        if rows.len() < 1000 {
            break;
        }
    }
    all
}

/// Lives through a disk that `fill` fills and `empty` empties.
fn live(mut server: Server, fill: impl FnOnce(&Server), empty: impl FnOnce(&Server)) {
    let mut sent = 0;
    let mut send = |server: &Server| {
        sent += 1;
        (sent - 1, is_stored(server, sent - 1))
    };
    let mut stored = HashMap::new();
    stored.extend((0..20).map(|_| send(&server)));
    assert!(stored.values().all(|stored| *stored));
    fill(&server);
    // What the log has room for is still taken.
    while stored.values().all(|stored| *stored) {
        assert!(stored.len() < FILLING_MAX, "the disk never got full");
        let (number, is_stored) = send(&server);
        stored.insert(number, is_stored);
    }
    stored.extend((0..WHILE_FULL).map(|_| send(&server)));
    let refused = stored.values().filter(|stored| !**stored).count();
    println!("{} stored, {refused} told to come again", stored.len() - refused);
    assert!(refused > WHILE_FULL / 2, "{refused}");
    assert_eq!(server.get("/").status, 200);
    assert_eq!(server.get("/health").status, 503);
    // What can't be counted is not shown as nothing.
    wait_until("counting to be put off", || {
        let waiting = server.json("/api/v1/reports/overview");
        waiting["not_counted_yet"].as_u64().is_some_and(|count| count > 0)
    });
    assert!(server.get("/").text().contains("to be counted: that fails at the moment"));
    assert!(server.get("/doctor").text().contains("in the file to be counted"));

    empty(&server);
    wait_until("room", || is_stored(&server, 0));
    for (number, _) in stored.iter().filter(|(_, stored)| !**stored) {
        wait_until("it to be stored", || is_stored(&server, *number));
    }
    wait_until("all to be well", || server.get("/health").status == 200);
    assert!(server.json("/api/v1/reports/overview").get("not_counted_yet").is_none());
    let counted = counted(&server);
    assert_eq!(counted.len(), stored.len());
    assert!(counted.values().all(|count| *count == 1), "{counted:?}");
    let said = server.said();
    assert!(!said.contains("panicked"), "{said}");
    assert_eq!(said.matches("could not be stored").count(), 1, "{said}");
    assert!(server.terminate().success());
}

/// The folder of the database, as the server sees it.
fn folder(server: &Server) -> PathBuf {
    format!("/proc/{}/cwd/data", server.pid()).into()
}

/// How a process of this system mounts a disk of its own.
fn own_mounts() -> Vec<&'static str> {
    let ways = [vec!["unshare", "--mount"], vec!["unshare", "--mount", "--map-root-user"]];
    let works = |way: &Vec<&str>| {
        let mount = ["mount", "-t", "tmpfs", "none", "/mnt"];
        Command::new(way[0]).args(&way[1..]).args(mount).output().unwrap().status.success()
    };
    ways.into_iter().find(works).unwrap_or_else(|| {
        panic!("a full disk takes root, or a system that lets users have namespaces")
    })
}

#[test]
fn a_disk_that_is_full_loses_nothing_that_was_answered() {
    let mount = format!("mkdir data && mount -t tmpfs -o {DISK} none data && {SERVE}");
    let before: Vec<&str> = own_mounts().into_iter().chain(["sh", "-c", &mount]).collect();
    let server = Server::start_by(&before, CONFIG);
    let fill = |server: &Server| {
        let mut file = File::create(folder(server).join("filling")).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
    };
    let empty = |server: &Server| fs::remove_file(folder(server).join("filling")).unwrap();
    live(server, fill, empty);
}

#[test]
fn a_file_that_may_not_grow_loses_nothing_that_was_answered() {
    let limited = format!("mkdir data; {SERVE}");
    let server = Server::start_by(&["sh", "-c", &limited], CONFIG);
    let limit = |server: &Server, bytes: &str| {
        let (pid, most) = (server.pid().to_string(), format!("--fsize={bytes}:"));
        assert!(Command::new("prlimit").args(["--pid", &pid, &most]).status().unwrap().success());
    };
    let log =
        |server: &Server| fs::metadata(folder(server).join("trim-beacons.db-wal")).unwrap().len();
    live(
        server,
        |server| limit(server, &log(server).to_string()),
        |server| limit(server, "unlimited"),
    );
}
