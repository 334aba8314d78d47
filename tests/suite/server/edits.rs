//! What people change after the fact: whole, once, and undone as if it had never been.

use std::{fs, thread, time::Instant};

use super::backup::{command, done, refused, rows, run};
use crate::support::{Server, time::Clock};

pub(super) const CONFIG: &str = "[event.page_view]\nvisits = true\ndimensions = [\"source\", \"country\"]\n\
    pairs = [\"page × source\"]\nraw = \"30d\"\n\
    [event.engagement]\nmeasures = { seconds = [1, 10, 60] }\n";

/// How often an edit is killed.
const KILLS: u32 = 100;

/// Sends what two visitors of one day do, in turns: each comes from a source of its own, views pages and
/// stays for some seconds.
pub(super) fn visit(server: &Server, pages: &[&str]) {
    let visitors =
        [("https://one.example/", "Firefox/140.0"), ("https://two.example/", "Firefox/141.0")];
    let mut client = server.client();
    for (number, page) in pages.iter().enumerate() {
        let (source, agent) = visitors[number % 2];
        let agent = format!("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 {agent}");
        let agent = [("User-Agent", agent.as_str())];
        let view = format!(
            r#"{{"event_type":"page_view","identifier":"{page}","meta":{{"ref":"{source}","title":"{page}!"}}}}"#
        );
        let stay = format!(
            r#"{{"event_type":"engagement","identifier":"{page}","meta":{{"seconds":{}}}}}"#,
            number + 1
        );
        for body in [view, stay] {
            let answer = client.send("POST", "/beacon", &agent, body.as_bytes()).unwrap();
            assert_eq!(answer.status, 204);
        }
    }
}

/// A stopped server that was visited at each of the moments.
pub(super) fn visited(clock: &Clock, moments: &[(&str, &[&str])]) -> Server {
    visited_by(CONFIG, clock, moments)
}

/// The same, by other rules.
pub(super) fn visited_by(config: &str, clock: &Clock, moments: &[(&str, &[&str])]) -> Server {
    clock.set(moments[0].0);
    let mut server = Server::start_at(clock, config);
    for (moment, pages) in moments {
        clock.set(moment);
        visit(&server, pages);
        server.file();
    }
    assert!(server.terminate().success());
    server
}

/// What one file has and the other has not is shown, and no more.
pub(super) fn assert_same(found: &[String], expected: &[String]) {
    let lacks = expected.iter().filter(|row| !found.contains(row)).take(3).collect::<Vec<_>>();
    let more = found.iter().filter(|row| !expected.contains(row)).take(3).collect::<Vec<_>>();
    assert!(lacks.is_empty() && more.is_empty(), "it lacks {lacks:#?} and has {more:#?}");
}

const EARLY: (&str, &[&str]) = ("2026-03-03 10:00:00", &["/", "/a", "/", "/b"]);
const LATE: (&str, &[&str]) = ("2026-03-20 11:30:00", &["/b", "/", "/c"]);

#[test]
fn two_halves_of_a_month_merged_are_the_whole_once() {
    let clock = Clock::at(EARLY.0);
    let whole = visited(&clock, &[EARLY, LATE]);
    let first = visited(&clock, &[EARLY]);
    let second = visited(&clock, &[LATE]);
    let before = rows(&first.database());
    let other = second.database();
    let other = other.to_str().unwrap();
    done(&first, &["merge", other]);
    assert_same(&rows(&first.database()), &rows(&whole.database()));
    let again = refused(&first, &["merge", other]);
    assert!(
        again.contains("trim-beacons.db was taken in on") && again.contains("as edit 1"),
        "{again}"
    );
    // A backup of it is the same file.
    done(&second, &["backup", "copy.db"]);
    let copy = second.folder.path().join("copy.db");
    assert!(refused(&first, &["merge", copy.to_str().unwrap()]).contains("as edit 1"));
    done(&first, &["backup", "own.db"]);
    let own = refused(&first, &["merge", "own.db"]);
    assert!(own.contains("a copy of the database itself"), "{own}");
    assert_same(&rows(&first.database()), &rows(&whole.database()));

    done(&first, &["edit", "undo", "1"]);
    assert_same(&rows(&first.database()), &before);
    assert!(refused(&first, &["edit", "undo", "1"]).contains("is undone already"));
    assert!(refused(&first, &["edit", "undo", "7"]).contains("there is no edit 7"));
    done(&first, &["merge", other]);
    assert_same(&rows(&first.database()), &rows(&whole.database()));
    let listed = String::from_utf8(run(&first, &["edit", "list"]).stdout).unwrap();
    assert!(listed.contains("\tmerged trim-beacons.db\tcan be undone"), "{listed}");
    assert!(listed.contains("\tundone on"), "{listed}");
}

