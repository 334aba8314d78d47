//! How many beacons a second are answered, each stored before, beside a bare HTTP server that stores
//! nothing; how long clients wait; and what a beacon costs in time of the processor and bytes written.

use std::{path::Path, time::Duration};

use rusqlite::Connection;

use super::{
    bare::Bare,
    figures::{float, head, median, row},
    load::{Load, Outcome},
    server::{CONFIG, Server, database},
};

/// How often both servers are measured, in turn.
const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_secs(3);
const CLIENTS: u32 = 128;
/// After how many beacons the memory is looked at.
const BEACONS: u64 = 1_000_000;
/// For twice what can be taken: how many clients send, and how many beacons may wait.
const CROWD: u32 = 4_096;
const QUEUE: u64 = 128;
/// Set rates, beacons a second, and for how many seconds.
const RATES: [(f64, u64); 3] = [(1.0, 60), (100.0, 30), (10_000.0, 20)];

pub(crate) fn measure() {
    let load = Load::new();
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), CONFIG);
    let capacity = side_by_side(&load, &server);
    let half = load.run(&server.address, CLIENTS, Some(capacity / 2.0), ROUND * 5);
    row("waiting at half of that, half of the clients · 99 %", &[waits(&half)]);
    while server.figures().stored < BEACONS {
        load.run(&server.address, CLIENTS, None, ROUND);
    }
    let then = server.figures();
    let name = format!("memory after {:.1} million beacons", float(then.stored) / 1e6);
    row(&name, &[format!("{:.0} MB, {:.0} MB at most", then.rss_mb, then.rss_most_mb)]);
    drop(server);
    overload(&load, capacity * 2.0);
    at_rates(&load);
}

/// More than can be taken: what is answered 204 is counted, the rest is told to come again.
fn overload(load: &Load, per_second: f64) {
    let folder = tempfile::tempdir().unwrap();
    let config = format!("{CONFIG}[server.limits]\nqueue_beacons = {QUEUE}\n");
    let server = Server::start(folder.path(), &config);
    let outcome = load.run(&server.address, CROWD, Some(per_second), ROUND * 2);
    // A page is told everything that was answered before.
    server.get("/");
    let counted = counted(folder.path());
    assert_eq!(counted, outcome.stored, "what was answered 204 is counted");
    row(
        "twice as much as it takes: answered 204, counted, told to come again",
        &[format!("{}, {counted}, {}", outcome.stored, outcome.refused)],
    );
}

/// Both in turn; how many beacons a second the one under test takes.
fn side_by_side(load: &Load, server: &Server) -> f64 {
    let bare = Bare::start();
    for address in [&bare.address, &server.address] {
        load.run(address, CLIENTS, None, ROUND);
    }
    let (mut ratios, mut alone, mut stored) = (Vec::new(), Vec::new(), Vec::new());
    let mut waited = Vec::new();
    let before = server.figures();
    for _ in 0..ROUNDS {
        let plain = load.run(&bare.address, CLIENTS, None, ROUND);
        let full = load.run(&server.address, CLIENTS, None, ROUND);
        assert_eq!((plain.refused, full.refused), (0, 0), "everything is answered 204");
        eprintln!("{:.0} and {:.0} a second", plain.per_second(), full.per_second());
        ratios.push(full.per_second() / plain.per_second());
        alone.push(plain.per_second());
        stored.push(full.per_second());
        waited.push(full.wait(100));
    }
    let after = server.figures();
    let capacity = median(&mut stored);
    head(&["ingest", "measured"]);
    row(
        "a bare hyper server that stores nothing",
        &[format!("{:.0} a second", median(&mut alone))],
    );
    row("this server, which answers what it has stored", &[format!("{capacity:.0} a second")]);
    row("ratio, median of the rounds", &[format!("{:.2}", median(&mut ratios))]);
    row("waiting at that load, 99 %", &[format!("{:.1} ms", median(&mut waited))]);
    let each = after.cpu_micros_since(&before);
    row("processor a beacon", &[format!("{each:.1} µs")]);
    row("beacons a commit", &[format!("{:.0}", after.beacons_per_commit_since(&before))]);
    capacity
}

/// How many page views the file of a folder has.
fn counted(folder: &Path) -> u64 {
    let sql = "SELECT sum(count) FROM beacon_aggregate WHERE granularity = 4 AND identifier = 0";
    let file = Connection::open(database(folder)).unwrap();
    let count: i64 = file.query_row(sql, [], |row| row.get(0)).unwrap();
    count.unsigned_abs()
}

/// What is written for a beacon where many come and where few do, a clean stop included.
fn at_rates(load: &Load) {
    println!();
    head(&[
        "beacons a second",
        "bytes written each",
        "commits/s",
        "syncs/s",
        "processor each",
        "waiting, 50 % · 99 %",
    ]);
    for (rate, seconds) in RATES {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(folder.path(), CONFIG);
        // What a new file and a new site take comes once.
        load.run(&server.address, 1, Some(1.0), Duration::from_secs(1));
        server.get("/");
        let before = server.figures();
        let clients = if rate < 2.0 { 1 } else { CLIENTS.min(100) };
        let outcome = load.run(&server.address, clients, Some(rate), Duration::from_secs(seconds));
        server.get("/");
        let after = server.figures();
        let written = server.stop() - before.written;
        assert_eq!(outcome.refused, 0, "everything is answered 204");
        let a_second = |count: u64| format!("{:.1}", float(count) / float(seconds));
        row(
            &format!("{rate:.0}"),
            &[
                format!("{:.0}", float(written) / float(outcome.stored)),
                a_second(after.commits_since(&before)),
                a_second(after.syncs_since(&before)),
                format!("{:.0} µs", after.cpu_micros_since(&before)),
                waits(&outcome),
            ],
        );
    }
}

fn waits(outcome: &Outcome) -> String {
    format!("{:.1} · {:.1} ms", outcome.wait(2), outcome.wait(100))
}
