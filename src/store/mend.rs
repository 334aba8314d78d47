//! Setting single rows right, for a file that something else has changed.

use rusqlite::{Connection, Transaction, params_from_iter};

use super::{Error, keys, rows, tallies};
use crate::model::tally::{AggregateKey, BreakdownKey, Counters, HistogramKey};

/// Builds every index anew from its table.
///
/// # Errors
/// When the file can't be read or written.
pub fn rebuild_indexes(connection: &Connection) -> Result<(), Error> {
    Ok(connection.execute_batch("REINDEX")?)
}

/// Makes a change, and keeps it only if it says that it leaves possible rows and `holds` says so too.
///
/// # Errors
/// When the file can't be read or written.
pub fn attempt(
    transaction: &Transaction<'_>,
    change: impl FnOnce(&Transaction<'_>) -> Result<bool, Error>,
    holds: impl FnOnce(&Transaction<'_>) -> Result<bool, Error>,
) -> Result<bool, Error> {
    transaction.execute_batch("SAVEPOINT attempt")?;
    let kept = change(transaction)? && holds(transaction)?;
    transaction.execute_batch(if kept {
        "RELEASE attempt"
    } else {
        "ROLLBACK TO attempt; RELEASE attempt"
    })?;
    Ok(kept)
}

/// Adds what is missing to a row; one that has nothing then goes. Says whether it counts nothing below zero.
///
/// # Errors
/// When the file can't be written.
pub fn add_to_aggregate(
    transaction: &Transaction<'_>,
    key: &AggregateKey,
    missing: Counters,
) -> Result<bool, Error> {
    tallies::add_aggregates(transaction, &[(*key, missing)])?;
    let sums = rows::aggregate(transaction, key)?;
    if sums.is_zero() {
        tallies::remove_aggregate(transaction, key)?;
    }
    Ok(!sums.is_negative())
}

/// Adds what is missing to a row of a breakdown; one that has nothing then goes. Says whether it counts nothing
/// below zero.
///
/// # Errors
/// When the file can't be written.
pub fn add_to_breakdown(
    transaction: &Transaction<'_>,
    key: &BreakdownKey,
    missing: Counters,
) -> Result<bool, Error> {
    tallies::add_breakdowns(transaction, &[(*key, missing)])?;
    let sums = rows::breakdown(transaction, key)?;
    if sums.is_zero() {
        tallies::remove_breakdown(transaction, key)?;
    }
    Ok(!sums.is_negative())
}

/// Adds what is missing to the count and the sum of a bar that is there. Says whether it still counts something.
///
/// # Errors
/// When the file can't be written.
pub fn add_to_bar(
    transaction: &Transaction<'_>,
    key: &HistogramKey,
    (count, sum): (i64, i64),
) -> Result<bool, Error> {
    let mut statement = transaction.prepare_cached(
        "UPDATE beacon_histogram SET count = count + ?8, sum = sum + ?9
         WHERE granularity = ?1 AND period_start = ?2 AND site = ?3 AND event_type = ?4
             AND identifier = ?5 AND measure = ?6 AND bound = ?7 AND count + ?8 > 0",
    )?;
    let row = keys::of_bar(key).into_iter().chain([count, sum]);
    let changed = statement.execute(params_from_iter(row))?;
    Ok(changed == 1)
}
