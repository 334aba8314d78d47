//! The journal: beacons that are answered but not counted yet. What it holds is a promise.

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::{Error, connection::Writable};

/// How batches are encoded now.
const FORMAT: i64 = 1;

/// A batch as it stands in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Its number; later batches have larger ones.
    pub id: i64,
    /// The beacons, encoded one after the other.
    pub beacons: Vec<u8>,
}

/// Appends a batch and commits. Once this returns, the batch survives a power cut.
///
/// # Errors
/// When it can't be written; then nothing of it is.
pub fn append(writable: &mut Writable, batch: &[u8]) -> Result<i64, Error> {
    let mut statement = writable
        .durable()?
        .prepare_cached("INSERT INTO beacon_journal (format, batch) VALUES (?1, ?2)")?;
    Ok(statement.insert(params![FORMAT, batch])?)
}

/// The first readable batch after number `after`, or `None`.
///
/// # Errors
/// When the file can't be read.
pub fn next(connection: &Connection, after: i64) -> Result<Option<Batch>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT id, batch FROM beacon_journal
         WHERE id > ?1 AND format = ?2 AND unreadable = 0 ORDER BY id LIMIT 1",
    )?;
    let batch = statement.query_row(params![after, FORMAT], |row| {
        Ok(Batch { id: row.get(0)?, beacons: row.get(1)? })
    });
    Ok(batch.optional()?)
}

/// Removes the batches up to number `last`: the transaction that does so counts them.
///
/// # Errors
/// When the file can't be written.
pub fn remove_through(transaction: &Transaction<'_>, last: i64) -> Result<(), Error> {
    let mut statement = transaction.prepare_cached(
        "DELETE FROM beacon_journal WHERE id <= ?1 AND format = ?2 AND unreadable = 0",
    )?;
    statement.execute([last, FORMAT])?;
    Ok(())
}

/// Sets a batch aside that can't be decoded, so that it neither is lost nor holds up the others.
///
/// # Errors
/// When the file can't be written.
pub fn set_aside(connection: &Connection, id: i64) -> Result<(), Error> {
    let mut statement =
        connection.prepare_cached("UPDATE beacon_journal SET unreadable = 1 WHERE id = ?1")?;
    statement.execute([id])?;
    Ok(())
}
