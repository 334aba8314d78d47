//! Files of every schema that was ever released are upgraded, whatever stops it, and come back.

use std::{fs, path::Path, thread, time::Instant};

use rusqlite::Connection;

use super::backup::{command, done, refused};
use crate::support::{PATIENCE, Server, count};

/// As the samples were made with it.
pub(crate) const CONFIG: &str = "[event.page_view]\nvisits = true\n\
    dimensions = [\"source\", \"country\", \"browser\", \"entry_page\"]\npairs = [\"page × source\"]\n\
    retention = { hour = \"forever\", day = \"forever\" }\n\
    [event.engagement]\nmeasures = { seconds = [1, 10, 60] }\n\
    retention = { hour = \"forever\", day = \"forever\" }\n";

/// How often an upgrade of each sample is killed.
const KILLS: u32 = 100;

/// For each older schema what its release wrote: on each of three days two visitors viewed three pages
/// and stayed on each for twelve seconds, and a program viewed a page.
pub(crate) const SAMPLES: [(i64, &str); 4] = [
    (1, include_str!("../../fixtures/schema/1.sql")),
    (2, include_str!("../../fixtures/schema/2.sql")),
    (3, include_str!("../../fixtures/schema/3.sql")),
    (4, include_str!("../../fixtures/schema/4.sql")),
];

pub(crate) fn write_sample(sample: &str, database: &Path) {
    if database.exists() {
        fs::remove_file(database).unwrap();
    }
    Connection::open(database).unwrap().execute_batch(sample).unwrap();
}

fn open(path: &Path) -> Connection {
    let file = Connection::open(path).unwrap();
    file.busy_timeout(PATIENCE).unwrap();
    file
}

pub(crate) fn version(path: &Path) -> i64 {
    open(path).query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
}

/// What every file says that was made of a sample, whatever its schema.
pub(crate) fn assert_counted(path: &Path) {
    let file = open(path);
    let found: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(found, "ok");
    assert_eq!(count(&file, "year", None), 18 + 3 + 18);
    let number = |sql: &str| file.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    let march = "SELECT sum(count) FROM beacon_aggregates WHERE event_type = 'page_view'
        AND granularity = 'month' AND period_start LIKE '2026-03%' AND identifier = '/a'";
    assert_eq!(number(march), 4);
    let source = "SELECT sum(count) FROM beacon_breakdowns WHERE granularity = 'day'
        AND value = 'two.example' AND identifier IS NULL";
    assert_eq!(number(source), 9);
    // The total's bars, and those of its pages.
    assert_eq!(
        number("SELECT sum(sum) FROM beacon_histogram WHERE granularity = 6"),
        2 * 18 * 12_000
    );
}

#[test]
fn a_file_of_each_release_is_upgraded_and_can_go_back() {
    let mut server = Server::start(CONFIG);
    let latest = version(&server.database());
    assert!(server.terminate().success());
    let versions = SAMPLES.map(|(version, _)| version);
    assert_eq!(
        versions.to_vec(),
        (1..latest).collect::<Vec<_>>(),
        "a sample for each older schema"
    );
    for (old, sample) in SAMPLES {
        let database = server.database();
        write_sample(sample, &database);
        assert_eq!(version(&database), old);
        let refused_sentence = refused(&server, &["verify"]);
        assert!(refused_sentence.contains("was written by an older release"), "{refused_sentence}");
        server.restart();
        assert_eq!(server.post(r#"{"event_type":"page_view","identifier":"/new"}"#).status, 204);
        assert_eq!(server.count("day", Some("/new")), 1);
        assert!(server.terminate().success());
        assert_eq!(version(&database), latest);
        done(&server, &["verify"]);
        let copy = server.folder.path().join(format!("trim-beacons.db.schema-{old}"));
        assert_eq!(version(&copy), old);
        assert_counted(&copy);
        done(&server, &["restore", "--rollback"]);
        assert_eq!(version(&database), old);
        assert_counted(&database);
        fs::remove_file(copy).unwrap();
    }
    let nothing = refused(&server, &["restore", "--rollback"]);
    assert!(nothing.contains("has left a copy"), "{nothing}");
}

#[test]
fn killed_at_any_moment_an_upgrade_goes_on_where_it_was() {
    let mut server = Server::start(CONFIG);
    let latest = version(&server.database());
    assert!(server.terminate().success());
    for (old, sample) in SAMPLES {
        let database = server.database();
        let copy = server.folder.path().join(format!("trim-beacons.db.schema-{old}"));
        // It opens the file for writing, and does nothing else to it.
        let words = ["prune"];
        write_sample(sample, &database);
        let begun = Instant::now();
        done(&server, &words);
        let whole_time = begun.elapsed();
        let mut unfinished = 0;
        for kill in 0..KILLS {
            write_sample(sample, &database);
            fs::remove_file(&copy).ok();
            let mut child = command(&server, &words).spawn().unwrap();
            // The moment is the point: there is nothing to wait for.
            thread::sleep(whole_time * kill / KILLS);
            child.kill().unwrap();
            unfinished += u32::from(!child.wait().unwrap().success());
            let reached = version(&database);
            assert!((old..=latest).contains(&reached));
            assert_counted(&database);
            if reached > old {
                assert_eq!(version(&copy), old);
                assert_counted(&copy);
            }
        }
        println!("{unfinished} upgrades of {KILLS} from schema {old} were broken off");
        assert!(unfinished > 0);
        done(&server, &words);
        assert_eq!(version(&database), latest);
        assert_counted(&database);
        fs::remove_file(copy).unwrap();
    }
}
