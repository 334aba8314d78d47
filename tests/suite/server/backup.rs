//! Backups: whole under load, equal when they come back, and never half there.

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed},
    thread,
    time::Instant,
};

use rusqlite::{Connection, types::Value};
use trim_beacons::store::connection::open_writable;

use crate::support::{BINARY, PATIENCE, Server, count, time::Clock, wait_until};

const CONFIG: &str =
    "[event.page_view]\nvisits = true\ndimensions = [\"source\"]\ndedupe = \"0s\"\n";

/// How often each of the two commands is killed.
const KILLS: u32 = 100;

/// A command on the server's file, in the server's folder and at the time of its clock.
pub(crate) fn command(server: &Server, words: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(words).args(["--config", "beacons.toml"]).current_dir(server.folder.path());
    command.envs(server.environment());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

pub(crate) fn run(server: &Server, words: &[&str]) -> Output {
    command(server, words).output().unwrap()
}

pub(crate) fn done(server: &Server, words: &[&str]) {
    let output = run(server, words);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

pub(crate) fn refused(server: &Server, words: &[&str]) -> String {
    let output = run(server, words);
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

/// Sends page views until it is told to stop, and says meanwhile how many were answered.
fn send(server: &Server, stop: &AtomicBool, answered: &AtomicI64) {
    let mut client = server.client();
    for number in 0.. {
        if stop.load(Relaxed) {
            return;
        }
        let body = format!(r#"{{"event_type":"page_view","identifier":"/{}"}}"#, number % 50);
        assert_eq!(client.send("POST", "/beacon", &[], body.as_bytes()).unwrap().status, 204);
        answered.fetch_add(1, Relaxed);
    }
}

/// Every row of every table that people read, as text.
pub(super) fn rows(file: &Path) -> Vec<String> {
    let file = Connection::open(file).unwrap();
    file.busy_timeout(PATIENCE).unwrap();
    let mut found = Vec::new();
    for view in ["beacon_aggregates", "beacon_breakdowns", "rejected", "name", "error_group"] {
        let mut statement = file.prepare(&format!("SELECT * FROM {view}")).unwrap();
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            let value = |at| row.get::<_, Value>(at).map(|value| format!("{value:?}"));
            let values = (0..columns).map(value);
            values.collect::<rusqlite::Result<Vec<_>>>()
        });
        found.extend(rows.unwrap().map(|row| format!("{view} {}", row.unwrap().join(" "))));
    }
    found.sort();
    found
}

/// How many page views a whole file has.
fn whole(file: &Path) -> i64 {
    let file = Connection::open(file).unwrap();
    file.busy_timeout(PATIENCE).unwrap();
    let found: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(found, "ok");
    let total = count(&file, "day", None);
    let sql = "SELECT ifnull(sum(count), 0) FROM beacon_aggregates
               WHERE granularity = 'day' AND identifier IS NOT NULL";
    let named: i64 = file.query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(named, total);
    total
}

#[test]
fn a_backup_under_load_has_all_that_was_answered_before_and_nobody_of_today() {
    let server = Server::start(CONFIG);
    let (stop, answered) = (AtomicBool::new(false), AtomicI64::new(0));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| send(&server, &stop, &answered));
        }
        for round in 1..=5 {
            wait_until("beacons", || answered.load(Relaxed) > round * 300);
            let before = answered.load(Relaxed);
            done(&server, &["backup", "copy.db"]);
            let copied = whole(&server.folder.path().join("copy.db"));
            // Of each client one more may be stored than it has noted as answered.
            let after = answered.load(Relaxed) + 8;
            assert!((before..=after).contains(&copied), "{before} <= {copied} <= {after}");
        }
        stop.store(true, Relaxed);
    });
    let copy = Connection::open(server.folder.path().join("copy.db")).unwrap();
    for table in ["beacon_journal", "seen", "visit", "repeatable"] {
        let sql = format!("SELECT count(*) FROM {table}");
        assert_eq!(copy.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap(), 0, "{table}");
    }
    let free: i64 = copy.query_row("PRAGMA freelist_count", [], |row| row.get(0)).unwrap();
    assert_eq!(free, 0);
    let beside = fs::read_dir(server.folder.path()).unwrap();
    let names = beside.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let left: Vec<String> = names.filter(|name| name.starts_with("copy.db")).collect();
    assert_eq!(left, ["copy.db"]);
}

