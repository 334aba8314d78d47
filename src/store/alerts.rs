//! Incidents: what alerts have noticed, since when, and until when.

use rusqlite::{Connection, Row, Transaction, params};

use super::Error;

/// Something that an alert tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The alert's name.
    pub alert: String,
    /// The site; empty for all of them.
    pub site: String,
    /// What of the site it is about, an error say; empty for the whole.
    pub subject: String,
    /// What is so, in a sentence.
    pub what: String,
}

/// A notice with its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// Its number.
    pub id: i64,
    /// What it tells of, as it was when it began.
    pub notice: Notice,
    /// When it began, UTC seconds.
    pub begun: i64,
    /// When it ended, UTC seconds; `None` while it lasts.
    pub ended: Option<i64>,
}

/// The incidents that last, the newest first.
///
/// # Errors
/// When the file can't be read.
pub fn open(connection: &Connection) -> Result<Vec<Incident>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT id, alert, site, subject, what, begun, ended FROM alert_incident
         WHERE ended IS NULL ORDER BY begun DESC, id DESC",
    )?;
    let rows = statement.query_map([], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The incidents that are over, the last ended first, at most `limit`.
///
/// # Errors
/// When the file can't be read.
pub fn over(connection: &Connection, limit: u32) -> Result<Vec<Incident>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT id, alert, site, subject, what, begun, ended FROM alert_incident
         WHERE ended IS NOT NULL ORDER BY ended DESC, id DESC LIMIT ?1",
    )?;
    let rows = statement.query_map([limit], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn read(row: &Row<'_>) -> Result<Incident, rusqlite::Error> {
    Ok(Incident {
        id: row.get(0)?,
        notice: Notice {
            alert: row.get(1)?,
            site: row.get(2)?,
            subject: row.get(3)?,
            what: row.get(4)?,
        },
        begun: row.get(5)?,
        ended: row.get(6)?,
    })
}

/// Begins an incident at `now` (UTC seconds).
///
/// # Errors
/// When the file can't be written.
pub fn begin(transaction: &Transaction<'_>, notice: &Notice, now: i64) -> Result<(), Error> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO alert_incident (alert, site, subject, what, begun) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let Notice { alert, site, subject, what } = notice;
    statement.execute(params![alert, site, subject, what, now])?;
    Ok(())
}

/// Ends an incident at `now` (UTC seconds).
///
/// # Errors
/// When the file can't be written.
pub fn end(transaction: &Transaction<'_>, id: i64, now: i64) -> Result<(), Error> {
    let mut statement =
        transaction.prepare_cached("UPDATE alert_incident SET ended = ?2 WHERE id = ?1")?;
    statement.execute([id, now])?;
    Ok(())
}

/// Removes all but the last `keep` incidents that are over.
///
/// # Errors
/// When the file can't be written.
pub fn forget(transaction: &Transaction<'_>, keep: u32) -> Result<(), Error> {
    let mut statement = transaction.prepare_cached(
        "DELETE FROM alert_incident WHERE ended IS NOT NULL AND id NOT IN (
             SELECT id FROM alert_incident WHERE ended IS NOT NULL
             ORDER BY ended DESC, id DESC LIMIT ?1)",
    )?;
    statement.execute([keep])?;
    Ok(())
}
