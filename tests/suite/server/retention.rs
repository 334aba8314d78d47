//! What is older than it is kept goes, and no sum that stays is another one, whatever stops the server.

use std::{
    collections::BTreeMap, fs, io::Read as _, path::Path, process::Command, thread, time::Duration,
};

use flate2::read::MultiGzDecoder;
use rusqlite::{Connection, Transaction};
use trim_beacons::{
    clock, config,
    model::period::date_at,
    prune,
    store::{self, connection::open_writable},
    writer::{
        Affects,
        changes::{Changes, Stopped},
    },
};

use crate::support::{BINARY, Server, time::Clock, wait_until};

const CONFIG: &str = r#"
[server]
trusted_proxies = ["127.0.0.1"]
limits = { beacons_per_second = 0 }
[event.page_view]
visits = true
dimensions = ["source", "browser"]
pairs = ["page × source"]
pairs_by_day = "5d"
measures = { load = [1, 2] }
retention = { hour = "10d", day = "40d" }
raw = "20d"
dedupe = "0s"
"#;

/// Page views of 60 days up to 30 June 2026: two visitors each day, three pages.
fn fill(server: &Server, clock: &Clock) {
    for day in 0..60 {
        let date = jiff::civil::date(2026, 5, 2).saturating_add(jiff::ToSpan::days(day));
        clock.set(&format!("{date} 10:15:00"));
        for visitor in 1..=2 {
            let address = format!("203.0.113.{visitor}");
            let headers = [
                ("X-Forwarded-For", address.as_str()),
                ("User-Agent", "Mozilla/5.0 Firefox/145.0"),
            ];
            for page in ["/", "/docs", "/pricing"] {
                let body = format!(
                    r#"{{"event_type":"page_view","identifier":"{page}","meta":{{"load":1.5,"ref":"https://s{}.example/","day":{day}}}}}"#,
                    day % 7
                );
                let answer = server.client().send("POST", "/beacon", &headers, body.as_bytes());
                assert_eq!(answer.unwrap().status, 204);
            }
        }
    }
}

/// Every sum of a granularity, by table, over all buckets.
fn sums(file: &Connection, granularity: i64) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for sql in [
        "SELECT 'a ' || identifier, sum(count) || ' ' || sum(visitors) || ' ' || sum(visits) || ' '
             || sum(bounces) || ' ' || sum(seconds)
         FROM beacon_aggregate WHERE granularity = ?1 GROUP BY identifier",
        "SELECT 'b ' || identifier || ' ' || dimension || ' ' || value,
             sum(count) || ' ' || sum(visitors) || ' ' || sum(visits)
         FROM beacon_breakdown WHERE granularity = ?1 GROUP BY identifier, dimension, value",
        "SELECT 'h ' || identifier || ' ' || measure || ' ' || bound, sum(count) || ' ' || sum(sum)
         FROM beacon_histogram WHERE granularity = ?1 GROUP BY identifier, measure, bound",
    ] {
        let mut statement = file.prepare(sql).unwrap();
        let rows =
            statement.query_map([granularity], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        found.extend(rows.map(Result::unwrap));
    }
    found
}

