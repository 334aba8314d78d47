//! One attacker sends a hundred thousand made-up pages and sources: what is kept stays bounded, and the
//! real pages keep their names.

use std::{env, fs, thread};

use serde_json::Value;

use crate::support::{Server, count, time::Clock};

/// What the attacker makes up: each a path and a referrer of its own. `TRIM_BEACONS_JUNK` makes it more.
fn made_up() -> usize {
    env::var("TRIM_BEACONS_JUNK").map_or(100_000, |count| count.parse().unwrap())
}

/// Connections of the attacker.
const CONNECTIONS: usize = 16;
/// The limits of beacons.toml.
const PAGES_MAX: usize = 5_000;
const VALUES_MAX: usize = 500;

const CONFIG: &str =
    "[server]\ntrusted_proxies = [\"127.0.0.1\"]\nlimits = { beacons_per_second = 0 }\n";

/// One page view of `path`, come from `referrer`, from `address`. The attacker's browser is another one
/// each time, so that each page view is a visitor and a visit of its own.
fn view(client: &mut crate::support::http::Client, from: [&str; 2], path: &str, referrer: &str) {
    let [address, build] = from;
    let firefox = format!("Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/{build} Firefox/143.0");
    let headers = [("X-Forwarded-For", address), ("User-Agent", firefox.as_str())];
    let body = format!(
        r#"{{"event_type":"page_view","identifier":"{path}","meta":{{"ref":"https://{referrer}/"}}}}"#
    );
    let answer = client.send("POST", "/beacon", &headers, body.as_bytes()).unwrap();
    assert_eq!(answer.status, 204, "{}", answer.text());
}

fn flood(server: &Server) {
    thread::scope(|scope| {
        for connection in 0..CONNECTIONS {
            scope.spawn(move || {
                let mut client = server.client();
                for number in (connection..made_up()).step_by(CONNECTIONS) {
                    let (path, source) =
                        (format!("/junk/{number}"), format!("junk{number}.example"));
                    let from = ["198.51.100.66", &number.to_string()];
                    view(&mut client, from, &path, &source);
                }
            });
        }
    });
}

/// Twenty readers in as many networks on ten pages, come from three sources.
fn read(server: &Server, pages: &str) {
    let mut client = server.client();
    for reader in 0..20 {
        for page in 0..10 {
            let source = format!("friend{}.example", reader % 3);
            let from = [&format!("203.0.{reader}.5"), "20100101"];
            view(&mut client, from, &format!("/{pages}/{page}"), &source);
        }
    }
}

