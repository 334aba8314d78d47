//! The schema and its versions. A released migration never changes; the next one is a new file.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, TransactionBehavior};
use tracing::info;

use super::{
    Error,
    connection::{APPLICATION_ID, open_readable},
    copy,
    partial::Partial,
};
use crate::files::with_suffix;

/// The migrations, the first one leading to version 1.
const MIGRATIONS: [&str; 5] = [
    include_str!("migrations/0001_initial.sql"),
    include_str!("migrations/0002_events.sql"),
    include_str!("migrations/0003_yours.sql"),
    include_str!("migrations/0004_access.sql"),
    include_str!("migrations/0005_parts.sql"),
];

/// The newest schema version that this release knows.
pub const LATEST: i64 = MIGRATIONS.len().cast_signed() as i64;

/// What becomes of a file as it was before an upgrade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// A copy of it is kept.
    Kept,
    /// It is a copy itself, which nobody needs.
    Forgotten,
}

/// Brings the schema up to [`LATEST`], each step in a transaction of its own, so that an upgrade that was
/// stopped goes on where it was.
///
/// What the file was before its first step is kept in a copy beside it.
///
/// # Errors
/// When the file is not ours or newer, or a step fails; what is done by then stays done.
pub(super) fn to_latest(
    connection: &mut Connection,
    path: &Path,
    before: Before,
) -> Result<(), Error> {
    check_version(connection, path)?;
    let found = version(connection)?;
    if before == Before::Kept && (1..LATEST).contains(&found) {
        info!(from = found, to = LATEST, "upgrading the database, a copy of it is made first");
        let copy = keep_copy(path, found).map_err(|error| Error::NoCopy(Box::new(error)))?;
        info!(copy = %copy.display(), "what was before is kept; restore --rollback brings it back");
    }
    loop {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version = version(&transaction)?;
        let Some(step) = usize::try_from(version).ok().and_then(|at| MIGRATIONS.get(at)) else {
            return Ok(());
        };
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", version + 1)?;
        transaction.commit()?;
        if found > 0 && before == Before::Kept {
            info!(step = version + 1, of = LATEST, "the schema is one step further");
        }
    }
}

/// Where the copy of `database` lies that was made before it left this version of the schema.
#[must_use]
pub fn copy_before(database: &Path, version: i64) -> PathBuf {
    with_suffix(database, &format!(".schema-{version}"))
}

/// Copies the file as it is. One of an earlier upgrade from the same version is replaced.
fn keep_copy(path: &Path, version: i64) -> Result<PathBuf, Error> {
    let kept = copy_before(path, version);
    let partial = Partial::new(&kept)?;
    copy::copy(path, partial.path())?;
    copy::check_fully(&open_readable(partial.path())?)?;
    partial.replace(&kept)?;
    Ok(kept)
}

/// Refuses a file that is not ours, or that a newer release has written.
///
/// # Errors
/// When it is one of these, or can't be read.
pub(super) fn check_version(connection: &Connection, path: &Path) -> Result<(), Error> {
    let id = connection.pragma_query_value(None, "application_id", |row| row.get::<_, i64>(0));
    let id = id.map_err(|error| foreign(error, path))?;
    if id != APPLICATION_ID {
        let why = "it belongs to another program".to_owned();
        return Err(Error::Foreign { path: path.to_owned(), why });
    }
    let found = version(connection)?;
    if found > LATEST {
        return Err(Error::Newer { path: path.to_owned(), found, known: LATEST });
    }
    Ok(())
}

/// What of the schema is not as this release makes it: tables, indexes and views by their names.
///
/// # Errors
/// When the file can't be read.
pub fn schema_faults(connection: &Connection) -> Result<Vec<String>, Error> {
    let fresh = Connection::open_in_memory()?;
    MIGRATIONS.iter().try_for_each(|step| fresh.execute_batch(step))?;
    let found = schema(connection)?;
    let expected = schema(&fresh)?;
    let faulty = expected.into_iter().filter(|(name, sql)| found.get(name) != Some(sql));
    Ok(faulty.map(|(name, _)| format!("{name} is not defined as it should be")).collect())
}

/// The definitions of a file by their names.
fn schema(connection: &Connection) -> Result<BTreeMap<String, String>, Error> {
    let mut statement =
        connection.prepare("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Refuses a file of an older release, whose tables are not those that this one asks.
///
/// # Errors
/// When it is one, or can't be read.
pub(super) fn check_latest(connection: &Connection, path: &Path) -> Result<(), Error> {
    let found = version(connection)?;
    if found == LATEST {
        return Ok(());
    }
    Err(Error::Older { path: path.to_owned(), found, known: LATEST })
}

/// Says in a sentence of ours that the file is none of SQLite's.
pub(super) fn foreign(error: rusqlite::Error, path: &Path) -> Error {
    if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) {
        let why = "it is not an SQLite file".to_owned();
        return Error::Foreign { path: path.to_owned(), why };
    }
    error.into()
}

/// The schema version of the file; 0 before the first migration.
///
/// # Errors
/// When the file can't be read.
pub fn version(connection: &Connection) -> Result<i64, Error> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}
