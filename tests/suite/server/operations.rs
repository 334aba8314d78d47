//! What an operator relies on: probes, figures, logs, sockets that outlive a process, and headers.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    os::{fd::OwnedFd, unix::fs::PermissionsExt as _, unix::net::UnixStream},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    thread,
};

use rusqlite::{Connection, Row};
use trim_beacons::{
    model::{
        period::Granularity,
        tally::{AggregateKey, Counters, TextId},
    },
    store::{
        connection::open_writable,
        parts::{self, Part},
    },
};

use super::backup::{done, refused};
use crate::support::{BINARY, PATIENCE, Server, count, http::Client, wait_until};

const BEACON: &str = r#"{"event_type":"page_view","identifier":"/a"}"#;

/// The value of the line of /metrics that begins with `name`.
fn metric(server: &Server, name: &str) -> f64 {
    let text = server.get("/metrics").text();
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
}

#[test]
fn metrics_tell_what_happens_and_nothing_of_visitors() {
    let server = Server::start("[event.page_view]\ndedupe = \"0s\"\n");
    let lines = || server.get("/metrics").text().lines().count();
    server.post(BEACON);
    let before = lines();
    for number in 0..50 {
        let body = format!(r#"{{"event_type":"page_view","identifier":"/secret-{number}"}}"#);
        assert_eq!(server.post(body).status, 204);
        assert_eq!(server.post("no beacon").status, 400);
    }
    assert_eq!(metric(&server, "trim_beacons_beacons_total{result=\"stored\"}"), 51.0);
    assert_eq!(metric(&server, "trim_beacons_rejections_total{reason=\"malformed\"}"), 50.0);
    assert_eq!(metric(&server, "trim_beacons_answers_total{class=\"4xx\"}"), 50.0);
    let commits = metric(&server, "trim_beacons_journal_commits_total");
    assert_eq!(metric(&server, "trim_beacons_commit_seconds_count"), commits);
    assert!(metric(&server, "trim_beacons_last_commit_timestamp_seconds") > 1.7e9);
    for name in ["connections", "database_bytes", "wal_bytes", "disk_free_bytes"] {
        assert!(metric(&server, &format!("trim_beacons_{name}")) > 0.0, "{name}");
    }
    assert!(metric(&server, "process_resident_memory_bytes") > 1e6);
    let text = server.get("/metrics").text();
    assert!(!text.contains("secret"), "{text}");
    assert_eq!(text.lines().count(), before, "it grows with what visitors send");
    // As Prometheus reads it: a name, perhaps labels, a number; each name is explained.
    let line = regex::Regex::new(r#"^[a-z_]+(\{[a-z]+="[^"\n]*"\})? [0-9.e+-]+$"#).unwrap();
    assert!(text.lines().all(|one| one.starts_with("# ") || line.is_match(one)), "{text}");
}

#[test]
fn figures_are_for_who_runs_it_and_probes_for_everybody() {
    let config = "[server]\ntrusted_proxies = [\"127.0.0.1\"]\nmetrics_from = [\"10.1.2.0/24\"]\n";
    let server = Server::start_closed(config);
    let from = |path: &str, address: &str| {
        server.client().send("GET", path, &[("X-Forwarded-For", address)], b"").unwrap()
    };
    assert_eq!(server.get("/metrics").status, 200);
    assert_eq!(from("/metrics", "10.1.2.9").status, 200);
    assert_eq!(from("/metrics", "198.51.100.1").status, 403);
    // What a proxy passes on without telling for whom could be anybody's.
    let via = server.client().send("GET", "/metrics", &[("Via", "1.1 proxy")], b"").unwrap();
    assert_eq!(via.status, 403);
    assert!(server.get("/health").text().contains("journal_commits"));
    for (path, told) in [
        ("/health", r#"{"live":true,"ready":true,"why":[]}"#),
        ("/health/ready", r#"{"live":true,"ready":true,"why":[]}"#),
        ("/health/live", r#"{"live":true}"#),
    ] {
        let answer = from(path, "198.51.100.1");
        assert_eq!((answer.status, answer.text().as_str()), (200, told), "{path}");
    }
}

#[test]
fn a_server_that_can_not_store_is_not_ready_and_says_why() {
    let server = Server::start("");
    assert_eq!(server.get("/health/ready").status, 200);
    let other = Connection::open(server.database()).unwrap();
    wait_until("the lock", || other.execute_batch("BEGIN IMMEDIATE").is_ok());
    assert_eq!(server.post(BEACON).status, 503);
    let answer = server.get("/health/ready");
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("the last beacons could not be stored"), "{}", answer.text());
    assert_eq!(server.get("/health/live").status, 200);
    assert_eq!(metric(&server, "trim_beacons_commit_failing"), 1.0);
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(server.post(BEACON).status, 204);
    assert_eq!(server.get("/health/ready").status, 200);
}

/// Opens the file beside the server, to change it.
fn beside(server: &Server) -> Connection {
    let file = Connection::open(server.database()).unwrap();
    file.busy_timeout(PATIENCE).unwrap();
    file
}

/// Lets a part wait in the file of a server that has ended, which adds one to every day.
fn let_part_wait(server: &Server) {
    let mut file = open_writable(&server.database()).unwrap();
    let transaction = file.transaction().unwrap();
    let sql = "SELECT period_start, site, event_type, identifier FROM beacon_aggregate
        WHERE granularity = 4 ORDER BY identifier";
    let one = Counters { count: 1, ..Counters::default() };
    let key = |row: &Row<'_>| {
        let [site, event_type, identifier] = [row.get(1)?, row.get(2)?, row.get(3)?].map(TextId);
        let (granularity, period_start) = (Granularity::Day, row.get(0)?);
        Ok((AggregateKey { granularity, period_start, site, event_type, identifier }, one))
    };
    let mut statement = transaction.prepare(sql).unwrap();
    let aggregates = statement.query_map([], key).unwrap().map(Result::unwrap).collect();
    drop(statement);
    let part = Part { aggregates, ..Part::default() };
    parts::put_off(&transaction, &part).unwrap();
    transaction.commit().unwrap();
    file.close().unwrap();
}

#[test]
fn what_can_not_be_counted_keeps_no_server_from_starting() {
    for in_parts in [false, true] {
        let mut server = Server::start("[event.page_view]\ndedupe = \"0s\"\n");
        assert_eq!(server.post(BEACON).status, 204);
        assert!(server.terminate().success());
        if in_parts {
            let_part_wait(&server);
        }
        // Nothing can be added to that.
        let most = "UPDATE beacon_aggregate SET count = 9223372036854775807";
        beside(&server).execute(most, []).unwrap();
        server.restart();
        assert_eq!(server.post(BEACON).status, 204);
        wait_until("counting to be put off", || server.said().contains("counting is put off"));
        let ready = server.json("/health/ready");
        assert_eq!((&ready["ready"], &ready["counting_put_off"]), (&true.into(), &true.into()));
        assert_eq!(metric(&server, "trim_beacons_counting_put_off"), 1.0);
        // Neither a stop nor a kill makes it worse.
        assert!(server.terminate().success(), "{}", server.said());
        assert!(
            server.said().contains("not all that was answered can be counted"),
            "{}",
            server.said()
        );
        assert!(!server.database().with_extension("db-wal").exists());
        server.restart();
        assert_eq!(metric(&server, "trim_beacons_counting_put_off"), 1.0);
        assert_eq!(server.post(BEACON).status, 204);
        server.kill();
        server.restart();
        assert_eq!(server.post(BEACON).status, 204);
        beside(&server).execute("UPDATE beacon_aggregate SET count = 1", []).unwrap();
        wait_until("counting to go on", || {
            server.json("/health/ready").get("counting_put_off").is_none()
        });
        assert_eq!(server.count("day", None), 4 + i64::from(in_parts));
    }
}

#[test]
fn however_much_can_not_be_counted_is_stored_and_keeps_no_page_waiting() {
    let mut server = Server::start("[event.page_view]\ndedupe = \"0s\"\n");
    assert_eq!(server.post(BEACON).status, 204);
    assert!(server.terminate().success());
    let most = "UPDATE beacon_aggregate SET count = 9223372036854775807";
    beside(&server).execute(most, []).unwrap();
    server.restart();
    // More than are kept in memory until they are counted.
    let (requests, each) = (40_usize, 500_usize);
    let send = |server: &Server, requests: usize| {
        let hit = r#"{"path":"/x","ip":"203.0.113.9","user_agent":"Mozilla/5.0 Firefox/145.0"}"#;
        let body = format!(r#"{{"hits":[{}]}}"#, vec![hit; each].join(","));
        for _ in 0..requests {
            let answer = server.client().send("POST", "/api/v0/count", &[], body.as_bytes());
            assert_eq!(answer.unwrap().status, 202);
        }
    };
    send(&server, requests);
    wait_until("counting to be put off", || server.said().contains("counting is put off"));
    send(&server, 2);
    assert_eq!(server.get("/").status, 200);
    assert_eq!(server.post(BEACON).status, 204);
    // What waits to be counted would come back after it.
    let out = Command::new(BINARY)
        .args(["edit", "delete-page", "/x", "--config", "beacons.toml"])
        .current_dir(server.folder.path())
        .envs(server.environment())
        .output()
        .unwrap();
    let said = String::from_utf8(out.stderr).unwrap();
    assert!(!out.status.success() && said.contains("not all that was answered"), "{said}");
    assert!(server.terminate().success(), "{}", server.said());
    server.restart();
    let sent = (requests + 2) * each + 2;
    wait_until("how many wait to be told", || {
        server.health("/uncounted") == u64::try_from(sent - 1).unwrap()
    });
    assert_eq!(server.post(BEACON).status, 204);
    assert_eq!(server.get("/").status, 200);
    beside(&server).execute("UPDATE beacon_aggregate SET count = 1", []).unwrap();
    wait_until("counting to go on", || {
        server.json("/health/ready").get("counting_put_off").is_none()
    });
    send(&server, 1);
    let sent = i64::try_from((requests + 3) * each).unwrap() + 3;
    wait_until("all to be counted", || server.count("day", None) >= sent);
    assert_eq!(server.count("day", None), sent);
}

#[test]
fn the_log_is_a_line_of_json_for_each_event() {
    let mut server = Server::start("[server]\nlog = \"json\"\n");
    fs::write(server.folder.path().join("beacons.toml"), "zzz\u{1b}[31m = 1\n").unwrap();
    server.signal("HUP");
    wait_until("the complaint", || server.said().contains("stays in force"));
    assert!(server.terminate().success());
    for line in server.said().lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(event["message"].is_string() && event["time"].is_string(), "{line}");
        assert!(["info", "warn"].contains(&event["level"].as_str().unwrap()), "{line}");
    }
}

#[test]
fn a_release_says_what_it_was_built_from() {
    let out = Command::new(BINARY).arg("--version").output().unwrap();
    let said = String::from_utf8(out.stdout).unwrap();
    let version = concat!("trim-beacons ", env!("CARGO_PKG_VERSION"), " (");
    assert!(said.starts_with(version) && said.trim_end().ends_with(')'), "{said}");
}

/// A request over a Unix socket, whose connection ends with its answer.
fn over(socket: &std::path::Path, request: &str) -> String {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_unix_socket_is_for_its_group_and_goes_with_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let listen = format!("unix:{}", path.display());
    let start = || {
        let mut words = Command::new(BINARY);
        words.args(["--open", "--listen", &listen]).current_dir(folder.path());
        let child = words.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_until("the socket", || UnixStream::connect(&path).is_ok());
        child
    };
    let length = BEACON.len();
    let post = format!(
        "POST /beacon HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{BEACON}"
    );
    let mut child = start();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    let answer = over(&path, &post);
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    // Killed, it leaves the socket behind, which the next one takes for what it is.
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(path.exists());
    let mut child = start();
    assert!(over(&path, &post).starts_with("HTTP/1.1 204 "));
    terminate(&mut child);
    assert!(!path.exists());
}

fn terminate(child: &mut Child) {
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    assert!(child.wait().unwrap().success());
}

/// Starts a server on a socket that is not its own, as systemd does.
fn start_on(listener: &TcpListener, folder: &std::path::Path) -> Child {
    let socket = OwnedFd::from(listener.try_clone().unwrap());
    let mut child = Command::new("sh")
        .args([
            "-c",
            "exec 3<&0 </dev/null; export LISTEN_PID=$$ LISTEN_FDS=1; exec \"$0\" --open",
            BINARY,
        ])
        .current_dir(folder)
        .stdin(Stdio::from(socket))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("serves http://127.0.0.1:")));
    thread::spawn(move || lines.for_each(drop));
    child
}

#[test]
fn ten_restarts_refuse_nobody_lose_nothing_and_count_nothing_twice() {
    const CLIENTS: u64 = 8;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    let (answered, over) = (AtomicU64::new(0), AtomicBool::new(false));
    let mut child = start_on(&listener, folder.path());
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (answered, over) = (&answered, &over);
            scope.spawn(move || {
                let mut number = 0;
                let mut connection: Option<Client> = None;
                while !over.load(Relaxed) {
                    let body = format!(
                        r#"{{"event_type":"page_view","identifier":"/a","id":"{client}-{number}"}}"#
                    );
                    // Nobody is refused a connection: whoever comes in between waits.
                    let mut open =
                        connection.take().unwrap_or_else(|| Client::connect(port).unwrap());
                    match open.send("POST", "/beacon", &[], body.as_bytes()) {
                        Ok(answer) if answer.status == 204 => {
                            answered.fetch_add(1, Relaxed);
                            number += 1;
                            let is_last = answer.header("connection") == "close";
                            connection = (!is_last).then_some(open);
                        }
                        // Not answered, or told to try again: it is sent again under its name.
                        Ok(answer) => assert_eq!(answer.status, 503),
                        Err(_) => {}
                    }
                }
            });
        }
        for round in 1..=10 {
            wait_until("some beacons", || answered.load(Relaxed) > round * 50);
            terminate(&mut child);
            child = start_on(&listener, folder.path());
        }
        wait_until("some beacons", || answered.load(Relaxed) > 600);
        over.store(true, Relaxed);
    });
    terminate(&mut child);
    let file = Connection::open(folder.path().join("trim-beacons.db")).unwrap();
    let answered = i64::try_from(answered.into_inner()).unwrap();
    println!("{answered} beacons over ten restarts");
    assert_eq!(count(&file, "day", Some("/a")), answered);
}

