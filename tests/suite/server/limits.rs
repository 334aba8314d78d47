//! How often a network may come, and how many connections it may hold.

use std::{
    io::{Read as _, Write as _},
    net::{IpAddr, TcpStream, UdpSocket},
    time::Duration,
};

use crate::support::{PATIENCE, Server, http::Answer};

const CONFIG: &str = r#"
[server]
trusted_proxies = ["127.0.0.1"]
sender_tokens = ["0123456789abcdef01234567"]
[server.limits]
beacons_per_second = 1
beacons_burst = 3
pages_per_second = 1
pages_burst = 2
[event.page_view]
dedupe = "0s"
"#;

const BEACON: &[u8] = br#"{"event_type":"page_view","identifier":"/a"}"#;

/// A request that a trusted proxy passes on for `address`.
fn passed_on(server: &Server, method: &str, path: &str, address: &str) -> Answer {
    let headers = [
        ("X-Forwarded-For", address),
        ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0"),
        ("Origin", "https://a.example"),
    ];
    let body = if method == "POST" { BEACON } else { b"" };
    server.client().send(method, path, &headers, body).unwrap()
}

#[test]
fn a_network_that_sends_too_much_is_told_when_to_come_again_and_counted() {
    let server = Server::start(CONFIG);
    let beacon = |address: &str| passed_on(&server, "POST", "/beacon", address);
    // Neighbours share what their network may do.
    let answers: Vec<Answer> = (1..=20).map(|at| beacon(&format!("198.51.100.{at}"))).collect();
    let taken = answers.iter().filter(|answer| answer.status == 204).count();
    assert!((3..=10).contains(&taken), "{taken} of 20");
    for answer in answers.iter().filter(|answer| answer.status != 204) {
        assert_eq!(answer.status, 429);
        assert!((1..=3).contains(&answer.header("retry-after").parse::<u32>().unwrap()));
        assert!(answer.text().contains("\"too_many\""), "{}", answer.text());
        assert!(answer.text().contains("try again in"), "{}", answer.text());
        // The page that sent it may read why.
        assert_eq!(answer.header("access-control-allow-origin"), "https://a.example");
    }
    assert_eq!(beacon("203.0.113.1").status, 204, "another network");
    assert_eq!(beacon("2001:db8:7::1").status, 204, "another network");
    let away = u64::try_from(20 - taken).unwrap();
    assert_eq!(server.refusals("too_many"), away);
    assert_eq!(server.count("day", None), i64::try_from(taken).unwrap() + 2);
    // What the site's pages load is not bound, and a leave to send costs nothing.
    for _ in 0..20 {
        assert_eq!(passed_on(&server, "GET", "/tb.js", "198.51.100.1").status, 200);
        assert_eq!(passed_on(&server, "OPTIONS", "/beacon", "198.51.100.1").status, 204);
    }
}

#[test]
fn this_machine_and_who_shows_a_token_are_not_bound() {
    let server = Server::start(CONFIG);
    let token =
        [("X-Forwarded-For", "198.51.100.1"), ("Authorization", "Bearer 0123456789abcdef01234567")];
    for _ in 0..20 {
        assert_eq!(server.post(BEACON).status, 204);
        assert_eq!(server.get("/live").status, 200);
        let answer = server.client().send("POST", "/beacon", &token, BEACON).unwrap();
        assert_ne!(answer.status, 429);
    }
    assert_eq!(server.refusals("too_many"), 0);
}

#[test]
fn pages_have_an_allowance_of_their_own() {
    let server = Server::start(CONFIG);
    let page = || passed_on(&server, "GET", "/no-such-page", "198.51.100.1");
    let away = (0..20).map(|_| page()).find(|answer| answer.status == 429).unwrap();
    assert_eq!(away.header("content-type"), "text/html; charset=utf-8");
    assert!(away.header("retry-after").parse::<u32>().is_ok());
    assert!(away.text().contains("That was too often"), "{}", away.text());
    assert_eq!(passed_on(&server, "POST", "/beacon", "198.51.100.1").status, 204);
    assert_eq!(passed_on(&server, "GET", "/health", "198.51.100.1").status, 200);
}

/// An address of this machine that is not the loopback: the one it would send from.
fn own_address() -> IpAddr {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    // Nothing is sent: this only asks for the way.
    socket.connect("192.0.2.1:9").unwrap();
    socket.local_addr().unwrap().ip()
}

#[test]
fn a_network_holds_as_many_connections_as_it_may_and_no_more() {
    let config = "[server.limits]\nconnections_per_network = 3\n";
    let server = Server::start_on("0.0.0.0:0", config);
    let connect = || {
        let mut stream = TcpStream::connect((own_address(), server.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let sent = stream.write_all(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
        let mut some = [0; 12];
        let is_served = sent.and_then(|()| stream.read_exact(&mut some)).is_ok();
        (stream, is_served)
    };
    let mut held: Vec<_> = (0..3).map(|_| connect()).collect();
    assert!(held.iter().all(|(_, is_served)| *is_served));
    assert!(!connect().1, "a fourth connection is served");
    assert_eq!(server.get("/health").status, 200, "this machine is not bound");
    held.pop();
    crate::support::wait_until("the place to be free", || {
        std::thread::sleep(Duration::from_millis(20));
        connect().1
    });
}
