//! What a report is: a name in addresses, and an answer to a question.

use serde::Serialize;

use super::{
    answer::{
        Alerts, Errors, Events, Filtered, Goals, Overview, Ranking, Series, Spread, Storage, Vitals,
    },
    question::Question,
};
use crate::store::{Error, Transaction};

/// A report.
#[derive(Debug)]
pub struct Report {
    /// Its name in addresses.
    pub slug: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// Reads the file for an answer.
    pub answer: fn(&Question, &Transaction<'_>) -> Result<Answer, Error>,
}

impl Report {
    /// Whether its answers heed filters.
    pub fn takes_filters(&self) -> bool {
        ["overview", "top"].contains(&self.slug)
    }
}

/// An answer of any report.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// Figures over time.
    Series(Series),
    /// The most counted.
    Ranking(Ranking),
    /// A period and the one before it.
    Overview(Overview),
    /// How numbers are spread.
    Spread(Spread),
    /// What was not counted.
    Filtered(Filtered),
    /// Beacons that are kept singly.
    Events(Events),
    /// Errors by what they are.
    Errors(Errors),
    /// How fast pages are.
    Vitals(Vitals),
    /// What visitors were wanted to reach.
    Goals(Goals),
    /// The file.
    Storage(Storage),
    /// What alerts have noticed.
    Alerts(Alerts),
}
