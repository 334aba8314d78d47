//! What explains a course over time: when the server was up, and what was noted about moments.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::Serialize;

use super::Error;

/// How many annotations there are at most; the oldest go.
const ANNOTATIONS_MAX: u32 = 10_000;

/// How many spans of uptime are kept; the oldest go.
const SPANS_MAX: u32 = 10_000;

/// How many annotations one answer has, the newest of them.
const ANSWERED_MAX: u32 = 100;

/// Up to how long after the last note, in seconds, the server counts as having been up all along.
const GAP_SECONDS_MIN: i64 = 150;

/// Who says something about a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A person.
    Note,
    /// The program, of itself.
    Upgrade,
    /// The program, of `beacons.toml`.
    Configuration,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Note, Self::Upgrade, Self::Configuration];

    /// The word that stands for it in the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Upgrade => "upgrade",
            Self::Configuration => "configuration",
        }
    }
}

/// Something that is said about a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Annotation {
    /// Its number.
    pub id: i64,
    /// The moment, UTC seconds.
    pub at: i64,
    /// The site; empty for all.
    pub site: String,
    /// Who says it.
    pub kind: Kind,
    /// What is said, in a line.
    pub text: String,
}

/// What ran last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// The program's version.
    pub version: String,
    /// A digest of what `beacons.toml` means.
    pub registry: Vec<u8>,
}

/// Adds an annotation, and returns its number; the oldest leave where there are too many.
///
/// # Errors
/// When the file can't be written.
pub fn annotate(
    connection: &Connection,
    at: i64,
    site: &str,
    kind: Kind,
    text: &str,
) -> Result<i64, Error> {
    connection.execute(
        "INSERT INTO annotation (at, site, kind, text) VALUES (?1, ?2, ?3, ?4)",
        params![at, site, kind.as_str(), text],
    )?;
    let id = connection.last_insert_rowid();
    connection.execute(
        "DELETE FROM annotation WHERE id IN (
             SELECT id FROM annotation ORDER BY at DESC, id DESC LIMIT -1 OFFSET ?1)",
        [ANNOTATIONS_MAX],
    )?;
    Ok(id)
}

/// Removes an annotation of a person. Says whether there was one of this number.
///
/// # Errors
/// When the file can't be written.
pub fn remove_note(connection: &Connection, id: i64) -> Result<bool, Error> {
    let sql = "DELETE FROM annotation WHERE id = ?1 AND kind = 'note'";
    Ok(connection.execute(sql, [id])? > 0)
}

/// What is said about moments from `from` to before `to` (UTC seconds) at `site`, the earliest first;
/// of very many, the latest.
///
/// # Errors
/// When the file can't be read.
pub fn annotations(
    connection: &Connection,
    site: &str,
    from: i64,
    to: i64,
) -> Result<Vec<Annotation>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT id, at, site, kind, text FROM annotation
         WHERE at >= ?1 AND at < ?2 AND site IN ('', ?3) ORDER BY at DESC, id DESC LIMIT ?4",
    )?;
    let rows = statement.query_map(params![from, to, site, ANSWERED_MAX], annotation)?;
    let mut found: Vec<Annotation> = rows.collect::<Result<_, _>>()?;
    found.reverse();
    Ok(found)
}

fn annotation(row: &Row<'_>) -> Result<Annotation, rusqlite::Error> {
    let kind: String = row.get(3)?;
    let known = Kind::ALL.into_iter().find(|known| known.as_str() == kind);
    Ok(Annotation {
        id: row.get(0)?,
        at: row.get(1)?,
        site: row.get(2)?,
        // What a later release says beside these, a person may as well have said.
        kind: known.unwrap_or(Kind::Note),
        text: row.get(4)?,
    })
}

