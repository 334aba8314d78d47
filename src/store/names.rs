//! Strings and their numbers, and since when a name is known.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::Error;
use crate::model::{
    tally::TextId,
    text::{NameScope, Names},
};

/// How many strings are remembered before all are looked up again.
const CACHE_TEXTS_MAX: usize = 32_768;

/// How many bytes of strings are remembered before all are looked up again.
const CACHE_BYTES_MAX: usize = 2 << 20;

/// Numbers of strings that were looked up lately. It must be emptied when a transaction that added
/// strings is not committed.
#[derive(Debug, Default)]
pub struct NameCache {
    texts: HashMap<Box<str>, TextId, foldhash::fast::RandomState>,
    bytes: usize,
}

impl NameCache {
    /// Forgets everything.
    pub fn clear(&mut self) {
        self.texts.clear();
        self.bytes = 0;
    }

    fn remember(&mut self, text: &str, id: TextId) {
        if self.texts.len() >= CACHE_TEXTS_MAX || self.bytes >= CACHE_BYTES_MAX {
            self.clear();
        }
        self.bytes += text.len();
        self.texts.insert(text.into(), id);
    }
}

/// The names of the file, within a transaction.
#[derive(Debug)]
pub struct StoredNames<'t> {
    transaction: &'t Transaction<'t>,
    cache: &'t mut NameCache,
}

impl<'t> StoredNames<'t> {
    /// The names of the file that `transaction` writes.
    pub const fn new(transaction: &'t Transaction<'t>, cache: &'t mut NameCache) -> Self {
        Self { transaction, cache }
    }
}

/// The number of `text`, or `None` if the file does not have it.
///
/// # Errors
/// When the file can't be read.
pub fn find(connection: &Connection, text: &str) -> Result<Option<TextId>, Error> {
    let mut statement = connection.prepare_cached("SELECT id FROM text WHERE value = ?1")?;
    let id: Option<u32> = statement.query_row([text], |row| row.get(0)).optional()?;
    Ok(id.map(TextId))
}

/// The string with this number.
///
/// # Errors
/// When the file can't be read.
pub fn text(connection: &Connection, id: TextId) -> Result<Option<String>, Error> {
    let mut statement = connection.prepare_cached("SELECT value FROM text WHERE id = ?1")?;
    Ok(statement.query_row([id.0], |row| row.get(0)).optional()?)
}

impl Names for StoredNames<'_> {
    type Error = Error;

    fn find(&mut self, text: &str) -> Result<Option<TextId>, Error> {
        if let Some(id) = self.cache.texts.get(text) {
            return Ok(Some(*id));
        }
        let found = find(self.transaction, text)?;
        if let Some(id) = found {
            self.cache.remember(text, id);
        }
        Ok(found)
    }

    fn intern(&mut self, text: &str) -> Result<TextId, Error> {
        if let Some(known) = self.find(text)? {
            return Ok(known);
        }
        let mut statement =
            self.transaction.prepare_cached("INSERT INTO text (value) VALUES (?1)")?;
        let id = statement.insert([text])?;
        let id = TextId(u32::try_from(id).map_err(|_| Error::NamesFull)?);
        self.cache.remember(text, id);
        Ok(id)
    }

    fn admitted_on(&mut self, scope: NameScope, value: TextId) -> Result<Option<i64>, Error> {
        let mut statement = self.transaction.prepare_cached(
            "SELECT first_day FROM name
             WHERE site = ?1 AND event_type = ?2 AND dimension = ?3 AND value = ?4",
        )?;
        let NameScope { site, event_type, dimension } = scope;
        let key = params![site.0, event_type.0, dimension.0, value.0];
        Ok(statement.query_row(key, |row| row.get(0)).optional()?)
    }

    fn admitted_count(&mut self, scope: NameScope, day: i64) -> Result<u32, Error> {
        let mut statement = self.transaction.prepare_cached(
            "SELECT count(*) FROM name
             WHERE site = ?1 AND event_type = ?2 AND dimension = ?3 AND first_day = ?4",
        )?;
        let NameScope { site, event_type, dimension } = scope;
        let key = params![site.0, event_type.0, dimension.0, day];
        Ok(statement.query_row(key, |row| row.get(0))?)
    }

    fn admit(&mut self, scope: NameScope, value: TextId, day: i64) -> Result<(), Error> {
        let mut statement = self.transaction.prepare_cached(
            "INSERT INTO name (site, event_type, dimension, value, first_day)
             VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
        )?;
        let NameScope { site, event_type, dimension } = scope;
        statement.execute(params![site.0, event_type.0, dimension.0, value.0, day])?;
        Ok(())
    }
}
