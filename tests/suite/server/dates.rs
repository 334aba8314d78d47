//! Dates of reports: their names, their points, and what they are compared with.

use serde_json::Value;

use crate::support::{Server, time::Clock};

fn points(server: &Server, query: &str) -> Vec<Value> {
    let report = server.json(&format!("/api/v1/reports/overview?{query}"));
    report["series"]["points"].as_array().cloned().unwrap_or_default()
}

#[test]
fn a_range_has_points_that_fit_it_and_its_total_is_their_sum() {
    let server = Server::start("");
    server.post(br#"{"event_type":"page_view","identifier":"/"}"#);
    for (query, granularity, least, most) in [
        ("period=today", "hour", 23, 25),
        ("period=yesterday&granularity=month", "hour", 23, 25),
        ("period=7d", "day", 7, 7),
        ("period=7d&granularity=hour", "hour", 167, 169),
        ("period=28d&granularity=week", "week", 4, 5),
        ("period=91d", "day", 91, 91),
        ("period=6mo", "week", 22, 29),
        ("period=12mo", "month", 12, 12),
        ("period=12mo&granularity=hour", "day", 334, 366),
        ("from=2016-11-24&to=2026-11-20&granularity=day", "month", 121, 123),
    ] {
        let report = server.json(&format!("/api/v1/reports/overview?{query}"));
        let series = &report["series"];
        let count = series["points"].as_array().map_or(0, Vec::len);
        assert_eq!(series["granularity"], granularity, "{query}");
        assert!((least..=most).contains(&count), "{query}: {count} points");
    }
    // The first day that was counted on is shown where no dates are asked for.
    let report = server.json("/api/v1/reports/overview");
    assert_eq!(
        (&report["series"]["granularity"], &report["series"]["total"]["count"]),
        (&"hour".into(), &1.into())
    );
    assert_eq!(report["before"], Value::Null, "nothing is known of the day before");
    let all = points(&server, "period=all");
    let sum: i64 = all.iter().filter_map(|point| point["figures"]["count"].as_i64()).sum();
    assert_eq!(sum, 1);
}

#[test]
fn a_month_and_a_year_are_not_compared_with_what_was_before_the_first_beacon() {
    let clock = Clock::at("2026-05-02 12:00:00");
    let server = Server::start_at(&clock, "[server]\naccess = \"open\"\n");
    let compared = |path: &str| server.get(path).text().contains("class=\"change\"");
    for (moment, month) in [
        ("2026-05-02 12:00:00", false),
        ("2026-06-10 12:00:00", false),
        ("2026-07-10 12:00:00", true),
    ] {
        clock.set(moment);
        assert_eq!(server.post(br#"{"event_type":"page_view","identifier":"/"}"#).status, 204);
        assert_eq!((compared("/month"), compared("/year")), (month, false), "{moment}");
    }
}

#[test]
fn an_address_that_asks_for_nonsense_is_told_so() {
    let server = Server::start("");
    for (query, sentence) in [
        ("period=forever", "today, yesterday, 2d, 7d"),
        ("compare=dates", "needs compare_from and compare_to"),
        ("compare=later", "is none of previous, year, dates, none"),
        ("granularity=second", "is none of hour, day, week, month, year"),
        ("from=1990-01-01", "3660 are allowed"),
        ("from=9997-01-01&to=9997-12-31", "is not a date"),
        ("compare=dates&compare_from=2026-01-01&compare_to=2996-01-01", "3660 are allowed"),
    ] {
        let answer = server.get(&format!("/api/v1/reports/overview?{query}"));
        assert_eq!(answer.status, 400, "{query}");
        assert!(answer.text().contains(sentence), "{query}: {}", answer.text());
    }
}

/// Whoever may look at a public site names its dates: an answer must cost no more than its points.
#[test]
fn dates_at_the_end_of_time_and_long_comparisons_cost_no_more_than_others() {
    let server = Server::start("");
    assert_eq!(server.post(br#"{"event_type":"page_view","identifier":"/"}"#).status, 204);
    assert_eq!(server.get("/month?month=9998-12").status, 400);
    assert_eq!(server.get("/month?month=9996-12").status, 200);
    let today = server.json("/api/v1/reports/overview?period=today");
    let today = today["series"]["points"][0]["date"].as_str().unwrap();
    let (year, _) = today.split_once('-').unwrap();
    let later = year.parse::<i32>().unwrap() + 9;
    let with = format!("compare=dates&compare_from={today}&compare_to={later}-01-01");
    let told = server.json(&format!("/api/v1/reports/overview?period=today&{with}"));
    // Hours of nine years would be 78,900 points.
    let compared = told["before"]["points"].as_array().map_or(0, Vec::len);
    assert!(compared <= 760, "{compared} points");
}

/// Page views at a moment, each of another page.
fn viewed(server: &Server, clock: &Clock, moment: &str, count: usize) {
    clock.set(moment);
    for number in 0..count {
        let body = format!(r#"{{"event_type":"page_view","identifier":"/{moment}/{number}"}}"#);
        assert_eq!(server.post(body).status, 204);
    }
    server.file();
}

#[test]
fn what_is_over_is_compared_whole_and_what_runs_with_as_much_time() {
    let clock = Clock::at("2025-11-25 09:00:00");
    let server = Server::start_at(&clock, "");
    for (moment, count) in [
        ("2025-11-25 09:00:00", 4),
        ("2026-01-05 10:00:00", 3),
        ("2026-01-30 10:00:00", 7),
        ("2026-02-05 10:00:00", 5),
        ("2026-10-02 08:30:00", 2),
        ("2026-10-25 08:30:00", 3),
        ("2026-10-25 22:30:00", 8),
        ("2026-11-03 07:00:00", 6),
        ("2026-11-25 08:00:00", 1),
    ] {
        viewed(&server, &clock, moment, count);
    }
    clock.set("2026-11-25 12:20:00");
    let compared = |query: &str| {
        let told = server.json(&format!("/api/v1/reports/overview?{query}"));
        let count = |of: &serde_json::Value| of["total"]["count"].as_i64();
        (count(&told["series"]), count(&told["before"]))
    };
    // A month is as long as it is.
    assert_eq!(compared("from=2026-02-01&to=2026-02-28"), (Some(5), Some(10)));
    assert_eq!(compared("from=2026-02-01&to=2026-02-28&granularity=week"), (Some(5), Some(10)));
    let longer =
        "from=2026-02-01&to=2026-02-07&compare=dates&compare_from=2026-01-01&compare_to=2026-01-31";
    assert_eq!(compared(longer), (Some(5), Some(10)));
    // Of the month before, what came until noon of the 25th, however long the points are.
    for granularity in ["", "&granularity=hour", "&granularity=day", "&granularity=week"] {
        assert_eq!(
            compared(&format!("period=month{granularity}")),
            (Some(7), Some(5)),
            "{granularity}"
        );
    }
    let page = server.get("/month").text();
    assert!(page.contains("from 5 to 7"), "{page}");
    // Twelve months, of which the last one runs.
    assert_eq!(compared("from=2026-10-01&to=2026-11-25&granularity=month").0, Some(13 + 7));
    // Hours of a year ago are gone, its days are not.
    let day =
        "from=2026-11-03&to=2026-11-03&compare=dates&compare_from=2025-11-25&compare_to=2025-11-25";
    assert_eq!(compared(day), (Some(6), Some(4)));
    assert!(server.get(&format!("/?{day}")).text().contains("from 4 to 6"));
    // Today with a day of which only the whole is kept can't be compared fairly.
    assert_eq!(compared("period=today&compare=year"), (Some(1), None));
    // Under filters it is the same.
    let filter = "filter=page:is:/2026-10-25%2008:30:00/0";
    assert_eq!(compared(&format!("period=month&{filter}")), (Some(0), Some(1)));
    let filter = "filter=page:is:/2026-10-25%2022:30:00/0";
    assert_eq!(compared(&format!("period=month&{filter}")), (Some(0), Some(0)));
}
