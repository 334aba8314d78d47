//! Other programs may open the file while it is served, and close it again.

use std::{fs, os::unix::fs::MetadataExt as _};

use crate::support::Server;

/// Whoever closes the file removes its write-ahead log unless somebody else holds SQLite's lock on it.
#[test]
fn a_server_holds_sqlites_lock_on_its_file() {
    let server = Server::start("");
    let (pid, file) = (server.pid().to_string(), fs::metadata(server.database()).unwrap().ino());
    let locks = fs::read_to_string("/proc/locks").unwrap();
    let is_ours = |line: &&str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.contains(&"POSIX")
            && words.contains(&pid.as_str())
            && words.iter().any(|word| word.ends_with(&format!(":{file}")))
    };
    assert!(locks.lines().any(|line| is_ours(&line)), "no lock on {file} by {pid}:\n{locks}");
}
