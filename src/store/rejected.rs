//! Beacons that were not counted, by reason and hour.

use rusqlite::{Connection, Transaction, params};

use super::Error;
use crate::model::{
    rejection::{Reason, RefusalKey},
    tally::TextId,
};

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

/// Refusals of one reason within one hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RejectedHour {
    /// Why.
    pub reason: Reason,
    /// The hour's first instant, UTC seconds.
    pub hour: i64,
    /// How many.
    pub count: i64,
}

/// Refusals by reason and hour, from `from` to before `to` (UTC seconds), at `site` or where no site
/// could be told. Reasons that this release does not know are left out.
///
/// # Errors
/// When the file can't be read.
pub fn hours(
    connection: &Connection,
    site: TextId,
    from: i64,
    to: i64,
) -> Result<Vec<RejectedHour>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT reason, hour, sum(count) FROM rejected
         WHERE hour >= ?1 AND hour < ?2 AND site IN (0, ?3)
         GROUP BY hour, reason ORDER BY hour, reason",
    )?;
    let rows = statement.query_map(params![from, to, site.0], |row| {
        Ok((Reason::from_code(row.get(0)?), row.get(1)?, row.get(2)?))
    })?;
    let rows: Vec<(Option<Reason>, i64, i64)> = rows.collect::<Result<_, _>>()?;
    let known = |(reason, hour, count): (Option<Reason>, i64, i64)| {
        Some(RejectedHour { reason: reason?, hour, count })
    };
    Ok(rows.into_iter().filter_map(known).collect())
}

/// The user-agent families among the refusals, the most first.
///
/// # Errors
/// When the file can't be read.
pub fn agents(
    connection: &Connection,
    site: TextId,
    from: i64,
    to: i64,
    limit: u32,
) -> Result<Vec<(String, i64)>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT t.value, sum(r.count) FROM rejected AS r JOIN text AS t ON t.id = r.agent
         WHERE r.hour >= ?1 AND r.hour < ?2 AND r.site IN (0, ?3)
         GROUP BY r.agent ORDER BY sum(r.count) DESC, t.value LIMIT ?4",
    )?;
    let rows = statement
        .query_map(params![from, to, site.0, limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
