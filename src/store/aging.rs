//! What goes by age: counting and removing buckets, refusals, and names that nothing uses any more.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension as _, Transaction, params, types::FromSql};

use super::{
    Error,
    figures::{Bucket, Subject},
    names, seals, upkeep,
};
use crate::model::tally::TextId;

/// One row of a bucket, for an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedRow {
    /// The bucket's first instant, UTC, ISO 8601.
    pub period_start: String,
    /// The identifier; `None` for the total.
    pub identifier: Option<String>,
    /// The dimension and its value, for a row of a breakdown.
    pub split: Option<(String, String)>,
    /// Count, visitors, visits, bounces, seconds.
    pub counters: [i64; 5],
}

/// How many rows `subject` has in the bucket.
///
/// # Errors
/// When the file can't be read.
pub fn rows_of(connection: &Connection, subject: Subject, bucket: Bucket) -> Result<i64, Error> {
    let sql = "SELECT (SELECT count(*) FROM beacon_aggregate
                 WHERE granularity = ?1 AND period_start = ?2 AND site = ?3 AND event_type = ?4)
             + (SELECT count(*) FROM beacon_breakdown
                WHERE granularity = ?1 AND period_start = ?2 AND site = ?3 AND event_type = ?4)
             + (SELECT count(*) FROM beacon_histogram
                WHERE granularity = ?1 AND period_start = ?2 AND site = ?3 AND event_type = ?4)";
    told_of(connection, subject, bucket, sql)
}

/// What `sql` tells of a bucket.
fn told_of<T: FromSql>(
    connection: &Connection,
    subject: Subject,
    bucket: Bucket,
    sql: &str,
) -> Result<T, Error> {
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row(key(subject, bucket), |row| row.get(0))?)
}

/// How many pairs `subject` has in the bucket.
///
/// # Errors
/// When the file can't be read.
pub fn pairs_of(connection: &Connection, subject: Subject, bucket: Bucket) -> Result<i64, Error> {
    let sql = "SELECT count(*) FROM beacon_breakdown
         WHERE granularity = ?1 AND period_start = ?2 AND site = ?3 AND event_type = ?4
             AND identifier > 0";
    told_of(connection, subject, bucket, sql)
}

/// Whether `subject` has pairs in the bucket.
///
/// # Errors
/// When the file can't be read.
pub fn has_pairs(connection: &Connection, subject: Subject, bucket: Bucket) -> Result<bool, Error> {
    let sql = "SELECT EXISTS (SELECT 1 FROM beacon_breakdown
             WHERE granularity = ?1 AND period_start = ?2 AND site = ?3 AND event_type = ?4
                 AND identifier > 0)";
    told_of(connection, subject, bucket, sql)
}

/// Removes at most `limit` pairs of `subject` from the bucket. Says how many went.
///
/// # Errors
/// When the file can't be written.
pub fn remove_pairs(
    transaction: &Transaction<'_>,
    subject: Subject,
    bucket: Bucket,
    limit: u32,
) -> Result<usize, Error> {
    let Subject { site, event_type } = subject;
    seals::remove(transaction, bucket.granularity, bucket.start, site)?;
    let mut statement = transaction.prepare_cached(
        "DELETE FROM beacon_breakdown
         WHERE (granularity, period_start, site, event_type, identifier, dimension, value) IN (
             SELECT granularity, period_start, site, event_type, identifier, dimension, value
             FROM beacon_breakdown
             WHERE granularity = ?1 AND period_start = ?2 AND site = ?3 AND event_type = ?4
                 AND identifier > 0 LIMIT ?5)",
    )?;
    let key = params![bucket.granularity.code(), bucket.start, site.0, event_type.0, limit];
    Ok(statement.execute(key)?)
}