/// A path of each door: its parts that vary are something.
fn every_path() -> Vec<String> {
    let part = regex::Regex::new(r"\{[^}]*\}").unwrap();
    let paths = trim_beacons::web::paths();
    paths.iter().map(|path| part.replace_all(path, "x").into_owned()).collect()
}

#[test]
fn every_answer_says_what_a_browser_may_do_with_it() {
    let config = "[server]\nbase_url = \"https://stats.example.com\"\n";
    for server in [Server::start(config), Server::start_closed(config)] {
        let mut met = BTreeSet::new();
        for path in every_path().into_iter().chain(["/no/such/path".to_owned()]) {
            if path == "/live/events" {
                continue;
            }
            for method in ["GET", "POST", "OPTIONS", "DELETE"] {
                let answer = server.client().send(method, &path, &[], b"").unwrap();
                let shown = format!("{method} {path}: {:?}", answer.headers);
                met.insert(answer.status);
                assert_eq!(answer.header("x-content-type-options"), "nosniff", "{shown}");
                let hsts = answer.header("strict-transport-security");
                assert_eq!(hsts, "max-age=31536000", "{shown}");
                // A redirect leads to a path of ours alone.
                let location = answer.header("location");
                assert!(location.is_empty() || location.starts_with('/'), "{shown}");
                assert!(!location.starts_with("//"), "{shown}");
                if answer.header("cross-origin-resource-policy") == "cross-origin" {
                    assert_eq!(answer.header("set-cookie"), "", "{shown}");
                    continue;
                }
                assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin", "{shown}");
                let policy = answer.header("content-security-policy");
                assert!(policy.starts_with("default-src 'none'"), "{shown}");
                assert!(policy.contains("frame-ancestors 'none'"), "{shown}");
                assert!(!policy.contains("unsafe") && !policy.contains('*'), "{shown}");
                assert_eq!(answer.header("x-frame-options"), "DENY", "{shown}");
                assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin", "{shown}");
                assert!(answer.header("permissions-policy").contains("camera=()"), "{shown}");
                let referrer = answer.header("referrer-policy");
                assert!(["no-referrer", "same-origin"].contains(&referrer), "{shown}");
                let cache = answer.header("cache-control");
                assert!(cache.contains("no-store") || path.starts_with("/assets/"), "{shown}");
            }
        }
        assert!(met.contains(&404) && met.contains(&405), "{met:?}");
    }
}

