//! Keeping the file small and whole: checkpoints and checks.

use std::path::Path;

use rusqlite::{Connection, Transaction};

use super::Error;

const UNUSED_PAGES: &str = "PRAGMA freelist_count";

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

/// Moves all that the write-ahead log holds into the file and keeps none from now on, so that the file
/// can be moved and read anywhere. Opening it for writing brings the log back.
///
/// # Errors
/// When the file can't be written, or somebody else has it open.
pub fn leave_wal(connection: &Connection) -> Result<(), Error> {
    Ok(connection.pragma_update(None, "journal_mode", "DELETE")?)
}

/// How long the write-ahead log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    /// In pages.
    pub pages: i64,
    /// How many of them are not in the file yet.
    pub left: i64,
}

/// How long the write-ahead log is.
///
/// # Errors
/// When the file can't be read.
pub fn log(connection: &Connection) -> Result<Log, Error> {
    let found = connection.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| {
        let (pages, moved): (i64, i64) = (row.get(1)?, row.get(2)?);
        Ok(Log { pages, left: pages - moved })
    })?;
    Ok(found)
}

/// How large the file is, in bytes, without what is still in the write-ahead log.
///
/// # Errors
/// When the file can't be read.
pub fn file_bytes(connection: &Connection) -> Result<i64, Error> {
    in_bytes(connection, "PRAGMA page_count")
}

/// How many bytes the disk of `path` has free, if the system tells.
pub fn disk_free(path: &Path) -> Option<i64> {
    let stat = rustix::fs::statvfs(path).ok()?;
    i64::try_from(stat.f_bavail.saturating_mul(stat.f_frsize)).ok()
}

/// How many bytes of the file are unused, and will be used before it grows.
///
/// # Errors
/// When the file can't be read.
pub fn unused_bytes(connection: &Connection) -> Result<i64, Error> {
    in_bytes(connection, UNUSED_PAGES)
}

/// The same in pages.
///
/// # Errors
/// When the file can't be read.
pub fn unused_pages(connection: &Connection) -> Result<i64, Error> {
    Ok(connection.query_row(UNUSED_PAGES, [], |row| row.get(0))?)
}

fn in_bytes(connection: &Connection, pages: &str) -> Result<i64, Error> {
    let pages: i64 = connection.query_row(pages, [], |row| row.get(0))?;
    let page_bytes: i64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    Ok(pages.saturating_mul(page_bytes))
}

/// Notes how large the file is on the day (UTC) of `now` (UTC seconds).
///
/// # Errors
/// When the file can't be written.
pub fn note_size(transaction: &Transaction<'_>, now: i64) -> Result<(), Error> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO file_size (day, bytes) VALUES (?1, ?2)
         ON CONFLICT DO UPDATE SET bytes = excluded.bytes WHERE bytes <> excluded.bytes",
    )?;
    statement.execute([now - now.rem_euclid(86_400), file_bytes(transaction)?])?;
    Ok(())
}

/// Looks whether SQLite finds the file whole: each page where it belongs, each index as its table.
///
/// # Errors
/// When it is damaged or can't be read.
pub fn check(connection: &Connection) -> Result<(), Error> {
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(Error::Damaged(found)) }
}

fn run(connection: &Connection, pragma: &str) -> Result<(), Error> {
    connection.query_row(pragma, [], |_| Ok(()))?;
    Ok(())
}
