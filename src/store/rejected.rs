//! Beacons that were not counted, by reason and hour.

use rusqlite::{Transaction, params};

use super::Error;
use crate::model::rejection::RefusalKey;

/// Adds refusals.
///
/// # Errors
/// When the file can't be written.
pub fn add(transaction: &Transaction<'_>, key: &RefusalKey, count: i64) -> Result<(), Error> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO rejected (hour, site, reason, agent, count) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET count = count + excluded.count",
    )?;
    let RefusalKey { hour, site, reason, agent } = key;
    statement.execute(params![hour, site.0, reason.code(), agent.0, count])?;
    Ok(())
}
