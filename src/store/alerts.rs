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

/// Begins an incident at `now` (UTC seconds), and returns its number.
///
/// # Errors
/// When the file can't be written.
pub fn begin(transaction: &Transaction<'_>, notice: &Notice, now: i64) -> Result<i64, Error> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO alert_incident (alert, site, subject, what, begun) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let Notice { alert, site, subject, what } = notice;
    Ok(statement.insert(params![alert, site, subject, what, now])?)
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

/// A message that a receiver waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its number.
    pub id: i64,
    /// The receiver's name.
    pub receiver: String,
    /// Whether it tells that the incident is over.
    pub recovery: bool,
    /// How often it was tried to be sent.
    pub tries: i64,
    /// What it tells of.
    pub notice: Notice,
}

/// Puts a message about an incident in line, not to be sent before `now` (UTC seconds), unless `most`
/// wait already.
///
/// # Errors
/// When the file can't be written.
pub fn queue(
    transaction: &Transaction<'_>,
    incident: i64,
    receiver: &str,
    recovery: bool,
    now: i64,
    most: i64,
) -> Result<(), Error> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO alert_message (incident, receiver, recovery, next_at)
         SELECT ?1, ?2, ?3, ?4
         WHERE (SELECT count(*) FROM alert_message WHERE outcome IS NULL) < ?5",
    )?;
    statement.execute(params![incident, receiver, recovery, now, most])?;
    Ok(())
}

/// The messages that are due at `now` (UTC seconds), the oldest first, at most `limit`.
///
/// # Errors
/// When the file can't be read.
pub fn due(connection: &Connection, now: i64, limit: u32) -> Result<Vec<Message>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT m.id, m.receiver, m.recovery, m.tries, i.alert, i.site, i.subject, i.what
         FROM alert_message AS m JOIN alert_incident AS i ON i.id = m.incident
         WHERE m.outcome IS NULL AND m.next_at <= ?1 ORDER BY m.id LIMIT ?2",
    )?;
    let rows = statement.query_map(params![now, limit], |row| {
        Ok(Message {
            id: row.get(0)?,
            receiver: row.get(1)?,
            recovery: row.get(2)?,
            tries: row.get(3)?,
            notice: Notice {
                alert: row.get(4)?,
                site: row.get(5)?,
                subject: row.get(6)?,
                what: row.get(7)?,
            },
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Notes that a message was tried once more: what came of it for good, or when to try again (UTC
/// seconds).
///
/// # Errors
/// When the file can't be written.
pub fn note_try(
    transaction: &Transaction<'_>,
    message: i64,
    outcome: Option<&str>,
    next_at: i64,
) -> Result<(), Error> {
    let mut statement = transaction.prepare_cached(
        "UPDATE alert_message SET tries = tries + 1, outcome = ?2, next_at = ?3 WHERE id = ?1",
    )?;
    statement.execute(params![message, outcome, next_at])?;
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
    let mut statement = transaction.prepare_cached(
        "DELETE FROM alert_message WHERE incident NOT IN (SELECT id FROM alert_incident)",
    )?;
    statement.execute([])?;
    Ok(())
}
