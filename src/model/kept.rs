//! A single beacon that is kept beside the sums, in the numbers of the file.

use serde::{Deserialize, Serialize};

use super::{dimension::Dimension, tally::TextId, visitor::Visitor};

/// A kept beacon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptBeacon {
    /// When it was received, UTC milliseconds.
    pub received_at: i64,
    /// The site's name.
    pub site: TextId,
    /// The event type's name.
    pub event_type: TextId,
    /// What it was counted as.
    pub identifier: Option<TextId>,
    /// Who sent it, as the day's hash.
    pub visitor: Option<Visitor>,
    /// Whether it began a visit.
    pub began: bool,
    /// The page on which its visit began.
    pub entry_page: Option<TextId>,
    /// What it adds to its visit, if it goes on with one.
    pub step: Option<KeptStep>,
    /// What it is split by.
    pub values: Vec<(Dimension, TextId)>,
    /// What else was sent, scrubbed, as JSON.
    pub payload: Option<String>,
}

/// What a page view adds to the visit that it goes on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptStep {
    /// The page that was left for it.
    pub left: TextId,
    /// Seconds since the page view before.
    pub gap: i64,
    /// Whether it is the second page view, after which the visit is no bounce.
    pub second: bool,
    /// Seconds since the first instant of the finest bucket in which the visit began.
    pub since: i64,
}
