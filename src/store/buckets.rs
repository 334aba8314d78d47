//! Which buckets the file has.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::Error;
use crate::model::{period::Granularity, tally::TextId};

/// Whose figures: those of one event type at one site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    /// The site.
    pub site: TextId,
    /// The event type.
    pub event_type: TextId,
}

/// One bucket that the file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// How long it is.
    pub granularity: Granularity,
    /// Its first instant, UTC seconds.
    pub start: i64,
}

/// The first instants of the buckets of `granularity` that the file has from `from` to before `to`
/// (UTC seconds), in order. It jumps from one to the next, whatever lies between.
///
/// # Errors
/// When the file can't be read.
pub fn buckets(
    connection: &Connection,
    granularity: Granularity,
    from: i64,
    to: i64,
) -> Result<Vec<Bucket>, Error> {
    let mut found = Vec::new();
    let mut after = from;
    while let Some(bucket) = next_bucket(connection, granularity, after, to)? {
        after = bucket.start + 1;
        found.push(bucket);
    }
    Ok(found)
}

/// The first of these buckets.
///
/// # Errors
/// When the file can't be read.
pub fn next_bucket(
    connection: &Connection,
    granularity: Granularity,
    from: i64,
    to: i64,
) -> Result<Option<Bucket>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT period_start FROM beacon_aggregate
         WHERE granularity = ?1 AND period_start >= ?2 AND period_start < ?3
         ORDER BY period_start LIMIT 1",
    )?;
    let key = params![granularity.code(), from, to];
    let found = statement.query_row(key, |row| Ok(Bucket { granularity, start: row.get(0)? }));
    Ok(found.optional()?)
}

/// Whether `subject` has the bucket.
///
/// # Errors
/// When the file can't be read.
pub fn has_bucket(
    connection: &Connection,
    subject: Subject,
    bucket: Bucket,
) -> Result<bool, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM beacon_aggregate
             WHERE granularity = ?1 AND period_start = ?2 AND site = ?3 AND event_type = ?4)",
    )?;
    let Subject { site, event_type } = subject;
    let key = params![bucket.granularity.code(), bucket.start, site.0, event_type.0];
    Ok(statement.query_row(key, |row| row.get(0))?)
}

/// The first instant of the first bucket of `granularity` that `subject` has from `from` to before
/// `to` (UTC seconds).
///
/// # Errors
/// When the file can't be read.
pub fn first_bucket(
    connection: &Connection,
    subject: Subject,
    granularity: Granularity,
    from: i64,
    to: i64,
) -> Result<Option<i64>, Error> {
    let mut after = from;
    while let Some(bucket) = next_bucket(connection, granularity, after, to)? {
        if has_bucket(connection, subject, bucket)? {
            return Ok(Some(bucket.start));
        }
        after = bucket.start + 1;
    }
    Ok(None)
}

/// The first instant of the last bucket of `granularity` that `subject` has.
///
/// # Errors
/// When the file can't be read.
pub fn last_bucket(
    connection: &Connection,
    subject: Subject,
    granularity: Granularity,
) -> Result<Option<i64>, Error> {
    last_bucket_before(connection, subject, granularity, i64::MAX)
}

/// The same of those before `until` (UTC seconds).
///
/// # Errors
/// When the file can't be read.
pub fn last_bucket_before(
    connection: &Connection,
    subject: Subject,
    granularity: Granularity,
    until: i64,
) -> Result<Option<i64>, Error> {
    let mut before = connection.prepare_cached(
        "SELECT period_start FROM beacon_aggregate WHERE granularity = ?1 AND period_start < ?2
         ORDER BY period_start DESC LIMIT 1",
    )?;
    let mut start = until;
    loop {
        let key = params![granularity.code(), start];
        let Some(found) = before.query_row(key, |row| row.get(0)).optional()? else {
            return Ok(None);
        };
        start = found;
        if has_bucket(connection, subject, Bucket { granularity, start })? {
            return Ok(Some(start));
        }
    }
}