fn peak_kib(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_flood_of_names_is_bounded_and_real_pages_keep_theirs() {
    let server = Server::start(CONFIG);
    read(&server, "known");
    let (before, page_before) = (peak_kib(&server), server.get("/top").body.len());
    flood(&server);
    // Pages that nobody knew before the flood.
    read(&server, "new");
    let after = peak_kib(&server);
    println!("peak memory {before} KiB before the flood, {after} KiB after it");
    if made_up() <= 100_000 {
        assert!(after < before + 64 * 1024, "{before} KiB became {after} KiB");
    }
    assert!(after < 192 * 1024, "{after} KiB");

    let file = server.file();
    let all = i64::try_from(made_up() + 2 * 200).unwrap();
    assert_eq!(count(&file, "day", None), all);
    for page in 0..10 {
        assert_eq!(count(&file, "day", Some(&format!("/known/{page}"))), 20, "/known/{page}");
        // The first reader of a new page vouches for it, the second names it.
        assert_eq!(count(&file, "day", Some(&format!("/new/{page}"))), 19, "/new/{page}");
    }
    let named: i64 = file
        .query_row(
            "SELECT sum(count) FROM beacon_aggregates WHERE granularity = 'day'
                AND identifier IS NOT NULL AND identifier <> '(other)'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(named + count(&file, "day", Some("(other)")), all);
    let rows = |sql: &str| -> usize {
        let rows: i64 = file.query_row(sql, [], |row| row.get(0)).unwrap();
        usize::try_from(rows).unwrap()
    };
    let pages = rows("SELECT count(*) FROM beacon_aggregates WHERE granularity = 'day'");
    assert!((2_000..=PAGES_MAX + 2).contains(&pages), "{pages} pages");
    let sources = rows(
        "SELECT count(*) FROM beacon_breakdowns WHERE granularity = 'day' AND identifier IS NULL
            AND dimension = 'source'",
    );
    assert!((200..=VALUES_MAX + 2).contains(&sources), "{sources} sources");
    let texts = rows("SELECT count(*) FROM text");
    assert!(texts < PAGES_MAX + 25 * VALUES_MAX, "{texts} strings");
    check_pages(&server, page_before);
}

/// What people see: no page grows with what was made up, and the list says how much has no name.
fn check_pages(server: &Server, page_before: usize) {
    let top = server.get("/top");
    assert!(top.body.len() < page_before + 64 * 1024, "{} bytes", top.body.len());
    assert!(top.text().contains("stand under (other)"));
    let ranking = server.json("/api/v1/reports/top?limit=1000");
    let other = &ranking["rows"][0];
    assert_eq!(other["name"], "(other)");
    let share = other["figures"]["count"].as_i64().unwrap();
    let made_up = i64::try_from(made_up()).unwrap();
    assert!(share > made_up / 10 * 9, "{share} of {made_up} have no name of their own");
    let sources = server.json("/api/v1/reports/top?dimension=source&limit=1000");
    let friends = sources["rows"].as_array().unwrap().iter().filter(|row| is_friend(row));
    assert_eq!(friends.count(), 3);
}

fn is_friend(row: &Value) -> bool {
    row["name"].as_str().is_some_and(|name| name.starts_with("friend"))
}

/// Each of 30 names from two networks, one after the other; a restart between the tenth and the next.
fn thirty_names(server: &mut Server) {
    for name in 0..30 {
        if name == 10 {
            server.kill();
            server.restart();
        }
        for network in ["198.51.100.1", "203.0.113.1"] {
            let path = format!("/{name}");
            view(&mut server.client(), [network, "20100101"], &path, "friend.example");
        }
    }
}

fn count_on(server: &Server, day: &str, name: &str) -> i64 {
    let sql = "SELECT count FROM beacon_aggregates WHERE granularity = 'day'
        AND period_start = ?1 || 'T00:00:00Z' AND identifier = ?2";
    server.file().query_row(sql, [day, name], |row| row.get(0)).unwrap_or(0)
}

#[test]
fn each_day_admits_its_share_of_new_names_and_knows_the_old_ones() {
    let clock = Clock::at("2026-05-04 12:00:00");
    let limited = "[event.page_view]\nlimits = { identifiers_per_day = 10 }\ndedupe = \"0s\"\n";
    let mut server = Server::start_at(&clock, &format!("{CONFIG}{limited}"));
    thirty_names(&mut server);
    clock.set("2026-05-05 12:00:00");
    thirty_names(&mut server);
    // Half of the day's ten are admitted at once; the others when a second network brings them.
    for (day, known, at_once, vouched) in
        [("2026-05-04", 0..0, 0..5, 5..10), ("2026-05-05", 0..10, 10..15, 15..20)]
    {
        for name in 0..30 {
            let expected = match name {
                name if known.contains(&name) || at_once.contains(&name) => 2,
                name if vouched.contains(&name) => 1,
                _ => 0,
            };
            assert_eq!(count_on(&server, day, &format!("/{name}")), expected, "{day} /{name}");
        }
        let named = 2 * (known.len() + at_once.len()) + vouched.len();
        assert_eq!(count_on(&server, day, "(other)"), 60 - i64::try_from(named).unwrap(), "{day}");
    }
}