/// Removes at most `limit` rows of `subject` from each table of the bucket, the totals last. Says how
/// many went.
///
/// # Errors
/// When the file can't be written.
pub fn remove_from_bucket(
    transaction: &Transaction<'_>,
    subject: Subject,
    bucket: Bucket,
    limit: u32,
) -> Result<usize, Error> {
    let Subject { site, event_type } = subject;
    let key = params![bucket.granularity.code(), bucket.start, site.0, event_type.0, limit];
    seals::remove(transaction, bucket.granularity, bucket.start, site)?;
    let mut removed = 0;
    for sql in [
        "DELETE FROM beacon_breakdown
         WHERE (granularity, period_start, site, event_type, identifier, dimension, value) IN (
             SELECT granularity, period_start, site, event_type, identifier, dimension, value
             FROM beacon_breakdown
             WHERE granularity = ?1 AND period_start = ?2 AND site = ?3 AND event_type = ?4 LIMIT ?5)",
        "DELETE FROM beacon_histogram
         WHERE (granularity, period_start, site, event_type, identifier, measure, bound) IN (
             SELECT granularity, period_start, site, event_type, identifier, measure, bound
             FROM beacon_histogram
             WHERE granularity = ?1 AND period_start = ?2 AND site = ?3 AND event_type = ?4 LIMIT ?5)",
        // The total, identifier 0, would be the first: it goes last, so that what is left is known.
        "DELETE FROM beacon_aggregate
         WHERE (granularity, period_start, site, event_type, identifier) IN (
             SELECT granularity, period_start, site, event_type, identifier FROM beacon_aggregate
             WHERE granularity = ?1 AND period_start = ?2 AND site = ?3 AND event_type = ?4
             ORDER BY identifier DESC LIMIT ?5)",
    ] {
        removed += transaction.prepare_cached(sql)?.execute(key)?;
        if removed > 0 && u32::try_from(removed).map_or(true, |removed| removed >= limit) {
            break;
        }
    }
    Ok(removed)
}

/// Tells `each` every row of `subject` in the bucket, but for histograms; or its pairs alone.
///
/// # Errors
/// When the file can't be read, or `each` fails.
pub fn each_row(
    connection: &Connection,
    subject: Subject,
    bucket: Bucket,
    only_pairs: bool,
    each: &mut dyn FnMut(ArchivedRow) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut statement = connection.prepare_cached(
        "SELECT strftime('%Y-%m-%dT%H:%M:%SZ', a.period_start, 'unixepoch'), i.value, NULL, NULL,
             a.count, a.visitors, a.visits, a.bounces, a.seconds
         FROM beacon_aggregate AS a LEFT JOIN text AS i ON i.id = a.identifier
         WHERE a.granularity = ?1 AND a.period_start = ?2 AND a.site = ?3 AND a.event_type = ?4
             AND NOT ?5
         UNION ALL
         SELECT strftime('%Y-%m-%dT%H:%M:%SZ', b.period_start, 'unixepoch'), i.value, d.value, v.value,
             b.count, b.visitors, b.visits, b.bounces, b.seconds
         FROM beacon_breakdown AS b LEFT JOIN text AS i ON i.id = b.identifier
             JOIN text AS d ON d.id = b.dimension JOIN text AS v ON v.id = b.value
         WHERE b.granularity = ?1 AND b.period_start = ?2 AND b.site = ?3 AND b.event_type = ?4
             AND (NOT ?5 OR b.identifier > 0)",
    )?;
    let [granularity, start, site, event_type] = key(subject, bucket);
    let mut rows = statement.query(params![granularity, start, site, event_type, only_pairs])?;
    while let Some(row) = rows.next()? {
        let dimension: Option<String> = row.get(2)?;
        let value: Option<String> = row.get(3)?;
        let mut counters = [0; 5];
        for (at, counter) in counters.iter_mut().enumerate() {
            *counter = row.get(4 + at)?;
        }
        each(ArchivedRow {
            period_start: row.get(0)?,
            identifier: row.get(1)?,
            split: dimension.zip(value),
            counters,
        })?;
    }
    Ok(())
}

fn key(subject: Subject, bucket: Bucket) -> [i64; 4] {
    let Subject { site, event_type } = subject;
    [bucket.granularity.code(), bucket.start, i64::from(site.0), i64::from(event_type.0)]
}

/// How many hours of refusals there are before `before` (UTC seconds), counted in rows.
///
/// # Errors
/// When the file can't be read.
pub fn refusals_before(connection: &Connection, before: i64) -> Result<i64, Error> {
    let mut statement =
        connection.prepare_cached("SELECT count(*) FROM rejected WHERE hour < ?1")?;
    Ok(statement.query_row([before], |row| row.get(0))?)
}

