//! Many clients at once: nothing is lost, nothing counts twice, and the disk is asked sparingly.

use std::{
    fs,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    thread,
};

use rusqlite::Connection;

use crate::support::{Server, count, wait_until};

const CLIENTS: usize = 64;
const PAGES: usize = 50;

const CONFIG: &str = r#"
[event.page_view]
visits = true
granularities = ["second", "minute", "hour", "day", "month", "year"]
dimensions = ["source", "country", "browser", "entry_page"]
pairs = ["page × source"]
dedupe = "0s"
"#;

/// Sends `each` beacons from every client, over all pages; all must be answered 204.
fn send(server: &Server, each: usize) {
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            scope.spawn(move || {
                let mut connection = server.client();
                for number in 0..each {
                    let page = (client + number) % PAGES;
                    let body = format!(
                        r#"{{"event_type":"page_view","identifier":"/page/{page}","meta":{{"ref":"utm:{}"}}}}"#,
                        page % 3
                    );
                    let answer = connection.send("POST", "/beacon", &[], body.as_bytes()).unwrap();
                    assert_eq!(answer.status, 204, "{}", answer.text());
                }
            });
        }
    });
}

#[test]
fn every_beacon_of_64_clients_is_in_every_bucket_once() {
    const EACH: usize = 2_000;
    let server = Server::start(CONFIG);
    send(&server, EACH);
    let file = server.file();
    let all = i64::try_from(CLIENTS * EACH).unwrap();
    for granularity in ["second", "minute", "hour", "day", "month", "year"] {
        assert_eq!(count(&file, granularity, None), all, "{granularity}");
        for page in 0..PAGES {
            let sent = (0..CLIENTS * EACH).filter(|at| (at / EACH + at % EACH) % PAGES == page);
            let sent = i64::try_from(sent.count()).unwrap();
            let name = format!("/page/{page}");
            assert_eq!(count(&file, granularity, Some(&name)), sent, "{granularity} {name}");
        }
        let sql = "SELECT ifnull(sum(count), 0) FROM beacon_breakdowns
            WHERE granularity = ?1 AND dimension = 'source' AND identifier IS NULL";
        let by_source: i64 = file.query_row(sql, [granularity], |row| row.get(0)).unwrap();
        // What is shorter than a day is not split.
        let split = if ["second", "minute", "hour"].contains(&granularity) { 0 } else { all };
        assert_eq!(by_source, split, "{granularity}");
    }
    assert_eq!(server.health("/beacons/stored"), u64::try_from(all).unwrap());
    assert_eq!(server.health("/beacons/unavailable"), 0);
}

/// A number of /proc/PID/NAME.
fn process(server: &Server, name: &str, field: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{}/{name}", server.pid())).unwrap();
    let line = text.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn one_sync_serves_many_beacons_and_few_bytes_are_written() {
    const EACH: usize = 100;
    let folder = tempfile::tempdir().unwrap();
    let calls = folder.path().join("calls");
    // A disk that takes 20 ms for a sync, as real ones do: whoever comes meanwhile shares the next.
    let traced = [
        "strace",
        "-f",
        "-qq",
        "-e",
        "trace=fsync,fdatasync",
        "-e",
        "inject=fsync,fdatasync:delay_enter=20000",
        "-o",
        calls.to_str().unwrap(),
    ];
    let mut server = Server::start_by(&traced, CONFIG);
    // Let the first one be stored, so that what comes only once has come.
    let first = r#"{"event_type":"page_view","identifier":"/page/0"}"#;
    assert_eq!(server.post(first).status, 204);
    let syncs = || {
        let text = fs::read_to_string(&calls).unwrap();
        text.lines().filter(|line| line.contains("sync(") && !line.contains("resumed")).count()
    };
    let before = syncs();
    let commits_before = server.health("/journal_commits");
    let written_before = process(&server, "io", "wchar:");
    send(&server, EACH);
    server.json("/api/v1/reports/overview");
    let beacons = u64::try_from(CLIENTS * EACH).unwrap();
    let syncs = u64::try_from(syncs() - before).unwrap();
    let commits = server.health("/journal_commits") - commits_before;
    let folds = server.health("/folds");
    let checkpoints = server.health("/checkpoints");
    let written = process(&server, "io", "wchar:") - written_before;
    println!(
        "{beacons} beacons: {commits} commits, {folds} folds, {checkpoints} checkpoints, \
         {syncs} syncs, {} bytes a beacon",
        written / beacons
    );
    assert!(commits > 0 && syncs >= commits, "{syncs} syncs for {commits} commits");
    assert!(syncs <= commits + folds + 3 * checkpoints + 10, "{syncs} syncs, {commits} commits");
    assert!(syncs * 8 <= beacons, "{syncs} syncs for {beacons} beacons");
    // What is written: answers, a page for each commit and again at a checkpoint, rows for each fold.
    let pages = commits + folds + 200 * checkpoints;
    assert!(written <= beacons * 1024 + pages * 4120 + (4 << 20), "{written} bytes");
    assert!(server.terminate().success());
    assert_eq!(count(&server.file_as_it_is(), "day", None), i64::try_from(beacons).unwrap() + 1);
}

#[test]
fn a_full_queue_turns_away_at_once_and_what_was_answered_is_stored() {
    let server = Server::start(&format!("{CONFIG}[server.limits]\nqueue_beacons = 64\n"));
    let first = r#"{"event_type":"page_view","identifier":"/page/0"}"#;
    assert_eq!(server.post(first).status, 204);
    // While somebody else writes to the file, the writer can't, and the queue fills.
    let other = Connection::open(server.database()).unwrap();
    wait_until("the lock", || other.execute_batch("BEGIN IMMEDIATE").is_ok());
    let (stored, away) = (AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..300 {
            let (server, stored, away) = (&server, &stored, &away);
            scope.spawn(move || {
                let answer = server.post(first);
                match answer.status {
                    204 => stored.fetch_add(1, Relaxed),
                    503 => {
                        assert_eq!(answer.header("retry-after"), "5");
                        assert!(answer.text().contains("\"overloaded\""), "{}", answer.text());
                        away.fetch_add(1, Relaxed)
                    }
                    status => panic!("{status}"),
                };
            });
        }
        wait_until("somebody to be turned away", || away.load(Relaxed) >= 100);
        // Nobody is told before it is so.
        assert_eq!(stored.load(Relaxed), 0);
        other.execute_batch("COMMIT").unwrap();
    });
    let (stored, away) = (stored.into_inner(), away.into_inner());
    assert_eq!(stored + away, 300);
    assert!(stored >= 64, "{stored}");
    assert_eq!(server.health("/beacons/unavailable"), away);
    assert_eq!(server.refusals("overloaded"), away);
    assert_eq!(server.count("day", None), i64::try_from(stored).unwrap() + 1);
    assert!(process(&server, "status", "VmHWM:") < 200 * 1024, "kB");
}

