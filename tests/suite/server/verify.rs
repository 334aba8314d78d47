//! Whatever changes a count behind the server's back is found, said, and mended where the rest of the file
//! tells what it was.

use std::fs;

use rusqlite::Connection;

use super::{
    backup::{command, done, rows, run},
    edits::{CONFIG, assert_same, visited, visited_by},
};
use crate::support::{Server, time::Clock};

/// How many counters are changed, one at a time.
const COUNTERS: usize = 60;

/// How many bits of the file are turned, one at a time.
const BITS: usize = 300;

const DAYS: [(&str, &[&str]); 5] = [
    ("2026-03-03 10:00:00", &["/", "/a", "/", "/b"]),
    ("2026-03-03 23:50:00", &["/a", "/b", "/c"]),
    ("2026-03-04 00:10:00", &["/c", "/", "/a", "/a"]),
    ("2026-03-31 12:00:00", &["/", "/d"]),
    ("2026-04-02 08:00:00", &["/", "/b", "/b"]),
];

/// A file in which so many spans are over and sealed when the clock shows `now`.
fn sealed(clock: &Clock, now: &str, spans: i64) -> Server {
    let mut server = visited(clock, &DAYS);
    clock.set(now);
    server.restart();
    let open = "SELECT count(*) FROM seal";
    crate::support::wait_until("seals", || {
        let file = server.file_as_it_is();
        file.query_row(open, [], |row| row.get::<_, i64>(0)).unwrap() == spans
    });
    assert!(server.terminate().success());
    server
}

fn said(server: &Server, words: &[&str]) -> String {
    let output = run(server, words);
    String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_changed_count_is_found_by_its_row_and_mended() {
    let clock = Clock::at(DAYS[0].0);
    let server = sealed(&clock, "2026-04-02 09:00:00", 3 + 3 + 1);
    assert!(said(&server, &["verify"]).contains("is what was counted"));
    let before = rows(&server.database());
    let whole = fs::read(server.database()).unwrap();
    let (mut found, mut mended) = (0, 0);
    let mut random = fastrand::Rng::with_seed(20_260_403);
    for _ in 0..COUNTERS {
        let file = Connection::open(server.database()).unwrap();
        let table = ["beacon_aggregate", "beacon_breakdown"][random.usize(..2)];
        let counter = ["count", "visitors", "visits", "bounces", "seconds"][random.usize(..5)];
        let changed = file
            .execute(
                &format!(
                    "UPDATE {table} SET {counter} = {counter} | (1 << ?1)
                     WHERE {counter} & (1 << ?1) = 0 AND ({key}) IN (
                         SELECT {key} FROM {table} WHERE {counter} & (1 << ?1) = 0
                         LIMIT 1 OFFSET ?2 % (
                             SELECT count(*) FROM {table} WHERE {counter} & (1 << ?1) = 0))",
                    key = if table == "beacon_aggregate" {
                        "granularity, period_start, site, event_type, identifier"
                    } else {
                        "granularity, period_start, site, event_type, identifier, dimension, value"
                    }
                ),
                (random.i64(0..40), random.i64(0..10_000)),
            )
            .unwrap();
        drop(file);
        assert_eq!(changed, 1);
        let damaged = rows(&server.database());
        let output = run(&server, &["verify"]);
        let changed: Vec<_> = damaged.iter().filter(|row| !before.contains(row)).collect();
        assert!(
            !output.status.success(),
            "not found: {changed:?} {table} {counter} {} {}",
            damaged.len(),
            before.len()
        );
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("is not what was counted"), "{said}");
        found += 1;
        if run(&server, &["verify", "--repair"]).status.success() {
            assert_same(&rows(&server.database()), &before);
            mended += 1;
        } else {
            // What can't be told is said, and nothing is made up.
            assert_same(&rows(&server.database()), &damaged);
            fs::write(server.database(), &whole).unwrap();
        }
        assert_same(&rows(&server.database()), &before);
    }
    println!("{found} changed counters were found, {mended} mended");
    assert!(mended * 10 >= found * 9, "{mended} of {found}");
}

