//! The ledger of edits: what was done to counted numbers, and the rows by which it is undone.

use std::io::{Read as _, Write as _};

use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};
use serde::{Deserialize, Serialize};

use super::Error;
use crate::model::delta::Delta;

/// How large a delta may become when it is read back, in bytes.
const DELTA_BYTES_MAX: u64 = 256 << 20;

/// An edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Its number.
    pub id: i64,
    /// When it was made, UTC seconds.
    pub at: i64,
    /// What kind it is: `merge`, `import`, `rename`, `delete`, `reset`.
    pub kind: String,
    /// What it did, in a sentence.
    pub what: String,
    /// When it was undone, UTC seconds.
    pub undone_at: Option<i64>,
    /// Whether the rows are still there by which it is undone.
    pub is_undoable: bool,
}

/// Something that an edit has taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The file's name, without its folder.
    pub name: String,
    /// Of a database its origin; of another file BLAKE3 of what was read.
    pub digest: Vec<u8>,
    /// How many bytes were read.
    pub bytes: i64,
}

/// Whose file this is: 16 bytes that stay the same in backups.
///
/// # Errors
/// When the file can't be read.
pub fn origin(connection: &Connection) -> Result<Vec<u8>, Error> {
    Ok(connection.query_row("SELECT id FROM origin", [], |row| row.get(0))?)
}

/// Notes an edit at `at` (UTC seconds), and says its number.
///
/// # Errors
/// When the file can't be written.
pub fn begin(transaction: &Transaction<'_>, at: i64, kind: &str, what: &str) -> Result<i64, Error> {
    let mut statement =
        transaction.prepare_cached("INSERT INTO edit (at, kind, what) VALUES (?1, ?2, ?3)")?;
    Ok(statement.insert(params![at, kind, what])?)
}

/// Notes that an edit has brought longer buckets without the shorter ones that they hold, before an
/// instant (UTC seconds).
///
/// # Errors
/// When the file can't be written.
pub fn note_coarse(transaction: &Transaction<'_>, edit: i64, until: i64) -> Result<(), Error> {
    let mut statement =
        transaction.prepare_cached("UPDATE edit SET coarse_until = ?2 WHERE id = ?1")?;
    statement.execute([edit, until])?;
    Ok(())
}

/// Before which instant (UTC seconds) edits have brought longer buckets without their shorter ones.
///
/// # Errors
/// When the file can't be read.
pub fn coarse_until(connection: &Connection) -> Result<i64, Error> {
    let mut statement = connection
        .prepare_cached("SELECT ifnull(max(coarse_until), ?1) FROM edit WHERE undone_at IS NULL")?;
    Ok(statement.query_row([i64::MIN], |row| row.get(0))?)
}

/// Notes that an edit has taken something in.
///
/// # Errors
/// When the file can't be written.
pub fn add_source(transaction: &Transaction<'_>, edit: i64, source: &Source) -> Result<(), Error> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO edit_source (edit, name, digest, bytes) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO NOTHING",
    )?;
    statement.execute(params![edit, source.name, source.digest, source.bytes])?;
    Ok(())
}

/// Everything of `kind` that was taken in and not undone, with the edit that did.
///
/// # Errors
/// When the file can't be read.
pub fn sources(connection: &Connection, kind: &str) -> Result<Vec<(Edit, Source)>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT e.id, e.at, e.kind, e.what, e.undone_at,
             EXISTS (SELECT 1 FROM edit_delta WHERE edit = e.id), s.name, s.digest, s.bytes
         FROM edit AS e JOIN edit_source AS s ON s.edit = e.id
         WHERE e.kind = ?1 AND e.undone_at IS NULL ORDER BY e.id, s.digest",
    )?;
    let rows = statement.query_map([kind], |row| {
        let source = Source { name: row.get(6)?, digest: row.get(7)?, bytes: row.get(8)? };
        Ok((edit_of(row)?, source))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A number that is another one after every edit that takes away or moves what was counted, and after every undo.
/// What only adds changes nothing for visits that go on.
///
/// # Errors
/// When the file can't be read.
pub fn changes(connection: &Connection) -> Result<i64, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT ifnull(max(id), 0) + count(undone_at) FROM edit
         WHERE kind NOT IN ('follow', 'import', 'merge') OR undone_at IS NOT NULL",
    )?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

/// Forgets that edits of `kind` have taken in what has this digest.
///
/// # Errors
/// When the file can't be written.
pub fn remove_source(
    transaction: &Transaction<'_>,
    kind: &str,
    digest: &[u8],
) -> Result<(), Error> {
    let mut statement = transaction.prepare_cached(
        "DELETE FROM edit_source
         WHERE digest = ?2 AND edit IN (SELECT id FROM edit WHERE kind = ?1)",
    )?;
    statement.execute(params![kind, digest])?;
    Ok(())
}

/// Keeps a part of what an edit does, or replaces it.
///
/// # Errors
/// When the file can't be written.
pub fn keep(
    transaction: &Transaction<'_>,
    edit: i64,
    number: i64,
    delta: &Delta,
) -> Result<(), Error> {
    let unusable = |error: &dyn std::fmt::Display| Error::Damaged(format!("a delta: {error}"));
    let bytes = postcard::to_stdvec(delta).map_err(|error| unusable(&error))?;
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    let packed = encoder.write_all(&bytes).and_then(|()| encoder.finish());
    let packed = packed.map_err(|error| unusable(&error))?;
    let mut statement = transaction.prepare_cached(
        "INSERT INTO edit_delta (edit, number, delta) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET delta = excluded.delta",
    )?;
    statement.execute(params![edit, number, packed])?;
    Ok(())
}

/// A part of what an edit does, from number 0 on, or `None` after the last.
///
/// # Errors
/// When the file can't be read.
pub fn part(connection: &Connection, edit: i64, number: i64) -> Result<Option<Delta>, Error> {
    let mut statement = connection
        .prepare_cached("SELECT delta FROM edit_delta WHERE edit = ?1 AND number = ?2")?;
    let packed: Option<Vec<u8>> =
        statement.query_row([edit, number], |row| row.get(0)).optional()?;
    let Some(packed) = packed else { return Ok(None) };
    let unreadable = |error: &dyn std::fmt::Display| {
        Error::Damaged(format!("part {number} of edit {edit} can't be read: {error}"))
    };
    let mut bytes = Vec::new();
    let mut decoder = DeflateDecoder::new(packed.as_slice()).take(DELTA_BYTES_MAX);
    decoder.read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    // An older release wrote no beacons that change their site: this zero stands for none of them, and is not
    // read where there is a list.
    bytes.push(0);
    postcard::from_bytes(&bytes).map(Some).map_err(|error| unreadable(&error))
}

/// The edit with this number.
///
/// # Errors
/// When the file can't be read.
pub fn find(connection: &Connection, id: i64) -> Result<Option<Edit>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT id, at, kind, what, undone_at,
             EXISTS (SELECT 1 FROM edit_delta WHERE edit = edit.id)
         FROM edit WHERE id = ?1",
    )?;
    Ok(statement.query_row([id], edit_of).optional()?)
}