/// Removes at most `limit` refusals before `before` (UTC seconds). Says how many went.
///
/// # Errors
/// When the file can't be written.
pub fn remove_refusals(
    transaction: &Transaction<'_>,
    before: i64,
    limit: u32,
) -> Result<usize, Error> {
    let mut statement = transaction.prepare_cached(
        "DELETE FROM rejected WHERE (hour, site, reason, agent) IN (
             SELECT hour, site, reason, agent FROM rejected WHERE hour < ?1 LIMIT ?2)",
    )?;
    Ok(statement.execute(params![before, limit])?)
}

/// Every site and event type of which the file has single beacons or names, by their own names. It jumps from one to
/// the next, whatever lies between.
///
/// # Errors
/// When the file can't be read.
pub fn subjects(connection: &Connection) -> Result<BTreeSet<(String, String)>, Error> {
    let mut found = BTreeSet::new();
    for table in ["beacon_event", "name"] {
        let mut next = connection.prepare_cached(&format!(
            "SELECT site, event_type FROM {table} WHERE (site, event_type) > (?1, ?2)
             ORDER BY site, event_type LIMIT 1"
        ))?;
        let mut last: (u32, u32) = (0, 0);
        while let Some(subject) =
            next.query_row(last, |row| Ok((row.get(0)?, row.get(1)?))).optional()?
        {
            last = subject;
            let [site, event] = [last.0, last.1].map(|id| names::text(connection, TextId(id)));
            found.extend(site?.zip(event?));
        }
    }
    Ok(found)
}

/// Names that were admitted before `before` (UTC seconds) and that no row uses, at most `limit`.
///
/// # Errors
/// When the file can't be read.
pub fn unused_names(
    connection: &Connection,
    before: i64,
    limit: u32,
) -> Result<Vec<TextId>, Error> {
    let mut statement = connection.prepare_cached(
        // Single beacons are many: they are read only for names that no sum uses.
        "WITH used AS MATERIALIZED (
             SELECT identifier AS id FROM beacon_aggregate
             UNION SELECT value FROM beacon_breakdown
             UNION SELECT identifier FROM error_group
             -- What splits or is split may be called as a source was.
             UNION SELECT site FROM beacon_aggregate
             UNION SELECT event_type FROM beacon_aggregate
             UNION SELECT dimension FROM beacon_breakdown
             UNION SELECT measure FROM beacon_histogram),
         unused AS MATERIALIZED (
             SELECT DISTINCT value FROM name
             WHERE first_day < ?1 AND value NOT IN (SELECT id FROM used))
         SELECT value FROM unused WHERE value NOT IN (
             SELECT v.value FROM beacon_event AS n, json_each(json_array(n.site, n.event_type,
                 n.identifier, n.hostname, n.page, n.entry_page, n.source, n.channel, n.referrer, n.utm_source,
                 n.utm_medium, n.utm_campaign, n.utm_content, n.utm_term, n.country, n.region, n.city,
                 n.browser, n.browser_version, n.os, n.os_version, n.device, n.screen, n.language,
                 n.left_page)) AS v
             WHERE v.value IN (SELECT value FROM unused)) LIMIT ?2",
    )?;
    let rows = statement.query_map(params![before, limit], |row| row.get(0).map(TextId))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Forgets that names were admitted: from now on, who uses one of them admits it anew.
///
/// # Errors
/// When the file can't be written.
pub fn forget_names(transaction: &Transaction<'_>, names: &[TextId]) -> Result<(), Error> {
    let mut statement = transaction
        .prepare_cached("DELETE FROM name WHERE value IN (SELECT value FROM json_each(?1))")?;
    statement.execute([as_json(names)])?;
    Ok(())
}

