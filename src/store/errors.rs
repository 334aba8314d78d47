//! Groups of errors: since when they are known, and what was decided about them.

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

use serde::Serialize;

use super::{Error, figures::Subject};
use crate::model::tally::TextId;

/// What was decided about a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nothing yet, or it came back after it was resolved.
    Open,
    /// It is mended; it opens again when it comes back.
    Resolved,
    /// Nobody wants to hear of it.
    Muted,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Open, Self::Resolved, Self::Muted];

    const fn code(self) -> i64 {
        match self {
            Self::Open => 0,
            Self::Resolved => 1,
            Self::Muted => 2,
        }
    }

    fn from_code(code: i64) -> Self {
        Self::ALL.into_iter().find(|state| state.code() == code).unwrap_or(Self::Open)
    }

    /// The word that stands for it in addresses and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Resolved => "resolved",
            Self::Muted => "muted",
        }
    }

    /// The state that a word stands for.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// What is known of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// When it was first met, UTC seconds.
    pub first_at: i64,
    /// When it was last met, UTC seconds.
    pub last_at: i64,
    /// What was decided.
    pub state: State,
    /// When it last came back after it was resolved, UTC seconds.
    pub returned_at: Option<i64>,
}

/// Notes that the error `identifier` was met from `first_at` to `last_at` (UTC seconds). One that was
/// resolved before is open again.
///
/// # Errors
/// When the file can't be written.
pub fn note(
    transaction: &Transaction<'_>,
    subject: Subject,
    identifier: TextId,
    (first_at, last_at): (i64, i64),
) -> Result<(), Error> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO error_group (site, event_type, identifier, first_at, last_at)
         VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET
             first_at = min(first_at, excluded.first_at),
             last_at = max(last_at, excluded.last_at),
             returned_at = CASE WHEN state = ?6 AND excluded.last_at > state_at
                 THEN excluded.last_at ELSE returned_at END,
             state = CASE WHEN state = ?6 AND excluded.last_at > state_at THEN ?7 ELSE state END",
    )?;
    let Subject { site, event_type } = subject;
    let (resolved, open) = (State::Resolved.code(), State::Open.code());
    statement.execute(params![
        site.0,
        event_type.0,
        identifier.0,
        first_at,
        last_at,
        resolved,
        open
    ])?;
    Ok(())
}

/// Decides about a group at `now` (UTC seconds). Says whether there is such a group.
///
/// # Errors
/// When the file can't be written.
pub fn decide(
    transaction: &Transaction<'_>,
    subject: Subject,
    identifier: TextId,
    state: State,
    now: i64,
) -> Result<bool, Error> {
    let mut statement = transaction.prepare_cached(
        "UPDATE error_group SET state = ?4, state_at = ?5
         WHERE site = ?1 AND event_type = ?2 AND identifier = ?3",
    )?;
    let Subject { site, event_type } = subject;
    let key = params![site.0, event_type.0, identifier.0, state.code(), now];
    Ok(statement.execute(key)? > 0)
}

/// Forgets a group that was only met from `first_at` to `last_at` (UTC seconds), and not besides.
///
/// # Errors
/// When the file can't be written.
pub fn forget(
    transaction: &Transaction<'_>,
    subject: Subject,
    identifier: TextId,
    (first_at, last_at): (i64, i64),
) -> Result<(), Error> {
    let mut statement = transaction.prepare_cached(
        "DELETE FROM error_group WHERE site = ?1 AND event_type = ?2 AND identifier = ?3
             AND first_at = ?4 AND last_at = ?5",
    )?;
    let Subject { site, event_type } = subject;
    statement.execute(params![site.0, event_type.0, identifier.0, first_at, last_at])?;
    Ok(())
}

/// What is known of a group.
///
/// # Errors
/// When the file can't be read.
pub fn group(
    connection: &Connection,
    subject: Subject,
    identifier: TextId,
) -> Result<Option<Group>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT first_at, last_at, state, returned_at FROM error_group
         WHERE site = ?1 AND event_type = ?2 AND identifier = ?3",
    )?;
    let key = params![subject.site.0, subject.event_type.0, identifier.0];
    Ok(statement.query_row(key, read).optional()?)
}

/// A group with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The number of its name.
    pub identifier: TextId,
    /// Its name.
    pub name: String,
    /// What is known of it.
    pub group: Group,
}

/// The groups in `state`, or in any, that were met since `since` (UTC seconds) and whose name holds
/// `search`, the last met first, at most `limit`.
///
/// # Errors
/// When the file can't be read.
pub fn groups(
    connection: &Connection,
    subject: Subject,
    state: Option<State>,
    since: i64,
    search: &str,
    limit: u32,
) -> Result<Vec<Named>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT g.first_at, g.last_at, g.state, g.returned_at, g.identifier, t.value
         FROM error_group AS g JOIN text AS t ON t.id = g.identifier
         WHERE g.site = ?1 AND g.event_type = ?2 AND (?3 IS NULL OR g.state = ?3) AND g.last_at >= ?4
             AND (?5 = '' OR instr(lower(t.value), lower(?5)))
         ORDER BY g.last_at DESC, t.value LIMIT ?6",
    )?;
    let Subject { site, event_type } = subject;
    let key = params![site.0, event_type.0, state.map(State::code), since, search, limit];
    let rows = statement.query_map(key, |row| {
        let (identifier, name) = (TextId(row.get(4)?), row.get(5)?);
        Ok(Named { identifier, name, group: read(row)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn read(row: &Row<'_>) -> Result<Group, rusqlite::Error> {
    Ok(Group {
        first_at: row.get(0)?,
        last_at: row.get(1)?,
        state: State::from_code(row.get(2)?),
        returned_at: row.get(3)?,
    })
}