#[test]
fn a_running_server_merges_too_and_loses_no_beacon() {
    let clock = Clock::at(LATE.0);
    let other = visited(&clock, &[EARLY]);
    clock.set(LATE.0);
    let mut server = Server::start_at(&clock, CONFIG);
    visit(&server, LATE.1);
    thread::scope(|scope| {
        let sender = scope.spawn(|| visit(&server, &["/live"; 200]));
        done(&server, &["merge", other.database().to_str().unwrap()]);
        sender.join().unwrap();
    });
    assert_eq!(server.count("month", None), 2 * (4 + 3 + 200));
    assert_eq!(server.count("day", Some("/b")), 2 * 2);
    done(&server, &["edit", "undo", "1"]);
    assert_eq!(server.count("month", None), 2 * (3 + 200));
    assert!(server.terminate().success());
    let left = fs::read_dir(server.folder.path()).unwrap();
    let names = left.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut beside: Vec<String> =
        names.filter(|name| name.starts_with("trim-beacons.db")).collect();
    beside.sort();
    assert_eq!(beside, ["trim-beacons.db", "trim-beacons.db-salt"]);
}

#[test]
fn killed_at_any_moment_a_merge_is_whole_or_not_there() {
    let clock = Clock::at(EARLY.0);
    let server = visited(&clock, &[EARLY]);
    let other = visited(&clock, &[LATE]);
    let other = other.database();
    let before = rows(&server.database());
    let words = ["merge", other.to_str().unwrap()];
    let begun = Instant::now();
    done(&server, &words);
    let whole_time = begun.elapsed();
    let after = rows(&server.database());
    assert_ne!(before, after);
    done(&server, &["edit", "undo", "1"]);
    let (mut unfinished, mut undone) = (0, 1);
    for kill in 0..KILLS {
        let mut child = command(&server, &words).spawn().unwrap();
        // The moment is the point: there is nothing to wait for.
        thread::sleep(whole_time * kill / KILLS);
        child.kill().unwrap();
        unfinished += u32::from(!child.wait().unwrap().success());
        let found = rows(&server.database());
        if found == after {
            undone += 1;
            done(&server, &["edit", "undo", &undone.to_string()]);
        } else {
            assert_same(&found, &before);
        }
    }
    println!("{unfinished} merges of {KILLS} were broken off, {undone} were whole");
    assert!(unfinished > 0);
    done(&server, &words);
    assert_same(&rows(&server.database()), &after);
}

