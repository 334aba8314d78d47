//! Edits of what is counted otherwise than page views, and edits that come after something else.

use std::fs;

use super::{
    backup::{done, refused, rows, run},
    edits::{CONFIG, assert_same, visit, visited, visited_by},
    verify::move_to,
};
use crate::support::{Server, time::Clock};

/// Sends what a visitor does who comes from `source`: an event type, and a page if there is one.
fn come(server: &Server, visitor: u32, source: &str, (event, page): (&str, Option<&str>)) {
    let number = 100 + visitor;
    let agent =
        format!("Mozilla/5.0 (X11; Linux x86_64; rv:{number}.0) Gecko/20100101 Firefox/{number}.0");
    let page = page.map(|page| format!(r#""identifier":"{page}","#)).unwrap_or_default();
    let body = format!(r#"{{"event_type":"{event}",{page}"meta":{{"ref":"https://{source}/"}}}}"#);
    let mut client = server.client();
    let agent = [("User-Agent", agent.as_str())];
    let answer = client.send("POST", "/beacon", &agent, body.as_bytes()).unwrap();
    assert_eq!(answer.status, 204, "{}", answer.text());
    server.file();
}

fn assert_sound(server: &Server) {
    let found = run(server, &["verify"]);
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stdout));
}

/// Count and visitors of a total or an identifier, over all buckets of a granularity.
fn sums(server: &Server, event: &str, identifier: Option<&str>, granularity: &str) -> (i64, i64) {
    let sql = "SELECT ifnull(sum(count), 0), ifnull(sum(visitors), 0) FROM beacon_aggregates
        WHERE event_type = ?1 AND identifier IS ?2 AND granularity = ?3";
    let file = server.file_as_it_is();
    file.query_row(sql, (event, identifier, granularity), |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
}

#[test]
fn a_source_leaves_the_hours_of_what_has_no_pages_too() {
    for (others, left) in [(&[][..], (0, 0)), (&["x.test", "x.test"], (2, 1))] {
        let clock = Clock::at("2026-03-03 10:00:00");
        let mut server = Server::start_at(&clock, "");
        come(&server, 1, "y.test", ("signup", None));
        for (hour, source) in (11..).zip(others) {
            clock.set(&format!("2026-03-03 {hour}:00:00"));
            come(&server, 2, source, ("signup", None));
        }
        assert!(server.terminate().success());
        let before = rows(&server.database());
        done(&server, &["edit", "delete-source", "y.test"]);
        assert_sound(&server);
        for granularity in ["hour", "day", "month", "year"] {
            assert_eq!(sums(&server, "signup", None, granularity), left, "{granularity}");
        }
        done(&server, &["edit", "undo", "1"]);
        assert_same(&rows(&server.database()), &before);
    }
}

#[test]
fn a_source_leaves_as_much_of_a_page_that_was_deleted_before_from_every_sum() {
    let clock = Clock::at("2026-03-03 10:00:00");
    let mut server = Server::start_at(&clock, "");
    come(&server, 1, "y.test", ("page_view", Some("/p0")));
    done(&server, &["edit", "delete-page", "/p0"]);
    // A visitor of the page is one a day, also after it was deleted; the source is new.
    come(&server, 1, "x.test", ("page_view", Some("/p0")));
    clock.set("2026-03-04 10:00:00");
    come(&server, 2, "y.test", ("page_view", Some("/p0")));
    assert!(server.terminate().success());
    assert_sound(&server);
    let before = rows(&server.database());
    done(&server, &["edit", "delete-source", "x.test"]);
    assert_sound(&server);
    for granularity in ["hour", "day", "month", "year"] {
        for page in [None, Some("/p0")] {
            assert_eq!(sums(&server, "page_view", page, granularity), (1, 1), "{granularity}");
        }
    }
    done(&server, &["edit", "undo", "2"]);
    assert_same(&rows(&server.database()), &before);
}

#[test]
fn an_edit_of_a_day_that_was_deleted_since_is_not_undone_before_the_day_is_back() {
    let clock = Clock::at("2026-03-03 10:00:00");
    let mut server = Server::start_at(&clock, "");
    for (visitor, page) in [(1, "/p3"), (2, "/p3"), (3, "/p4"), (4, "/p4"), (5, "/p4")] {
        if page == "/p4" {
            clock.set("2026-03-04 10:00:00");
        }
        come(&server, visitor, "y.test", ("page_view", Some(page)));
    }
    assert!(server.terminate().success());
    let before = rows(&server.database());
    done(&server, &["edit", "rename-page", "/p3", "/p4"]);
    let renamed = rows(&server.database());
    done(&server, &["edit", "delete-day", "2026-03-03"]);
    let deleted = rows(&server.database());
    let tangled = refused(&server, &["edit", "undo", "1"]);
    assert!(tangled.contains("a later edit has changed the same rows"), "{tangled}");
    assert_same(&rows(&server.database()), &deleted);
    assert_sound(&server);
    done(&server, &["edit", "undo", "2"]);
    assert_same(&rows(&server.database()), &renamed);
    done(&server, &["edit", "undo", "1"]);
    assert_same(&rows(&server.database()), &before);
}

#[test]
fn a_source_is_deleted_by_the_pairs_that_are_there_whatever_is_declared_today() {
    let clock = Clock::at("2026-11-10 10:00:00");
    let mut server = Server::start_at(&clock, CONFIG);
    let view = |server: &Server, visitor, page| {
        come(server, visitor, "s1.test", ("page_view", Some(page)));
    };
    (1..=3).for_each(|visitor| view(&server, visitor, "/p1"));
    assert!(server.terminate().success());
    let config = server.folder.path().join("beacons.toml");
    let text = fs::read_to_string(&config).unwrap();
    let without = text.replace("pairs = [\"page × source\"]", "pairs = []");
    assert_ne!(text, without);
    fs::write(&config, without).unwrap();
    server.restart();
    clock.set("2026-11-11 10:00:00");
    view(&server, 4, "/p3");
    let from_there = |granularity: &str| -> i64 {
        let sql = "SELECT ifnull(sum(count), 0) FROM beacon_breakdowns
            WHERE identifier IS NULL AND value = 's1.test' AND granularity = ?1";
        server.file_as_it_is().query_row(sql, [granularity], |row| row.get(0)).unwrap()
    };
    assert_eq!(from_there("month"), 4);
    let before = rows(&server.database());
    done(&server, &["edit", "delete-source", "s1.test"]);
    assert_sound(&server);
    let deleted = rows(&server.database());
    for granularity in ["hour", "day", "month", "year"] {
        assert_eq!(from_there(granularity), 0, "{granularity}");
        assert_eq!(sums(&server, "page_view", Some("/p1"), granularity), (0, 0), "{granularity}");
        // Of the day without pairs it is not known who came from there to what.
        assert_eq!(sums(&server, "page_view", Some("/p3"), granularity), (1, 1), "{granularity}");
        assert_eq!(sums(&server, "page_view", None, granularity), (1, 1), "{granularity}");
    }
    done(&server, &["edit", "undo", "1"]);
    assert_same(&rows(&server.database()), &before);
    done(&server, &["edit", "delete-source", "s1.test"]);
    assert_same(&rows(&server.database()), &deleted);
    clock.set("2026-11-12 10:00:00");
    (5..=8).for_each(|visitor| view(&server, visitor, "/p2"));
    let nothing = refused(&server, &["edit", "delete-page", "/p1"]);
    assert!(nothing.contains("nothing was counted"), "{nothing}");
    for granularity in ["day", "month", "year"] {
        assert_eq!(from_there(granularity), 4, "{granularity}");
    }
    assert_sound(&server);
}

#[test]
fn who_comes_again_after_today_was_deleted_is_a_visitor() {
    let clock = Clock::at("2026-03-03 10:00:00");
    let server = Server::start_at(&clock, "");
    come(&server, 1, "y.test", ("page_view", Some("/p")));
    clock.set("2026-03-03 14:00:00");
    done(&server, &["edit", "delete-day", "2026-03-03"]);
    assert_eq!(sums(&server, "page_view", None, "year"), (0, 0));
    come(&server, 1, "y.test", ("page_view", Some("/p")));
    for granularity in ["hour", "day", "month", "year"] {
        assert_eq!(sums(&server, "page_view", None, granularity), (1, 1), "{granularity}");
    }
    // Who was seen today is known still when another day goes.
    clock.set("2026-03-04 14:00:00");
    come(&server, 1, "y.test", ("page_view", Some("/p")));
    done(&server, &["edit", "delete-day", "2026-03-03"]);
    clock.set("2026-03-04 16:00:00");
    come(&server, 1, "y.test", ("page_view", Some("/p")));
    assert_eq!(sums(&server, "page_view", None, "day"), (2, 1));
}

#[test]
fn an_edit_is_undone_after_hours_have_gone_by_their_age_and_brings_none_back() {
    for is_pruned in [true, false] {
        let clock = Clock::at("2026-03-03 10:00:00");
        let server = visited(&clock, &[("2026-03-03 10:00:00", &["/a", "/b", "/b"][..])]);
        let before = rows(&server.database());
        clock.set("2026-05-01 10:00:00");
        done(&server, &["edit", "rename-page", "/a", "/b"]);
        clock.set("2026-06-10 10:00:00");
        if is_pruned {
            let pruned = String::from_utf8(run(&server, &["prune"]).stdout).unwrap();
            assert!(pruned.contains("page_view\thours"), "{pruned}");
        }
        done(&server, &["edit", "undo", "1"]);
        assert_sound(&server);
        for granularity in ["day", "month", "year"] {
            assert_eq!(sums(&server, "page_view", Some("/a"), granularity).0, 1, "{granularity}");
            assert_eq!(sums(&server, "page_view", Some("/b"), granularity).0, 2, "{granularity}");
        }
        if is_pruned {
            assert_eq!(sums(&server, "page_view", Some("/a"), "hour"), (0, 0));
        } else {
            // What is old and has not gone yet is what it was.
            assert_same(&rows(&server.database()), &before);
        }
    }
}

#[test]
fn an_edit_is_undone_after_days_have_left_their_pairs_to_the_month() {
    for words in
        [&["rename-page", "/a", "/c"][..], &["delete-page", "/a"], &["delete-day", "2026-03-03"]]
    {
        let clock = Clock::at("2026-03-03 10:00:00");
        let config = CONFIG.replace("raw =", "pairs_by_day = \"92d\"\nraw =");
        let moments = [
            ("2026-03-03 10:00:00", &["/a", "/b", "/b"][..]),
            ("2026-03-04 10:00:00", &["/a", "/b"]),
        ];
        let server = visited_by(&config, &clock, &moments);
        clock.set("2026-06-10 10:00:00");
        // The hours have gone, the pairs of days not yet.
        done(&server, &["prune"]);
        let before = rows(&server.database());
        done(&server, &[&["edit"], words].concat());
        clock.set("2026-07-20 10:00:00");
        let pruned = String::from_utf8(run(&server, &["prune"]).stdout).unwrap();
        assert!(pruned.contains("page_view\tpairs by day"), "{pruned}");
        done(&server, &["edit", "undo", "1"]);
        assert_sound(&server);
        // Every sum is what it was but for these.
        let is_pair_of_day = |row: &str| {
            row.starts_with("beacon_breakdowns") && row.contains("\"day\"") && !row.contains("Null")
        };
        let found = rows(&server.database());
        assert!(!found.iter().any(|row| is_pair_of_day(row)));
        let sums = |rows: Vec<String>| -> Vec<String> {
            let sums = rows.into_iter().filter(|row| row.starts_with("beacon_"));
            sums.filter(|row| !is_pair_of_day(row)).collect()
        };
        assert_same(&sums(found), &sums(before));
    }
}

#[test]
fn a_deleted_day_comes_back_with_hours_that_wait_for_their_month_to_be_archived() {
    let clock = Clock::at("2026-03-03 10:00:00");
    let config = CONFIG.replace("raw =", "retention = { hour = \"3d\" }\nraw =");
    let config = format!("[server]\narchive = \"archive\"\n{config}");
    let moments =
        [("2026-03-03 10:00:00", &["/a", "/b"][..]), ("2026-03-12 10:00:00", &["/a", "/b"])];
    let server = visited_by(&config, &clock, &moments);
    clock.set("2026-03-20 10:00:00");
    done(&server, &["prune"]);
    let before = rows(&server.database());
    done(&server, &["edit", "delete-day", "2026-03-03"]);
    done(&server, &["edit", "undo", "1"]);
    assert_same(&rows(&server.database()), &before);
    assert_eq!(sums(&server, "page_view", None, "hour"), (4, 4));
}

#[test]
fn a_deleted_day_that_comes_back_brings_no_longer_buckets_that_were_not_there() {
    let clock = Clock::at("2026-03-03 10:00:00");
    let config =
        "[event.engagement]\ngranularities = [\"day\"]\nmeasures = { seconds = [1, 10] }\n";
    let mut server = Server::start_at(&clock, config);
    visit(&server, &["/"]);
    server.file();
    assert!(server.terminate().success());
    let bars = || -> Vec<i64> {
        let file = server.file_as_it_is();
        let sql = "SELECT DISTINCT granularity FROM beacon_histogram";
        let mut statement = file.prepare(sql).unwrap();
        let found = statement.query_map([], |row| row.get(0)).unwrap();
        found.collect::<Result<_, _>>().unwrap()
    };
    assert_eq!(bars(), [4]);
    done(&server, &["edit", "delete-day", "2026-03-03"]);
    assert!(bars().is_empty());
    done(&server, &["edit", "undo", "1"]);
    assert_eq!(bars(), [4]);
}

#[test]
fn a_day_of_a_time_zone_that_the_site_had_before_is_deleted_whole_or_not_at_all() {
    let (new_york, london) = (["UTC", "America/New_York"], ["Europe/London", "UTC"]);
    for (zones, moments, day, is_told) in [
        (new_york, [["03-03 12", "03-03 23"], ["03-25 12", "03-25 23"]], "03-03", false),
        (new_york, [["03-03 12", "03-03 23"], ["03-25 12", "03-25 23"]], "03-25", true),
        // It is cut in both alike, and so are its month and its year.
        (london, [["01-20 12", "01-20 23"], ["01-27 12", "01-27 23"]], "01-20", true),
        // Its month is not.
        (london, [["10-28 12", "10-28 23"], ["10-30 12", "10-30 23"]], "10-28", false),
        // It is an hour shorter in the new one.
        (["UTC", "Europe/London"], [["03-29 12", "03-30 12"], ["03-31 12"; 2]], "03-29", false),
    ] {
        let clock = Clock::at(&format!("2026-{}:00:00", moments[0][0]));
        let mut server = Server::start_at(&clock, "");
        for (zone, (visitor, moments)) in zones.iter().zip((1..).zip(moments)) {
            assert!(server.terminate().success());
            move_to(&server, zone);
            server.restart();
            for moment in moments {
                clock.set(&format!("2026-{moment}:00:00"));
                come(&server, visitor, "y.test", ("page_view", Some("/p")));
            }
        }
        assert!(server.terminate().success());
        let case = format!("{zones:?} {day}");
        let date = format!("2026-{day}");
        let before = rows(&server.database());
        let words = ["edit", "delete-day", &date];
        if is_told {
            done(&server, &words);
            assert_sound(&server);
            for granularity in ["hour", "day", "month", "year"] {
                let left = sums(&server, "page_view", None, granularity).0;
                assert_eq!(left, 2, "{case} {granularity}");
            }
            done(&server, &["edit", "undo", "1"]);
        } else {
            let why = refused(&server, &words);
            assert!(why.contains("cut in a time zone that the site had before"), "{case}: {why}");
        }
        assert_same(&rows(&server.database()), &before);
        if zones == new_york && !is_told {
            move_to(&server, zones[0]);
            done(&server, &words);
            for granularity in ["hour", "day", "month", "year"] {
                assert_eq!(sums(&server, "page_view", None, granularity).0, 2, "{granularity}");
            }
        }
    }
}