fn number(file: &Connection, sql: &str) -> i64 {
    file.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// The oldest bucket of a granularity, as a date.
fn oldest(file: &Connection, granularity: i64) -> String {
    let sql =
        "SELECT date(min(period_start), 'unixepoch') FROM beacon_aggregate WHERE granularity = ?1";
    file.query_row(sql, [granularity], |row| row.get(0)).unwrap()
}

fn prune(server: &Server, words: &[&str]) -> (bool, String) {
    run(server, &[&["prune"], words].concat())
}

fn run(server: &Server, words: &[&str]) -> (bool, String) {
    let out = Command::new(BINARY)
        .args(words)
        .args(["--config", "beacons.toml"])
        .envs(server.environment())
        .current_dir(server.folder.path())
        .output()
        .unwrap();
    (out.status.success(), String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned())
}

/// The last word but one of the last line: how many rows.
fn rows(said: &str) -> i64 {
    said.trim().lines().last().unwrap().split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn what_is_too_old_goes_and_every_sum_that_stays_is_the_same() {
    let clock = Clock::at("2026-05-02 00:00:00");
    let mut server = Server::start_at(&clock, CONFIG);
    fill(&server, &clock);
    let before = server.file();
    let (days, months) = (number(&before, "SELECT count(*) FROM beacon_event"), sums(&before, 5));
    let years = sums(&before, 6);
    assert_eq!((days, oldest(&before, 3)), (360, "2026-05-02".to_owned()));
    let kept = "SELECT sum(count) FROM beacon_aggregate WHERE granularity = 4 AND identifier = 0
        AND period_start >= unixepoch('2026-05-21')";
    let kept_days = number(&before, kept);
    drop(before);
    assert!(prune(&server, &[]).1.contains("it removes by itself"), "{}", prune(&server, &[]).1);
    let (_, said) = prune(&server, &["--dry-run"]);
    let would_go = rows(&said);
    assert!(
        would_go == 906 && said.contains("hours") && said.contains("pairs by day\t33 rows"),
        "{said}"
    );

    // It begins anew at once with each start, and is killed at it again and again.
    for kill in 0..20 {
        server.kill();
        server.respawn();
        thread::sleep(Duration::from_millis(20 + 7 * kill));
    }
    server.kill();
    server.restart();
    let rest = || rows(&prune(&server, &["--dry-run"]).1);
    wait_until("all that is due to go", || rest() == 0);
    let file = server.file();
    assert_eq!(oldest(&file, 3), "2026-06-20");
    assert_eq!(oldest(&file, 4), "2026-05-21");
    assert_eq!(number(&file, "SELECT count(*) FROM beacon_event"), 6 * 21);
    assert_eq!((sums(&file, 5), sums(&file, 6)), (months, years));
    assert_eq!(
        number(
            &file,
            "SELECT sum(count) FROM beacon_aggregate WHERE granularity = 4 AND identifier = 0"
        ),
        kept_days
    );
    let pairs = "SELECT date(min(period_start), 'unixepoch') FROM beacon_breakdown
        WHERE granularity = 4 AND identifier > 0";
    assert_eq!(file.query_row(pairs, [], |row| row.get::<_, String>(0)).unwrap(), "2026-06-01");
    for table in ["beacon_breakdown", "beacon_histogram"] {
        let old = format!(
            "SELECT count(*) FROM {table} WHERE granularity = 3 AND period_start < unixepoch('2026-06-20')"
        );
        assert_eq!(number(&file, &old), 0, "{table}");
    }
    wait_until("the room to be given back", || number(&file, "PRAGMA freelist_count") == 0);
    assert!(number(&file, "SELECT count(*) FROM file_size") > 0);
    drop(file);
    assert!(server.terminate().success());
}

#[test]
fn a_dry_run_says_what_a_real_one_does() {
    let clock = Clock::at("2026-05-02 00:00:00");
    let mut server = Server::start_at(
        &clock,
        &CONFIG.replace("40d", "59d").replace("10d", "58d").replace("20d", "57d"),
    );
    fill(&server, &clock);
    assert!(server.terminate().success());
    clock.set("2026-07-03 00:00:00");
    let (fine, would) = prune(&server, &["--dry-run"]);
    assert!(fine && rows(&would) > 0, "{would}");
    let (fine, did) = prune(&server, &[]);
    assert!(fine, "{did}");
    assert_eq!(rows(&did), rows(&would), "{would}\n{did}");
    assert_eq!(rows(&prune(&server, &["--dry-run"]).1), 0);
}

fn unpacked(path: &Path) -> String {
    let mut text = String::new();
    MultiGzDecoder::new(fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text
}

/// What the archive holds: the sum of counts of totals, by month, and how many files there are.
fn archived(folder: &Path) -> (BTreeMap<String, i64>, usize) {
    let (mut months, mut files) = (BTreeMap::new(), 0);
    for entry in fs::read_dir(folder.join("archive/default/page_view")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "gz") {
            continue;
        }
        files += 1;
        let text = unpacked(&path);
        let mut lines = text.lines();
        assert_eq!(
            lines.next().unwrap(),
            "period_start,identifier,dimension,value,count,visitors,visits,bounces,seconds"
        );
        for cells in lines.map(|line| line.split(',').collect::<Vec<_>>()) {
            if cells[1].is_empty() && cells[2].is_empty() {
                *months.entry(cells[0][..7].to_owned()).or_default() +=
                    cells[4].parse::<i64>().unwrap();
            }
        }
    }
    (months, files)
}

#[test]
fn the_archive_takes_whole_months_once_whatever_stops_it() {
    let clock = Clock::at("2026-05-02 00:00:00");
    let config = CONFIG
        .replace("[server]", "[server]\narchive = \"archive\"")
        .replace("day = \"40d\"", "day = \"10d\"");
    let mut server = Server::start_at(&clock, &config);
    fill(&server, &clock);
    for kill in 0..20 {
        server.kill();
        server.respawn();
        thread::sleep(Duration::from_millis(20 + 9 * kill));
    }
    server.kill();
    server.restart();
    wait_until("May to go", || rows(&prune(&server, &["--dry-run"]).1) == 0);
    let file = server.file();
    // A month that has gone is forgotten in the very moment, or what came into it later would go unwritten.
    // June is not over until ten days into July: all of it stays.
    assert_eq!(
        (oldest(&file, 3), oldest(&file, 4)),
        ("2026-06-01".to_owned(), "2026-06-01".to_owned())
    );
    assert_eq!(number(&file, "SELECT count(*) FROM archiving"), 0);
    let (months, files) = archived(server.folder.path());
    // May's hours and May's days, six page views on each of 30 days.
    assert_eq!(files, 2);
    assert_eq!(months, BTreeMap::from([("2026-05".to_owned(), 2 * 180)]));
}

/// A file to which something that is told late is added each time that it has been read, so many times.
struct Meddled(Stopped, i64);

impl Changes for Meddled {
    fn read<T: Send + 'static, E: From<store::Error> + Send + 'static>(
        &mut self,
        read: impl FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let found = self.0.read(read)?;
        if self.1 > 0 {
            self.1 -= 1;
            let late = "UPDATE beacon_aggregate SET count = count + 1
                WHERE granularity = 3 AND identifier = 0 AND period_start =
                    (SELECT min(period_start) FROM beacon_aggregate WHERE granularity = 3)";
            self.change(Affects::Nothing, move |file| Ok::<_, E>(file.execute(late, []).unwrap()))?;
        }
        Ok(found)
    }

    fn change<T: Send + 'static, E: From<store::Error> + Send + 'static>(
        &mut self,
        affects: Affects,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        self.0.change(affects, change)
    }
}

#[test]
fn what_is_told_late_while_its_month_is_archived_is_archived_too() {
    let clock = Clock::at("2026-05-02 10:00:00");
    let mut server = Server::start_at(&clock, CONFIG);
    fill(&server, &clock);
    assert!(server.terminate().success());
    let folder = server.folder.path();
    let path = folder.join("archive").display().to_string();
    let text = CONFIG.replace("[server]", &format!("[server]\narchive = {path:?}"));
    let registry = config::parse(&text, "beacons.toml").unwrap();
    let mut file = Meddled(Stopped(open_writable(&server.database()).unwrap()), 3);
    // 15 July 2026: of the hours, May and June are older than ten days.
    prune::carry_out(&mut file, &registry, 1_784_073_600).unwrap();
    drop(file);
    let (months, _) = archived(folder);
    // Hours and days of May, hours of June, six page views on each of 30 days.
    let expected = [("2026-05", 180 + 180 + 3), ("2026-06", 180)];
    assert_eq!(months, expected.map(|(month, count)| (month.to_owned(), count)).into());
}

#[test]
fn pairs_leave_days_for_the_archive_and_are_told_by_the_month() {
    let clock = Clock::at("2026-05-02 00:00:00");
    let config = CONFIG
        .replace("[server]", "[server]\naccess = \"open\"\narchive = \"archive\"")
        .replace("raw = \"20d\"", "raw = false");
    let mut server = Server::start_at(&clock, &config);
    fill(&server, &clock);
    let top = |server: &Server, dates: &str| {
        server.json(&format!("/api/v1/reports/top?identifier=/docs&dimension=source&{dates}"))
    };
    let whole = "from=2026-05-01&to=2026-06-30";
    let part = "from=2026-05-10&to=2026-06-20";
    let before = top(&server, whole);
    let count = |told: &serde_json::Value| {
        let rows = told["rows"].as_array().unwrap();
        rows.iter().map(|row| row["figures"]["count"].as_i64().unwrap()).sum::<i64>()
    };
    assert_eq!(count(&before), 2 * 60);
    server.kill();
    server.restart();
    wait_until("May's pairs to go", || rows(&prune(&server, &["--dry-run"]).1) == 0);
    assert_eq!(top(&server, whole), before);
    let told = top(&server, part);
    let why = told["not_told"].as_str().unwrap();
    assert!(why.starts_with("Before 1 June 2026 this is kept by whole months"), "{told}");
    assert_eq!((count(&told), told["total"]["count"].as_i64()), (0, Some(2 * 42)));
    for (dates, says) in [(part, true), (whole, false)] {
        let page = server.get(&format!("/page?identifier=/docs&{dates}")).text();
        assert_eq!(page.contains(why), says, "{dates}");
        assert_eq!(page.contains("s3.example"), !says, "{dates}");
        let filters = "filter=page:is:/docs&filter=source:is:s3.example";
        let page = server.get(&format!("/?{filters}&{dates}")).text();
        assert_eq!(page.contains(why), says, "{dates}");
    }
    let path = server.folder.path().join("archive/default/page_view/day-pairs-2026-05.csv.gz");
    let text = unpacked(&path);
    // A source a day, which both visitors came from to each of three pages.
    assert_eq!(text.lines().count(), 1 + 30 * 3);
    assert!(text.contains("2026-05-31T00:00:00Z,/docs,source,s1.example,2,2,"), "{text}");
    assert_eq!(number(&server.file(), "SELECT count(*) FROM archiving"), 0);
}

#[test]
fn days_that_have_gone_are_told_by_whole_months_and_are_not_nothing() {
    let clock = Clock::at("2026-05-02 00:00:00");
    let mut server = Server::start_at(&clock, CONFIG);
    fill(&server, &clock);
    server.kill();
    server.restart();
    wait_until("days to go", || rows(&prune(&server, &["--dry-run"]).1) == 0);
    // 40 days before 30 June lies 21 May.
    let total = |report: &str, dates: &str| {
        let told = server.json(&format!("/api/v1/reports/{report}?{dates}"));
        let total = if report == "top" { &told["total"] } else { &told["series"]["total"] };
        (total["count"].as_i64().unwrap(), told["not_told"].as_str().map(str::to_owned))
    };
    let why = Some(
        "Before 21 May 2026 all is kept by whole months: pick whole months, or later days."
            .to_owned(),
    );
    for (dates, days, is_told) in [
        ("from=2026-05-10&to=2026-05-20", 0, false),
        ("from=2026-05-10&to=2026-05-25", 0, false),
        ("from=2026-05-10&to=2026-06-30", 0, false),
        ("from=2026-05-21&to=2026-05-25", 5, true),
        ("from=2026-05-01&to=2026-05-31", 30, true),
        ("from=2026-05-01&to=2026-06-10", 40, true),
        ("period=all", 60, true),
        // Nothing was counted then.
        ("from=2026-04-10&to=2026-04-20", 0, true),
    ] {
        let (count, not_told) = total("overview", dates);
        assert_eq!(not_told, why.clone().filter(|_| !is_told), "{dates}");
        assert_eq!(count, 6 * days, "{dates}");
        let (count, not_told) = total("top", dates);
        assert_eq!(not_told, why.clone().filter(|_| !is_told), "{dates}");
        assert!(!is_told || count == 6 * days, "{dates}");
        let page = server.get(&format!("/?{dates}")).text();
        assert_eq!(page.contains("all is kept by whole months"), !is_told, "{dates}");
    }
    // Days that can't be told are not compared with either.
    let told =
        server.json("/api/v1/reports/overview?from=2026-05-23&to=2026-05-25&compare=previous");
    assert_eq!(
        (&told["before"], told["series"]["total"]["count"].as_i64()),
        (&serde_json::Value::Null, Some(18))
    );
}

#[test]
fn the_storage_page_accounts_for_the_whole_file() {
    let clock = Clock::at("2026-05-02 00:00:00");
    let server = Server::start_at(&clock, CONFIG);
    fill(&server, &clock);
    let report = server.json("/api/v1/reports/storage");
    let sum = |list: &str| -> i64 {
        let parts = report[list].as_array().unwrap().iter();
        parts.map(|part| part["bytes"].as_i64().unwrap()).sum()
    };
    let (file, unused) =
        (report["file_bytes"].as_i64().unwrap(), report["unused_bytes"].as_i64().unwrap());
    // All pages but the unused ones, SQLite's own map of pages, and the schema, which is no table.
    let rest = file - unused - sum("tables");
    assert!((0..=64 * 1024).contains(&rest), "{rest} of {file} bytes are told by nobody: {report}");
    let counted = sum("event_types");
    assert!(counted > file / 4 && counted <= sum("tables"), "{report}");
    assert!(sum("sites").abs_diff(counted) < 10, "{report}");
    let page = server.get("/storage").text();
    assert!(page.contains("beacon_breakdown") && page.contains("page_view"), "{page}");
}

#[test]
fn names_that_nothing_uses_go_and_may_come_back() {
    let clock = Clock::at("2026-05-02 12:00:00");
    let config = "[event.tick]\nidentifier = \"key\"\ngranularities = [\"day\"]\nretention = { day = \"10d\" }\n";
    let mut server = Server::start_at(&clock, config);
    let tick = |server: &Server, name: &str| {
        let body = format!(r#"{{"event_type":"tick","identifier":"{name}"}}"#);
        assert_eq!(server.post(body).status, 204);
    };
    for name in ["only-in-may", "in-both"] {
        tick(&server, name);
    }
    clock.set("2026-06-30 12:00:00");
    for name in ["in-both", "only-in-june"] {
        tick(&server, name);
    }
    assert!(server.terminate().success());
    let (fine, said) = prune(&server, &[]);
    assert!(fine && said.contains("any more: 1 went"), "{said}");
    let known = |server: &Server, name: &str| {
        let sql = format!("SELECT count(*) FROM text WHERE value = '{name}'");
        number(&server.file_as_it_is(), &sql)
    };
    assert_eq!(
        ["only-in-may", "in-both", "only-in-june"].map(|name| known(&server, name)),
        [0, 1, 1]
    );
    server.restart();
    tick(&server, "only-in-may");
    tick(&server, "only-in-june");
    assert_eq!(
        ["only-in-may", "in-both", "only-in-june"].map(|name| server.count("day", Some(name))),
        [1, 1, 2]
    );
}

#[test]
fn what_splits_or_is_counted_keeps_its_name_whoever_else_had_it() {
    let clock = Clock::at("2026-05-02 12:00:00");
    let config = "[event.page_view]\nvisits = true\ndimensions = [\"source\", \"exit_page\"]\n\
                  granularities = [\"day\"]\nraw = \"1d\"\n[event.ping]\nidentifier = \"none\"\n";
    let mut server = Server::start_at(&clock, config);
    for source in ["exit_page", "ping"] {
        let body =
            format!(r#"{{"event_type":"page_view","identifier":"/","meta":{{"ref":"{source}"}}}}"#);
        // Another browser is another visit, which comes in a way of its own.
        let headers = [("User-Agent", source)];
        let answer = server.client().send("POST", "/beacon", &headers, body.as_bytes());
        assert_eq!(answer.unwrap().status, 204);
    }
    assert_eq!(server.post(r#"{"event_type":"ping"}"#).status, 204);
    for source in ["exit_page", "ping"] {
        let (fine, said) = run(&server, &["edit", "delete-source", source]);
        assert!(fine, "{said}");
    }
    clock.set("2026-05-20 12:00:00");
    assert!(server.terminate().success());
    let nameless = |server: &Server| {
        let sql = "SELECT (SELECT count(*) FROM beacon_breakdown
                           WHERE dimension NOT IN (SELECT id FROM text))
                        + (SELECT count(*) FROM beacon_aggregate
                           WHERE event_type NOT IN (SELECT id FROM text))";
        number(&server.file_as_it_is(), sql)
    };
    let (fine, said) = prune(&server, &[]);
    assert!(fine, "{said}");
    assert_eq!(nameless(&server), 0, "{said}");
    // Where a name is missing all the same, verify finds it.
    let file = Connection::open(server.database()).unwrap();
    file.execute("DELETE FROM text WHERE value = 'ping'", []).unwrap();
    drop(file);
    let (fine, said) = run(&server, &["verify"]);
    assert!(!fine && said.contains("sums have the name"), "{said}");
}

#[test]
fn what_nobody_declares_any_more_goes_by_its_age_as_well() {
    let clock = Clock::at("2026-05-02 12:00:00");
    let site = |name: &str| format!("[[site]]\ndomain = \"{name}\"\n");
    let before = format!(
        "{}{}[event.order]\nidentifier = \"key\"\nraw = \"90d\"\n",
        site("a.example"),
        site("b.example")
    );
    let mut server = Server::start_at(&clock, &before);
    for (event, site) in
        [("page_view", "b.example"), ("order", "a.example"), ("order", "b.example")]
    {
        let body =
            format!(r#"{{"event_type":"{event}","identifier":"/x","site":"{site}","id":"1"}}"#);
        assert_eq!(server.post(body).status, 204);
    }
    assert!(server.terminate().success());
    let left = |server: &Server| {
        let file = server.file_as_it_is();
        ["beacon_event", "seen", "visit", "repeatable"]
            .map(|table| number(&file, &format!("SELECT count(*) FROM {table}")))
    };
    assert_eq!(left(&server).map(|rows| rows > 0), [true; 4]);
    std::fs::write(server.folder.path().join("beacons.toml"), site("a.example")).unwrap();
    clock.set("2026-05-20 12:00:00");
    server.restart();
    wait_until("who was seen to be forgotten", || left(&server)[1..] == [0; 3]);
    // Single beacons of an undeclared event type are kept for 30 days, and so are page views by default.
    assert_eq!(left(&server)[0], 3);
    assert!(server.terminate().success());
    clock.set("2026-06-20 12:00:00");
    let (fine, said) = prune(&server, &["--dry-run"]);
    assert!(fine && said.contains("b.example\torder\tsingle beacons\t1 rows"), "{said}");
    let (fine, said) = prune(&server, &[]);
    assert!(fine, "{said}");
    assert_eq!(left(&server), [0; 4], "{said}");
    // In which time zone its days were cut nobody tells any more, so that its sums stay.
    clock.set("2027-06-20 12:00:00");
    let (fine, said) = prune(&server, &["--dry-run"]);
    assert!(fine && !said.contains("b.example"), "{said}");
}

#[test]
fn who_is_told_late_of_yesterday_is_known_again_until_today_is_over() {
    let server = Server::start("[server]\naccess = \"open\"\n");
    let yesterday = date_at(clock::now() - 86_400, &jiff::tz::TimeZone::UTC);
    let tell = |second: i8| {
        let at = yesterday.at(12, 0, second, 0);
        let body = format!(
            r#"{{"no_sessions":false,"hits":[{{"path":"/late","created_at":"{at}Z","ip":"203.0.113.9","user_agent":"Mozilla/5.0 Firefox/145.0"}}]}}"#
        );
        let answer = server.client().send("POST", "/api/v0/count", &[], body.as_bytes()).unwrap();
        assert_eq!(answer.status, 202, "{}", answer.text());
    };
    let visitors = || {
        let sql = "SELECT visitors FROM beacon_aggregate WHERE granularity = 4 AND identifier = 0";
        number(&server.file(), sql)
    };
    tell(1);
    assert_eq!(visitors(), 1);
    // Once a minute what is over is forgotten.
    thread::sleep(Duration::from_secs(62));
    tell(2);
    assert_eq!(visitors(), 1);
}