/// What must hold in every file: totals are the sums of their identifiers, longer buckets the sums of
/// the shorter ones that they hold, but for pairs that days before `pairs_from` have left to their months, and
/// nothing is negative.
fn assert_consistent(server: &Server, pairs_from: &str) {
    let file = server.file_as_it_is();
    let none = |what: &str, sql: &str| {
        let sql = format!("SELECT count(*) FROM ({sql})");
        assert_eq!(file.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap(), 0, "{what}");
    };
    none(
        "totals",
        "SELECT 1 FROM beacon_aggregate GROUP BY granularity, period_start, event_type
         HAVING sum(count * iif(identifier = 0, 1, -1)) <> 0
             OR sum(visits * iif(identifier = 0, 1, -1)) <> 0
             OR sum(seconds * iif(identifier = 0, 1, -1)) <> 0",
    );
    for (shorter, longer, format) in [(3, 4, "%Y-%m-%d"), (4, 5, "%Y-%m"), (5, 6, "%Y")] {
        for (table, key) in [
            ("beacon_aggregate", "event_type, identifier"),
            ("beacon_breakdown", "event_type, identifier, dimension, value"),
        ] {
            let pairs = match (table, shorter) {
                ("beacon_breakdown", 3) => "AND identifier = 0",
                ("beacon_breakdown", 4) => {
                    &*format!("AND (identifier = 0 OR period_start >= unixepoch('{pairs_from}'))")
                }
                _ => "",
            };
            // An event type that has no hours has nothing to compare.
            let sql = format!(
                "SELECT 1 FROM {table} WHERE granularity IN ({shorter}, {longer}) {pairs}
                     AND event_type IN (SELECT event_type FROM {table} WHERE granularity = {shorter})
                     AND event_type IN (SELECT event_type FROM {table} WHERE granularity = {longer})
                 GROUP BY strftime('{format}', period_start, 'unixepoch'), {key}
                 HAVING sum(count * iif(granularity = {longer}, 1, -1)) <> 0
                     OR sum(visitors * iif(granularity = {longer}, 1, -1)) <> 0
                     OR sum(bounces * iif(granularity = {longer}, 1, -1)) <> 0"
            );
            none(&format!("{table} {shorter} {longer}"), &sql);
        }
    }
    none(
        "negative",
        "SELECT 1 FROM beacon_aggregate WHERE min(count, visitors, visits, bounces) < 0",
    );
    none(
        "negative",
        "SELECT 1 FROM beacon_breakdown WHERE min(count, visitors, visits, bounces) < 0",
    );
}

/// The count of a row of the documented views.
fn split(server: &Server, identifier: Option<&str>, source: &str, granularity: &str) -> i64 {
    let sql = "SELECT ifnull(sum(count), 0) FROM beacon_breakdowns WHERE event_type = 'page_view'
        AND identifier IS ?1 AND dimension = 'source' AND value = ?2 AND granularity = ?3";
    let file = server.file_as_it_is();
    file.query_row(sql, (identifier, source, granularity), |row| row.get(0)).unwrap()
}

fn views(server: &Server, page: Option<&str>, granularity: &str) -> i64 {
    let sql = "SELECT ifnull(sum(count), 0) FROM beacon_aggregates
        WHERE event_type = 'page_view' AND identifier IS ?1 AND granularity = ?2";
    let file = server.file_as_it_is();
    file.query_row(sql, (page, granularity), |row| row.get(0)).unwrap()
}

/// Makes an edit, looks at the file, undoes it, and expects the file to be as it was. Pairs are kept by day
/// from `pairs_from` on.
fn edited(server: &Server, pairs_from: &str, words: &[&str], look: impl FnOnce()) {
    let before = rows(&server.database());
    let kept_before = kept(server);
    let words: Vec<&str> = ["edit"].iter().chain(words).copied().collect();
    let output = run(server, &words);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let id = said.strip_prefix("Edit ").unwrap().split(':').next().unwrap();
    assert_consistent(server, pairs_from);
    look();
    assert_ne!(rows(&server.database()), before);
    done(server, &["edit", "undo", id]);
    assert_same(&rows(&server.database()), &before);
    // Those that were deleted do not come back, and the others are what they were.
    assert!(kept(server).iter().all(|row| kept_before.contains(row)));
    assert_consistent(server, pairs_from);
}

