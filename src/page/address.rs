//! The address of a page: what it shows, as parameters that each link changes one of.

use super::{
    link::{self, Way},
    metric::Metric,
};
use crate::{
    model::{interval::Interval, period::DateRange},
    report::dates::{Compare, Dates},
};

/// What an address says. What is as usual has no parameter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Address {
    /// What every link begins with.
    pub way: Way,
    /// The path of the page.
    pub path: &'static str,
    /// The dates, if they were asked for by a name.
    pub dates: Option<Dates>,
    /// The dates, if they were asked for by themselves.
    pub range: Option<DateRange>,
    /// What they are compared with.
    pub compare: Compare,
    /// How long the points of the course are, if that was asked for.
    pub interval: Option<Interval>,
    /// Which figure is drawn.
    pub metric: Metric,
    /// The event type, if it isn't page views.
    pub event_type: Option<String>,
    /// What else is to be carried along.
    pub kept: Vec<(&'static str, String)>,
}

impl Address {
    /// The address as a link.
    pub fn href(&self) -> String {
        let pairs = self.pairs();
        let pairs: Vec<(&str, &str)> =
            pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.way.to(self.path, &pairs)
    }

    /// The same about dates with a name, with points of a length that suits them.
    #[must_use]
    pub fn about(&self, dates: Dates) -> Self {
        Self {
            dates: Some(dates),
            range: None,
            interval: None,
            ..self.clone().without_dates_compared()
        }
    }

    /// The same about other dates.
    #[must_use]
    pub fn over(&self, range: DateRange) -> Self {
        Self { dates: None, range: Some(range), ..self.clone().without_dates_compared() }
    }

    /// Its parameters.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::new();
        if let Some(dates) = self.dates {
            pairs.push((link::PERIOD, dates.slug().to_owned()));
        } else if let Some(range) = self.range {
            pairs.push((link::FROM, range.first.to_string()));
            pairs.push((link::TO, range.last.to_string()));
        }
        if self.compare != Compare::default() {
            pairs.push((link::COMPARE, self.compare.slug().to_owned()));
        }
        if let Compare::With(dates) = self.compare {
            pairs.push((link::COMPARE_FROM, dates.first.to_string()));
            pairs.push((link::COMPARE_TO, dates.last.to_string()));
        }
        if let Some(interval) = self.interval {
            pairs.push((link::GRANULARITY, interval.as_str().to_owned()));
        }
        if self.metric != Metric::default() {
            pairs.push((link::SHOW, self.metric.slug().to_owned()));
        }
        if let Some(event) = &self.event_type {
            pairs.push((link::EVENT, event.clone()));
        }
        pairs.extend(self.kept.iter().cloned());
        pairs
    }

    /// Other dates are compared with others: those that were named belong to the ones that are left.
    fn without_dates_compared(mut self) -> Self {
        if let Compare::With(_) = self.compare {
            self.compare = Compare::default();
        }
        self
    }
}
