//! Who reads much, or hangs up, keeps nobody else from reading.

use std::{
    io::Write as _,
    net::TcpStream,
    time::{Duration, Instant},
};

use crate::support::Server;

/// How many single page views there are.
const VIEWS: i64 = 200_000;

/// What takes long to read of so many.
const SLOW: &str =
    "/public/a.example/?period=28d&filter=source:has:d&filter=page:has:p&filter=channel:not:q";

/// A server whose figures of a.example are public, and a file with many page views.
fn filled() -> Server {
    let config = "[server]\ntrusted_proxies = [\"127.0.0.1\"]\n[[site]]\ndomain = \"a.example\"\npublic = true\n";
    let mut server = Server::start(config);
    let body = r#"{"event_type":"page_view","identifier":"/page","site":"a.example"}"#;
    assert_eq!(server.post(body).status, 204);
    assert!(server.terminate().success());
    let file = rusqlite::Connection::open(server.database()).unwrap();
    let columns = "site, event_type, identifier, visitor, began, hostname, page, entry_page, source, channel, browser, os";
    let insert = format!(
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {VIEWS})
         INSERT INTO beacon_event (id, {columns})
         SELECT id - n * 7000 * 65536, {columns} FROM beacon_event, n"
    );
    assert_eq!(i64::try_from(file.execute(&insert, []).unwrap()).unwrap(), VIEWS);
    drop(file);
    server.restart();
    server
}

fn ask(server: &Server, path: &str, address: &str) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {address}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

#[test]
fn those_who_hang_up_leave_nothing_to_be_read() {
    let server = filled();
    let begun = Instant::now();
    let answer = server.client().send("GET", SLOW, &[], b"").unwrap();
    let one = begun.elapsed();
    assert_eq!(answer.status, 200, "{}", answer.text());
    // Each asks for something else, from networks of their own and from one.
    for number in 0..120 {
        let network = if number < 60 { number } else { 0 };
        let asked = format!("{SLOW}{number}");
        let stream = ask(&server, &asked, &format!("198.51.{network}.{number}"));
        std::thread::sleep(Duration::from_millis(5));
        drop(stream);
    }
    let begun = Instant::now();
    assert_eq!(server.get("/?site=a.example").status, 200);
    let owner = begun.elapsed();
    let headers = [("X-Forwarded-For", "203.0.113.1")];
    assert_eq!(server.client().send("GET", SLOW, &headers, b"").unwrap().status, 200);
    let stranger = begun.elapsed();
    // Had they all been read, it would have been thirty times as long at the least.
    assert!(owner < 8 * one && stranger < 16 * one, "{one:?}, {owner:?}, {stranger:?}");
}
