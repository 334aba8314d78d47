//! What is going on, told while it goes on, and forgotten.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    time::Duration,
};

use crate::support::{Server, wait_until};

/// Listens, and says with which status it was answered.
fn listen(server: &Server) -> (u16, BufReader<TcpStream>) {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(b"GET /live/events HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut lines = BufReader::new(stream);
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    (line.split(' ').nth(1).unwrap().parse().unwrap(), lines)
}

/// Reads until a line of news holds all `words`.
fn wait_for(lines: &mut BufReader<TcpStream>, words: &[&str]) {
    let mut line = String::new();
    loop {
        line.clear();
        assert!(lines.read_line(&mut line).unwrap() > 0, "the stream ended before {words:?}");
        if line.starts_with("data: ") && words.iter().all(|word| line.contains(word)) {
            return;
        }
    }
}

#[test]
fn beacons_are_told_with_their_verdict_as_they_come() {
    let mut server = Server::start("[[site]]\ndomain = \"shop.example\"\n");
    let (status, mut lines) = listen(&server);
    assert_eq!(status, 200);
    wait_for(&mut lines, &["\"visitors\":0"]);
    let view = |url: &str| format!(r#"{{"event_type":"page_view","meta":{{"url":"{url}"}}}}"#);
    assert_eq!(server.post(view("https://shop.example/a")).status, 204);
    wait_for(
        &mut lines,
        &["page_view /a", "\"counted\":true", "\"visitors\":1", "\"name\":\"/a\""],
    );
    assert_eq!(server.post(view("https://other.example/a")).status, 400);
    wait_for(&mut lines, &["other.example", "\"counted\":false", "Another site"]);
    // The same without a script.
    let page = server.get("/live").text();
    for words in ["page_view /a", "Another site", "http-equiv=\"refresh\"", "1\u{a0}visitor<"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    // A listener does not keep the server from ending, and nothing of it is left.
    assert!(server.terminate().success());
    server.restart();
    assert!(!server.get("/live").text().contains("other.example"));
}

#[test]
fn listeners_are_as_many_as_there_is_room_for() {
    let server = Server::start("");
    let listeners: Vec<_> = (0..64).map(|_| listen(&server)).collect();
    assert!(listeners.iter().all(|(status, _)| *status == 200));
    assert_eq!(listen(&server).0, 503);
    assert_eq!(server.get("/live").status, 200);
    drop(listeners);
    wait_until("room for another", || listen(&server).0 == 200);
}

#[test]
fn a_listener_who_has_not_signed_in_is_let_go_once_that_is_asked_for() {
    let server = Server::start_closed("[server]\naccess = \"open\"\n");
    let (status, mut lines) = listen(&server);
    assert_eq!(status, 200);
    wait_for(&mut lines, &["\"visitors\":0"]);
    fs::write(server.folder.path().join("beacons.toml"), "").unwrap();
    server.signal("HUP");
    wait_until("the reload", || listen(&server).0 == 401);
    let beacon = r#"{"event_type":"page_view","identifier":"/secret"}"#;
    assert_eq!(server.post(beacon).status, 204);
    let mut line = String::new();
    // The last chunk is the empty one.
    while line != "0\r\n" {
        line.clear();
        lines.read_line(&mut line).unwrap();
        assert!(!line.contains("/secret"), "{line}");
    }
}

#[test]
fn whoever_waits_for_a_first_beacon_is_told_which_rule_refuses_it() {
    let server = Server::start("[[site]]\ndomain = \"shop.example\"\n");
    let page = server.get("/").text();
    assert!(page.contains("data-waiting") && !page.contains("but are refused"), "{page}");
    let beacon = r#"{"event_type":"page_view","meta":{"url":"https://copy.example/a"}}"#;
    assert_eq!(server.post(beacon).status, 400);
    let page = server.get("/").text();
    for words in ["Beacons arrive, but are refused", "Another site", "copy.example"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let beacon = r#"{"event_type":"page_view","meta":{"url":"https://shop.example/a"}}"#;
    assert_eq!(server.post(beacon).status, 204);
    assert!(!server.get("/").text().contains("data-waiting"));
}
