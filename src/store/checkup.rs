//! What the file tells of the health of whoever writes it.

use rusqlite::Connection;

use super::Error;
use crate::model::rejection::Reason;

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
