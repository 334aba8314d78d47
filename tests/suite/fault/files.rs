//! What lies where the database should be, or does not let itself be written: each told in a sentence of its
//! own, and left as it was.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use rusqlite::Connection;

use crate::support::{BINARY, Server};

/// Somebody who is not the owner of everything.
const NOBODY: u32 = 65_534;

/// A folder of nobody's, with a copy of the program that nobody may run.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let place = Self { folder };
        fs::copy(BINARY, place.folder.path().join("program")).unwrap();
        fs::create_dir(place.of("data")).unwrap();
        place.give("data");
        place
    }

    fn of(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes something nobody's own, where this test may do so.
    fn give(&self, name: &str) {
        if is_root() {
            chown(self.of(name), Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }

    fn limit(&self, name: &str, mode: u32) {
        fs::set_permissions(self.of(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// A whole database, which nobody owns.
    fn fill(&self) -> PathBuf {
        let mut server = Server::start("");
        assert_eq!(server.post(r#"{"event_type":"page_view","identifier":"/a"}"#).status, 204);
        assert!(server.terminate().success());
        fs::copy(server.database(), self.of("data/x.db")).unwrap();
        self.give("data/x.db");
        self.of("data/x.db")
    }

    /// Starts a server as nobody, and returns what it says when it does not.
    fn refused(&self) -> String {
        let before = self.listed();
        let content = fs::read(self.of("data/x.db")).ok();
        let output = self.start();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("x.db") && !said.contains("panicked"), "{said}");
        assert_eq!(self.listed(), before, "{said}");
        assert!(fs::read(self.of("data/x.db")).ok() == content, "the file has changed: {said}");
        said
    }

    fn start(&self) -> Output {
        let program = self.of("program");
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            let nobody = NOBODY.to_string();
            command.args(["--reuid", &nobody, "--regid", &nobody, "--clear-groups"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.args(["--database", "data/x.db", "--listen", "127.0.0.1:0"]);
        command.current_dir(self.folder.path()).output().unwrap()
    }

    /// The names of what lies in the folder of the database.
    fn listed(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.of("data")) else { return Vec::new() };
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }
}

fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("Uid:")).unwrap();
    line.split_whitespace().nth(2) == Some("0")
}

fn sql(path: &Path, text: &str) {
    Connection::open(path).unwrap().execute_batch(text).unwrap();
}

/// A way in which the file is not as it should be, and what is said then.
type Case = (fn(&Place), &'static str);

const CASES: [Case; 10] = [
    (|place| fs::create_dir(place.of("data/x.db")).unwrap(), "it is a directory"),
    (|place| fs::write(place.of("data/x.db"), "").unwrap(), "it is empty; remove it"),
    (
        |place| fs::write(place.of("data/x.db"), "notes, not a database").unwrap(),
        "it is not an SQLite file",
    ),
    (
        |place| {
            sql(&place.of("data/x.db"), "CREATE TABLE a (b)");
            place.give("data/x.db");
        },
        "it belongs to another program",
    ),
    (
        |place| {
            sql(&place.fill(), "PRAGMA user_version = 99");
        },
        "was written by a newer release (schema 99",
    ),
    (
        |place| {
            place.fill();
            place.limit("data/x.db", 0o444);
        },
        "Permission denied",
    ),
    (
        |place| {
            place.fill();
            place.limit("data/x.db", 0o000);
        },
        "Permission denied",
    ),
    (
        |place| {
            place.fill();
            place.limit("data", 0o555);
        },
        "its folder can't be written",
    ),
    (|place| place.limit("data", 0o555), "Permission denied"),
    (|place| fs::remove_dir(place.of("data")).unwrap(), "there is no folder"),
];

#[test]
fn what_can_not_be_used_is_told_and_left_as_it_was() {
    for (spoil, sentence) in CASES {
        let place = Place::new();
        spoil(&place);
        let said = place.refused();
        println!("{}", said.trim());
        assert!(said.contains(sentence), "{sentence:?}: {said}");
    }
}

#[test]
fn a_file_that_somebody_serves_is_not_served_twice() {
    let server = Server::start("");
    let output = Command::new(BINARY)
        .args(["--config", "beacons.toml", "--listen", "127.0.0.1:0"])
        .current_dir(server.folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("is in use by another trim-beacons"), "{said}");
    assert_eq!(server.post(r#"{"event_type":"page_view","identifier":"/a"}"#).status, 204);
    assert_eq!(server.count("day", Some("/a")), 1);
}
