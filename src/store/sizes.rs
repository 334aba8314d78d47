//! How large the file is, and what makes it so.

use rusqlite::Connection;

use super::Error;

/// A table of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// How many bytes of the file it takes, its indexes with it.
    pub bytes: i64,
}

/// A part of the counts: one site and event type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The site.
    pub site: String,
    /// The event type.
    pub event_type: String,
    /// Rows of aggregates, breakdowns and histograms, and single beacons.
    pub rows: i64,
}

/// The tables, the largest first.
///
/// # Errors
/// When the file can't be read.
pub fn tables(connection: &Connection) -> Result<Vec<Table>, Error> {
    let mut statement = connection.prepare(
        "SELECT m.tbl_name, sum(s.pgsize) FROM dbstat AS s JOIN sqlite_schema AS m ON m.name = s.name
         WHERE s.aggregate = TRUE GROUP BY m.tbl_name ORDER BY 2 DESC, 1",
    )?;
    let rows =
        statement.query_map([], |row| Ok(Table { name: row.get(0)?, bytes: row.get(1)? }))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The rows of each site and event type, the most first. It reads every key of the file.
///
/// # Errors
/// When the file can't be read.
pub fn parts(connection: &Connection) -> Result<Vec<Part>, Error> {
    let mut statement = connection.prepare(
        "SELECT s.value, e.value, sum(r.n) FROM (
             SELECT site, event_type, count(*) AS n FROM beacon_aggregate GROUP BY 1, 2
             UNION ALL SELECT site, event_type, count(*) FROM beacon_breakdown GROUP BY 1, 2
             UNION ALL SELECT site, event_type, count(*) FROM beacon_histogram GROUP BY 1, 2
             UNION ALL SELECT site, event_type, count(*) FROM beacon_event GROUP BY 1, 2) AS r
         JOIN text AS s ON s.id = r.site JOIN text AS e ON e.id = r.event_type
         GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2",
    )?;
    let rows = statement.query_map([], |row| {
        Ok(Part { site: row.get(0)?, event_type: row.get(1)?, rows: row.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// How large the file was at the end of each of the last days (first instant, UTC seconds; bytes), in
/// order, at most `limit`.
///
/// # Errors
/// When the file can't be read.
pub fn history(connection: &Connection, limit: u32) -> Result<Vec<(i64, i64)>, Error> {
    let mut statement = connection.prepare(
        "SELECT day, bytes FROM (SELECT day, bytes FROM file_size ORDER BY day DESC LIMIT ?1)
         ORDER BY day",
    )?;
    let rows = statement.query_map([limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
