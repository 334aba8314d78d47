//! What reports answer: plain figures with their names, ready to be drawn or to be sent as JSON.

use jiff::civil::Date;
use serde::Serialize;

pub use super::series::{Figures, Point, Scope, Series};
use crate::store::{chronicle::Annotation, errors::State};

/// One row of a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The identifier, or the value of the dimension.
    pub name: String,
    /// How it reads where that differs: a page's last title, a country's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Its figures.
    pub figures: Figures,
}

/// A ranking: the most counted identifiers, or values of a dimension.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ranking {
    /// What was asked.
    #[serde(flatten)]
    pub scope: Scope,
    /// What is ranked: `identifier`, or a dimension's name.
    pub dimension: String,
    /// The rows, most counted first, at most as many as were asked for.
    pub rows: Vec<Row>,
    /// How many different rows there are in all.
    pub rows_in_all: u64,
    /// The figures of everything in the range, not just of the rows.
    pub total: Figures,
    /// Why the filters can't be answered over the range, so that there are no rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_told: Option<String>,
}

/// A period beside the one before it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Overview {
    /// The period.
    pub series: Series,
    /// What it is compared with, point by point, if that was counted at all and can be told. Its total
    /// is that of as many points as have begun, so that like is compared with like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Series>,
    /// Why the filters can't be answered over the period, so that all is empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_told: Option<String>,
    /// The first date that anything was counted on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub earliest: Option<Date>,
    /// What was said about moments of the period.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<Annotation>,
}

impl Overview {
    /// A period with what it is compared with, and nothing else to be said.
    pub const fn of(series: Series, before: Option<Series>) -> Self {
        Self { series, before, not_told: None, earliest: None, annotations: Vec::new() }
    }
}

/// How the numbers that beacons carry are spread.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Spread {
    /// What was asked.
    #[serde(flatten)]
    pub scope: Scope,
    /// Each measure that has values.
    pub measures: Vec<Measure>,
}

/// The values of one measure, in its own unit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measure {
    /// Its name.
    pub name: String,
    /// How many values there are.
    pub count: i64,
    /// Their sum.
    pub sum: f64,
    /// The least of them, where it is known.
    pub min: Option<f64>,
    /// The most of them, where it is known.
    pub max: Option<f64>,
    /// Their mean.
    pub mean: f64,
    /// Half of them are below, as near as the bars tell.
    pub median: f64,
    /// Three quarters of them are below, as near as the bars tell.
    pub p75: f64,
    /// The bars, the lowest first.
    pub bars: Vec<SpreadBar>,
}

/// One bar.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SpreadBar {
    /// Its upper bound; none for the bar that takes the rest.
    pub up_to: Option<f64>,
    /// How many values it holds.
    pub count: i64,
    /// Their mean.
    pub mean: f64,
}

/// How fast pages are, for the site and for each page.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Vitals {
    /// What was asked.
    #[serde(flatten)]
    pub scope: Scope,
    /// All pages together.
    pub all: Vec<Vital>,
    /// The pages that were measured most, with each measure.
    pub pages: Vec<PageVitals>,
    /// How many pages there are in all.
    pub pages_in_all: u64,
}

/// How fast one page is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PageVitals {
    /// The page.
    pub name: String,
    /// How many visits of it were measured.
    pub count: i64,
    /// Each measure.
    pub vitals: Vec<Vital>,
}

/// One measure of speed, judged by its official thresholds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Vital {
    /// `lcp`, `inp`, `cls`, `fcp` or `ttfb`.
    pub name: &'static str,
    /// How many values there are.
    pub count: i64,
    /// Three quarters of them are below.
    pub p75: f64,
    /// What that makes it.
    pub verdict: Verdict,
    /// How many of the values are good, need improvement, are poor.
    pub shares: [i64; 3],
}

/// What a measure of speed is, by its official thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Good,
    /// Between the two thresholds.
    NeedsImprovement,
    /// Worse than it should ever be.
    Poor,
}

/// What visitors were wanted to reach, and how many did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Goals {
    /// What was asked.
    #[serde(flatten)]
    pub scope: Scope,
    /// Visitors of the site: the sum of daily visitors.
    pub visitors: i64,
    /// Each goal.
    pub goals: Vec<GoalFigures>,
}

/// One goal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GoalFigures {
    /// Its name.
    pub name: String,
    /// The event type that counts it.
    pub event_type: String,
    /// The identifier that counts it; none for all.
    pub identifier: Option<String>,
    /// How often it was reached.
    pub conversions: i64,
    /// By how many visitors: the sum of daily visitors.
    pub converters: i64,
    /// How often in each bucket of the range, by day where days are kept.
    pub by_day: Vec<i64>,
    /// The sources that those came from, the most first.
    pub sources: Vec<GoalRow>,
    /// The pages on which it was reached, or where that is not kept, on which those visits began.
    pub pages: Vec<GoalRow>,
    /// Why sources and pages can't be told, if they can't.
    pub not_told: Option<String>,
}