#[test]
fn a_turned_bit_of_the_file_is_found_or_changes_nothing() {
    let clock = Clock::at(DAYS[0].0);
    // The hours are gone by then.
    let server = sealed(&clock, "2027-01-02 09:00:00", 4 + 2 + 1);
    let path = server.database();
    let before = rows(&path);
    let whole = fs::read(&path).unwrap();
    let mut random = fastrand::Rng::with_seed(20_260_404);
    let mut found = 0;
    for _ in 0..BITS {
        let mut bytes = whole.clone();
        let at = random.usize(..bytes.len());
        bytes[at] ^= 1 << random.u32(..8);
        fs::write(&path, bytes).unwrap();
        if run(&server, &["verify"]).status.success() {
            assert_same(&rows(&path), &before);
        } else {
            found += 1;
        }
    }
    fs::write(&path, whole).unwrap();
    done(&server, &["verify"]);
    println!("{found} of {BITS} turned bits were found, the others changed no count");
    assert!(found > 0);
}

#[test]
fn hours_that_an_older_release_has_split_are_no_part_of_a_day_that_goes_on_without() {
    let clock = Clock::at(DAYS[0].0);
    let server = visited(&clock, &DAYS);
    let file = Connection::open(server.database()).unwrap();
    let split = file.execute(
        "INSERT INTO beacon_breakdown SELECT 3, period_start + 36000, site, event_type, identifier, dimension, value,
             1, 1, 0, 0, 0
         FROM beacon_breakdown WHERE granularity = 4 AND identifier = 0",
        [],
    );
    assert!(split.unwrap() > 3);
    drop(file);
    let (is_well, told) = verified(&server, &["verify"]);
    assert!(is_well, "{told}");
}

#[test]
fn shorter_buckets_whose_longer_one_is_missing_are_found() {
    let clock = Clock::at(DAYS[0].0);
    let mut server = Server::start_at(&clock, "");
    assert_eq!(server.post(r#"{"event_type":"signup","meta":{}}"#).status, 204);
    server.file();
    assert!(server.terminate().success());
    let sound = verified(&server, &["verify"]);
    assert!(sound.0, "{}", sound.1);
    let whole = fs::read(server.database()).unwrap();
    // All of them too, so that nothing else in the file tells that the event type has such.
    for longer in [">= 4", "= 4", "= 5", "= 6"] {
        let file = Connection::open(server.database()).unwrap();
        for table in ["beacon_aggregate", "beacon_breakdown"] {
            let sql = format!("DELETE FROM {table} WHERE granularity {longer}");
            assert!(file.execute(&sql, []).unwrap() > 0);
        }
        drop(file);
        let (is_well, told) = verified(&server, &["verify"]);
        let expected = "signup all: it says 0 (";
        assert!(!is_well && told.contains(expected), "{longer}: {told}");
        fs::write(server.database(), &whole).unwrap();
    }
}

#[test]
fn pairs_of_a_year_are_held_to_those_of_its_months_also_after_days_have_left_theirs() {
    let clock = Clock::at(DAYS[0].0);
    let config = CONFIG.replace("raw =", "pairs_by_day = \"92d\"\nraw =");
    let server = visited_by(&config, &clock, &DAYS);
    clock.set("2026-12-01 12:00:00");
    for words in [["verify"], ["prune"], ["verify"]] {
        let (is_well, told) = verified(&server, &words);
        assert!(is_well, "{told}");
        assert!(words != ["prune"] || told.contains("page_view\tpairs by day"), "{told}");
    }
    let file = Connection::open(server.database()).unwrap();
    let sql = "UPDATE beacon_breakdown SET count = count + 1000 WHERE granularity = 6 AND identifier <> 0";
    assert!(file.execute(sql, []).unwrap() > 0);
    drop(file);
    let (is_well, told) = verified(&server, &["verify"]);
    assert!(!is_well && told.contains("year 2026-01-01, default, page_view /"), "{told}");
}

#[test]
fn a_part_of_a_total_that_is_not_there_is_found() {
    let clock = Clock::at(DAYS[0].0);
    let server = visited(&clock, &DAYS);
    let whole = fs::read(server.database()).unwrap();
    let move_one = |from: &str, days: i64| {
        let file = Connection::open(server.database()).unwrap();
        let sql = "UPDATE beacon_breakdown SET period_start = period_start + ?2 * 86400
            WHERE granularity = 4 AND period_start = unixepoch(?1)
                AND identifier = (SELECT id FROM text WHERE value = '/d')";
        assert_eq!(file.execute(sql, (from, days)).unwrap(), 1);
    };
    // Nothing was counted on that day.
    move_one("2026-03-31", -10);
    let (is_well, told) = verified(&server, &["verify"]);
    let expected = "day 2026-03-21, default, page_view /d, source two.example: the total";
    assert!(!is_well && told.contains(expected), "{told}");
    fs::write(server.database(), whole).unwrap();
    // What a deleted page leaves in the site's own lists is no fault.
    let file = Connection::open(server.database()).unwrap();
    let sql =
        "INSERT OR REPLACE INTO text (id, value) SELECT coalesce((SELECT id FROM text WHERE value = 'country'),
             (SELECT max(id) + 1 FROM text)), 'country'";
    file.execute(sql, []).unwrap();
    let sql = "INSERT INTO beacon_breakdown SELECT granularity, period_start, site, event_type, identifier,
             (SELECT id FROM text WHERE value = 'country'), value, count, visitors, visits, bounces, seconds
         FROM beacon_breakdown WHERE identifier = 0
             AND dimension = (SELECT id FROM text WHERE value = 'source')";
    assert!(file.execute(sql, []).unwrap() > 0);
    drop(file);
    for page in ["/", "/d"] {
        done(&server, &["edit", "delete-page", page]);
    }
    let left = "SELECT count(*) FROM beacon_breakdown AS b WHERE granularity = 4 AND NOT EXISTS (
        SELECT 1 FROM beacon_aggregate AS a WHERE a.granularity = 4 AND a.period_start = b.period_start
            AND a.event_type = b.event_type)";
    let left: i64 = server.file_as_it_is().query_row(left, [], |row| row.get(0)).unwrap();
    assert!(left > 0);
    let (is_well, told) = verified(&server, &["verify"]);
    assert!(is_well, "{told}");
}