/// The last edits, the newest first, at most `limit`.
///
/// # Errors
/// When the file can't be read.
pub fn last(connection: &Connection, limit: u32) -> Result<Vec<Edit>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT id, at, kind, what, undone_at,
             EXISTS (SELECT 1 FROM edit_delta WHERE edit = edit.id)
         FROM edit ORDER BY id DESC LIMIT ?1",
    )?;
    let rows = statement.query_map([limit], edit_of)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Notes that an edit was undone at `at` (UTC seconds); the rows by which it was are not needed any more.
///
/// # Errors
/// When the file can't be written.
pub fn note_undone(transaction: &Transaction<'_>, id: i64, at: i64) -> Result<(), Error> {
    transaction
        .prepare_cached("UPDATE edit SET undone_at = ?2 WHERE id = ?1")?
        .execute([id, at])?;
    forget(transaction, id)
}

/// Forgets the rows by which an edit is undone.
///
/// # Errors
/// When the file can't be written.
pub fn forget(transaction: &Transaction<'_>, id: i64) -> Result<(), Error> {
    transaction.prepare_cached("DELETE FROM edit_delta WHERE edit = ?1")?.execute([id])?;
    Ok(())
}

/// Whether it is known how an edit before `before` (UTC seconds) is undone.
///
/// # Errors
/// When the file can't be read.
pub fn has_before(connection: &Connection, before: i64) -> Result<bool, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT 1 FROM edit AS e JOIN edit_delta AS d ON d.edit = e.id WHERE e.at < ?1",
    )?;
    Ok(statement.exists([before])?)
}

/// Forgets how edits before `before` (UTC seconds) are undone, at most `limit` parts. Says how many went.
///
/// # Errors
/// When the file can't be written.
pub fn forget_before(
    transaction: &Transaction<'_>,
    before: i64,
    limit: u32,
) -> Result<usize, Error> {
    let mut statement = transaction.prepare_cached(
        "DELETE FROM edit_delta WHERE rowid IN (
             SELECT d.rowid FROM edit_delta AS d JOIN edit AS e ON e.id = d.edit
             WHERE e.at < ?1 LIMIT ?2)",
    )?;
    Ok(statement.execute(params![before, limit])?)
}

fn edit_of(row: &Row<'_>) -> Result<Edit, rusqlite::Error> {
    let undone_at: Option<i64> = row.get(4)?;
    Ok(Edit {
        id: row.get(0)?,
        at: row.get(1)?,
        kind: row.get(2)?,
        what: row.get(3)?,
        undone_at,
        is_undoable: undone_at.is_none() && row.get(5)?,
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;
    use crate::store::connection::open_writable;

    #[test]
    fn a_part_that_an_older_release_wrote_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = open_writable(&folder.path().join("a.db")).unwrap();
        let transaction = file.transaction().unwrap();
        let edit = begin(&transaction, 0, "rename", "renamed").unwrap();
        let delta = Delta { names: vec!["/a".to_owned()], ..Delta::default() };
        keep(&transaction, edit, 0, &delta).unwrap();
        // Such a part has all but its last byte, the empty list of what older releases didn't know.
        let bytes = postcard::to_stdvec(&delta).unwrap();
        let (last, older) = bytes.split_last().unwrap();
        assert_eq!(*last, 0);
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(older).unwrap();
        let packed = encoder.finish().unwrap();
        let sql = "INSERT INTO edit_delta (edit, number, delta) VALUES (?1, 1, ?2)";
        transaction.execute(sql, params![edit, packed]).unwrap();
        for number in [0, 1] {
            assert_eq!(part(&transaction, edit, number).unwrap().unwrap(), delta);
        }
    }
}