/// Notes that the server is up at `now` (UTC seconds).
///
/// # Errors
/// When the file can't be written.
pub fn note_up(connection: &Connection, now: i64) -> Result<(), Error> {
    let goes_on = connection.execute(
        "UPDATE uptime SET last = max(last, ?1)
         WHERE began = (SELECT max(began) FROM uptime WHERE began <= ?1) AND last >= ?1 - ?2",
        params![now, GAP_SECONDS_MIN],
    )?;
    if goes_on == 0 {
        connection.execute("INSERT OR IGNORE INTO uptime (began, last) VALUES (?1, ?1)", [now])?;
        connection.execute(
            "DELETE FROM uptime WHERE began IN (
                 SELECT began FROM uptime ORDER BY began DESC LIMIT -1 OFFSET ?1)",
            [SPANS_MAX],
        )?;
    }
    Ok(())
}

/// How far ahead of when the server was last up its clock may begin and be believed at once, in seconds: a
/// year.
const AHEAD_SECONDS_MAX: i64 = 366 * 86_400;

/// How long the server must have been up by a clock that is further ahead, in seconds.
const SETTLED_SECONDS: i64 = 86_400;

/// Whether what is old at `now` (UTC seconds) may be removed for it: a clock that is more than
/// a year ahead of when the server was last up is believed once the server has been up by it for a day.
///
/// # Errors
/// When the file can't be read.
pub fn is_settled(connection: &Connection, now: i64) -> Result<bool, Error> {
    let sql = "SELECT began, last,
            (SELECT max(last) FROM uptime AS earlier WHERE earlier.began < latest.began)
        FROM uptime AS latest WHERE began <= ?1 ORDER BY began DESC LIMIT 1";
    let span = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let found = connection.query_row(sql, [now], span).optional()?;
    let Some((began, last, before)): Option<(i64, i64, Option<i64>)> = found else {
        return Ok(true);
    };
    if last < now - GAP_SECONDS_MIN {
        // That it is up now is not noted yet.
        return Ok(now - last <= AHEAD_SECONDS_MAX);
    }
    let ahead = before.map_or(0, |before| began - before);
    Ok(ahead <= AHEAD_SECONDS_MAX || now - began >= SETTLED_SECONDS)
}

/// Until when the server was up at least (UTC seconds), or `None` if nothing has noted it.
///
/// # Errors
/// When the file can't be read.
pub fn last_up(connection: &Connection) -> Result<Option<i64>, Error> {
    Ok(connection.query_row("SELECT max(last) FROM uptime", [], |row| row.get(0))?)
}

/// When the server was down between `from` and `to` (UTC seconds), as far as it is known at `now`: spans
/// from an instant to before another, in order.
///
/// # Errors
/// When the file can't be read.
pub fn gaps(
    connection: &Connection,
    from: i64,
    to: i64,
    now: i64,
) -> Result<Vec<(i64, i64)>, Error> {
    // What began later than now was noted by a clock that was ahead.
    let mut statement = connection.prepare_cached(
        "SELECT last, next FROM (
             SELECT last, lead(began) OVER (ORDER BY began) AS next FROM uptime WHERE began <= ?3)
         WHERE next > ?1 AND last < ?2 AND next > last",
    )?;
    let rows = statement.query_map(params![from, to, now], |row| {
        let (last, next): (i64, i64) = (row.get(0)?, row.get(1)?);
        Ok((last.max(from), next.min(to)))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What ran last, if anything has noted it.
///
/// # Errors
/// When the file can't be read.
pub fn ran(connection: &Connection) -> Result<Option<Ran>, Error> {
    let sql = "SELECT version, registry FROM ran";
    let ran = |row: &Row<'_>| Ok(Ran { version: row.get(0)?, registry: row.get(1)? });
    Ok(connection.query_row(sql, [], ran).optional()?)
}

/// Notes what runs.
///
/// # Errors
/// When the file can't be written.
pub fn note_running(connection: &Connection, runs: &Ran) -> Result<(), Error> {
    connection.execute(
        "INSERT INTO ran (id, version, registry) VALUES (1, ?1, ?2)
         ON CONFLICT DO UPDATE SET version = excluded.version, registry = excluded.registry",
        params![runs.version, runs.registry],
    )?;
    Ok(())
}
