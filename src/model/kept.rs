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
    /// What it is split by.
    pub values: Vec<(Dimension, TextId)>,
    /// What else was sent, scrubbed, as JSON.
    pub payload: Option<String>,
}
