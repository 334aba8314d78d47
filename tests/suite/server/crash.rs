//! `kill -9` under load, again and again: what was answered is there once, nothing is there twice.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, AtomicU16, Ordering::Relaxed},
    thread,
    time::Duration,
};

use crate::support::{Server, http::Client};

const KILLS: usize = 50;
const CLIENTS: usize = 24;

const CONFIG: &str = r#"
[event.sent]
identifier = "key"
granularities = ["second", "day"]
limits = { identifiers_per_day = 1_000_000 }
dedupe = "0s"
[event.page_view]
visits = true
dedupe = "0s"
"#;

/// Numbers that look random and are the same each time (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)) % most
    }
}

/// What a client knows in the end: names that were answered, and names that nothing was heard of.
#[derive(Default)]
struct Told {
    answered: Vec<String>,
    unheard: Vec<String>,
}

/// Sends beacons, each under a name of its own, until it is told to stop. Nothing is sent twice.
fn send(client: usize, port: &AtomicU16, stop: &AtomicBool) -> Told {
    let mut told = Told::default();
    let mut connection: Option<Client> = None;
    for number in 0.. {
        if stop.load(Relaxed) {
            return told;
        }
        let Some(open) = &mut connection else {
            connection = Client::connect(port.load(Relaxed)).ok();
            if connection.is_none() {
                thread::sleep(Duration::from_millis(2));
            }
            continue;
        };
        let name = format!("{client}-{number}");
        let body = format!(r#"{{"event_type":"sent","identifier":"{name}"}}"#);
        match open.send("POST", "/beacon", &[], body.as_bytes()) {
            Ok(answer) => {
                assert_eq!(answer.status, 204, "{}", answer.text());
                told.answered.push(name);
            }
            Err(_) => {
                told.unheard.push(name);
                connection = None;
            }
        }
    }
    told
}

#[test]
fn fifty_kills_lose_nothing_that_was_answered_and_count_nothing_twice() {
    let mut server = Server::start(CONFIG);
    let (port, stop) = (AtomicU16::new(server.port), AtomicBool::new(false));
    let mut random = Random(7);
    let told: Vec<Told> = thread::scope(|scope| {
        let (port, stop) = (&port, &stop);
        let clients: Vec<_> =
            (0..CLIENTS).map(|client| scope.spawn(move || send(client, port, stop))).collect();
        for _ in 0..KILLS {
            // The moment is the point: there is nothing to wait for.
            thread::sleep(Duration::from_millis(5 + random.below(400)));
            server.kill();
            if random.below(4) == 0 {
                server.respawn();
                thread::sleep(Duration::from_millis(random.below(60)));
                server.kill();
            }
            server.restart();
            port.store(server.port, Relaxed);
        }
        stop.store(true, Relaxed);
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    assert!(server.terminate().success());

    let file = server.file_as_it_is();
    for granularity in ["second", "day"] {
        let sql = "SELECT identifier, sum(count) FROM beacon_aggregates
            WHERE event_type = 'sent' AND granularity = ?1 AND identifier IS NOT NULL GROUP BY 1";
        let mut statement = file.prepare(sql).unwrap();
        let rows = statement.query_map([granularity], |row| Ok((row.get(0)?, row.get(1)?)));
        let mut counted: HashMap<String, i64> = rows.unwrap().collect::<Result<_, _>>().unwrap();
        let all: i64 = counted.values().sum();
        let answered: usize = told.iter().map(|told| told.answered.len()).sum();
        let unheard: usize = told.iter().map(|told| told.unheard.len()).sum();
        let mut kept = 0;
        for name in told.iter().flat_map(|told| &told.answered) {
            assert_eq!(counted.remove(name), Some(1), "{name} was answered");
        }
        for name in told.iter().flat_map(|told| &told.unheard) {
            if let Some(count) = counted.remove(name) {
                assert_eq!(count, 1, "{name} was not answered");
                kept += 1;
            }
        }
        assert!(counted.is_empty(), "nobody has sent {counted:?}");
        assert!(answered > 1000 && unheard >= KILLS, "{answered} answered, {unheard} not");
        println!("{granularity}: {answered} answered, {unheard} not, {kept} of these stored");
        let sql = "SELECT sum(count) FROM beacon_aggregates
            WHERE event_type = 'sent' AND granularity = ?1 AND identifier IS NULL";
        let total: i64 = file.query_row(sql, [granularity], |row| row.get(0)).unwrap();
        assert_eq!(total, all);
    }
}
