//! A clock that is set, forth and back, by a second or by years, while beacons come: every one counts once,
//! what was counted before stays, and the chart says what happened.

use trim_beacons::store::{chronicle, connection::open_writable};

use crate::{
    server::backup::command,
    support::{Server, count, time::Clock},
};

const BEGIN: &str = "2026-06-01 12:00:00";

/// Where the clock is set to, one after the other.
const MOMENTS: [&str; 11] = [
    "2026-06-01 12:00:01",
    "2026-06-01 12:00:00",
    "2026-06-01 13:00:00",
    "2026-06-01 12:00:00",
    "2026-06-02 12:00:00",
    "2026-05-31 12:00:00",
    "2036-06-01 12:00:00",
    "2026-06-01 12:01:00",
    "1970-01-01 00:00:00",
    "1970-01-01 00:00:10",
    "2026-06-01 12:02:00",
];

/// How many beacons are sent at each moment.
const EACH: usize = 3;

/// After how many moments the server is stopped or killed.
const STOP_EVERY: usize = 2;

fn send(server: &Server, sent: &mut usize) {
    for _ in 0..EACH {
        let body = format!(
            r#"{{"event_type":"page_view","identifier":"/a","id":"{sent}","meta":{{"ref":"https://s{sent}.example/"}}}}"#
        );
        let answer = server.post(body);
        assert_eq!(answer.status, 204, "{}", answer.text());
        *sent += 1;
    }
    for path in ["/", "/?period=all", "/month", "/year", "/storage", "/api/v1/reports/overview"] {
        assert_eq!(server.get(path).status, 200, "{path}");
    }
}

#[test]
fn a_clock_that_is_set_loses_no_count() {
    let clock = Clock::at(BEGIN);
    let mut server = Server::start_at(&clock, "");
    let mut sent = 0;
    send(&server, &mut sent);
    for (step, moment) in MOMENTS.into_iter().enumerate() {
        clock.set(moment);
        send(&server, &mut sent);
        match step % (2 * STOP_EVERY) {
            0 => assert!(server.terminate().success()),
            STOP_EVERY => server.kill(),
            _ => continue,
        }
        server.restart();
        send(&server, &mut sent);
    }
    let file = server.file();
    let all = i64::try_from(sent).unwrap();
    for granularity in ["hour", "day", "month", "year"] {
        assert_eq!(count(&file, granularity, None), all, "{granularity}");
        assert_eq!(count(&file, granularity, Some("/a")), all, "{granularity}");
    }
    // Each stands at the moment that the clock showed, and nowhere else.
    let sql = "SELECT group_concat(DISTINCT substr(period_start, 1, 10)) FROM
        (SELECT period_start FROM beacon_aggregates WHERE granularity = 'day' ORDER BY period_start)";
    let days: String = file.query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(days, "1970-01-01,2026-05-31,2026-06-01,2026-06-02,2036-06-01");
    drop(file);
    assert!(server.terminate().success());
    let verified = command(&server, &["verify"]).envs(server.environment()).output().unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    assert!(!server.said().contains("panicked"), "{}", server.said());
}

#[test]
fn a_start_ten_years_ahead_removes_nothing_and_the_chart_says_that_the_clock_was_set() {
    let clock = Clock::at(BEGIN);
    let mut server = Server::start_at(&clock, "");
    let mut sent = 0;
    send(&server, &mut sent);
    assert!(server.terminate().success());
    clock.set("2036-06-01 12:00:00");
    server.restart();
    crate::support::wait_until("the job", || {
        server.said().contains("the clock is more than a year ahead")
    });
    send(&server, &mut sent);
    assert!(server.terminate().success());
    clock.set("2026-06-01 12:10:00");
    server.restart();
    send(&server, &mut sent);
    assert_eq!(server.count("hour", Some("/a")), i64::try_from(sent).unwrap());
    crate::support::wait_until("the note", || {
        let notes = server.json("/api/v1/annotations").to_string();
        notes.contains(
            "The clock of the machine was set from 2036-06-01 12:00 UTC to 2026-06-01 12:10 UTC",
        )
    });
}

#[test]
fn what_a_wrong_clock_noted_is_neither_downtime_nor_a_reason_to_remove() {
    const NOW: i64 = 1_780_000_000;
    const YEAR: i64 = 366 * 86_400;
    let folder = tempfile::tempdir().unwrap();
    let file = open_writable(&folder.path().join("x.db")).unwrap().connection;
    let up = |at| chronicle::note_up(&file, at).unwrap();
    let gaps = |now| chronicle::gaps(&file, 0, i64::MAX, now).unwrap();
    let is_settled = |now| chronicle::is_settled(&file, now).unwrap();
    assert!(is_settled(NOW));
    for minute in 0..10 {
        up(NOW + minute * 60);
    }
    assert!(is_settled(NOW + 600) && is_settled(NOW + YEAR));
    let wrong = NOW + 10 * YEAR;
    assert!(!is_settled(wrong));
    up(wrong);
    assert!(!is_settled(wrong) && !is_settled(wrong + 60));
    // It is right again: there was no downtime, and what is noted joins what was noted before.
    for minute in 10..20 {
        up(NOW + minute * 60);
    }
    assert!(is_settled(NOW + 20 * 60));
    assert_eq!(gaps(NOW + 20 * 60), []);
    let spans: i64 = file.query_row("SELECT count(*) FROM uptime", [], |row| row.get(0)).unwrap();
    assert_eq!(spans, 2);
    // And if it was right after all, a day later it is believed.
    for minute in 0..=1_440 {
        up(wrong + minute * 60);
    }
    assert!(is_settled(wrong + 1_440 * 60));
    assert_eq!(gaps(wrong + 1_440 * 60), [(NOW + 19 * 60, wrong)]);
}
