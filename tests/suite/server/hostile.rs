//! Clients that say nothing, or say it slowly, or never listen: the server lets them go, and everybody
//! else is served meanwhile.
//!
//! `TRIM_BEACONS_HOSTILE=10000` makes them as many, and holds the times that are promised.

use std::{
    env, fs,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime::Runtime,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::support::{PATIENCE, Server, descriptors::make_room};

const BEACON: &str = r#"{"event_type":"page_view","identifier":"/a"}"#;

/// How many clients there are, and whether that is the full measure.
fn clients() -> (usize, bool) {
    match env::var("TRIM_BEACONS_HOSTILE") {
        Ok(count) => (count.parse().unwrap(), true),
        Err(_) => (2_000, false),
    }
}

fn memory_kib(server: &Server, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// One client of the kind `number`: how long the server has borne with it.
async fn annoy(port: u16, number: usize) -> Duration {
    let begun = Instant::now();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let head = "POST /beacon HTTP/1.1\r\nHost: a\r\nContent-Length: 44\r\n\r\n";
    let start: &str = match number % 5 {
        // Nothing; half a head; a head that drips; a body that drips; a request, and then nothing.
        0 => "",
        1 | 2 => "POST /beacon HTTP/1.1\r\nHos",
        3 => head,
        _ => "GET /tb.js HTTP/1.1\r\nHost: a\r\n\r\n",
    };
    let _refused = stream.write_all(start.as_bytes()).await;
    let drips = matches!(number % 5, 2 | 3);
    let (mut read, mut write) = stream.split();
    let reading = async {
        let mut some = [0; 4096];
        while matches!(read.read(&mut some).await, Ok(1..)) {}
    };
    let dripping = async {
        loop {
            sleep(Duration::from_secs(1)).await;
            if drips && write.write_all(b"a").await.is_err() {
                // The end is told to the reader too.
                sleep(PATIENCE).await;
            }
        }
    };
    tokio::select! {
        ended = timeout(PATIENCE, reading) => ended.unwrap(),
        () = dripping => {}
    }
    begun.elapsed()
}

#[test]
fn silent_and_dripping_clients_go_and_others_are_served_meanwhile() {
    let (count, is_full) = clients();
    make_room(count);
    let server = Server::start("[event.page_view]\ndedupe = \"0s\"\n");
    assert_eq!(server.post(BEACON).status, 204);
    let over = AtomicBool::new(false);
    let (longest, slowest, served) = std::thread::scope(|scope| {
        let (server, over) = (&server, &over);
        let served = scope.spawn(move || {
            let (mut served, mut slowest) = (0_u32, Duration::ZERO);
            while !over.load(Relaxed) {
                let begun = Instant::now();
                assert_eq!(server.post(BEACON).status, 204);
                slowest = slowest.max(begun.elapsed());
                served += 1;
                std::thread::sleep(Duration::from_millis(20));
            }
            (served, slowest)
        });
        let runtime = Runtime::new().unwrap();
        let longest = runtime.block_on(async {
            let mut all = JoinSet::new();
            for number in 0..count {
                all.spawn(annoy(server.port, number));
                if number % 100 == 0 {
                    sleep(Duration::from_millis(20)).await;
                }
            }
            all.join_all().await.into_iter().max().unwrap()
        });
        over.store(true, Relaxed);
        let (served, slowest) = served.join().unwrap();
        (longest, slowest, served)
    });
    let memory = memory_kib(&server, "VmHWM");
    println!(
        "{count} clients: the last one let go after {longest:?}; meanwhile {served} requests, the \
         slowest {slowest:?}; peak memory {memory} KiB"
    );
    assert!(served > 100, "{served} requests");
    assert!(memory < 128 * 1024, "{memory} KiB");
    if is_full {
        assert!(longest < Duration::from_secs(15), "{longest:?}");
        assert!(slowest < Duration::from_millis(100), "{slowest:?}");
    }
    assert_eq!(server.count("day", Some("/a")), i64::from(served) + 1);
}

#[test]
fn silent_clients_make_room_for_who_speaks() {
    make_room(100);
    let server = Server::start("[server.limits]\nconnections = 16\n");
    let silent: Vec<_> = (0..100).map(|_| server.client()).collect();
    for _ in 0..20 {
        assert_eq!(server.get("/health").status, 200);
    }
    // All but those that there is room for were let go, at once.
    let gone = silent.into_iter().take(80).all(|mut client| client.is_closed());
    assert!(gone);
}

#[test]
fn who_asks_and_never_listens_is_let_go_and_costs_little() {
    const REQUESTS: usize = 10_000;
    let server = Server::start("");
    let before = memory_kib(&server, "VmHWM");
    // Long ones, so that not all of them fit into what lies between the two.
    let padding = "x".repeat(8_000);
    let request =
        format!("GET /tb.js HTTP/1.1\r\nHost: a\r\nX: {padding}\r\n\r\n").repeat(REQUESTS);
    let runtime = Runtime::new().unwrap();
    let answers = runtime.block_on(async {
        let mut clients = JoinSet::new();
        for _ in 0..8 {
            let (port, request) = (server.port, request.clone());
            clients.spawn(async move {
                let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                // Until the server takes no more, and lets go.
                let _let_go =
                    timeout(PATIENCE, stream.write_all(request.as_bytes())).await.unwrap();
                let mut all = Vec::new();
                let _reset = timeout(PATIENCE, stream.read_to_end(&mut all)).await.unwrap();
                String::from_utf8_lossy(&all).matches("HTTP/1.1 200").count()
            });
        }
        clients.join_all().await
    });
    let after = memory_kib(&server, "VmHWM");
    println!("answered {answers:?} of {REQUESTS}, peak memory {before} KiB, then {after} KiB");
    assert!(answers.iter().all(|answers| *answers < REQUESTS));
    assert!(after < before + 32 * 1024, "{before} KiB became {after} KiB");
    assert_eq!(server.get("/health").status, 200);
}
