//! What reports answer: plain figures with their names, ready to be drawn or to be sent as JSON.

use jiff::civil::Date;
use serde::Serialize;

use crate::model::period::{DateRange, Granularity};

/// Counts of one thing over some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Figures {
    /// Page views, or events of the type asked for.
    pub count: i64,
    /// Visitors: the sum of daily visitors.
    pub visitors: i64,
    /// Visits that began.
    pub visits: i64,
    /// Visits that have seen one page only.
    pub bounces: i64,
    /// Seconds between page views, summed.
    pub seconds: i64,
}

/// What every answer begins with: what was asked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scope {
    /// The site's name.
    pub site: String,
    /// The site's IANA time zone.
    pub time_zone: String,
    /// The event type.
    pub event_type: String,
    /// The identifier, if the answer is about a single one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
    /// The dates that are covered, both included.
    pub range: DateRange,
}

/// One bucket of a series.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Point {
    /// The bucket's first instant, UTC seconds.
    pub start: i64,
    /// The first instant after it, UTC seconds.
    pub end: i64,
    /// Its local date.
    pub date: Date,
    /// Its local hour, 0 to 23, for buckets of an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hour: Option<i8>,
    /// Its figures; zeros where nothing was counted.
    pub figures: Figures,
    /// Whether it is not over yet.
    pub unfinished: bool,
}

/// Figures over time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Series {
    /// What was asked.
    #[serde(flatten)]
    pub scope: Scope,
    /// How long the buckets are.
    pub granularity: Granularity,
    /// The buckets, in order, without gaps.
    pub points: Vec<Point>,
    /// Their sum.
    pub total: Figures,
}

impl Series {
    /// Makes the total that of the points.
    pub fn add_up(&mut self) {
        self.total = Figures::default();
        for figures in self.points.iter().map(|point| point.figures) {
            self.total.count += figures.count;
            self.total.visitors += figures.visitors;
            self.total.visits += figures.visits;
            self.total.bounces += figures.bounces;
            self.total.seconds += figures.seconds;
        }
    }
}

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
}

/// A period beside the one before it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Overview {
    /// The period.
    pub series: Series,
    /// The same number of days before.
    pub before: Series,
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
