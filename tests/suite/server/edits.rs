//! What people change after the fact: whole, once, and undone as if it had never been.

use std::{fs, thread, time::Instant};

use super::backup::{command, done, refused, rows, run};
use crate::support::{Server, time::Clock};

const CONFIG: &str = "[event.page_view]\nvisits = true\ndimensions = [\"source\", \"country\"]\n\
    pairs = [\"page × source\"]\nraw = \"30d\"\n\
    [event.engagement]\nmeasures = { seconds = [1, 10, 60] }\n";

/// How often an edit is killed.
const KILLS: u32 = 100;

/// Sends what visitors of one day do: views of `pages` from two sources, and how long they stayed.
fn visit(server: &Server, pages: &[&str]) {
    for (number, page) in pages.iter().enumerate() {
        let source = if number % 2 == 0 { "https://one.example/" } else { "https://two.example/" };
        let view = format!(
            r#"{{"event_type":"page_view","identifier":"{page}","meta":{{"ref":"{source}","title":"{page}!"}}}}"#
        );
        assert_eq!(server.post(view).status, 204);
        let stay = format!(
            r#"{{"event_type":"engagement","identifier":"{page}","meta":{{"seconds":{}}}}}"#,
            number + 1
        );
        assert_eq!(server.post(stay).status, 204);
    }
}

/// A stopped server that was visited at each of the moments.
fn visited(clock: &Clock, moments: &[(&str, &[&str])]) -> Server {
    clock.set(moments[0].0);
    let mut server = Server::start_at(clock, CONFIG);
    for (moment, pages) in moments {
        clock.set(moment);
        visit(&server, pages);
        server.file();
    }
    assert!(server.terminate().success());
    server
}

const EARLY: (&str, &[&str]) = ("2026-03-03 10:00:00", &["/", "/a", "/", "/b"]);
const LATE: (&str, &[&str]) = ("2026-03-20 11:30:00", &["/b", "/", "/c"]);

#[test]
fn two_halves_of_a_month_merged_are_the_whole_once() {
    let clock = Clock::at(EARLY.0);
    let whole = visited(&clock, &[EARLY, LATE]);
    let first = visited(&clock, &[EARLY]);
    let second = visited(&clock, &[LATE]);
    let before = rows(&first.database());
    let other = second.database();
    let other = other.to_str().unwrap();
    done(&first, &["merge", other]);
    assert_eq!(rows(&first.database()), rows(&whole.database()));
    let again = refused(&first, &["merge", other]);
    assert!(again.contains("was taken in on") && again.contains("as edit 1"), "{again}");
    // A backup of it is the same file.
    done(&second, &["backup", "copy.db"]);
    let copy = second.folder.path().join("copy.db");
    assert!(refused(&first, &["merge", copy.to_str().unwrap()]).contains("as edit 1"));
    done(&first, &["backup", "own.db"]);
    let own = refused(&first, &["merge", "own.db"]);
    assert!(own.contains("a copy of the database itself"), "{own}");
    assert_eq!(rows(&first.database()), rows(&whole.database()));

    done(&first, &["edit", "undo", "1"]);
    assert_eq!(rows(&first.database()), before);
    assert!(refused(&first, &["edit", "undo", "1"]).contains("is undone already"));
    assert!(refused(&first, &["edit", "undo", "7"]).contains("there is no edit 7"));
    done(&first, &["merge", other]);
    assert_eq!(rows(&first.database()), rows(&whole.database()));
    let listed = String::from_utf8(run(&first, &["edit", "list"]).stdout).unwrap();
    assert!(listed.contains("\tmerged trim-beacons.db\tcan be undone"), "{listed}");
    assert!(listed.contains("\tundone on"), "{listed}");
}

#[test]
fn a_running_server_merges_too_and_loses_no_beacon() {
    let clock = Clock::at(LATE.0);
    let other = visited(&clock, &[EARLY]);
    clock.set(LATE.0);
    let mut server = Server::start_at(&clock, CONFIG);
    visit(&server, LATE.1);
    thread::scope(|scope| {
        let sender = scope.spawn(|| visit(&server, &["/live"; 200]));
        done(&server, &["merge", other.database().to_str().unwrap()]);
        sender.join().unwrap();
    });
    assert_eq!(server.count("month", None), 2 * (4 + 3 + 200));
    assert_eq!(server.count("day", Some("/b")), 2 * 2);
    done(&server, &["edit", "undo", "1"]);
    assert_eq!(server.count("month", None), 2 * (3 + 200));
    assert!(server.terminate().success());
    let left = fs::read_dir(server.folder.path()).unwrap();
    let names = left.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut beside: Vec<String> =
        names.filter(|name| name.starts_with("trim-beacons.db")).collect();
    beside.sort();
    assert_eq!(beside, ["trim-beacons.db", "trim-beacons.db-salt"]);
}

#[test]
fn killed_at_any_moment_a_merge_is_whole_or_not_there() {
    let clock = Clock::at(EARLY.0);
    let server = visited(&clock, &[EARLY]);
    let other = visited(&clock, &[LATE]);
    let other = other.database();
    let before = rows(&server.database());
    let words = ["merge", other.to_str().unwrap()];
    let begun = Instant::now();
    done(&server, &words);
    let whole_time = begun.elapsed();
    let after = rows(&server.database());
    assert_ne!(before, after);
    done(&server, &["edit", "undo", "1"]);
    let (mut unfinished, mut undone) = (0, 1);
    for kill in 0..KILLS {
        let mut child = command(&server, &words).spawn().unwrap();
        // The moment is the point: there is nothing to wait for.
        thread::sleep(whole_time * kill / KILLS);
        child.kill().unwrap();
        unfinished += u32::from(!child.wait().unwrap().success());
        let found = rows(&server.database());
        if found == after {
            undone += 1;
            done(&server, &["edit", "undo", &undone.to_string()]);
        } else {
            assert_eq!(found, before);
        }
    }
    println!("{unfinished} merges of {KILLS} were broken off, {undone} were whole");
    assert!(unfinished > 0);
    done(&server, &words);
    assert_eq!(rows(&server.database()), after);
}
