//! Alerts are sent once when they begin and once when they are over, to receivers that answer, hang or
//! fail, and none of these delays another or a beacon.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::Command,
    sync::{Arc, Mutex},
    thread,
};

use serde_json::Value;

use crate::support::{BINARY, Server, time::Clock, wait_until};

/// A real HTTP server that keeps what it is sent.
struct Receiver {
    port: u16,
    received: Arc<Mutex<Vec<Value>>>,
}

impl Receiver {
    /// A receiver that answers its first requests with `statuses`, and every other with 200.
    fn start(statuses: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let received: Arc<Mutex<Vec<Value>>> = Arc::default();
        let (keeping, statuses) = (Arc::clone(&received), statuses.to_vec());
        thread::spawn(move || {
            for (at, stream) in listener.incoming().enumerate() {
                let body = read(stream.as_ref().unwrap());
                keeping.lock().unwrap().push(body);
                let status = statuses.get(at).unwrap_or(&200);
                let answer = format!(
                    "HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                );
                stream.unwrap().write_all(answer.as_bytes()).unwrap();
            }
        });
        Self { port, received }
    }

    fn received(&self) -> Vec<Value> {
        self.received.lock().unwrap().clone()
    }
}

fn read(stream: &TcpStream) -> Value {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line == "\r\n" {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    serde_json::from_slice(&body).unwrap()
}

fn views(server: &Server, count: usize) {
    for _ in 0..count {
        let body = r#"{"event_type":"page_view","identifier":"/"}"#;
        assert_eq!(server.post(body).status, 204);
    }
}

#[test]
fn messages_are_sent_once_and_no_receiver_delays_another() {
    let (good, flaky) = (Receiver::start(&[]), Receiver::start(&[500, 503]));
    // One that takes the connection and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_port = silent.local_addr().unwrap().port();
    let config = format!(
        r#"
[receiver.good]
webhook = "http://127.0.0.1:{}/hook"
topic = "mine"
[receiver.flaky]
webhook = "http://127.0.0.1:{}/secret-path"
[receiver.silent]
webhook = "http://127.0.0.1:{silent_port}/"
[alert.Busy]
above = 2
within = "1h"
send_to = ["silent", "good", "flaky"]
[alert.Other]
silent_for = "24h"
send_to = ["good"]
"#,
        good.port, flaky.port
    );
    let clock = Clock::at("2026-06-01 09:10:00");
    let mut server = Server::start_at(&clock, &config);
    views(&server, 3);
    server.kill();
    server.restart();
    wait_until("the message", || !good.received().is_empty() && !flaky.received().is_empty());
    let message = good.received().remove(0);
    assert_eq!((&message["state"], &message["topic"]), (&"begun".into(), &"mine".into()));
    assert_eq!((&message["title"], &message["alert"]), (&"Busy (default)".into(), &"Busy".into()));
    assert_eq!(message["message"], "page_view: 3 within 60 minutes, more than 2.");
    for text in ["text", "content"] {
        assert_eq!(message[text], "Busy (default)\npage_view: 3 within 60 minutes, more than 2.");
    }
    // The silent one still holds its connection: beacons are answered all the same.
    views(&server, 20);
    // The one that failed is tried again after a while, and again after a longer one.
    for (moment, tries) in [("09:10:16", 2), ("09:11:00", 3)] {
        clock.set(&format!("2026-06-01 {moment}"));
        wait_until("another try", || flaky.received().len() == tries);
    }
    let sent = |server: &Server| {
        let sql = "SELECT count(*) FROM alert_message WHERE outcome = 'sent'";
        server.file().query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap()
    };
    // One that is killed before it could note what came of a message would send it again.
    wait_until("both to be noted", || sent(&server) == 2);
    for _ in 0..2 {
        server.kill();
        server.restart();
    }
    assert_eq!(sent(&server), 2);
    // Over: the second and last message about it.
    clock.set("2026-06-01 11:10:00");
    server.kill();
    server.restart();
    wait_until("the end to be told", || good.received().len() == 2 && flaky.received().len() == 4);
    let over = good.received().remove(1);
    assert_eq!((&over["state"], &over["title"]), (&"over".into(), &"Over: Busy (default)".into()));
    assert!(
        !server.said().contains("secret-path"),
        "an address may hold a secret: {}",
        server.said()
    );
    check_command(&server, &good);
}

/// `alert test` says what each receiver answers.
fn check_command(server: &Server, good: &Receiver) {
    let test = |name: &str| {
        let out = Command::new(BINARY)
            .args(["alert", "test", name, "--config", "beacons.toml"])
            .current_dir(server.folder.path())
            .output()
            .unwrap();
        let said = [out.stdout, out.stderr].concat();
        (out.status.success(), String::from_utf8_lossy(&said).into_owned())
    };
    let before = good.received().len();
    let (fine, said) = test("Other");
    assert!(fine && said.contains("good has taken it"), "{said}");
    assert_eq!(good.received().len(), before + 1);
    let (fine, said) = test("Busy");
    assert!(!fine && said.contains("silent has not taken it: it did not answer in time"), "{said}");
    let (fine, said) = test("Nobody");
    assert!(!fine && said.contains("no alert is called \"Nobody\""), "{said}");
}

/// A mail server that takes every mail, and keeps its envelope and its text.
fn mail_server() -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mails: Arc<Mutex<Vec<String>>> = Arc::default();
    let keeping = Arc::clone(&mails);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mail = take_mail(stream.unwrap());
            keeping.lock().unwrap().push(mail);
        }
    });
    (port, mails)
}

