//! Whatever arrives, whenever, and however often the server stops in between: what is in the file is
//! what a naive recount of the same beacons says.

mod naive;
mod narrowed;
mod week;
mod zones;

use jiff::Timestamp;
use proptest::prelude::*;
use rusqlite::Connection;
use trim_beacons::{
    config::{self, registry::Registry},
    fold::Fold,
    model::{
        beacon::{Beacon, DimensionValue, Measure, Once},
        dimension::Dimension,
        visitor::Visitor,
    },
    store::{
        connection::{Writable, open_writable},
        names::{NameCache, StoredNames},
    },
    writer,
};

use self::naive::{Key, Recount, Row, recount};

const SITES: [&str; 5] =
    ["kolkata.example", "santiago.example", "howe.example", "apia.example", "newyork.example"];

const REGISTRY: &str = r#"
[[site]]
domain = "kolkata.example"
time_zone = "Asia/Kolkata"
[[site]]
domain = "santiago.example"
time_zone = "America/Santiago"
[[site]]
domain = "howe.example"
time_zone = "Australia/Lord_Howe"
[[site]]
domain = "apia.example"
time_zone = "Pacific/Apia"
[[site]]
domain = "newyork.example"
time_zone = "America/New_York"

[event.page_view]
visits = true
granularities = ["second", "minute", "hour", "day", "month", "year"]
dimensions = ["source", "utm_source", "entry_page", "exit_page", "browser", "country", "meta.plan"]
pairs = ["page × source", "page × browser", "page × meta.plan"]
measures = { load = [0.5, 1, 5] }
raw = "30d"

[event.screen_view]
identifier = "key"
visits = true
granularities = ["hour", "day"]
dimensions = ["source", "entry_page", "exit_page"]

[event.error]
identifier = "key"
granularities = ["minute", "day"]
dimensions = ["country", "entry_page"]

[event.signup]
identifier = "none"
granularities = ["hour", "month"]
dimensions = ["source", "utm_source", "utm_medium", "entry_page", "meta.plan"]
"#;

/// Moments at which some zone does something: clocks change, a day is skipped, a year begins.
const MOMENTS: [&str; 14] = [
    "2026-03-08T07:00:00Z", // New York, forward
    "2026-11-01T06:00:00Z", // New York, back
    "2026-09-06T04:00:00Z", // Santiago, forward at midnight
    "2026-04-05T03:00:00Z", // Santiago, back at midnight
    "2026-10-03T15:30:00Z", // Lord Howe, forward by half an hour
    "2026-04-04T15:00:00Z", // Lord Howe, back by half an hour
    "2011-12-30T10:00:00Z", // Apia, over the date line: no 30 December
    "2012-03-31T14:00:00Z", // Apia, back
    "2021-04-03T14:00:00Z", // Apia, back for the last time
    "2025-12-31T18:30:00Z", // Kolkata, new year
    "2026-01-01T05:00:00Z", // New York, new year
    "2026-02-28T18:30:00Z", // Kolkata, a month begins
    "2026-01-01T03:00:00Z", // Santiago, new year
    "2025-12-31T13:00:00Z", // Lord Howe, new year
];

/// What happens after a beacon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    GoOn,
    /// The slice ends and is written.
    Cut,
    /// It is written, and the server begins anew with what is in the file.
    Restart,
}

/// One beacon to come: how long after the one before (seconds), and what it is.
#[derive(Debug, Clone)]
struct Step {
    after: i64,
    site: usize,
    event: usize,
    visitor: Option<u64>,
    page: usize,
    values: [usize; 4],
    load: Option<u16>,
    then: Then,
}

fn step() -> impl Strategy<Value = Step> {
    let after = prop_oneof![
        6 => 0..90_i64,
        4 => 90..1700_i64,
        3 => 1790..1810_i64,
        2 => 1810..9000_i64,
        1 => 20_000..200_000_i64,
    ];
    let then = prop_oneof![5 => Just(Then::GoOn), 2 => Just(Then::Cut), 1 => Just(Then::Restart)];
    (
        after,
        // One site is busier than the others, so that visits go on.
        prop_oneof![1 => Just(0), 3 => 0..SITES.len()],
        prop_oneof![5 => Just(0_usize), 1 => Just(1), 1 => Just(2), 2 => Just(3)],
        prop::option::weighted(0.9, 0..3_u64),
        0..4_usize,
        [0..3_usize, 0..3, 0..2, 0..3],
        prop::option::weighted(0.3, 0..8000_u16),
        then,
    )
        .prop_map(|(after, site, event, visitor, page, values, load, then)| Step {
            after,
            site,
            event,
            visitor,
            page,
            values,
            load,
            then,
        })
}

