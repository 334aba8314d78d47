//! Sums per key: what a slice of beacons adds to the file.

use std::ops::{AddAssign, Sub};

use serde::{Deserialize, Serialize};

use super::period::Granularity;

/// The number that stands for a string in the file; see the table `text`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct TextId(pub u32);

impl TextId {
    /// Instead of an identifier: the total over all of them.
    pub const TOTAL: Self = Self(0);
}

/// What is counted of one key. All of it adds up; a delta may be negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// Beacons.
    pub count: i64,
    /// Visitors that came for the first time that day.
    pub visitors: i64,
    /// Visits that began here.
    pub visits: i64,
    /// Of these, those that have seen one page only.
    pub bounces: i64,
    /// Seconds between the page views of a visit, counted where they were spent.
    pub seconds: i64,
}

impl Counters {
    /// Whether adding it changes nothing.
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }
}

impl Counters {
    /// Whether any of them is less than nothing.
    pub const fn is_negative(&self) -> bool {
        self.count < 0
            || self.visitors < 0
            || self.visits < 0
            || self.bounces < 0
            || self.seconds < 0
    }

    /// All of them in words.
    pub fn words(&self) -> String {
        let Self { count, visitors, visits, bounces, seconds } = self;
        format!(
            "{count} (visitors {visitors}, visits {visits}, bounces {bounces}, seconds {seconds})"
        )
    }

    /// Of each counter as much as `most` has at most, and nothing negative.
    #[must_use]
    pub fn at_most(self, most: Self) -> Self {
        let least = |one: i64, other: i64| one.min(other).max(0);
        Self {
            count: least(self.count, most.count),
            visitors: least(self.visitors, most.visitors),
            visits: least(self.visits, most.visits),
            bounces: least(self.bounces, most.bounces),
            seconds: least(self.seconds, most.seconds),
        }
    }
}

impl Sub for Counters {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            count: self.count - other.count,
            visitors: self.visitors - other.visitors,
            visits: self.visits - other.visits,
            bounces: self.bounces - other.bounces,
            seconds: self.seconds - other.seconds,
        }
    }
}

impl AddAssign for Counters {
    fn add_assign(&mut self, other: Self) {
        self.count += other.count;
        self.visitors += other.visitors;
        self.visits += other.visits;
        self.bounces += other.bounces;
        self.seconds += other.seconds;
    }
}

/// The most that a bar's sum comes to, in thousandths: beyond it nothing is added, so that no beacons make a sum
/// that is no whole number any more, and a thousand such bars still have one.
pub const BAR_SUM_MAX: i64 = 1 << 53;

/// One bar of a histogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bar {
    /// How many values lie in it.
    pub count: i64,
    /// Their sum, in thousandths of the measure's unit; [`BAR_SUM_MAX`] at most.
    pub sum: i64,
    /// The least of them, in thousandths.
    pub least: i64,
    /// The most of them, in thousandths.
    pub most: i64,
}

impl Default for Bar {
    fn default() -> Self {
        Self { count: 0, sum: 0, least: i64::MAX, most: i64::MIN }
    }
}

impl Bar {
    /// A bar with one value, in thousandths.
    pub const fn of(value: i64) -> Self {
        Self { count: 1, sum: value, least: value, most: value }
    }

    /// Puts the values of another bar with the same bound into it.
    pub fn add(&mut self, more: Self) {
        self.count += more.count;
        self.sum = self.sum.saturating_add(more.sum).min(BAR_SUM_MAX);
        self.least = self.least.min(more.least);
        self.most = self.most.max(more.most);
    }
}

/// The key of an aggregate. Ordered as the file is, so that sorted tallies touch few pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AggregateKey {
    /// How long the bucket is.
    pub granularity: Granularity,
    /// Its first instant, UTC seconds.
    pub period_start: i64,
    /// The site's name.
    pub site: TextId,
    /// The event type's name.
    pub event_type: TextId,
    /// The identifier, or [`TextId::TOTAL`].
    pub identifier: TextId,
}

/// The key of a breakdown: an aggregate's, and one value of one dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BreakdownKey {
    /// The aggregate that is broken down.
    pub aggregate: AggregateKey,
    /// The dimension's name.
    pub dimension: TextId,
    /// The value.
    pub value: TextId,
}

/// The key of one bar of a histogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HistogramKey {
    /// The aggregate whose numbers are spread out.
    pub aggregate: AggregateKey,
    /// The measure's name.
    pub measure: TextId,
    /// The upper bound of the bar, in thousandths of the measure's unit; values up to and with it.
    pub bound: i64,
}
