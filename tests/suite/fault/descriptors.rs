//! A process that may have no more files open: it neither breaks off nor goes round in circles, and goes on
//! by itself.

use std::{fs, process::Command, thread, time::Duration};

use crate::support::{Server, http::Client, wait_until};

/// How many files more than it has open the server may have.
const MORE: usize = 8;

fn open_files(server: &Server) -> usize {
    fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap().count()
}

/// Lets the server have a few files more open than it has.
fn limit(server: &Server) {
    let most = format!("--nofile={}:", open_files(server) + MORE);
    let pid = server.pid().to_string();
    assert!(Command::new("prlimit").args(["--pid", &pid, &most]).status().unwrap().success());
}

/// How much of a processor it has used, in hundredths of a second.
fn ticks(server: &Server) -> u64 {
    let told = fs::read_to_string(format!("/proc/{}/stat", server.pid())).unwrap();
    // The name, in brackets, may hold anything.
    let fields: Vec<&str> = told.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

fn complaints(server: &Server) -> usize {
    server.said().matches("could not be accepted").count()
}

fn beacon(client: &mut Client, number: usize) {
    let body = format!(r#"{{"event_type":"page_view","identifier":"/a","id":"{number}"}}"#);
    let answer = client.send("POST", "/beacon", &[], body.as_bytes()).unwrap();
    assert_eq!(answer.status, 204, "{}", answer.text());
}

#[test]
fn without_files_to_open_silent_clients_make_room_and_who_speaks_is_served() {
    let server = Server::start("");
    server.get("/");
    limit(&server);
    let silent: Vec<_> = (0..50).map(|_| server.client()).collect();
    for number in 0..50 {
        beacon(&mut server.client(), number);
    }
    assert_eq!(complaints(&server), 1, "{}", server.said());
    drop(silent);
    assert_eq!(server.count("day", Some("/a")), 50);
}

#[test]
fn without_files_to_open_it_waits_quietly_and_goes_on_once_there_are_some() {
    let server = Server::start("");
    server.get("/");
    limit(&server);
    // None of those who listen waits to be asked to go.
    let listen = || {
        let mut client = server.client();
        client.write(b"GET /live/events HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        client
    };
    let listening: Vec<Client> = (0..2 * MORE).map(|_| listen()).collect();
    wait_until("the last file", || complaints(&server) == 1);
    let mut late = server.client();
    late.write(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let before = ticks(&server);
    thread::sleep(Duration::from_secs(2));
    let used = ticks(&server) - before;
    println!("{used} hundredths of a second of a processor in two seconds");
    assert!(used < 100, "{used} hundredths of a second");
    assert_eq!(complaints(&server), 1);
    drop(listening);
    assert_eq!(late.answer().unwrap().status, 200);
    for number in 0..20 {
        beacon(&mut server.client(), number);
    }
    assert_eq!(server.count("day", Some("/a")), 20);
}

#[test]
fn with_few_files_from_the_start_there_are_fewer_connections() {
    let limited = ["sh", "-c", "ulimit -n 64; \"$0\" \"$@\"; exit $?"];
    let server = Server::start_by(&limited, "");
    let silent: Vec<_> = (0..100).map(|_| server.client()).collect();
    for number in 0..20 {
        beacon(&mut server.client(), number);
        assert_eq!(server.get("/").status, 200);
    }
    drop(silent);
    let said = server.said();
    assert!(said.contains("fewer open files") && complaints(&server) == 0, "{said}");
    assert_eq!(server.count("day", Some("/a")), 20);
}
