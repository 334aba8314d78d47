//! What counting has to remember over a restart: who was seen today, and the visits that may go on.

use rusqlite::{Connection, Transaction, params};

use super::Error;
use crate::model::tally::TextId;

/// Hashes that were newly seen at a site on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenRow {
    /// The site.
    pub site: TextId,
    /// The day's first instant, UTC seconds.
    pub day: i64,
    /// The hashes.
    pub hashes: Vec<u8>,
}

/// Appends who was newly seen.
///
/// # Errors
/// When the file can't be written.
pub fn append_seen(
    transaction: &Transaction<'_>,
    site: TextId,
    day: i64,
    hashes: &[u8],
) -> Result<(), Error> {
    let mut statement =
        transaction.prepare_cached("INSERT INTO seen (site, day, hashes) VALUES (?1, ?2, ?3)")?;
    statement.execute(params![site.0, day, hashes])?;
    Ok(())
}

/// Forgets which visits may go on, so that they begin anew.
///
/// # Errors
/// When the file can't be written.
pub fn forget_visits(transaction: &Transaction<'_>) -> Result<(), Error> {
    transaction.execute("DELETE FROM visit", [])?;
    Ok(())
}

/// Forgets who was seen at `site` today.
///
/// # Errors
/// When the file can't be written.
pub fn forget_visitors(transaction: &Transaction<'_>, site: TextId) -> Result<(), Error> {
    transaction.execute("DELETE FROM seen WHERE site = ?1", [site.0])?;
    Ok(())
}

/// How far, in seconds, what was written may lie after what is being written: beyond it the clock was wrong.
const AHEAD_SECONDS_MAX: i64 = 86_400;

/// Appends visits that changed by `at` (UTC seconds), and removes those that are over since
/// `over_before`, or of a clock that was far ahead.
///
/// # Errors
/// When the file can't be written.
pub fn append_visits(
    transaction: &Transaction<'_>,
    at: i64,
    visits: &[u8],
    over_before: i64,
) -> Result<(), Error> {
    let mut remove = transaction.prepare_cached("DELETE FROM visit WHERE at < ?1 OR at > ?2")?;
    remove.execute([over_before, at + AHEAD_SECONDS_MAX])?;
    if !visits.is_empty() {
        let mut append =
            transaction.prepare_cached("INSERT INTO visit (at, visits) VALUES (?1, ?2)")?;
        append.execute(params![at, visits])?;
    }
    Ok(())
}

/// Appends the beacons that a repeat may follow, as they were known at `at` (UTC seconds), and removes
/// what was written before `over_before`, or by a clock that was far ahead.
///
/// # Errors
/// When the file can't be written.
pub fn append_repeatable(
    transaction: &Transaction<'_>,
    at: i64,
    hashes: &[u8],
    over_before: i64,
) -> Result<(), Error> {
    let mut remove =
        transaction.prepare_cached("DELETE FROM repeatable WHERE at < ?1 OR at > ?2")?;
    remove.execute([over_before, at + AHEAD_SECONDS_MAX])?;
    if !hashes.is_empty() {
        let mut append =
            transaction.prepare_cached("INSERT INTO repeatable (at, hashes) VALUES (?1, ?2)")?;
        append.execute(params![at, hashes])?;
    }
    Ok(())
}

/// The beacons that a repeat may follow, the oldest first.
///
/// # Errors
/// When the file can't be read.
pub fn repeatable(connection: &Connection) -> Result<Vec<Vec<u8>>, Error> {
    let mut statement = connection.prepare("SELECT hashes FROM repeatable ORDER BY id")?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Everyone who was seen, the oldest first.
///
/// # Errors
/// When the file can't be read.
pub fn seen(connection: &Connection) -> Result<Vec<SeenRow>, Error> {
    let mut statement = connection.prepare("SELECT site, day, hashes FROM seen ORDER BY id")?;
    let rows = statement.query_map([], |row| {
        Ok(SeenRow { site: TextId(row.get(0)?), day: row.get(1)?, hashes: row.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The visits that may go on, the oldest first.
///
/// # Errors
/// When the file can't be read.
pub fn visits(connection: &Connection) -> Result<Vec<Vec<u8>>, Error> {
    let mut statement = connection.prepare("SELECT visits FROM visit ORDER BY id")?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Removes who was seen at `site`, or at any, before the day that begins at `day` (UTC seconds).
///
/// # Errors
/// When the file can't be written.
pub fn remove_seen_before(
    transaction: &Transaction<'_>,
    site: Option<TextId>,
    day: i64,
) -> Result<(), Error> {
    let mut statement = transaction
        .prepare_cached("DELETE FROM seen WHERE (?1 IS NULL OR site = ?1) AND day < ?2")?;
    statement.execute(params![site.map(|site| site.0), day])?;
    Ok(())
}

/// Removes the visits that are over since before `visits_before`, and what no repeat follows since before
/// `repeatable_before` (UTC seconds).
///
/// # Errors
/// When the file can't be written.
pub fn remove_over(
    transaction: &Transaction<'_>,
    visits_before: i64,
    repeatable_before: i64,
) -> Result<(), Error> {
    let mut visits = transaction.prepare_cached("DELETE FROM visit WHERE at < ?1")?;
    visits.execute([visits_before])?;
    let mut repeatable = transaction.prepare_cached("DELETE FROM repeatable WHERE at < ?1")?;
    repeatable.execute([repeatable_before])?;
    Ok(())
}
