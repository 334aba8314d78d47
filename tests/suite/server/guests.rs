//! Other programs may open the file while it is served, and close it again.

use std::{fs, os::unix::fs::MetadataExt as _};

use rusqlite::Connection;

use super::backup::run;
use crate::support::Server;

const PAGE: &str = r#"{"event_type":"page_view","identifier":"/"}"#;

/// Whether `server` holds SQLite's lock on its file: whoever closes the file removes its write-ahead log
/// unless somebody else holds that lock.
fn holds_its_lock(server: &Server) -> bool {
    let (pid, file) = (server.pid().to_string(), fs::metadata(server.database()).unwrap().ino());
    let locks = fs::read_to_string("/proc/locks").unwrap();
    let is_ours = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.contains(&"POSIX")
            && words.contains(&pid.as_str())
            && words.iter().any(|word| word.ends_with(&format!(":{file}")))
    };
    locks.lines().any(is_ours)
}

#[test]
fn a_server_holds_sqlites_lock_on_its_file() {
    let server = Server::start("");
    assert!(holds_its_lock(&server));
}

/// The file is read at a moment at which nothing waits to be added up, and without a server whoever reads
/// it adds that up first. A server must not do so to its own file.
#[test]
fn a_visit_of_the_doctor_leaves_a_server_its_lock() {
    let server = Server::start("");
    assert_eq!(server.post(PAGE).status, 204);
    let part = "INSERT INTO tally_part (format, part) VALUES (1, x'ff')";
    let open = || Connection::open(server.database()).unwrap();
    open().execute(part, []).unwrap();
    assert_eq!(server.get("/doctor").status, 200);
    assert!(holds_its_lock(&server), "the page");
    let told = String::from_utf8(run(&server, &["doctor"]).stdout).unwrap();
    assert!(told.contains("can be read, and is of this release"), "{told}");
    assert!(holds_its_lock(&server), "the command");
    // Somebody looks at the file with a program of their own, and closes it.
    open().query_row("SELECT count(*) FROM tally_part", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(server.post(PAGE).status, 204);
}