#[test]
fn what_is_restored_is_what_was_backed_up_and_the_old_file_is_kept() {
    let mut server = Server::start(CONFIG);
    for page in ["/", "/a", "/b", "/a"] {
        let body = format!(
            r#"{{"event_type":"page_view","identifier":"{page}","meta":{{"ref":"https://a.example/"}}}}"#
        );
        assert_eq!(server.post(body).status, 204);
    }
    server.file();
    let then = rows(&server.database());
    done(&server, &["backup", "copy.db"]);
    assert_eq!(rows(&server.folder.path().join("copy.db")), then);
    assert_eq!(server.post(r#"{"event_type":"page_view","identifier":"/later"}"#).status, 204);
    assert!(refused(&server, &["restore", "copy.db"]).contains("in use by another trim-beacons"));
    assert!(server.terminate().success());
    done(&server, &["restore", "copy.db"]);
    assert_eq!(rows(&server.database()), then);
    let entries = fs::read_dir(server.folder.path()).unwrap();
    let mut paths = entries.map(|entry| entry.unwrap().path());
    let old = paths.find(|path| path.to_string_lossy().contains(".before-restore-")).unwrap();
    assert_eq!(whole(&old), 5);
    server.restart();
    assert_eq!(server.post(r#"{"event_type":"page_view","identifier":"/a"}"#).status, 204);
    assert_eq!(server.count("day", None), 5);
}

#[test]
fn what_can_not_be_meant_changes_nothing() {
    let mut server = Server::start(CONFIG);
    assert_eq!(server.post(r#"{"event_type":"page_view","identifier":"/"}"#).status, 204);
    let folder = server.folder.path().to_owned();
    fs::write(folder.join("letter.txt"), "to be kept, and long enough to be read").unwrap();
    assert!(refused(&server, &["backup", "letter.txt"]).contains("is not an SQLite file"));
    assert!(refused(&server, &["backup", "./trim-beacons.db"]).contains("is the database itself"));
    assert!(
        refused(&server, &["backup", "nowhere/copy.db"]).contains("can't write nowhere/copy.db")
    );
    assert_eq!(
        fs::read_to_string(folder.join("letter.txt")).unwrap(),
        "to be kept, and long enough to be read"
    );
    done(&server, &["backup", "copy.db"]);
    assert!(server.terminate().success());
    assert!(refused(&server, &["restore", "letter.txt"]).contains("is not an SQLite file"));
    let mut bytes = fs::read(folder.join("copy.db")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0xff);
    fs::write(folder.join("damaged.db"), bytes).unwrap();
    refused(&server, &["restore", "damaged.db"]);
    assert_eq!(whole(&server.database()), 1);
}

/// Kills `words` at moments spread over the time that it takes, and looks after each at the file.
fn kill_again_and_again(server: &Server, words: &[&str], look: impl Fn()) -> u32 {
    let begun = Instant::now();
    done(server, words);
    let whole_time = begun.elapsed();
    let mut unfinished = 0;
    for kill in 0..KILLS {
        let mut child = command(server, words).spawn().unwrap();
        // The moment is the point: there is nothing to wait for.
        thread::sleep(whole_time * kill / KILLS);
        child.kill().unwrap();
        unfinished += u32::from(!child.wait().unwrap().success());
        look();
    }
    unfinished
}

#[test]
fn killed_at_any_moment_a_backup_and_a_restore_leave_whole_files() {
    let mut server = Server::start(CONFIG);
    for number in 0..200 {
        let body = format!(r#"{{"event_type":"page_view","identifier":"/{number}"}}"#);
        assert_eq!(server.post(body).status, 204);
    }
    let copy = server.folder.path().join("copy.db");
    let unfinished = kill_again_and_again(&server, &["backup", "copy.db"], || {
        if copy.exists() {
            assert_eq!(whole(&copy), 200);
        }
    });
    assert_eq!(server.post(r#"{"event_type":"page_view","identifier":"/new"}"#).status, 204);
    assert!(server.terminate().success());
    let database = server.database();
    let unrestored = kill_again_and_again(&server, &["restore", "copy.db"], || {
        assert!([200, 201].contains(&whole(&database)));
    });
    println!("{unfinished} backups and {unrestored} restores of {KILLS} each were broken off");
    assert!(unfinished > 0 && unrestored > 0);
    done(&server, &["restore", "copy.db"]);
    assert_eq!(whole(&database), 200);
}

#[test]
fn a_backup_a_day_is_made_and_old_ones_go() {
    let clock = Clock::at("2026-11-09 08:00:00");
    let config = format!(
        "{CONFIG}[server.backup]\nfolder = \"kept/here\"\nkeep = {{ daily = 3, weekly = 2 }}\n"
    );
    let mut server = Server::start_at(&clock, &config);
    let folder = server.folder.path().join("kept/here");
    let names = || {
        let entries = fs::read_dir(&folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    for day in 9..=24 {
        if day > 9 {
            assert!(server.terminate().success());
            clock.set(&format!("2026-11-{day:02} 08:00:00"));
            server.restart();
        }
        let made = folder.join(format!("trim-beacons-2026-11-{day:02}.db"));
        wait_until("the backup of the day", || made.exists());
        // What was sent on the days before is in it.
        assert_eq!(whole(&made), day - 9);
        assert_eq!(server.post(r#"{"event_type":"page_view","identifier":"/"}"#).status, 204);
        if day == 12 {
            fs::write(folder.join("letter.txt"), "nobody's backup").unwrap();
        }
        wait_until("old ones to go", || names().len() <= 3 + 2 + 1);
    }
    let kept = [
        "letter.txt",
        "trim-beacons-2026-11-22.db",
        "trim-beacons-2026-11-23.db",
        "trim-beacons-2026-11-24.db",
    ];
    wait_until("old ones to go", || names() == kept);
    let page = server.get("/storage").text();
    assert!(page.contains("The last one by the calendar: 24 November 2026"), "{page}");
}

#[test]
fn a_backup_is_downloaded_from_the_page_of_the_file() {
    let server = Server::start(CONFIG);
    for page in ["/", "/a", "/b"] {
        let body = format!(r#"{{"event_type":"page_view","identifier":"{page}"}}"#);
        assert_eq!(server.post(body).status, 204);
    }
    assert!(server.get("/storage").text().contains("Download a backup"));
    let foreign = [("Origin", "https://evil.example")];
    let mut client = server.client();
    assert_eq!(client.send("POST", "/storage/backup", &foreign, b"").unwrap().status, 403);
    let answer = server.client().send("POST", "/storage/backup", &[], b"").unwrap();
    assert_eq!(answer.status, 200);
    let copy = server.folder.path().join("downloaded.db");
    fs::write(&copy, &answer.body).unwrap();
    assert_eq!(whole(&copy), 3);
    wait_until("the copy to go", || {
        !server.folder.path().join("trim-beacons.db.download.partial").exists()
    });
}

#[test]
fn a_reload_that_names_another_database_leaves_backups_with_the_one_that_is_served() {
    let server = Server::start(CONFIG);
    assert_eq!(server.post(r#"{"event_type":"page_view","identifier":"/"}"#).status, 204);
    // A sound one with nothing in it: its backups would be taken for good ones.
    open_writable(&server.folder.path().join("other.db")).unwrap().close().unwrap();
    let config = format!("{CONFIG}[server]\ndatabase = \"other.db\"\nlisten = \"[::1]:8099\"\n");
    fs::write(server.folder.path().join("beacons.toml"), config).unwrap();
    server.signal("HUP");
    wait_until("the reload", || server.said().contains("reloaded"));
    assert!(server.said().contains("another address or database takes a restart"));
    let answer = server.client().send("POST", "/storage/backup", &[], b"").unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let copy = server.folder.path().join("downloaded.db");
    fs::write(&copy, &answer.body).unwrap();
    assert_eq!(whole(&copy), 1);
}