/// The single beacons, with all the names that they have.
fn kept(server: &Server) -> Vec<String> {
    let sql =
        "SELECT id || ' ' || site || ' ' || ifnull(identifier, 0) || ' ' || ifnull(page, 0) || ' '
        || ifnull(entry_page, 0) || ' ' || ifnull(left_page, 0) FROM beacon_event ORDER BY id";
    let file = server.file_as_it_is();
    let mut statement = file.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

/// Before anything was counted.
const ALWAYS: &str = "2000-01-01";

#[test]
fn pages_sources_days_and_sites_are_deleted_from_every_sum_and_come_back() {
    let clock = Clock::at(EARLY.0);
    let server =
        visited(&clock, &[EARLY, ("2026-03-03 14:10:00", &["/a", "/spam", "/a", "/spam"]), LATE]);
    assert_consistent(&server, ALWAYS);
    for granularity in ["hour", "day", "month", "year"] {
        assert_eq!(views(&server, None, granularity), 11);
    }
    edited(&server, ALWAYS, &["rename-page", "/a", "/b"], || {
        assert_eq!(views(&server, Some("/a"), "hour"), 0);
        assert_eq!(views(&server, Some("/b"), "hour"), 5);
        assert_eq!(views(&server, None, "month"), 11);
        assert_eq!(split(&server, Some("/b"), "two.example", "day"), 2);
    });
    edited(&server, ALWAYS, &["delete-page", "/spam"], || {
        for granularity in ["hour", "day", "month", "year"] {
            assert_eq!(views(&server, Some("/spam"), granularity), 0);
            assert_eq!(views(&server, None, granularity), 9);
            // Both views of it came from there. Hours are not split.
            let left = if granularity == "hour" { 0 } else { 5 - 2 };
            assert_eq!(split(&server, None, "two.example", granularity), left);
        }
    });
    edited(&server, ALWAYS, &["delete-source", "two.example"], || {
        for granularity in ["hour", "day", "month", "year"] {
            assert_eq!(split(&server, None, "two.example", granularity), 0);
            assert_eq!(views(&server, None, granularity), 6);
            assert_eq!(views(&server, Some("/spam"), granularity), 0);
            assert_eq!(views(&server, Some("/"), granularity), 2);
        }
    });
    edited(&server, ALWAYS, &["delete-day", "2026-03-03"], || {
        for granularity in ["hour", "day", "month", "year"] {
            assert_eq!(views(&server, None, granularity), 3);
            assert_eq!(views(&server, Some("/a"), granularity), 0);
        }
    });
    edited(&server, ALWAYS, &["reset"], || assert_eq!(views(&server, None, "year"), 0));
    assert!(refused(&server, &["edit", "delete-page", "/nowhere"]).contains("nothing is called"));
    assert!(
        refused(&server, &["edit", "delete-day", "2026-03-04"]).contains("nothing was counted")
    );
}

#[test]
fn who_saw_another_page_too_stays_a_visitor_of_the_site_in_every_sum() {
    let visitors = |server: &Server, split: &str| {
        let sql = format!(
            "SELECT group_concat(visitors, ' ' ORDER BY granularity) FROM beacon_{split} AND event_type = (
                 SELECT id FROM text WHERE value = 'page_view')"
        );
        server.file_as_it_is().query_row(&sql, [], |row| row.get::<_, Option<String>>(0)).unwrap()
    };
    let total = "aggregate WHERE identifier = 0";
    let of = |source: &str| {
        format!(
            "breakdown WHERE identifier = 0 AND value = (SELECT id FROM text WHERE value = '{source}')"
        )
    };
    let singly: &[&str] = &["/", "/a", "/spam", "/spam"];
    let both: &[&str] = &["/", "/spam", "/spam", "/spam"];
    // Without single beacons it can't be told who saw what, but that one page is left which somebody saw.
    for (pages, raw, expected) in
        [(singly, true, 2), (singly, false, 1), (both, true, 1), (both, false, 1)]
    {
        let clock = Clock::at(EARLY.0);
        let config = if raw { CONFIG.to_owned() } else { CONFIG.replace("raw = \"30d\"\n", "") };
        let mut server = visited_by(&config, &clock, &[(EARLY.0, pages)]);
        server.restart();
        // An event type with minutes, where page views have none.
        let error =
            r#"{"event_type":"error","meta":{"message":"x is not defined","stack":"at a.js:1:2"}}"#;
        assert_eq!(server.post(error).status, 204);
        assert!(server.terminate().success());
        let four = |number: i64| Some([number; 4].map(|number| number.to_string()).join(" "));
        let three = |number: i64| Some([number; 3].map(|number| number.to_string()).join(" "));
        assert_eq!(visitors(&server, total), four(2));
        edited(&server, ALWAYS, &["delete-page", "/spam"], || {
            assert_eq!(visitors(&server, total), four(expected), "{pages:?} {raw}");
            assert_eq!(visitors(&server, &of("one.example")), three(1));
            let two = if pages == singly { three(1) } else { None };
            assert_eq!(visitors(&server, &of("two.example")), two);
        });
        edited(&server, ALWAYS, &["delete-source", "two.example"], || {
            assert_eq!(visitors(&server, total), four(1), "{pages:?} {raw}");
        });
    }
}

