//! What a report of another product says of one day.

use jiff::civil::Date;

use super::{dimension::Dimension, tally::Counters};

/// A sum of a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaySum {
    /// The name of the site.
    pub site: String,
    /// The day, in the site's zone.
    pub date: Date,
    /// The name of the event type.
    pub event_type: String,
    /// The identifier that it is about; `None` for the total.
    pub identifier: Option<String>,
    /// The value that it is about, of the total or of the identifier; `None` for all.
    pub value: Option<(Dimension, String)>,
    /// What it adds.
    pub counters: Counters,
}
