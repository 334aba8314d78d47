//! Setting single rows right, for a file that something else has changed.

use rusqlite::{Connection, Transaction, params};

use super::{Error, tallies};
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
    let mut delete = transaction.prepare_cached(
        "DELETE FROM beacon_aggregate
         WHERE granularity = ?1 AND period_start = ?2 AND site = ?3 AND event_type = ?4
             AND identifier = ?5
             AND count = 0 AND visitors = 0 AND visits = 0 AND bounces = 0 AND seconds = 0",
    )?;
    let AggregateKey { granularity, period_start, site, event_type, identifier } = key;
    delete.execute(params![
        granularity.code(),
        period_start,
        site.0,
        event_type.0,
        identifier.0
    ])?;
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
    let mut delete = transaction.prepare_cached(
        "DELETE FROM beacon_breakdown
         WHERE granularity = ?1 AND period_start = ?2 AND site = ?3 AND event_type = ?4
             AND identifier = ?5 AND dimension = ?6 AND value = ?7
             AND count = 0 AND visitors = 0 AND visits = 0 AND bounces = 0 AND seconds = 0",
    )?;
    let BreakdownKey { aggregate, dimension, value } = key;
    let AggregateKey { granularity, period_start, site, event_type, identifier } = aggregate;
    delete.execute(params![
        granularity.code(),
        period_start,
        site.0,
        event_type.0,
        identifier.0,
        dimension.0,
        value.0
    ])?;
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