#[test]
fn what_was_counted_before_the_first_site_was_declared_is_moved_to_it() {
    let clock = Clock::at(EARLY.0);
    let mut server = visited(&clock, &[EARLY, LATE]);
    let config = server.folder.path().join("beacons.toml");
    let without = fs::read_to_string(&config).unwrap();
    fs::write(
        &config,
        format!("{without}[[site]]\ndomain = \"a.example\"\naliases = [\"localhost\"]\n"),
    )
    .unwrap();
    server.restart();
    let waiting = server.get("/").text();
    assert!(waiting.contains("trim-beacons edit move-site default a.example"), "{waiting}");
    let doctor = String::from_utf8(run(&server, &["doctor"]).stdout).unwrap();
    assert!(doctor.contains("The file holds counts of default, not declared"), "{doctor}");
    let before = rows(&server.database());
    let refused_as = |words: &[&str], why: &str| {
        let said = refused(&server, &[&["edit", "move-site"], words].concat());
        assert!(said.contains(why), "{words:?}: {said}");
    };
    refused_as(&["nothing", "a.example"], "nothing is called");
    refused_as(&["/a", "a.example"], "nothing was counted for /a");
    refused_as(&["a.example", "a.example"], "a.example is declared");
    refused_as(&["default", "b.example"], "b.example");
    done(&server, &["edit", "move-site", "default", "a.example"]);
    let overview = server.json("/api/v1/reports/overview?period=all");
    assert_eq!(overview["series"]["total"]["count"], 7, "{overview}");
    let events = server.json("/api/v1/reports/events?period=all");
    assert!(events.to_string().contains("/b"), "{events}");
    let doctor = String::from_utf8(run(&server, &["doctor"]).stdout).unwrap();
    assert!(doctor.contains("Every site that was ever counted is declared"), "{doctor}");
    // Row for row what it was, under the other name.
    let counted = |rows: &[String]| {
        let rows = rows.iter().filter(|row| row.starts_with("beacon_"));
        rows.map(|row| row.replace("default", "a.example")).collect::<Vec<_>>()
    };
    let moved = rows(&server.database());
    assert!(!moved.iter().any(|row| row.contains("default")));
    assert_same(&counted(&moved), &counted(&before));
    assert_eq!(moved.len(), before.len());
    done(&server, &["verify"]);
    // What comes now joins it.
    visit(&server, &["/"]);
    assert_eq!(server.count("month", None), 2 * 8);
    done(&server, &["edit", "undo", "1"]);
    assert_eq!(server.json("/api/v1/reports/overview?period=all")["series"]["total"]["count"], 1);
    assert!(server.terminate().success());
    done(&server, &["verify"]);
    fs::write(&config, without).unwrap();
    server.restart();
    assert_eq!(server.json("/api/v1/reports/overview?period=all")["series"]["total"]["count"], 7);
    assert!(server.json("/api/v1/reports/events?period=all").to_string().contains("/b"));
}

