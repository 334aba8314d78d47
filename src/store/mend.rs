//! Setting single rows right, for a file that something else has changed.

use rusqlite::{Connection, Transaction};

use super::{Error, rows, tallies};
use crate::model::tally::{AggregateKey, Bar, BreakdownKey, Counters, HistogramKey};

/// Builds every index anew from its table.
///
/// # Errors
/// When the file can't be read or written.
pub fn rebuild_indexes(connection: &Connection) -> Result<(), Error> {
    Ok(connection.execute_batch("REINDEX")?)
}

/// Makes a change, and keeps it only if `holds` says so.
///
/// # Errors
/// When the file can't be read or written.
pub fn attempt(
    transaction: &Transaction<'_>,
    change: impl FnOnce(&Transaction<'_>) -> Result<(), Error>,
    holds: impl FnOnce(&Transaction<'_>) -> Result<bool, Error>,
) -> Result<bool, Error> {
    transaction.execute_batch("SAVEPOINT attempt")?;
    change(transaction)?;
    let kept = holds(transaction)?;
    transaction.execute_batch(if kept {
        "RELEASE attempt"
    } else {
        "ROLLBACK TO attempt; RELEASE attempt"
    })?;
    Ok(kept)
}

/// Adds what is missing to a row; one that has nothing then goes.
///
/// # Errors
/// When the file can't be written.
pub fn add_to_aggregate(
    transaction: &Transaction<'_>,
    key: &AggregateKey,
    missing: Counters,
) -> Result<(), Error> {
    tallies::add_aggregates(transaction, &[(*key, missing)])?;
    if rows::aggregate(transaction, key)?.is_zero() {
        tallies::remove_aggregate(transaction, key)?;
    }
    Ok(())
}

/// Adds what is missing to a row of a breakdown; one that has nothing then goes.
///
/// # Errors
/// When the file can't be written.
pub fn add_to_breakdown(
    transaction: &Transaction<'_>,
    key: &BreakdownKey,
    missing: Counters,
) -> Result<(), Error> {
    tallies::add_breakdowns(transaction, &[(*key, missing)])?;
    if rows::breakdown(transaction, key)?.is_zero() {
        tallies::remove_breakdown(transaction, key)?;
    }
    Ok(())
}

/// Adds what is missing to the count and the sum of a bar that is there.
///
/// # Errors
/// When the file can't be written.
pub fn add_to_bar(
    transaction: &Transaction<'_>,
    key: &HistogramKey,
    (count, sum): (i64, i64),
) -> Result<(), Error> {
    tallies::add_bar(transaction, key, &Bar { count, sum, ..Bar::default() })
}