#[test]
fn what_can_not_be_written_is_not_answered_as_if_it_were() {
    let server = Server::start(CONFIG);
    let beacon = r#"{"event_type":"page_view","identifier":"/page/0"}"#;
    assert_eq!(server.post(beacon).status, 204);
    let other = Connection::open(server.database()).unwrap();
    wait_until("the lock", || other.execute_batch("BEGIN IMMEDIATE").is_ok());
    let answer = server.post(beacon);
    assert_eq!((answer.status, answer.header("retry-after")), (503, "5"));
    assert!(answer.text().contains("\"not_stored\""), "{}", answer.text());
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(server.post(beacon).status, 204);
    assert_eq!(server.count("day", None), 2);
    assert_eq!(server.health("/beacons/unavailable"), 1);
}

#[test]
fn under_pressure_single_beacons_go_first_and_every_answered_one_is_counted() {
    const QUEUE: u64 = 64;
    let kept = CONFIG.replace("dedupe = \"0s\"", "dedupe = \"0s\"\nraw = \"7d\"");
    let server = Server::start(&format!("{kept}[server.limits]\nqueue_beacons = {QUEUE}\n"));
    let beacon = r#"{"event_type":"page_view","identifier":"/page/0","meta":{"plan":"pro"}}"#;
    assert_eq!(server.post(beacon).status, 204);
    let other = Connection::open(server.database()).unwrap();
    wait_until("the lock", || other.execute_batch("BEGIN IMMEDIATE").is_ok());
    // Twice as many as there is room for, while nothing can be stored.
    let (stored, away) = (AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..2 * QUEUE {
            let (server, stored, away) = (&server, &stored, &away);
            scope.spawn(move || match server.post(beacon).status {
                204 => stored.fetch_add(1, Relaxed),
                503 => away.fetch_add(1, Relaxed),
                status => panic!("{status}"),
            });
        }
        wait_until("the queue to be full", || away.load(Relaxed) > 0);
        other.execute_batch("COMMIT").unwrap();
    });
    let answered = stored.into_inner() + 1;
    assert!(answered > QUEUE / 2 && away.into_inner() > 0, "{answered} answered");
    assert_eq!(server.count("day", None), i64::try_from(answered).unwrap());
    let report = server.json("/api/v1/reports/events?event_type=page_view");
    let (counted, kept) = (report["counted"].as_u64().unwrap(), report["kept"].as_u64().unwrap());
    println!("{answered} answered, {kept} of them kept singly");
    assert_eq!(counted, answered);
    assert!(kept >= QUEUE / 4 && kept < answered, "{kept} of {answered}");
    assert!(server.health("/beacons/not_kept") >= answered - kept);
    let page = server.get("/events?event_type=page_view").text();
    assert!(page.contains("more came than could be kept"), "{page}");
}
