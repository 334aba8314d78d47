//! Keeping the file small and whole: checkpoints.

use rusqlite::Connection;

use super::Error;

/// Moves what the write-ahead log holds into the file, as far as no reader needs it.
///
/// # Errors
/// When the file can't be written.
pub fn checkpoint(connection: &Connection) -> Result<(), Error> {
    run(connection, "PRAGMA wal_checkpoint(PASSIVE)")
}

/// Moves all that the write-ahead log holds into the file and empties it. Waits for readers.
///
/// # Errors
/// When the file can't be written.
pub fn checkpoint_fully(connection: &Connection) -> Result<(), Error> {
    run(connection, "PRAGMA wal_checkpoint(TRUNCATE)")
}

/// How many pages of the write-ahead log are not in the file yet.
///
/// # Errors
/// When the file can't be read.
pub fn wal_pages(connection: &Connection) -> Result<i64, Error> {
    let pages = connection.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| {
        let (log, moved): (i64, i64) = (row.get(1)?, row.get(2)?);
        Ok(log - moved)
    })?;
    Ok(pages)
}

fn run(connection: &Connection, pragma: &str) -> Result<(), Error> {
    connection.query_row(pragma, [], |_| Ok(()))?;
    Ok(())
}