/// How often a goal was reached from one source, or on one page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GoalRow {
    /// The source, or the page.
    pub name: String,
    /// How often.
    pub conversions: i64,
    /// By how many visitors.
    pub converters: i64,
    /// How many visitors there were in all, where that is known.
    pub visitors: Option<i64>,
}

/// The file: its size, its parts, its growth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Storage {
    /// How large it is, in bytes.
    pub file_bytes: i64,
    /// How many of these are unused.
    pub unused_bytes: i64,
    /// Its tables, the largest first.
    pub tables: Vec<SizedPart>,
    /// About how much each site takes, the largest first.
    pub sites: Vec<SizedPart>,
    /// About how much each event type takes, the largest first.
    pub event_types: Vec<SizedPart>,
    /// By how many bytes it has grown each day; `None` until a week is known.
    pub bytes_a_day: Option<i64>,
    /// The last days (first instant, UTC seconds) and its size at their end, in bytes.
    pub history: Vec<(i64, i64)>,
}

/// A part of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SizedPart {
    /// Its name.
    pub name: String,
    /// Its size.
    pub bytes: i64,
}

/// What alerts have noticed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Alerts {
    /// What lasts, the newest first.
    pub open: Vec<Incident>,
    /// What is over, the last ended first.
    pub over: Vec<Incident>,
}

/// Something that an alert has noticed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Incident {
    /// The alert.
    pub alert: String,
    /// The site; empty for all of them.
    pub site: String,
    /// What of the site it is about, an error say; empty for the whole.
    pub subject: String,
    /// What was so, in a sentence.
    pub what: String,
    /// When it began, UTC seconds.
    pub begun: i64,
    /// When it ended, UTC seconds; none while it lasts.
    pub ended: Option<i64>,
    /// The same two in the site's time zone, to be read.
    #[serde(skip)]
    pub begun_local: String,
    /// See `begun_local`.
    #[serde(skip)]
    pub ended_local: Option<String>,
}

/// What was not counted, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Filtered {
    /// What was asked.
    #[serde(flatten)]
    pub scope: Scope,
    /// How many beacons were counted in these days, of any event type.
    pub counted: i64,
    /// How many were not, of each reason, the most first.
    pub reasons: Vec<FilteredReason>,
    /// The user-agent families that were refused most.
    pub agents: Vec<FilteredAgent>,
}

/// How many beacons were not counted for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FilteredReason {
    /// The reason's word.
    pub reason: &'static str,
    /// How many.
    pub count: i64,
    /// How many on each day of the range, in order.
    pub by_day: Vec<i64>,
}

/// How many beacons of one family of user agents were not counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FilteredAgent {
    /// The family's name.
    pub name: String,
    /// How many.
    pub count: i64,
}

/// Beacons that are kept singly.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Events {
    /// What was asked.
    #[serde(flatten)]
    pub scope: Scope,
    /// For how many days they are kept; 0: not at all.
    pub kept_days: u32,
    /// How many were counted in the range.
    pub counted: i64,
    /// How many of these are kept.
    pub kept: i64,
    /// The beacons, the newest first, at most as many as were asked for.
    pub rows: Vec<Event>,
    /// The number to ask for what came before the last of them; `None` when that is all.
    pub next_before: Option<i64>,
}

/// A beacon that is kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    /// Its number.
    pub id: i64,
    /// When it was received, in UTC: `2026-11-24T12:00:00.123Z`.
    pub received_at: String,
    /// The same in the site's time zone, to be read: `24 Nov 2026, 12:00`.
    #[serde(skip)]
    pub local: String,
    /// What it was counted as.
    pub identifier: Option<String>,
    /// Who sent it: 16 hex digits that mean nothing on any other day.
    pub visitor: Option<String>,
    /// What it is split by.
    pub dimensions: serde_json::Map<String, serde_json::Value>,
    /// What else was sent, scrubbed.
    pub payload: serde_json::Value,
}

/// Errors, grouped by what they are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Errors {
    /// What was asked.
    #[serde(flatten)]
    pub scope: Scope,
    /// The groups, the most counted first.
    pub groups: Vec<ErrorGroup>,
    /// Whether there are more than are read at once.
    pub more: bool,
}

/// A group of errors.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ErrorGroup {
    /// What it is.
    pub name: String,
    /// What was decided about it.
    pub state: State,
    /// Whether it came back after it was resolved, and nothing was decided since.
    pub returned: bool,
    /// When it was first met, UTC seconds.
    pub first_at: i64,
    /// When it was last met, UTC seconds.
    pub last_at: i64,
    /// The same two in the site's time zone, to be read: `24 Nov 2026, 12:03`.
    #[serde(skip)]
    pub local: [String; 2],
    /// How often in the range, and how many visitors met it.
    pub figures: Figures,
    /// On how many pages.
    pub pages: u64,
    /// With how many browsers.
    pub browsers: u64,
    /// How often on each day of the range.
    pub by_day: Vec<i64>,
}
