//! Calls that fail: a disk that errs at one moment or from one moment on, and one that is full for a while.
//! Nobody is told that something is stored which is not, nothing breaks off, and the next start is exact.

use std::{fs, process::ExitStatus};

use super::{
    disk::{self, Deed, library, recorded, records},
    times,
};
use crate::{
    server::backup::done,
    support::{Server, count, wait_until},
};

const CONFIG: &str = "[event.sent]\nidentifier = \"key\"\ndedupe = \"10m\"\n";

/// How many beacons are sent before a page is asked for, and how many after it.
const BEFORE: usize = 6;
const AFTER: usize = 4;

/// Ways to fail, each with the calls that can fail so.
const WAYS: [(&str, &[&str]); 6] = [
    ("EIO", &["write", "sync", "truncate", "open", "remove", "rename"]),
    ("ENOSPC", &["write", "truncate", "open"]),
    ("EINTR", &["write", "sync", "open", "truncate"]),
    ("SHORT", &["write"]),
    ("EIO:on", &["write", "sync", "open"]),
    ("ENOSPC:on", &["write"]),
];

/// How often each call is made by a life in which nothing fails. Those that are not written down are about
/// as many as files.
fn calls_of_a_life() -> Vec<(&'static str, usize)> {
    let folder = disk::folder();
    let log = folder.path().join("log");
    let mut server = Server::start_with(recorded(&log), CONFIG);
    let answered = send(&server, 0..BEFORE);
    assert!(answered.iter().all(|stored| *stored));
    server.get("/");
    send(&server, BEFORE..BEFORE + AFTER);
    assert!(server.terminate().success());
    let log = fs::read(&log).unwrap();
    let records = records(&log);
    let many = |of: fn(&Deed<'_>) -> bool| records.iter().filter(|record| of(&record.deed)).count();
    vec![
        ("write", many(|deed| matches!(deed, Deed::Write { .. }))),
        ("sync", many(|deed| matches!(deed, Deed::Sync | Deed::SyncFolder))),
        ("truncate", many(|deed| matches!(deed, Deed::Truncate { .. })) + 1),
        ("open", 16),
        ("remove", many(|deed| matches!(deed, Deed::Remove { .. })) + 1),
        ("rename", many(|deed| matches!(deed, Deed::Rename { .. })) + 1),
    ]
}

/// Sends beacons of these numbers, each under its own id, and says which were stored.
fn send(server: &Server, numbers: std::ops::Range<usize>) -> Vec<bool> {
    let mut client = server.client();
    let send = |number| {
        let body = format!(r#"{{"event_type":"sent","identifier":"b{number}","id":"{number}"}}"#);
        let answer = client.send("POST", "/beacon", &[], body.as_bytes()).unwrap();
        assert!(matches!(answer.status, 204 | 503), "{} {}", answer.status, answer.text());
        answer.status == 204
    };
    numbers.map(send).collect()
}

/// Ended of itself, not by a panic or a signal; 2 is said of a configuration that can't be read.
fn is_orderly(status: ExitStatus) -> bool {
    matches!(status.code(), Some(0..=2))
}

/// Lives a life in which this fails, and one after it in which all is well.
fn live(fault: &str) {
    let mut server = Server::start(CONFIG);
    server.kill();
    for file in fs::read_dir(server.folder.path()).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            fs::remove_file(path).unwrap();
        }
    }
    let environment = vec![
        ("LD_PRELOAD".to_owned(), library().display().to_string()),
        ("DISK_FAULT".to_owned(), fault.to_owned()),
    ];
    let mut stored = vec![false; BEFORE + AFTER];
    let ended = if server.restart_with(environment) {
        stored = send(&server, 0..BEFORE);
        // It may say that it can't be read.
        let page = server.get("/");
        assert!(matches!(page.status, 200 | 500 | 503), "{fault}: {}", page.status);
        stored.extend(send(&server, BEFORE..BEFORE + AFTER));
        server.terminate()
    } else {
        let ended = server.ended();
        assert!(!ended.success(), "{fault}: {ended}");
        wait_until("a sentence about the file", || {
            let said = server.said();
            ["trim-beacons.db", "the database", "beacons.toml"]
                .iter()
                .any(|name| said.contains(name))
        });
        ended
    };
    let said = server.said();
    assert!(is_orderly(ended) && !said.contains("panicked"), "{fault}: {ended} {said}");

    assert!(server.restart_with(Vec::new()), "{fault}: {}", server.said());
    let file = server.file();
    for (number, stored) in stored.iter().enumerate() {
        let counted = count(&file, "day", Some(&format!("b{number}")));
        assert!(counted == 1 || (counted == 0 && !stored), "{fault}: b{number} counts {counted}");
    }
    // Whoever was told that it is not stored sends it again.
    for (number, _) in stored.iter().enumerate().filter(|(_, stored)| !**stored) {
        assert!(send(&server, number..number + 1)[0], "{fault}: b{number}");
    }
    let file = server.file();
    for number in 0..stored.len() {
        assert_eq!(count(&file, "day", Some(&format!("b{number}"))), 1, "{fault}: b{number}");
    }
    drop(file);
    assert!(server.terminate().success(), "{fault}");
    done(&server, &["verify"]);
}

