//! Beacons at a set rate on a disk that takes its time: all are answered within a few of its turns, and where
//! more come than it takes, some are turned away and the others counted.
//!
//! `TRIM_BEACONS_RATE=10000` sends so many a second for ten seconds, and tells how long they waited.

use std::{env, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime::Runtime,
    task::JoinSet,
    time::{Instant, sleep_until},
};

use crate::support::{Server, descriptors::make_room};

/// Each sync of this disk takes so many microseconds longer.
const SLOW: &str = "inject=fsync,fdatasync:delay_enter=100000";

/// How often each client sends.
const EVERY: Duration = Duration::from_millis(400);

/// How long a client that sends as fast as it can rests.
const PAUSE: Duration = Duration::from_millis(5);

/// A server on such a disk.
fn start(config: &str) -> Server {
    // Nothing but syncs is stopped at, so that the rest is as fast as ever.
    let slow = ["strace", "-f", "--seccomp-bpf", "-qqq", "-o", "/dev/null"];
    let traced = ["-e", "trace=fsync,fdatasync", "-e", SLOW];
    Server::start_by(&[slow.as_slice(), &traced].concat(), config)
}

/// How many beacons are sent a second, and for how long.
fn rate() -> (u32, Duration) {
    let rate = env::var("TRIM_BEACONS_RATE").map(|rate| rate.parse().unwrap());
    rate.map_or((250, Duration::from_secs(2)), |rate| (rate, Duration::from_secs(10)))
}

/// What has become of the beacons of a client.
#[derive(Default)]
struct Outcome {
    stored: usize,
    turned_away: usize,
    /// How long each waited from when it was due.
    waits: Vec<Duration>,
}

/// Sends a beacon at `first`, and then each [`EVERY`] for `time`; one that is not `patient`, whenever the last
/// is answered, after a [`PAUSE`].
async fn client(port: u16, first: Instant, time: Duration, patient: bool) -> Outcome {
    let body = r#"{"event_type":"page_view","identifier":"/a","meta":{"ref":"utm:a"}}"#;
    let request =
        format!("POST /beacon HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let (mut outcome, mut due, end) = (Outcome::default(), first, first + time);
    while due < end {
        sleep_until(due).await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = [0; 2048];
        let length = stream.read(&mut answer).await.unwrap();
        match &answer[..length] {
            stored if stored.starts_with(b"HTTP/1.1 204 ") => outcome.stored += 1,
            away if away.starts_with(b"HTTP/1.1 503 ") => outcome.turned_away += 1,
            other => panic!("{}", String::from_utf8_lossy(other)),
        }
        outcome.waits.push(due.elapsed());
        due = if patient { due + EVERY } else { Instant::now() + PAUSE };
    }
    outcome
}

/// So many clients, whose beginnings are spread.
fn send(server: &Server, clients: u32, time: Duration, patient: bool) -> Outcome {
    make_room(usize::try_from(clients).unwrap());
    let begin = Instant::now() + Duration::from_secs(1);
    let all = Runtime::new().unwrap().block_on(async {
        let mut all = JoinSet::new();
        for number in 0..clients {
            all.spawn(client(server.port, begin + EVERY * number / clients, time, patient));
        }
        all.join_all().await
    });
    let mut whole = Outcome::default();
    for one in all {
        whole.stored += one.stored;
        whole.turned_away += one.turned_away;
        whole.waits.extend(one.waits);
    }
    whole.waits.sort();
    whole
}

#[test]
fn on_a_slow_disk_all_are_answered_and_counted() {
    let server = start("[event.page_view]\ndedupe = \"0s\"\n");
    let (rate, time) = rate();
    let outcome = send(&server, rate * 2 / 5, time, true);
    let of = |part: usize| outcome.waits[outcome.waits.len() - 1 - outcome.waits.len() / part];
    println!("{} stored, half within {:?}, 99 % within {:?}", outcome.stored, of(2), of(100));
    assert_eq!(outcome.turned_away, 0);
    assert_eq!(u64::try_from(outcome.stored).unwrap(), u64::from(rate) * time.as_secs());
    assert_eq!(server.count("day", Some("/a")), i64::try_from(outcome.stored).unwrap());
}

#[test]
fn of_more_than_a_slow_disk_takes_some_are_turned_away_and_the_others_counted() {
    let limits = "[server.limits]\nqueue_beacons = 64\n";
    let server = start(&format!("[event.page_view]\ndedupe = \"0s\"\n{limits}"));
    let outcome = send(&server, 256, Duration::from_secs(2), false);
    println!("{} stored, {} turned away", outcome.stored, outcome.turned_away);
    assert!(outcome.stored >= 64 && outcome.turned_away >= outcome.stored);
    assert_eq!(server.count("day", Some("/a")), i64::try_from(outcome.stored).unwrap());
    assert_eq!(server.health("/beacons/stored"), u64::try_from(outcome.stored).unwrap());
}
