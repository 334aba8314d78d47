//! What the frame of a page tells: how much was filtered today, how large the file is.

use super::{question::Question, reading};
use crate::{
    model::{period::DateRange, tally::TextId},
    store::{Error, Transaction, figures, names, rejected, upkeep},
};

/// What the frame of a page tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Beacons that were not counted today.
    pub filtered_today: i64,
    /// The size of the file, in bytes.
    pub file_bytes: i64,
    /// Whether anything was ever counted for the event type asked about.
    pub has_counted: bool,
}

/// The status of the site asked about.
///
/// # Errors
/// When the file can't be read.
pub fn answer(question: &Question, file: &Transaction<'_>) -> Result<Status, Error> {
    let (from, to) = DateRange::ending(question.today(), 1).instants(&question.site.zone);
    let site = names::find(file, &question.site.name)?.unwrap_or(TextId::TOTAL);
    let refusals = rejected::hours(file, site, from, to)?;
    let has_counted = match reading::subject(question, file)? {
        Some(subject) => {
            let buckets = figures::buckets(file, question.event.coarsest(), 0, i64::MAX)?;
            !figures::series(file, subject, TextId::TOTAL, &buckets)?.is_empty()
        }
        None => false,
    };
    Ok(Status {
        filtered_today: refusals.iter().map(|row| row.count).sum(),
        file_bytes: upkeep::file_bytes(file)?,
        has_counted,
    })
}