#[test]
fn a_call_that_fails_makes_nobody_believe_what_is_not_so() {
    let calls = calls_of_a_life();
    let mut faults: Vec<String> = Vec::new();
    for (way, of) in WAYS {
        for (call, many) in calls.iter().filter(|(call, _)| of.contains(call)) {
            faults.extend((1..=*many).map(|at| format!("{call}:{at}:{way}")));
        }
    }
    let all = faults.len();
    let mut random = fastrand::Rng::with_seed(4);
    random.shuffle(&mut faults);
    faults.truncate(times(48, all));
    for fault in &faults {
        println!("{fault}");
        live(fault);
    }
    println!("{} of {all} ways to fail: nothing lost, nothing twice", faults.len());
}

#[test]
fn a_full_disk_is_told_and_what_comes_after_it_is_stored() {
    let folder = disk::folder();
    let full = folder.path().join("full");
    let environment = vec![
        ("LD_PRELOAD".to_owned(), library().display().to_string()),
        ("DISK_FULL".to_owned(), full.display().to_string()),
    ];
    let mut server = Server::start_with(environment, CONFIG);
    assert!(send(&server, 0..20).iter().all(|stored| *stored));
    // What was answered last is not counted yet.
    fs::write(&full, "").unwrap();
    assert!(send(&server, 20..40).iter().all(|stored| !stored));
    let answer = server.post(r#"{"event_type":"sent","identifier":"b40","id":"40"}"#);
    assert_eq!((answer.status, answer.header("retry-after")), (503, "5"));
    assert!(answer.text().contains("\"not_stored\""), "{}", answer.text());
    // Pages are read as before.
    assert_eq!(server.get("/").status, 200);
    let health = server.get("/health");
    let told: serde_json::Value = serde_json::from_slice(&health.body).unwrap();
    assert_eq!((health.status, &told["ready"]), (503, &false.into()));
    assert_eq!(told["beacons"]["unavailable"], 21);
    let said = server.said();
    assert!(said.contains("could not be stored, their senders were told"), "{said}");
    assert!(said.contains("full"), "{said}");

    fs::remove_file(&full).unwrap();
    wait_until("room", || send(&server, 20..21)[0]);
    assert!(send(&server, 21..40).iter().all(|stored| *stored));
    assert_eq!(server.get("/health").status, 200);
    wait_until("all to be counted", || server.health("/beacons/folded") == 40);
    let file = server.file();
    for number in 0..40 {
        assert_eq!(count(&file, "day", Some(&format!("b{number}"))), 1, "b{number}");
    }
    assert_eq!(count(&file, "day", Some("b40")), 0);
    drop(file);
    assert!(server.terminate().success());
    done(&server, &["verify"]);
}
