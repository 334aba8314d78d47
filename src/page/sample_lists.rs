//! More believable answers: errors, events, speed, goals, storage, alerts.

use super::{
    filters::FilterBar,
    layout::Frame,
    link::{self, Place},
    sample::{TODAY, frame, scope},
};
use crate::{
    model::{
        dimension::Dimension,
        filter::{Filter, Operator},
        period::DateRange,
    },
    report::answer::{
        Alerts, ErrorGroup, Errors, Event, Events, Figures, GoalFigures, GoalRow, Goals, Incident,
        PageVitals, Scope, SizedPart, Storage, Verdict, Vital, Vitals,
    },
    store::errors::State,
};

/// Errors in each state.
pub(super) fn errors() -> Errors {
    let group = |name: &str, state, returned, count: i64| ErrorGroup {
        name: name.to_owned(),
        state,
        returned,
        first_at: 1_790_000_000,
        last_at: 1_795_000_000,
        local: ["21 Sep 2026, 15:33".to_owned(), "18 Nov 2026, 11:26".to_owned()],
        figures: Figures { count, visitors: count / 3 + 1, ..Figures::default() },
        pages: 3,
        browsers: 1,
        by_day: (0..30).map(|day| count / 30 + day % 3).collect(),
    };
    Errors {
        scope: Scope { event_type: "error".into(), ..scope(DateRange::ending(TODAY.date, 30)) },
        groups: vec![
            group(
                "TypeError: undefined has no properties · /assets/<b>app</b>.js render",
                State::Open,
                true,
                1204,
            ),
            group("Error: Script error.", State::Open, false, 31),
            group("ResourceError: img could not be loaded · /old.png", State::Muted, false, 7),
            group("Error: x · inline", State::Resolved, false, 1),
        ],
        more: true,
    }
}

/// Single errors.
pub(super) fn events() -> Events {
    let event = |id, stack: &str| Event {
        id,
        received_at: "2026-11-24T10:26:40.120Z".to_owned(),
        local: "24 Nov 2026, 11:26".to_owned(),
        identifier: Some("TypeError: undefined has no properties".to_owned()),
        visitor: Some("00deadbeef001234".to_owned()),
        dimensions: [
            ("page".to_owned(), "/notes/<i>".into()),
            ("browser".to_owned(), "Firefox".into()),
        ]
        .into_iter()
        .collect(),
        payload: serde_json::json!({
            "message": "x is undefined </script>", "source": "/a.js", "line": 3, "stack": stack
        }),
    };
    Events {
        scope: errors().scope,
        kept_days: 14,
        counted: 1204,
        kept: 600,
        rows: vec![event(2, "render@https://example.com/assets/app.js:1:2\nb@c:2"), event(1, "")],
        next_before: Some(1),
    }
}

/// How fast the samples' pages are.
pub(super) fn vitals() -> Vitals {
    let vital = |name, p75, verdict, shares| Vital { name, count: 400, p75, verdict, shares };
    let all = vec![
        vital("lcp", 2310.0, Verdict::Good, [310, 60, 30]),
        vital("inp", 240.0, Verdict::NeedsImprovement, [280, 90, 30]),
        vital("cls", 0.31, Verdict::Poor, [100, 100, 200]),
        vital("ttfb", 90.0, Verdict::Good, [400, 0, 0]),
    ];
    let page = |name: &str, vitals: &[Vital]| PageVitals {
        name: name.to_owned(),
        count: 200,
        vitals: vitals.to_vec(),
    };
    Vitals {
        scope: Scope { event_type: "vitals".into(), ..scope(DateRange::ending(TODAY.date, 30)) },
        pages: vec![page("/notes/<b>", &all), page("/about", &all[..1])],
        all,
        pages_in_all: 120,
    }
}

/// Goals, one of which is a page.
pub(super) fn goals() -> Goals {
    let row = |name: &str, converters, visitors| GoalRow {
        name: name.to_owned(),
        conversions: converters + 3,
        converters,
        visitors,
    };
    let goal = |name: &str, identifier: Option<&str>| GoalFigures {
        name: name.to_owned(),
        event_type: "signup".to_owned(),
        identifier: identifier.map(str::to_owned),
        conversions: 81,
        converters: 77,
        by_day: (0..30).map(|day| day % 5).collect(),
        sources: vec![row("Google", 41, Some(1200)), row("<i>Nobody</i>", 12, None)],
        pages: vec![row("/pricing", 70, Some(300))],
        not_told: None,
    };
    Goals {
        scope: scope(DateRange::ending(TODAY.date, 30)),
        visitors: 6021,
        goals: vec![
            goal("Signed up", None),
            GoalFigures { pages: Vec::new(), ..goal("Read <b>the prices</b>", Some("/pricing")) },
        ],
    }
}

/// A file of a few months.
pub(super) fn storage() -> Storage {
    let part = |name: &str, bytes| SizedPart { name: name.to_owned(), bytes };
    Storage {
        file_bytes: 12_400_000,
        unused_bytes: 40_960,
        tables: vec![
            part("beacon_breakdown", 8_100_000),
            part("text", 900_000),
            part("seen", 4096),
        ],
        sites: vec![part("example.com", 9_000_000), part("<i>.example", 100_000)],
        event_types: vec![part("page_view", 9_000_000)],
        bytes_a_day: Some(41_000),
        history: (0..60).map(|day| (day * 86_400, 9_000_000 + day * 41_000)).collect(),
    }
}

/// One incident that lasts, and one that is over.
pub(super) fn alerts() -> Alerts {
    let incident = |ended: Option<i64>| Incident {
        alert: "Silence".to_owned(),
        site: "<i>.example".to_owned(),
        subject: String::new(),
        what: "No beacon for 7 hours.".to_owned(),
        begun: 1_795_000_000,
        ended,
        begun_local: "18 Nov 2026, 11:26".to_owned(),
        ended_local: ended.map(|_| "18 Nov 2026, 12:26".to_owned()),
    };
    Alerts { open: vec![incident(None)], over: vec![incident(Some(1_795_003_600))] }
}

/// What a page of the samples can be filtered by.
pub(super) fn filter_bar(path: &'static str, note: bool) -> FilterBar {
    let from = (link::FROM, "2026-10-26".to_owned());
    FilterBar {
        place: Place { path, pairs: vec![from, (link::SHOW, String::new())], ..Place::default() },
        identifier: "Page",
        offered: vec![None, Some(Dimension::Source), Some(Dimension::Country)],
        refused: note
            .then(|| "Before 25 October 2026 only pages and sources are kept together.".to_owned()),
        only_exact: note,
        note: note
            .then(|| "Filters look at the 40 of 50 that are kept singly in these days.".to_owned()),
    }
}

/// The frame with two filters in force.
pub(super) fn frame_with_filters(here: &str) -> Frame {
    let mut frame = frame(here);
    let bold = Filter {
        dimension: Some(Dimension::Source),
        operator: Operator::Contains,
        value: "<b>news".to_owned(),
    };
    frame.way = frame.way.with(Filter::is(None, "/notes/sqlite-wal-explained")).with(bold);
    frame
}