/// A few runs of beacons, each beginning some hours before a moment, in the order of time.
fn steps() -> impl Strategy<Value = Vec<(i64, Step)>> {
    let run = (
        prop::sample::select(&MOMENTS[..]),
        -14_400..3600_i64,
        0..SITES.len(),
        prop::collection::vec(step(), 1..30),
    );
    prop::collection::vec(run, 1..4).prop_map(|runs| {
        let mut timed = Vec::new();
        for (moment, before, busy, steps) in runs {
            let mut at = moment.parse::<Timestamp>().unwrap().as_second() + before;
            for mut step in steps {
                at += step.after;
                step.site = if step.site == 0 { busy } else { step.site };
                timed.push((at, step));
            }
        }
        timed.sort_by_key(|(at, _)| *at);
        timed
    })
}

fn beacon(at: i64, step: &Step) -> Beacon<'static> {
    let (event_type, identifier) = match step.event {
        0 => ("page_view", Some(["/", "/docs", "/docs/home", "/café"][step.page])),
        3 => ("screen_view", Some(["/", "home", "cart", "/docs"][step.page])),
        1 => ("error", Some(["TypeError", "/docs", "ReferenceError", "x"][step.page])),
        _ => ("signup", None),
    };
    let mut dimensions = Vec::new();
    let mut value = |dimension: Dimension, value: Option<&'static str>| {
        let value = value.map(|value| DimensionValue { dimension, value: value.into() });
        dimensions.extend(value);
    };
    let [source, utm, country, plan] = step.values;
    value(Dimension::Source, [None, Some("news.example"), Some("/docs")][source]);
    value(Dimension::UtmSource, [None, Some("letter"), Some("home")][utm]);
    value(Dimension::UtmMedium, [None, Some("email"), Some("social")][utm]);
    value(Dimension::Country, [Some("DE"), Some("CL")][country]);
    value(Dimension::Meta("plan".to_owned()), [None, Some("free"), Some("pro")][plan]);
    // The browser is part of who the visitor is.
    let browsers = ["Firefox", "Chrome", "Safari"];
    let who = step.visitor.and_then(|visitor| usize::try_from(visitor).ok());
    value(Dimension::Browser, who.map(|who| browsers[who % 3]));
    let load = step.load.filter(|_| step.event == 0);
    Beacon {
        received_at: at * 1000 + 7,
        site: SITES[step.site].into(),
        event_type: event_type.into(),
        identifier: identifier.map(Into::into),
        visitor: step
            .visitor
            .map(|visitor| Visitor(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(visitor + 1))),
        network: None,
        once: Once::No,
        dimensions,
        measures: load
            .map(|load| Measure { name: "load".into(), value: f64::from(load) / 1000.0 })
            .into_iter()
            .collect(),
        raw: (event_type == "page_view").then(|| "{}".into()),
    }
}

/// Counts as the writer does: slice by slice, each in a transaction, and anew after a restart.
struct Counting {
    folder: tempfile::TempDir,
    registry: Registry,
    writable: Option<Writable>,
    fold: Fold,
    names: NameCache,
}

impl Counting {
    fn new(registry: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let writable = open_writable(&folder.path().join("x.db")).unwrap();
        // The disk is not what is tried here.
        writable.connection.pragma_update(None, "synchronous", "OFF").unwrap();
        Self {
            folder,
            registry: config::parse(registry, "beacons.toml").unwrap(),
            writable: Some(writable),
            fold: Fold::default(),
            names: NameCache::default(),
        }
    }