#[test]
fn where_days_have_left_their_pairs_to_the_month_edits_take_as_much_from_every_sum() {
    let clock = Clock::at(EARLY.0);
    let config = CONFIG.replace("raw =", "pairs_by_day = \"10d\"\nraw =");
    let moments = [
        EARLY,
        ("2026-03-03 14:10:00", &["/a", "/spam", "/a", "/spam"][..]),
        LATE,
        ("2026-04-05 09:00:00", &["/spam", "/a", "/spam"][..]),
    ];
    let server = visited_by(&config, &clock, &moments);
    let (months, years) = (views(&server, None, "month"), views(&server, None, "year"));
    let told = |granularity| split(&server, Some("/spam"), "two.example", granularity);
    assert_eq!((told("day"), told("month")), (2, 2));
    // Ten days before lie in April.
    clock.set("2026-04-25 00:00:00");
    let said = String::from_utf8(run(&server, &["prune"]).stdout).unwrap();
    assert!(said.contains("page_view\tpairs by day\t8 rows"), "{said}");
    let sound = || {
        let found = run(&server, &["verify"]);
        assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stdout));
    };
    sound();
    assert_consistent(&server, "2026-04-01");
    assert_eq!((told("day"), told("month"), told("year")), (0, 2, 2));
    assert_eq!((views(&server, None, "month"), views(&server, None, "year")), (months, years));
    let edited = |words: &[&str], look: &dyn Fn()| {
        edited(&server, "2026-04-01", words, || {
            sound();
            look();
        });
    };
    edited(&["delete-page", "/spam"], &|| {
        for granularity in ["hour", "day", "month", "year"] {
            assert_eq!(views(&server, None, granularity), 14 - 4);
            let of_days = |left| if granularity == "hour" { 0 } else { left };
            assert_eq!(split(&server, None, "one.example", granularity), of_days(8 - 2));
            assert_eq!(split(&server, None, "two.example", granularity), of_days(6 - 2));
        }
    });
    edited(&["delete-source", "two.example"], &|| {
        for granularity in ["hour", "day", "month", "year"] {
            assert_eq!(views(&server, None, granularity), 8);
            assert_eq!(split(&server, None, "two.example", granularity), 0);
            assert_eq!(views(&server, Some("/spam"), granularity), 2);
        }
    });
    edited(&["rename-page", "/a", "/b"], &|| assert_eq!(views(&server, Some("/a"), "day"), 0));
    edited(&["delete-day", "2026-03-03"], &|| assert_eq!(views(&server, None, "day"), 6));
}

#[test]
fn an_edit_is_undone_for_ninety_days_and_not_from_a_backup() {
    let clock = Clock::at(EARLY.0);
    let server = visited(&clock, &[EARLY]);
    clock.set("2026-03-04 10:00:00");
    let at = |words: &[&str]| {
        let output = command(&server, words).envs(server.environment()).output().unwrap();
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
    };
    assert!(at(&["edit", "delete-page", "/a"]).contains("Edit 1: deleted the page /a"));
    done(&server, &["backup", "copy.db"]);
    let from_copy = at(&["edit", "undo", "1", "--database", "copy.db"]);
    assert!(from_copy.contains("can't be undone any more"), "{from_copy}");
    clock.set("2026-06-01 10:00:00");
    at(&["prune"]);
    assert!(at(&["edit", "list"]).contains("can be undone"));
    clock.set("2026-06-03 10:00:00");
    at(&["prune"]);
    assert!(at(&["edit", "list"]).contains("\tstays"));
    assert!(at(&["edit", "undo", "1"]).contains("can't be undone any more"));
}

#[test]
fn what_a_later_edit_has_moved_is_not_undone_before_it() {
    let clock = Clock::at(EARLY.0);
    let server = visited(&clock, &[EARLY]);
    let other = visited(&clock, &[LATE]);
    let before = rows(&server.database());
    done(&server, &["merge", other.database().to_str().unwrap()]);
    let merged = rows(&server.database());
    done(&server, &["edit", "rename-page", "/c", "/d"]);
    let renamed = rows(&server.database());
    let tangled = refused(&server, &["edit", "undo", "1"]);
    assert!(tangled.contains("a later edit has changed the same rows"), "{tangled}");
    assert_same(&rows(&server.database()), &renamed);
    done(&server, &["edit", "undo", "2"]);
    assert_same(&rows(&server.database()), &merged);
    done(&server, &["edit", "undo", "1"]);
    assert_same(&rows(&server.database()), &before);
}
