//! Adding sums to the file: one upsert a row, in the order of the file.

use rusqlite::{Transaction, params, params_from_iter};
use serde_json::json;

use super::{Error, keys};
use crate::model::tally::{AggregateKey, BAR_SUM_MAX, Bar, BreakdownKey, Counters, HistogramKey};

/// Adds to aggregates.
///
/// # Errors
/// When the file can't be written.
pub fn add_aggregates(
    transaction: &Transaction<'_>,
    sums: &[(AggregateKey, Counters)],
) -> Result<(), Error> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO beacon_aggregate (granularity, period_start, site, event_type, identifier,
             count, visitors, visits, bounces, seconds)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT DO UPDATE SET count = count + excluded.count,
             visitors = visitors + excluded.visitors, visits = visits + excluded.visits,
             bounces = bounces + excluded.bounces, seconds = seconds + excluded.seconds",
    )?;
    for (key, sum) in sums {
        let row = keys::of_aggregate(key).into_iter().chain(keys::of_counters(sum));
        statement.execute(params_from_iter(row))?;
    }
    Ok(())
}

/// Adds to breakdowns.
///
/// # Errors
/// When the file can't be written.
pub fn add_breakdowns(
    transaction: &Transaction<'_>,
    sums: &[(BreakdownKey, Counters)],
) -> Result<(), Error> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO beacon_breakdown (granularity, period_start, site, event_type, identifier,
             dimension, value, count, visitors, visits, bounces, seconds)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT DO UPDATE SET count = count + excluded.count,
             visitors = visitors + excluded.visitors, visits = visits + excluded.visits,
             bounces = bounces + excluded.bounces, seconds = seconds + excluded.seconds",
    )?;
    for (key, sum) in sums {
        let row = keys::of_breakdown(key).into_iter().chain(keys::of_counters(sum));
        statement.execute(params_from_iter(row))?;
    }
    Ok(())
}

/// Adds values to a bar of a histogram.
///
/// # Errors
/// When the file can't be written.
pub fn add_bar(transaction: &Transaction<'_>, key: &HistogramKey, bar: &Bar) -> Result<(), Error> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO beacon_histogram (granularity, period_start, site, event_type, identifier,
             measure, bound, count, sum, least, most)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
         ON CONFLICT DO UPDATE SET count = count + excluded.count,
             sum = min(sum + excluded.sum, ?12),
             least = min(ifnull(least, excluded.least), excluded.least),
             most = max(ifnull(most, excluded.most), excluded.most)",
    )?;
    let Bar { count, sum, least, most } = *bar;
    let row = keys::of_bar(key).into_iter().chain([count, sum, least, most, BAR_SUM_MAX]);
    statement.execute(params_from_iter(row))?;
    Ok(())
}

/// Keeps `title` as the last one of an identifier, in a row that is already there.
///
/// # Errors
/// When the file can't be written.
pub fn set_title(
    transaction: &Transaction<'_>,
    key: &AggregateKey,
    title: &str,
) -> Result<(), Error> {
    let mut statement = transaction.prepare_cached(
        "UPDATE beacon_aggregate SET meta = ?6
         WHERE granularity = ?1 AND period_start = ?2 AND site = ?3 AND event_type = ?4
             AND identifier = ?5 AND meta IS NOT ?6",
    )?;
    statement.execute(params![
        key.granularity.code(),
        key.period_start,
        key.site.0,
        key.event_type.0,
        key.identifier.0,
        json!({ "title": title }).to_string(),
    ])?;
    Ok(())
}

/// Removes an aggregate.
///
/// # Errors
/// When the file can't be written.
pub fn remove_aggregate(transaction: &Transaction<'_>, key: &AggregateKey) -> Result<(), Error> {
    let mut statement = transaction.prepare_cached(
        "DELETE FROM beacon_aggregate
         WHERE granularity = ?1 AND period_start = ?2 AND site = ?3 AND event_type = ?4
             AND identifier = ?5",
    )?;
    statement.execute(keys::of_aggregate(key))?;
    Ok(())
}

/// Removes a row of a breakdown.
///
/// # Errors
/// When the file can't be written.
pub fn remove_breakdown(transaction: &Transaction<'_>, key: &BreakdownKey) -> Result<(), Error> {
    let mut statement = transaction.prepare_cached(
        "DELETE FROM beacon_breakdown
         WHERE granularity = ?1 AND period_start = ?2 AND site = ?3 AND event_type = ?4
             AND identifier = ?5 AND dimension = ?6 AND value = ?7",
    )?;
    statement.execute(keys::of_breakdown(key))?;
    Ok(())
}
