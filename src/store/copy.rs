//! A copy of the file as it is at one moment, while others may write to it.

use std::path::Path;

use rusqlite::{Connection, Transaction};

use super::{Error, connection::open_readable};

/// Writes what `source` holds into the new or empty file `target`, compactly and of one moment.
///
/// # Errors
/// When `source` is none of our files or can't be read, or `target` can't be written.
pub fn copy(source: &Path, target: &Path) -> Result<(), Error> {
    let connection = open_readable(source)?;
    // It forbids writing to any file, the copy too; the source itself is open for reading alone.
    connection.pragma_update(None, "query_only", false)?;
    connection.execute("VACUUM INTO ?1", [target.to_string_lossy()])?;
    Ok(())
}

/// Removes what a copy must not tell.
///
/// That is what is only known of the people of today: who was seen, what visits may go on, what may be a
/// repeat; the rows by which edits are undone; and which browsers are signed in, so that a copy lets nobody
/// in without the password. The space that they took is overwritten and given back.
///
/// # Errors
/// When the file can't be written.
pub fn forget_people(connection: &Connection) -> Result<(), Error> {
    connection.pragma_update(None, "secure_delete", true)?;
    connection.execute_batch(
        "BEGIN; DELETE FROM seen; DELETE FROM visit; DELETE FROM repeatable; DELETE FROM edit_delta;
         DELETE FROM session; DELETE FROM device; COMMIT",
    )?;
    let mut shrink = connection.prepare("PRAGMA incremental_vacuum")?;
    let mut steps = shrink.query([])?;
    while steps.next()?.is_some() {}
    Ok(())
}

/// Removes every sum, refusal, error and single beacon, and since when names are known.
///
/// # Errors
/// When the file can't be written.
pub fn forget_counted(transaction: &Transaction<'_>) -> Result<(), Error> {
    Ok(transaction.execute_batch(
        "DELETE FROM beacon_aggregate; DELETE FROM beacon_breakdown; DELETE FROM beacon_histogram;
         DELETE FROM beacon_event; DELETE FROM rejected; DELETE FROM name; DELETE FROM error_group",
    )?)
}

/// Looks whether SQLite finds every page, every row and every index of the file as they should be.
///
/// # Errors
/// When it is damaged or can't be read.
pub fn check_fully(connection: &Connection) -> Result<(), Error> {
    damages(connection, 1)?.pop().map_or(Ok(()), |found| Err(Error::Damaged(found)))
}

/// What SQLite finds wrong with the file, at most `limit` things.
///
/// # Errors
/// When it can't be read at all.
pub fn damages(connection: &Connection, limit: usize) -> Result<Vec<String>, Error> {
    // The number can't be bound; it is one of ours.
    let mut statement = connection.prepare(&format!("PRAGMA integrity_check({limit})"))?;
    let found = statement.query_map([], |row| row.get(0))?;
    let found: Vec<String> = found.collect::<Result<_, _>>()?;
    Ok(found.into_iter().filter(|line| line != "ok").collect())
}
