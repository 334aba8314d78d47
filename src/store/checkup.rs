//! What the file tells of the health of whoever writes it.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension as _};

use super::{Error, buckets::buckets};
use crate::model::{period::Granularity, rejection::Reason};

/// The latest instant that the file knows of (UTC seconds): when the server was last up, or the end of the
/// last day that is over.
///
/// # Errors
/// When the file can't be read.
pub fn latest(connection: &Connection) -> Result<Option<i64>, Error> {
    let sql = "SELECT max(at) FROM (SELECT max(last) AS at FROM uptime
               UNION ALL SELECT max(span_end) FROM seal)";
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
}

/// The names of the sites that the file has months or years of.
///
/// # Errors
/// When the file can't be read.
pub fn sites(connection: &Connection) -> Result<BTreeSet<String>, Error> {
    let mut next = connection.prepare_cached(
        "SELECT site, value FROM beacon_aggregate JOIN text ON text.id = site
         WHERE granularity = ?1 AND period_start = ?2 AND site > ?3 ORDER BY site LIMIT 1",
    )?;
    let mut found = BTreeSet::new();
    for granularity in [Granularity::Month, Granularity::Year] {
        for bucket in buckets(connection, granularity, i64::MIN, i64::MAX)? {
            let mut last = 0;
            // It jumps from one site to the next, however much each has counted.
            loop {
                let key = (granularity.code(), bucket.start, last);
                let site = next.query_row(key, |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
                let Some((id, name)) = site else { break };
                last = id;
                found.insert(name);
            }
        }
    }
    Ok(found)
}

/// How many beacons were refused since the hour that begins at `from` (UTC seconds), by reason, the most
/// first. Reasons that this release does not know are left out.
///
/// # Errors
/// When the file can't be read.
pub fn refused(connection: &Connection, from: i64) -> Result<Vec<(Reason, i64)>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT reason, sum(count) FROM rejected WHERE hour >= ?1 GROUP BY reason ORDER BY 2 DESC",
    )?;
    let rows =
        statement.query_map([from], |row| Ok((Reason::from_code(row.get(0)?), row.get(1)?)))?;
    let rows: Vec<(Option<Reason>, i64)> = rows.collect::<Result<_, _>>()?;
    Ok(rows.into_iter().filter_map(|(reason, count)| Some((reason?, count))).collect())
}
