//! Figures over time, as reports answer them.

use jiff::civil::Date;
use serde::Serialize;

use crate::model::{interval::Interval, period::DateRange};

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
    /// Whether a part of it lies outside of the dates asked about, and isn't counted here.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    /// For how many seconds of it the server was down, so that nothing could be counted.
    #[serde(skip_serializing_if = "is_zero")]
    pub down_seconds: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
const fn is_zero(number: &i64) -> bool {
    *number == 0
}

impl Point {
    /// Whether the server was down for so much of it that its figures tell of nothing else.
    pub const fn is_down(&self) -> bool {
        self.down_seconds * 2 >= self.end - self.start
    }
}

/// Figures over time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Series {
    /// What was asked.
    #[serde(flatten)]
    pub scope: Scope,
    /// How long the buckets are.
    pub granularity: Interval,
    /// The buckets, in order, without gaps.
    pub points: Vec<Point>,
    /// Their sum.
    pub total: Figures,
}

impl Series {
    /// The dates of one of its points.
    pub fn dates(&self, point: &Point) -> DateRange {
        let next = self.points.iter().find(|next| next.date > point.date);
        let last = next.and_then(|next| next.date.yesterday().ok());
        let last = last.unwrap_or(self.scope.range.last).max(point.date);
        DateRange { first: point.date, last }
    }

    /// Makes the total that of the points.
    pub fn add_up(&mut self) {
        self.add_up_to(self.points.len());
    }

    /// Makes the total that of the first `count` points.
    pub fn add_up_to(&mut self, count: usize) {
        self.total = Figures::default();
        for point in self.points.iter().take(count) {
            self.total.add(&point.figures);
        }
    }
}

impl Figures {
    /// Adds other figures to these.
    pub const fn add(&mut self, more: &Self) {
        self.count += more.count;
        self.visitors += more.visitors;
        self.visits += more.visits;
        self.bounces += more.bounces;
        self.seconds += more.seconds;
    }
}