/// One session (RFC 5321), up to its QUIT or its end.
fn take_mail(mut stream: TcpStream) -> String {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let mut mail = String::new();
    stream.write_all(b"220 here\r\n").unwrap();
    while let Some(Ok(line)) = lines.next() {
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let answer: &[u8] = match verb.as_str() {
            "EHLO" => b"250-here\r\n250 8BITMIME\r\n",
            "DATA" => {
                stream.write_all(b"354 go on\r\n").unwrap();
                for line in lines.by_ref().map_while(Result::ok).take_while(|line| line != ".") {
                    mail.push_str(&line);
                    mail.push('\n');
                }
                b"250 taken\r\n"
            }
            "QUIT" => b"221 bye\r\n",
            _ => b"250 fine\r\n",
        };
        if matches!(verb.as_str(), "MAIL" | "RCPT") {
            mail.push_str(&line);
            mail.push('\n');
        }
        stream.write_all(answer).unwrap();
        if verb == "QUIT" {
            break;
        }
    }
    mail
}

#[test]
fn mail_is_sent_when_an_alert_begins_and_when_it_is_over() {
    let (port, mails) = mail_server();
    let config = format!(
        r#"
[receiver.mail]
smtp = "smtp://127.0.0.1:{port}"
from = "beacons@shop.example"
to = ["jo@shop.example", "al@shop.example"]
[alert.Busy]
above = 2
within = "1h"
send_to = ["mail"]
"#
    );
    let clock = Clock::at("2026-06-01 09:10:00");
    let mut server = Server::start_at(&clock, &config);
    views(&server, 3);
    for (moment, count) in [("09:10:00", 1), ("09:20:00", 1), ("11:10:00", 2)] {
        clock.set(&format!("2026-06-01 {moment}"));
        server.kill();
        server.restart();
        wait_until("the mail", || mails.lock().unwrap().len() >= count);
        // Killed before it has noted that a mail was taken, it would send it again.
        let untold = "SELECT count(*) FROM alert_message WHERE outcome IS NULL";
        let file = server.file_as_it_is();
        let left = || file.query_row(untold, [], |row| row.get::<_, i64>(0));
        wait_until("the note of it", || left() == Ok(0));
    }
    let mails = mails.lock().unwrap().clone();
    assert_eq!(mails.len(), 2, "{mails:#?}");
    for (mail, subject) in mails.iter().zip(["Busy (default)", "Over: Busy (default)"]) {
        for part in [
            "MAIL FROM:<beacons@shop.example>",
            "RCPT TO:<jo@shop.example>",
            "RCPT TO:<al@shop.example>",
            &format!("Subject: {subject}\n"),
            "page_view: 3 within 60 minutes, more than 2.",
        ] {
            assert!(mail.contains(part), "{part} is not in\n{mail}");
        }
    }
}
