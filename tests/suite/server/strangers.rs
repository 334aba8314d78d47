//! What strangers may try from outside: no beacon holds up the others, many at once count as many, names that
//! they make up have an end, and what they are told is what is public.

use std::fs;

use rusqlite::Connection;
use serde_json::{Value, json};

use super::backup::{command, done};
use crate::support::{Server, wait_until};

const VITALS: &str = r#"{"event_type":"vitals","identifier":"/m","meta":{"lcp":"#;

/// The sum of the bars of `measure` in the buckets of a month, in thousandths.
fn sum(server: &Server) -> i64 {
    let sql =
        "SELECT ifnull(sum(sum), 0) FROM beacon_histogram WHERE granularity = 5 AND identifier = 0";
    server.file().query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn no_number_that_is_sent_holds_up_counting() {
    let mut server = Server::start("");
    // Twelve million milliseconds are a page that took three hours; more is no page any more.
    for (lcp, expected) in
        [("1e12", 0), ("12000001", 0), ("12000000", 12_000_000_000), ("1", 12_000_001_000)]
    {
        assert_eq!(server.post(format!("{VITALS}{lcp}}}}}")).status, 204);
        assert_eq!(sum(&server), expected, "{lcp}");
    }
    assert!(server.terminate().success());
    // As far as such sums can come, and as far as those of older releases have.
    for kept in [(1_i64 << 53) - 1, i64::MAX - 1] {
        let file = Connection::open(server.database()).unwrap();
        assert!(file.execute("UPDATE beacon_histogram SET sum = ?1", [kept]).unwrap() > 0);
        drop(file);
        server.restart();
        for lcp in 0..20 {
            assert_eq!(server.post(format!("{VITALS}{}}}}}", 500 + lcp)).status, 204);
            assert_eq!(server.post(r#"{"event_type":"page_view","identifier":"/a"}"#).status, 204);
        }
        assert!(server.count("day", Some("/a")) > 0);
        assert_eq!(server.get("/speed").status, 200);
        let broken = "SELECT count(*) FROM beacon_histogram WHERE typeof(sum) <> 'integer'";
        assert_eq!(server.file().query_row(broken, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
        assert!(server.terminate().success());
    }
    assert!(command(&server, &["backup", "copy.db"]).output().unwrap().status.success());
}

#[test]
fn beacons_that_come_together_count_as_many_of_their_network() {
    let config = "[server]\ntrusted_proxies = [\"127.0.0.1\"]\n[server.limits]\nbeacons_per_second = 1\nbeacons_burst = 10\n\
                  [event.page_view]\ndedupe = \"0s\"\n";
    let server = Server::start(config);
    let view = |number: usize| json!({ "type": "event", "payload": { "website": "x", "hostname": "a.example", "url": format!("/{number}") } });
    let send = |address: &str, count: usize| {
        let headers = [
            ("X-Forwarded-For", address),
            (
                "User-Agent",
                "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0",
            ),
        ];
        let body = Value::from_iter((0..count).map(view)).to_string();
        server.client().send("POST", "/api/batch", &headers, body.as_bytes()).unwrap().status
    };
    // A batch is taken as a whole once nothing is owed, and the next one waits until it would have been paid.
    assert_eq!(send("203.0.113.1", 50), 200);
    assert_eq!(send("203.0.113.1", 2), 429);
    assert_eq!(send("203.0.113.2", 2), 429, "it is of the same network");
    // Single beacons of the network are not kept out by it.
    assert_eq!(send("203.0.113.2", 1), 200);
    assert_eq!(send("198.51.100.1", 2), 200);
    // Nor are batches let in that come at the same moment, or whose sender does not wait for the answer.
    let body = Value::from_iter((0..50).map(view)).to_string();
    let head = format!(
        "POST /api/batch HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    for _ in 0..20 {
        let mut client = server.client();
        client.write(head.as_bytes()).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(2));
        drop(client);
    }
    wait_until("the last of them", || send("192.0.2.9", 2) == 429);
    let of_batches = server.count("day", None) - (50 + 1 + 2);
    assert!(of_batches <= 50, "{of_batches} of a batch of 50 that came twenty times");
    // Who speaks for others is not bound.
    for _ in 0..4 {
        let body = Value::from_iter((0..50).map(view)).to_string();
        let agent = [(
            "User-Agent",
            "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0",
        )];
        assert_eq!(
            server.client().send("POST", "/api/batch", &agent, body.as_bytes()).unwrap().status,
            200
        );
    }
    assert_eq!(server.count("day", None), 50 + 1 + 2 + of_batches + 200);
}

#[test]
fn what_comes_in_one_request_is_counted_in_its_order() {
    let server = Server::start("[server]\ntrusted_proxies = [\"127.0.0.1\"]\n");
    let pages = ["/entry", "/middle", "/exit"];
    let visitors = 60;
    for visitor in 0..visitors {
        let view = |page: &&str| {
            json!({ "type": "event", "payload": { "website": "x", "hostname": "a.example", "url": page,
                    "referrer": if *page == "/entry" { "https://www.google.com/" } else { "" } } })
        };
        let address = format!("203.0.{visitor}.9");
        let headers = [
            ("X-Forwarded-For", address.as_str()),
            (
                "User-Agent",
                "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0",
            ),
        ];
        let body = Value::from_iter(pages.iter().map(view)).to_string();
        let answer = server.client().send("POST", "/api/batch", &headers, body.as_bytes()).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    for (dimension, name) in
        [("entry_page", "/entry"), ("exit_page", "/exit"), ("source", "Google")]
    {
        let told = server.json(&format!("/api/v1/reports/top?period=today&dimension={dimension}"));
        let rows = told["rows"].as_array().unwrap();
        assert_eq!((rows.len(), &rows[0]["name"]), (1, &Value::from(name)), "{told}");
        assert_eq!(rows[0]["figures"]["visits"], visitors, "{told}");
    }
}

#[test]
fn names_of_event_types_that_nobody_has_declared_have_an_end() {
    let server =
        Server::start("unknown = \"accept\"\n[server]\ntrusted_proxies = [\"127.0.0.1\"]\n");
    let send = |name: &str| server.post(format!(r#"{{"event_type":"{name}","identifier":"/a"}}"#));
    // What is not counted takes no room.
    for number in 0..250 {
        let agent = [("User-Agent", "Googlebot/2.1"), ("X-Forwarded-For", "192.0.2.1")];
        let body = format!(r#"{{"event_type":"of-a-bot-{number}","identifier":"/a"}}"#);
        let sent = server.client().send("POST", "/beacon", &agent, body.as_bytes()).unwrap();
        assert_eq!(sent.status, 204);
    }
    for number in 0..200 {
        assert_eq!(send(&format!("made-up-{number}")).status, 204);
    }
    let refused = send("made-up-200");
    assert_eq!(refused.status, 400);
    for name in ["made-up-7", "page_view"] {
        assert_eq!(send(name).status, 204, "{name}");
    }
    assert_eq!(send(&"x".repeat(65)).status, 400);
    assert_eq!(server.refusals("unknown_event_type"), 2);
}

#[test]
fn an_id_without_a_letter_is_none_and_a_list_is_no_beacon() {
    let server = Server::start("");
    for page in ["/one", "/two"] {
        let body = format!(r#"{{"event_type":"page_view","identifier":"{page}","id":""}}"#);
        assert_eq!(server.post(body).status, 204);
        let form = format!("event_type=page_view&identifier={page}-form&id=");
        let kind = [("Content-Type", "application/x-www-form-urlencoded")];
        let sent = server.client().send("POST", "/beacon", &kind, form.as_bytes());
        assert_eq!(sent.unwrap().status, 204);
    }
    for page in ["/one", "/two", "/one-form", "/two-form"] {
        assert_eq!(server.count("day", Some(page)), 1, "{page}");
    }
    let listed = server.post(r#"["page_view","/list",{},null,"id"]"#);
    assert_eq!(listed.status, 400);
    assert!(listed.text().contains("a beacon is one object"), "{}", listed.text());
}

#[test]
fn where_nobody_signs_in_no_name_of_others_leads_to_the_pages() {
    let mut server = Server::start("[server]\naccess = \"open\"\n");
    let ask = |server: &Server, method: &str, path: &str, host: &str| {
        let mut client = server.client();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nSec-Fetch-Site: same-origin\r\nContent-Length: 0\r\n\r\n"
        );
        client.write(head.as_bytes()).unwrap();
        client.answer().unwrap().status
    };
    for (host, expected) in [
        ("evil.example", [421, 421]),
        ("evil.example:8080", [421, 421]),
        ("localhost", [200, 200]),
        ("127.0.0.1:8080", [200, 200]),
        ("[::1]:8080", [200, 200]),
        ("192.168.1.5", [200, 200]),
    ] {
        let found = [ask(&server, "GET", "/", host), ask(&server, "POST", "/storage/backup", host)];
        assert_eq!(found, expected, "{host}");
    }
    // Nor to the figures of the machine, which its own programs read without a sign-in.
    assert_eq!(ask(&server, "GET", "/metrics", "evil.example"), 403);
    assert_eq!(ask(&server, "GET", "/metrics", "localhost"), 200);
    assert!(server.terminate().success());
    let named = "[server]\naccess = \"open\"\nbase_url = \"https://stats.example/x\"\n";
    fs::write(server.folder.path().join("beacons.toml"), named).unwrap();
    server.restart();
    for (host, expected) in [
        ("stats.example", 200),
        ("STATS.example:443", 200),
        ("stats.example.", 200),
        ("stats.example:8443", 200),
        ("stats.example.:8443", 200),
        ("stats.example.evil", 421),
        ("192.168.1.5", 421),
    ] {
        assert_eq!(ask(&server, "GET", "/x/", host), expected, "{host}");
    }
}

#[test]
fn others_are_not_told_which_event_types_there_are_nor_what_is_said_of_every_site() {
    let server =
        Server::start("[[site]]\ndomain = \"a.example\"\npublic = true\n[event.secret_deal]\n");
    let answer = server.post(r#"{"event_type":"deal","site":"a.example"}"#);
    assert_eq!(answer.status, 400);
    assert!(!answer.text().contains("secret_deal"), "{}", answer.text());
    assert!(server.get("/live").text().contains("secret_deal"), "the owner is told");
    let page = server.get("/public/a.example/?event_type=deal");
    assert_eq!(page.status, 400);
    assert!(!page.text().contains("secret_deal"), "{}", page.text());
    assert_eq!(
        server.post(r#"{"event_type":"page_view","identifier":"/","site":"a.example"}"#).status,
        204
    );
    done(&server, &["annotate", "Of every site"]);
    done(&server, &["annotate", "Of this one", "--site", "a.example"]);
    let page = server.get("/public/a.example/?period=today").text();
    assert!(page.contains("Of this one") && !page.contains("Of every site"));
    let own = server.get("/?site=a.example&period=today").text();
    assert!(own.contains("Of this one") && own.contains("Of every site"));
}

#[test]
fn names_of_all_scripts_are_counted_and_no_sign_that_nobody_sees_makes_another() {
    let server = Server::start("[event.search]\nidentifier = \"key\"\ndedupe = \"0s\"\n");
    for (sent, status) in [
        ("می\u{200c}خواهم", 204),
        ("می\u{200c}خواهم\u{200f}", 204),
        ("👩\u{200d}👧", 204),
        ("pay\u{200d}pal", 204),
        ("paypal", 204),
        ("\u{200f}", 400),
        ("a\u{202e}b", 400),
        ("a\u{2066}b", 400),
    ] {
        let answer = server.post(json!({ "event_type": "search", "identifier": sent }).to_string());
        assert_eq!(answer.status, status, "{sent:?}: {}", answer.text());
    }
    server.file();
    let top = server.json("/api/v1/reports/top?event_type=search&dimension=identifier");
    let rows = top["rows"].as_array().unwrap().iter();
    let found: Vec<_> =
        rows.map(|row| (row["name"].as_str().unwrap(), &row["figures"]["count"])).collect();
    assert_eq!(found.len(), 3, "{top}");
    for (name, count) in [("می\u{200c}خواهم", 2), ("paypal", 2), ("👩\u{200d}👧", 1)] {
        assert!(found.contains(&(name, &json!(count))), "{name:?}: {top}");
    }
}

#[test]
fn a_file_or_a_log_that_is_removed_takes_nothing_that_is_answered() {
    let view = r#"{"event_type":"page_view","identifier":"/a"}"#;
    for (suffix, way) in [("", "removed"), ("", "moved"), ("", "replaced"), ("-wal", "removed")] {
        let mut server = Server::start("");
        assert_eq!(server.post(view).status, 204);
        wait_until("it to be counted", || server.count("day", None) == 1);
        let path = trim_beacons::files::with_suffix(&server.database(), suffix);
        let aside = trim_beacons::files::with_suffix(&path, ".aside");
        match way {
            "removed" => fs::remove_file(&path).unwrap(),
            "moved" => fs::rename(&path, &aside).unwrap(),
            _ => {
                fs::copy(&path, &aside).unwrap();
                fs::rename(&aside, &path).unwrap();
            }
        }
        let answer = server.post(view);
        assert_eq!(answer.status, 503, "{suffix} {way}: {}", answer.text());
        assert_eq!(server.get("/health/ready").status, 503);
        wait_until("it to be said", || {
            server.said().contains("was removed or replaced while it was in use")
        });
        server.kill();
        if suffix.is_empty() && way != "replaced" {
            // What it has left is not read as the next one's.
            server.restart();
            assert_eq!(server.post(view).status, 204);
            assert_eq!(server.count("day", None), 1);
            assert!(server.terminate().success());
            done(&server, &["verify"]);
        }
    }
}

#[test]
fn a_log_that_a_database_has_left_is_not_that_of_the_next() {
    let view = r#"{"event_type":"page_view","identifier":"/a"}"#;
    let mut server = Server::start("");
    assert_eq!(server.post(view).status, 204);
    server.count("day", None);
    done(&server, &["backup", "copy.db"]);
    for _ in 0..5 {
        assert_eq!(server.post(view).status, 204);
    }
    server.kill();
    fs::rename(server.database(), server.folder.path().join("old.db")).unwrap();
    done(&server, &["restore", "copy.db"]);
    server.restart();
    assert_eq!(server.count("day", None), 1);
    assert!(server.terminate().success());
    done(&server, &["verify"]);
}

#[test]
fn who_hangs_up_at_the_door_keeps_nobody_out() {
    let server = Server::start_closed("[server]\ntrusted_proxies = [\"127.0.0.1\"]\n");
    wait_until("the link", || server.told().contains("/claim/"));
    let link = server.told();
    let token =
        link.split("/claim/").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap();
    let form = "name=jo&password=a+long+enough+secret&repeated=a+long+enough+secret";
    let own =
        [("Origin", "http://localhost"), ("Content-Type", "application/x-www-form-urlencoded")];
    let claimed = server.client().send("POST", &format!("/claim/{token}"), &own, form.as_bytes());
    assert_eq!(claimed.unwrap().status, 303);
    for number in 0..120 {
        let body = format!("name=nobody{number}&password=guess");
        let head = format!(
            "POST /sign-in HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nX-Forwarded-For: 10.{number}.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut client = server.client();
        client.write(head.as_bytes()).unwrap();
        if number % 20 == 19 {
            std::thread::sleep(std::time::Duration::from_millis(30));
        }
        drop(client);
    }
    let right = "name=jo&password=a+long+enough+secret";
    wait_until("the owner to be let in", || {
        let answer = server.client().send("POST", "/sign-in", &own, right.as_bytes()).unwrap();
        answer.status == 303
    });
}
