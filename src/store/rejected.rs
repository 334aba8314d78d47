//! Beacons that were not counted, by reason and hour.

use rusqlite::{Transaction, params};

use super::Error;
use crate::model::{rejection::Reason, tally::TextId};

/// Refusals of one kind within one hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RejectedKey {
    /// The hour's first instant, UTC seconds.
    pub hour: i64,
    /// The site, or [`TextId::TOTAL`] when none could be told.
    pub site: TextId,
    /// Why.
    pub reason: Reason,
    /// The user-agent family, or [`TextId::TOTAL`].
    pub agent: TextId,
}

/// Adds refusals.
///
/// # Errors
/// When the file can't be written.
pub fn add(transaction: &Transaction<'_>, key: &RejectedKey, count: i64) -> Result<(), Error> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO rejected (hour, site, reason, agent, count) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET count = count + excluded.count",
    )?;
    let RejectedKey { hour, site, reason, agent } = key;
    statement.execute(params![hour, site.0, reason.code(), agent.0, count])?;
    Ok(())
}