#[test]
fn a_single_beacon_that_says_something_else_is_found_by_its_day() {
    let clock = Clock::at(DAYS[0].0);
    let server = visited(&clock, &DAYS);
    let sound = verified(&server, &["verify"]);
    assert!(sound.0, "{}", sound.1);
    let file = Connection::open(server.database()).unwrap();
    let number = |source: &str| -> i64 {
        file.query_row("SELECT id FROM text WHERE value = ?1", [source], |row| row.get(0)).unwrap()
    };
    let sql = "UPDATE beacon_event SET source = ?1 WHERE id = (
        SELECT id FROM beacon_event WHERE source = ?2 LIMIT 1)";
    let changed = file.execute(sql, [number("one.example"), number("two.example")]);
    assert_eq!(changed.unwrap(), 1);
    drop(file);
    let (is_well, told) = verified(&server, &["verify"]);
    assert!(!is_well && told.contains("source one.example: it says"), "{told}");
}

#[test]
fn what_the_built_in_event_types_count_is_sound() {
    let clock = Clock::at("2025-12-30 22:00:00");
    let mut server = Server::start_at(&clock, "");
    for moment in ["2025-12-30 22:00:00", "2026-01-01 03:00:00", "2026-05-07 12:00:00"] {
        clock.set(moment);
        for (event, identifier, meta) in [
            ("page_view", "/", r#"{"ref":"https://a.example/"}"#),
            ("page_view", "/b", "{}"),
            ("engagement", "/", r#"{"seconds":12,"scroll":70}"#),
            ("vitals", "/", r#"{"lcp":1200,"cls":0.02}"#),
            ("download_click", "a.pdf", "{}"),
            ("signup", "", "{}"),
            ("error", "", r#"{"message":"x is not defined","stack":"at a.js:1:2"}"#),
        ] {
            let identifier = if identifier.is_empty() {
                String::new()
            } else {
                format!(r#""identifier":"{identifier}","#)
            };
            let body = format!(r#"{{"event_type":"{event}",{identifier}"meta":{meta}}}"#);
            let answer = server.post(body);
            assert_eq!(answer.status, 204, "{event}: {}", answer.text());
        }
        server.file();
    }
    assert!(server.terminate().success());
    // The hours of the first days are removed first, as a server would by and by.
    for words in [["verify"], ["prune"], ["verify"]] {
        let output = command(&server, &words).envs(server.environment()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Sets the time zone of a stopped server's site.
pub(super) fn move_to(server: &Server, zone: &str) {
    let config = server.folder.path().join("beacons.toml");
    let text = fs::read_to_string(&config).unwrap();
    let kept =
        text.strip_prefix("[server]\ntime_zone").map(|rest| rest.split_once('\n').unwrap().1);
    fs::write(&config, format!("[server]\ntime_zone = \"{zone}\"\n{}", kept.unwrap_or(&text)))
        .unwrap();
}

/// What `verify` says at the time that the server's clock shows.
fn verified(server: &Server, words: &[&str]) -> (bool, String) {
    let output = command(server, words).envs(server.environment()).output().unwrap();
    let said =
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.success(), said)
}

#[test]
fn a_change_of_the_time_zone_makes_no_healthy_file_wrong() {
    for zones in [
        &["UTC", "America/New_York"][..],
        &["America/New_York", "UTC"],
        &["UTC", "Asia/Kolkata"],
        &["Asia/Kolkata", "Pacific/Auckland"],
        &["Europe/London", "UTC"],
        &["UTC", "Europe/London"],
        &["UTC", "America/New_York", "UTC"],
    ] {
        let clock = Clock::at("2026-03-28 02:00:00");
        // Single beacons are there to the end, and tell what edits have left.
        let config = CONFIG.replace("30d", "60d");
        let mut server = Server::start_at(&clock, &config);
        let mut days = 28..;
        for zone in zones {
            assert!(server.terminate().success());
            move_to(&server, zone);
            server.restart();
            // Both sides of midnight everywhere, at the end of a month and where London's clocks go forward.
            for _ in 0..4 {
                let day = days.next().unwrap();
                let date =
                    if day > 31 { format!("04-{:02}", day - 31) } else { format!("03-{day}") };
                for time in ["03:30:00", "12:10:00", "18:45:00", "23:20:00"] {
                    clock.set(&format!("2026-{date} {time}"));
                    super::edits::visit(&server, &["/", "/a", "/", "/b", "/a"]);
                    server.file();
                }
            }
        }
        let seals = "SELECT count(*) FROM seal WHERE granularity = 4";
        assert!(server.terminate().success());
        clock.set("2026-05-02 12:00:00");
        server.restart();
        crate::support::wait_until("seals", || {
            server.file_as_it_is().query_row(seals, [], |row| row.get::<_, i64>(0)).unwrap() > 7
        });
        assert!(server.terminate().success());
        let before = rows(&server.database());
        // What its seal proves is mended, also of a day that another zone has cut.
        let file = Connection::open(server.database()).unwrap();
        let first = "(SELECT min(period_start) FROM beacon_aggregate WHERE granularity = 4)";
        let sql = format!(
            "UPDATE beacon_aggregate SET count = count + 64 WHERE granularity = 4 AND period_start = {first} AND identifier = 0"
        );
        assert!(file.execute(&sql, []).unwrap() > 0);
        drop(file);
        let (is_well, told) = verified(&server, &["verify", "--repair"]);
        assert!(is_well && told.contains("is as it was sealed"), "{zones:?}: {told}");
        assert_same(&rows(&server.database()), &before);
        for words in
            [&["verify"][..], &["verify", "--repair"], &["edit", "delete-page", "/a"], &["verify"]]
        {
            let (is_well, told) = verified(&server, words);
            assert!(is_well, "{zones:?} {words:?}: {told}");
            assert!(words[0] == "edit" || told.contains("were cut in a time zone"), "{told}");
            if words[0] == "verify" {
                assert!(told.contains("is what was counted"), "{told}");
            }
        }
        done(&server, &["edit", "undo", "1"]);
        assert_same(&rows(&server.database()), &before);
        // Days that lie in one zone alone are still held to their hours and their single beacons.
        let file = Connection::open(server.database()).unwrap();
        let last = "(SELECT max(period_start) FROM beacon_aggregate WHERE granularity = 4)";
        file.execute("DELETE FROM seal", []).unwrap();
        let sql = format!(
            "UPDATE beacon_aggregate SET count = 1 WHERE granularity = 4 AND period_start = {last} AND identifier = 0"
        );
        assert!(file.execute(&sql, []).unwrap() > 0);
        drop(file);
        let (is_well, told) = verified(&server, &["verify"]);
        assert!(!is_well && told.contains("the shorter buckets in it say"), "{zones:?}: {told}");
        assert!(told.contains("single beacons are in the file"), "{zones:?}: {told}");
    }
}
