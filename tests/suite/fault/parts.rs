//! `kill -9` while what was counted is added to the sums part by part.

use std::{
    fmt::Write as _,
    thread,
    time::{Duration, Instant},
};

use rusqlite::Connection;

use super::times;
use crate::{
    server::backup::done,
    support::{PATIENCE, Server},
};

const CONFIG: &str = r#"
[event.seen]
identifier = "key"
dimensions = ["meta.a", "meta.b", "meta.c", "meta.d", "meta.e", "meta.f", "meta.g", "meta.h"]
raw = "30d"
limits = { identifiers_per_day = 100000, values_per_dimension = 100000 }
"#;

/// How many beacons are sent each time: far more rows than one part has.
const BEACONS: usize = 250;

/// How many moments are tried for one at which parts wait.
const TRIES_MAX: usize = 100;

fn waiting(file: &Connection) -> i64 {
    file.query_row("SELECT count(*) FROM tally_part", [], |row| row.get(0)).unwrap()
}

/// All the sums that say how many beacons there were, in every bucket, and the single beacons.
fn sums(file: &Connection) -> Vec<i64> {
    let sql = "SELECT sum(count) FROM beacon_aggregate GROUP BY granularity, identifier = 0
        UNION ALL SELECT sum(count) FROM beacon_breakdown GROUP BY granularity, dimension
        UNION ALL SELECT count(*) FROM beacon_event";
    let mut statement = file.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

fn send(server: &Server, run: usize) {
    let mut client = server.client();
    for beacon in 0..BEACONS {
        let mut meta = String::new();
        for (at, key) in ('a'..='h').enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(meta, r#"{comma}"{key}":"{run}-{beacon}-{at}""#).unwrap();
        }
        let body =
            format!(r#"{{"event_type":"seen","identifier":"{run}-{beacon}","meta":{{{meta}}}}}"#);
        assert_eq!(client.send("POST", "/beacon", &[], body.as_bytes()).unwrap().status, 204);
    }
}

#[test]
fn a_kill_between_two_parts_leaves_the_rest_of_them_to_the_next_start() {
    let wanted = times(4, 100);
    let mut server = Server::start(CONFIG);
    let (mut met, mut sent) = (0, 0);
    for run in 0..TRIES_MAX * wanted {
        send(&server, run);
        sent += i64::try_from(BEACONS).unwrap();
        let begun = Instant::now();
        // Until the first of them are being added, or are already.
        while server
            .file_as_it_is()
            .query_row("SELECT count(*) FROM beacon_journal", [], |row| row.get::<_, i64>(0))
            != Ok(0)
        {
            assert!(begun.elapsed() < PATIENCE);
            thread::sleep(Duration::from_millis(1));
        }
        server.kill();
        let left = waiting(&server.file_as_it_is());
        if left > 0 && met % 2 == 0 {
            // What only reads must not see half of it.
            done(&server, &["verify"]);
            assert_eq!(waiting(&server.file_as_it_is()), 0);
        }
        met += usize::from(left > 0);
        server.restart();
        let file = server.file();
        assert_eq!(waiting(&file), 0);
        assert!(sums(&file).iter().all(|sum| *sum == sent), "{:?}, {sent} were sent", sums(&file));
        if met == wanted {
            done(&server, &["verify"]);
            return;
        }
    }
    panic!("parts waited at {met} of the moments that were tried");
}
