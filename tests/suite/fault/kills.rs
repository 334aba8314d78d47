//! `kill -9` under load, again and again: what was answered counts once, and so does what was not
//! answered and is sent again.

use std::{
    collections::BTreeMap,
    sync::{
        RwLock,
        atomic::{AtomicBool, AtomicU16, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use rusqlite::Connection;

use super::times;
use crate::{
    server::backup::done,
    support::{PATIENCE, Server, http::Client},
};

const CLIENTS: usize = 12;

/// Over how many names a client spreads what it sends.
const KEYS: usize = 40;

/// How many cycles go by between two looks at the whole file.
const VERIFY_EVERY: usize = 25;

const CONFIG: &str = r#"
[event.sent]
identifier = "key"
granularities = ["hour", "day"]
measures = { weight = [10, 100, 1000] }
dedupe = "10m"
"#;

/// How many beacons of each name were answered, and what they weigh together. Each weighs something
/// else, so that one that is lost and one that counts twice can't make up for each other.
type Ledger = BTreeMap<String, (i64, i64)>;

/// What the clients share with the test.
struct Shared {
    port: AtomicU16,
    stop: AtomicBool,
    /// Open while clients may send; who holds it alone knows that every beacon is answered.
    gate: RwLock<()>,
}

/// What one client knows.
#[derive(Default)]
struct Told {
    ledger: Ledger,
    sent_again: usize,
}

/// Sends a beacon until it is answered, always under the same id. Says how often it was sent again.
fn send(connection: &mut Option<Client>, shared: &Shared, body: &str) -> usize {
    let (mut again, begun) = (0, Instant::now());
    loop {
        assert!(begun.elapsed() < PATIENCE, "never answered: {body}");
        let Some(open) = connection else {
            *connection = Client::connect(shared.port.load(Relaxed)).ok();
            if connection.is_none() {
                thread::sleep(Duration::from_millis(2));
            }
            continue;
        };
        match open.send("POST", "/beacon", &[], body.as_bytes()) {
            Ok(answer) => {
                assert_eq!(answer.status, 204, "{}", answer.text());
                return again;
            }
            Err(_) => {
                *connection = None;
                again += 1;
            }
        }
    }
}

fn client(number: usize, shared: &Shared, told: &RwLock<Told>) {
    let mut connection = None;
    let mut random = fastrand::Rng::with_seed(number as u64);
    for beacon in 0.. {
        let _open = shared.gate.read().unwrap();
        if shared.stop.load(Relaxed) {
            return;
        }
        let (name, weight) = (format!("{number}-{}", beacon % KEYS), random.i64(1..2000));
        let body = format!(
            r#"{{"event_type":"sent","identifier":"{name}","id":"{number}.{beacon}","meta":{{"weight":{weight}}}}}"#
        );
        let again = send(&mut connection, shared, &body);
        let mut told = told.write().unwrap();
        let entry = told.ledger.entry(name).or_default();
        *entry = (entry.0 + 1, entry.1 + weight);
        told.sent_again += again;
    }
}

/// What the file has counted.
fn counted(file: &Connection) -> Ledger {
    let sql = "SELECT t.value, a.count, (SELECT sum(h.sum) FROM beacon_histogram AS h
            WHERE h.granularity = a.granularity AND h.period_start = a.period_start
                AND h.site = a.site AND h.event_type = a.event_type AND h.identifier = a.identifier)
        FROM beacon_aggregate AS a JOIN text AS t ON t.id = a.identifier
        WHERE a.granularity = ?1";
    let mut statement = file.prepare(sql).unwrap();
    let rows = statement.query_map([4], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))));
    let mut ledger = Ledger::new();
    for row in rows.unwrap() {
        let (name, (count, thousandths)): (String, (i64, i64)) = row.unwrap();
        let entry = ledger.entry(name).or_default();
        *entry = (entry.0 + count, entry.1 + thousandths / 1000);
    }
    ledger
}

/// Holds the file to what the clients were answered.
fn compare(server: &Server, told: &[RwLock<Told>], when: &str) {
    let mut expected = Ledger::new();
    for told in told {
        expected.extend(told.read().unwrap().ledger.clone());
    }
    let file = server.file();
    let found = counted(&file);
    let wrong: Vec<_> = expected
        .iter()
        .filter(|(name, entry)| found.get(*name) != Some(entry))
        .map(|(name, entry)| format!("{name}: {entry:?} answered, {:?} counted", found.get(name)))
        .chain(found.keys().filter(|name| !expected.contains_key(*name)).cloned())
        .collect();
    assert!(wrong.is_empty(), "{when}: {}", wrong.join("\n"));
}

#[test]
fn kills_lose_nothing_that_was_answered_and_count_nothing_twice() {
    let kills = times(60, 2_000);
    let mut server = Server::start(CONFIG);
    let shared = Shared {
        port: AtomicU16::new(server.port),
        stop: AtomicBool::new(false),
        gate: RwLock::new(()),
    };
    let told: Vec<RwLock<Told>> = (0..CLIENTS).map(|_| RwLock::default()).collect();
    let mut random = fastrand::Rng::with_seed(7);
    thread::scope(|scope| {
        for (number, told) in told.iter().enumerate() {
            let shared = &shared;
            scope.spawn(move || client(number, shared, told));
        }
        for kill in 0..kills {
            // The moment is the point: there is nothing to wait for.
            thread::sleep(Duration::from_micros(random.u64(500..120_000)));
            server.kill();
            if random.u8(..4) == 0 {
                server.respawn();
                thread::sleep(Duration::from_micros(random.u64(..60_000)));
                server.kill();
            }
            server.restart();
            shared.port.store(server.port, Relaxed);
            let _closed = shared.gate.write().unwrap();
            compare(&server, &told, &format!("after kill {kill}"));
            if kill % VERIFY_EVERY == 0 {
                done(&server, &["verify"]);
            }
        }
        shared.stop.store(true, Relaxed);
    });
    compare(&server, &told, "at the end");
    assert!(server.terminate().success());
    done(&server, &["verify"]);
    let told: Vec<Told> = told.into_iter().map(|told| told.into_inner().unwrap()).collect();
    let of_all = |told: &Told| told.ledger.values().map(|entry| entry.0).sum::<i64>();
    let answered: i64 = told.iter().map(of_all).sum();
    let again: usize = told.iter().map(|told| told.sent_again).sum();
    println!("{kills} kills: {answered} beacons answered, {again} sent again, each counted once");
    assert!(again >= kills / 2, "{again} were sent again");
}