/// Those of `names` that no row uses still, and that nobody has admitted since.
///
/// # Errors
/// When the file can't be read.
pub fn still_unused(connection: &Connection, names: &[TextId]) -> Result<Vec<TextId>, Error> {
    let mut statement = connection.prepare_cached(
        "WITH asked AS MATERIALIZED (SELECT value AS id FROM json_each(?1)),
         used AS MATERIALIZED (
             SELECT identifier AS id FROM beacon_aggregate WHERE identifier IN (SELECT id FROM asked)
             UNION SELECT event_type FROM beacon_aggregate WHERE event_type IN (SELECT id FROM asked)
             UNION SELECT value FROM beacon_breakdown WHERE value IN (SELECT id FROM asked)
             UNION SELECT dimension FROM beacon_breakdown WHERE dimension IN (SELECT id FROM asked)
             UNION SELECT value FROM name WHERE value IN (SELECT id FROM asked))
         SELECT id FROM asked WHERE id NOT IN (SELECT id FROM used)",
    )?;
    let rows = statement.query_map([as_json(names)], |row| row.get(0).map(TextId))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Removes the strings of `names`, and says how many went.
///
/// Those stay that were admitted again, that name a site, an event type, a dimension, a measure or an
/// agent, and the newest of all, whose number must not come back.
///
/// # Errors
/// When the file can't be written.
pub fn remove_texts(transaction: &Transaction<'_>, names: &[TextId]) -> Result<usize, Error> {
    let mut statement = transaction.prepare_cached(
        "DELETE FROM text WHERE id IN (SELECT value FROM json_each(?1))
             AND id <> (SELECT max(id) FROM text)
             AND id NOT IN (SELECT value FROM name)
             AND id NOT IN (SELECT site FROM name UNION SELECT event_type FROM name
                 UNION SELECT dimension FROM name
                 UNION SELECT site FROM rejected UNION SELECT agent FROM rejected)
             AND NOT EXISTS (SELECT 1 FROM beacon_histogram WHERE measure = text.id)
             AND value <> '(other)'",
    )?;
    Ok(statement.execute([as_json(names)])?)
}

/// Gives at most `pages` unused pages of the file back to the disk. Says how many are left.
///
/// # Errors
/// When the file can't be written.
pub fn shrink(connection: &Connection, pages: u32) -> Result<i64, Error> {
    if upkeep::unused_pages(connection)? == 0 {
        return Ok(0);
    }
    // The number can't be bound; it is one of ours.
    let mut statement = connection.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    upkeep::unused_pages(connection)
}

fn as_json(ids: &[TextId]) -> String {
    serde_json::Value::from_iter(ids.iter().map(|id| id.0)).to_string()
}

/// A month whose rows of some kind are on their way into the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArchivedMonth {
    /// Whose rows.
    pub subject: Subject,
    /// Which kind, a number of its own.
    pub kind: i64,
    /// The month's first instant, UTC seconds.
    pub start: i64,
}

impl ArchivedMonth {
    fn key(&self) -> [i64; 4] {
        let Subject { site, event_type } = self.subject;
        [i64::from(site.0), i64::from(event_type.0), self.kind, self.start]
    }
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Archiving {
    /// The number of its file.
    pub number: i64,
    /// Whether the file is whole, so that its rows may leave.
    pub removing: bool,
}

/// Begins its way into the archive, as file `number` if it has not begun.
///
/// # Errors
/// When the file can't be written.
pub fn begin_archiving(
    transaction: &Transaction<'_>,
    month: &ArchivedMonth,
    number: i64,
) -> Result<Archiving, Error> {
    let [site, event_type, kind, start] = month.key();
    let mut insert = transaction.prepare_cached(
        "INSERT INTO archiving (site, event_type, granularity, month, number)
         VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
    )?;
    insert.execute([site, event_type, kind, start, number])?;
    let mut select = transaction.prepare_cached(
        "SELECT number, removing FROM archiving
         WHERE site = ?1 AND event_type = ?2 AND granularity = ?3 AND month = ?4",
    )?;
    let found = select
        .query_row(month.key(), |row| Ok(Archiving { number: row.get(0)?, removing: row.get(1)? }));
    Ok(found?)
}

/// Notes that the file of the month is whole.
///
/// # Errors
/// When the file can't be written.
pub fn note_archived(transaction: &Transaction<'_>, month: &ArchivedMonth) -> Result<(), Error> {
    let mut update = transaction.prepare_cached(
        "UPDATE archiving SET removing = 1
         WHERE site = ?1 AND event_type = ?2 AND granularity = ?3 AND month = ?4",
    )?;
    update.execute(month.key())?;
    Ok(())
}

/// Forgets that the month was on its way: its rows have left.
///
/// # Errors
/// When the file can't be written.
pub fn end_archiving(transaction: &Transaction<'_>, month: &ArchivedMonth) -> Result<(), Error> {
    let mut delete = transaction.prepare_cached(
        "DELETE FROM archiving
         WHERE site = ?1 AND event_type = ?2 AND granularity = ?3 AND month = ?4",
    )?;
    delete.execute(month.key())?;
    Ok(())
}
