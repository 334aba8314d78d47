//! Requests with many beacons, and large ones: all of them are stored or none, and nobody's keep others waiting.

use std::{
    fs,
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    thread,
};

use crate::support::{Server, wait_until};

const CONFIG: &str = "[server]\naccess = \"open\"\ntrusted_proxies = [\"127.0.0.1\"]\n";

const REPORTS: (&str, &str) = ("Content-Type", "application/reports+json");

/// A list of reports, of which the first is of a kind that is not counted.
fn reports(counted: usize) -> String {
    let report = r#"{"type":"csp-violation","age":0,"url":"https://a.example/x",
        "body":{"effectiveDirective":"img-src","blockedURL":"inline"}}"#;
    let mut all = vec![r#"{"type":"never-heard-of","body":{}}"#];
    all.extend(vec![report; counted]);
    format!("[{}]", all.join(","))
}

#[test]
fn of_a_request_all_is_stored_that_can_be_or_nothing() {
    let server = Server::start(&format!("{CONFIG}[server.limits]\nqueue_beacons = 64\n"));
    let body = reports(400);
    let send = |network: usize| {
        let address = format!("198.51.{network}.1");
        let agent = ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Firefox/143.0");
        let headers = [REPORTS, ("X-Forwarded-For", &*address), agent];
        server.client().send("POST", "/reports", &headers, body.as_bytes()).unwrap().status
    };
    // Two of them never have room together.
    let statuses: Vec<u16> = thread::scope(|scope| {
        let clients: Vec<_> = (0..24).map(|network| scope.spawn(move || send(network))).collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    let of = |status: u16| statuses.iter().filter(|found| **found == status).count();
    assert!(of(204) > 0 && of(204) + of(503) == statuses.len(), "{statuses:?}");
    server.file();
    let stored = server.health("/beacons/stored");
    assert_eq!(stored, u64::try_from(of(204) * 400).unwrap(), "{statuses:?}");
}

#[test]
fn a_list_is_told_to_come_again_when_what_counts_of_it_can_not_be_stored() {
    let server = Server::start(CONFIG);
    let send = |body: &str| {
        server.client().send("POST", "/reports", &[REPORTS], body.as_bytes()).unwrap().status
    };
    assert_eq!(send(&reports(1)), 204);
    let away = server.database().with_extension("away");
    fs::rename(server.database(), &away).unwrap();
    assert_eq!(send(&reports(1)), 503);
    assert_eq!(send(&reports(0)), 204, "nothing of it counts");
    fs::rename(&away, server.database()).unwrap();
    assert_eq!(send(&reports(1)), 204);
    assert_eq!(server.count("day", None), 2);
}

#[test]
fn a_batch_is_told_to_come_again_as_a_whole_when_one_of_it_can_not_be_made() {
    let config = format!("{CONFIG}[event.custom_event]\nidentifier = \"user\"\n");
    let server = Server::start(&config);
    // What users are told apart by can't be read.
    fs::create_dir(server.database().with_extension("db-secret")).unwrap();
    let item = |name: &str| {
        format!(
            r#"{{"type":"event","payload":{{"website":"default","url":"/x","hostname":"default"{name}}}}}"#
        )
    };
    let agent = ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Firefox/143.0");
    let send = |body: &str| {
        server.client().send("POST", "/api/batch", &[agent], body.as_bytes()).unwrap().status
    };
    let view = item("");
    let with_user = format!("[{view},{}]", item(r#","name":"login","id":"jo""#));
    assert_eq!((send(&with_user), send(&with_user)), (503, 503));
    assert_eq!(server.count("day", Some("/x")), 0);
    assert_eq!(send(&format!("[{view}]")), 200);
    assert_eq!(server.count("day", Some("/x")), 1);
}

#[test]
fn who_sends_large_bodies_slowly_keeps_other_networks_from_nothing() {
    let server = Server::start(CONFIG);
    let begin = |number: usize| {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
        // More than a small one, and no end of it.
        let piece = "a".repeat(0x4400);
        let request = format!(
            "POST /matomo.php HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 203.0.113.{number}\r\n\
             Transfer-Encoding: chunked\r\n\r\n4400\r\n{piece}\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        stream.set_nonblocking(true).unwrap();
        stream
    };
    let mut slow: Vec<TcpStream> = (0..80).map(begin).collect();
    let mut open = || {
        slow.retain_mut(|stream| {
            stream.read(&mut [0; 1]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
        });
        slow.len()
    };
    wait_until("the most of them to be sent away", || open() <= 16);
    let hits: Vec<String> = (0..400)
        .map(|hit| format!(r#""?idsite=1&rec=1&url=https://a.example/{hit}&uid={hit}""#))
        .collect();
    let bulk = format!(r#"{{"requests":[{}]}}"#, hits.join(","));
    assert!(bulk.len() > 16 * 1024);
    let headers = [("X-Forwarded-For", "198.51.100.1")];
    let answer = server.client().send("POST", "/matomo.php", &headers, bulk.as_bytes()).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(open() > 0, "it was answered while none of them was read any more");
}

#[test]
fn a_body_that_takes_far_more_memory_or_time_than_it_is_long_is_refused() {
    let server = Server::start(CONFIG);
    let send =
        |path: &str, body: &[u8]| server.client().send("POST", path, &[], body).unwrap().status;
    let pack = |text: &str| {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(text.as_bytes()).unwrap();
        packer.finish().unwrap()
    };
    let lists = |count: usize| format!("[{}]", vec!["{}"; count].join(","));
    assert_eq!(send("/api/batch", lists(60_000).as_bytes()), 413);
    assert_eq!(send("/api/batch", &pack(&lists(60_000))), 413);
    assert_eq!(send("/matomo.php", &pack(&"a&".repeat(500_000))), 413);
    assert_eq!(send("/matomo.php", &pack(&"a&".repeat(20_000))), 400);
}