    fn slice(&mut self, beacons: &[Beacon<'_>]) {
        let transaction = self.writable.as_mut().unwrap().transaction().unwrap();
        let mut names = StoredNames::new(&transaction, &mut self.names);
        let counted = self.fold.slice(beacons, &self.registry, &mut names).unwrap();
        writer::write(&transaction, counted).unwrap();
        transaction.commit().unwrap();
    }

    fn restart(&mut self) {
        self.writable.take().unwrap().close().unwrap();
        let writable = open_writable(&self.folder.path().join("x.db")).unwrap();
        writable.connection.pragma_update(None, "synchronous", "OFF").unwrap();
        self.fold = writer::restored(&writable).unwrap();
        self.names = NameCache::default();
        self.writable = Some(writable);
    }

    fn recount(&self) -> Recount {
        read(&self.writable.as_ref().unwrap().connection)
    }
}

/// What the file says, through the views that people read.
fn read(connection: &Connection) -> Recount {
    let mut found = Recount::default();
    for (view, split) in
        [("beacon_aggregates", "NULL, NULL"), ("beacon_breakdowns", "dimension, value")]
    {
        let sql = format!(
            "SELECT site, event_type, identifier, granularity, period_start, {split}, count,
                 visitors, visits, bounces, seconds FROM {view}"
        );
        let mut statement = connection.prepare(&sql).unwrap();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let counters: Row = std::array::from_fn(|at| row.get(7 + at).unwrap());
            if counters != Row::default() {
                assert!(found.rows.insert(key(row), counters).is_none());
            }
        }
    }
    let sql = "SELECT s.value, e.value, i.value,
            CASE granularity WHEN 1 THEN 'second' WHEN 2 THEN 'minute' WHEN 3 THEN 'hour'
                WHEN 4 THEN 'day' WHEN 5 THEN 'month' ELSE 'year' END,
            strftime('%Y-%m-%dT%H:%M:%SZ', period_start, 'unixepoch'), m.value, '', bound, count, sum, least, most
        FROM beacon_histogram JOIN text AS s ON s.id = site JOIN text AS e ON e.id = event_type
        JOIN text AS m ON m.id = measure LEFT JOIN text AS i ON i.id = identifier";
    let mut statement = connection.prepare(sql).unwrap();
    let mut rows = statement.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let bar = std::array::from_fn(|at| row.get(8 + at).unwrap());
        found.bars.insert((key(row), row.get(7).unwrap()), bar);
    }
    found
}

fn key(row: &rusqlite::Row<'_>) -> Key {
    let granularity: String = row.get(3).unwrap();
    let words = ["second", "minute", "hour", "day", "month", "year"];
    let dimension: Option<String> = row.get(5).unwrap();
    Key {
        site: row.get(0).unwrap(),
        event_type: row.get(1).unwrap(),
        identifier: row.get(2).unwrap(),
        granularity: words.into_iter().find(|word| *word == granularity).unwrap(),
        period_start: row.get(4).unwrap(),
        split: dimension.map(|dimension| (dimension, row.get(6).unwrap())),
    }
}

/// The rows in which two counts differ, readable.
fn difference(found: &Recount, expected: &Recount) -> String {
    let keys = found.rows.keys().chain(expected.rows.keys());
    let rows = keys
        .filter(|key| found.rows.get(key) != expected.rows.get(key))
        .map(|key| format!("{key:?}: {:?}, not {:?}", found.rows.get(key), expected.rows.get(key)));
    let bars = found.bars.keys().chain(expected.bars.keys());
    let bars = bars
        .filter(|key| found.bars.get(key) != expected.bars.get(key))
        .map(|key| format!("{key:?}: {:?}, not {:?}", found.bars.get(key), expected.bars.get(key)));
    rows.chain(bars).take(6).collect::<Vec<_>>().join("\n")
}

fn check(timed: &[(i64, Step)]) -> Result<(), TestCaseError> {
    let mut counting = Counting::new(REGISTRY);
    let beacons: Vec<Beacon<'_>> = timed.iter().map(|(at, step)| beacon(*at, step)).collect();
    let mut from = 0;
    for (at, (_, step)) in timed.iter().enumerate() {
        if step.then == Then::GoOn && at + 1 < timed.len() {
            continue;
        }
        counting.slice(&beacons[from..=at]);
        from = at + 1;
        if step.then == Then::Restart {
            counting.restart();
        }
    }
    let (found, expected) = (counting.recount(), recount(&beacons, &counting.registry));
    prop_assert!(found == expected, "{}", difference(&found, &expected));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_file_says_what_a_naive_recount_says(timed in steps()) {
        check(&timed)?;
    }

    /// Handlers run side by side, so that a beacon may be queued a moment after a later one.
    #[test]
    fn neighbours_in_the_wrong_order_count_the_same_however_they_are_cut(
        timed in steps(), moved in prop::collection::vec(0..5_i64, 1..90),
    ) {
        let late = timed.iter().zip(moved.iter().cycle());
        let late: Vec<_> = late.map(|((at, step), late)| (*at - late, step.clone())).collect();
        check(&late)?;
    }
}

#[test]
fn the_recount_notices_what_is_wrong() {
    let step = Step {
        after: 0,
        site: 0,
        event: 0,
        visitor: Some(1),
        page: 0,
        values: [0; 4],
        load: Some(7),
        then: Then::GoOn,
    };
    let beacons = [beacon(1_790_000_000, &step), beacon(1_790_000_001, &step)];
    let mut counting = Counting::new(REGISTRY);
    counting.slice(&beacons);
    let expected = recount(&beacons, &counting.registry);
    assert!(counting.recount() == expected && expected.rows.len() > 20 && expected.bars.len() > 5);
    counting.slice(&beacons[1..]);
    assert!(counting.recount() != expected);
    assert!(difference(&counting.recount(), &expected).contains("kolkata"));
}