#[test]
fn no_path_leads_out_of_the_assets() {
    let server = Server::start("");
    for path in [
        "/assets/../Cargo.toml",
        "/assets/..%2fCargo.toml",
        "/assets/%2e%2e/Cargo.toml",
        "/assets/%2e%2e%2fCargo.toml",
        "/assets/..%5cCargo.toml",
        "/assets/....//Cargo.toml",
        "/assets/%252e%252e%252fCargo.toml",
        "/assets//etc/passwd",
        "/assets/%2fetc%2fpasswd",
        "/assets/tb.js%00.css",
        "/tb.js/../../etc/passwd",
        "//evil.example/%2f..",
    ] {
        let answer = server.get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.header("location"), "", "{path}");
        let text = answer.text();
        assert!(!text.contains("[package]") && !text.contains("root:"), "{path}: {text}");
    }
}

#[test]
fn the_first_beacon_that_a_start_names_counts_also_where_sites_are_declared() {
    for config in ["", "[[site]]\ndomain = \"a.example\"\n[[site]]\ndomain = \"b.example\"\n"] {
        let server = Server::start(config);
        wait_until("the command", || server.told().contains("Ctrl-C"));
        let told = server.told();
        let body = told.split_once("-d '").and_then(|(_, rest)| rest.split_once('\''));
        let (body, _) = body.unwrap_or_else(|| panic!("no command: {told}"));
        let answer = server.client().send(
            "POST",
            "/beacon",
            &[("User-Agent", "curl/8.5.0")],
            body.as_bytes(),
        );
        assert_eq!(answer.unwrap().status, 204, "{body}");
        assert_eq!(server.count("day", Some("/docs/home")), 1, "{body}");
    }
}

