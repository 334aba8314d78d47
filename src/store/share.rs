//! Secret links: kept, listed, found, taken back.

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

use super::Error;

/// A link, but for its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareLink {
    /// Its number.
    pub id: i64,
    /// Whose figures it shows.
    pub site: String,
    /// The hash of its password, in PHC's form, if it has one.
    pub password: Option<String>,
    /// Whom it was made for.
    pub label: String,
    /// When it was made, UTC seconds.
    pub created_at: i64,
    /// When it ends, UTC seconds, if ever.
    pub expires_at: Option<i64>,
}

/// Keeps a link under the hash of its token, and says which number it has got.
///
/// # Errors
/// When the file can't be written.
pub fn add(transaction: &Transaction<'_>, link: &ShareLink, token: &[u8]) -> Result<i64, Error> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO share_link (site, token, password, label, created_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let ShareLink { site, password, label, created_at, expires_at, .. } = link;
    Ok(statement.insert(params![site, token, password, label, created_at, expires_at])?)
}

/// All links, the oldest first.
///
/// # Errors
/// When the file can't be read.
pub fn all(connection: &Connection) -> Result<Vec<ShareLink>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT id, site, password, label, created_at, expires_at FROM share_link ORDER BY id",
    )?;
    let rows = statement.query_map([], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The link whose token has this hash, if it has not ended at `now` (UTC seconds).
///
/// # Errors
/// When the file can't be read.
pub fn find(connection: &Connection, token: &[u8], now: i64) -> Result<Option<ShareLink>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT id, site, password, label, created_at, expires_at FROM share_link
         WHERE token = ?1 AND (expires_at IS NULL OR expires_at > ?2)",
    )?;
    Ok(statement.query_row(params![token, now], read).optional()?)
}

/// Takes the link with this number back. Says whether there was one.
///
/// # Errors
/// When the file can't be written.
pub fn remove(transaction: &Transaction<'_>, id: i64) -> Result<bool, Error> {
    let mut statement = transaction.prepare_cached("DELETE FROM share_link WHERE id = ?1")?;
    Ok(statement.execute([id])? > 0)
}

fn read(row: &Row<'_>) -> Result<ShareLink, rusqlite::Error> {
    Ok(ShareLink {
        id: row.get(0)?,
        site: row.get(1)?,
        password: row.get(2)?,
        label: row.get(3)?,
        created_at: row.get(4)?,
        expires_at: row.get(5)?,
    })
}