#[test]
fn what_can_not_be_served_as_it_is_declared_fails_the_check() {
    let mut server = Server::start("");
    assert!(server.terminate().success());
    let site = "[[site]]\ndomain = \"a.example\"\n";
    for (config, part) in [
        (
            "[server]\ncountry_database = \"none.mmdb\"\n".to_owned(),
            "the country database none.mmdb can't be read",
        ),
        (
            format!("{site}endpoint = \"/top\"\n"),
            "endpoint = \"/top\", but that is a path of the program itself",
        ),
        (format!("{site}endpoint = \"/public/x\"\n"), "that is a path of the program itself"),
        (format!("{site}script = \"/x.js\"\nendpoint = \"/x.js\"\n"), "but a script has that path"),
        (format!("{site}script = \"/tb.js\"\nendpoint = \"/x\"\n"), "script = \"/tb.js\", but"),
    ] {
        std::fs::write(server.folder.path().join("beacons.toml"), &config).unwrap();
        let said = refused(&server, &["check"]);
        assert!(said.contains(part), "{config}: {said}");
    }
    for config in
        ["script = \"/tb.js\"", "endpoint = \"/beacon\"", "script = \"/x.js\"\nendpoint = \"/x\""]
    {
        std::fs::write(server.folder.path().join("beacons.toml"), format!("{site}{config}\n"))
            .unwrap();
        done(&server, &["check"]);
    }
}
