//! Backups: a whole, checked copy of the file without the people of today, and the way back.

mod restore;
pub mod schedule;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

pub use self::restore::{before_upgrade, restore};
use crate::{
    config::{current::Current, registry::Registry},
    files::with_suffix,
    store::{
        self,
        connection::{open_copy, open_readable, open_writable},
        copy,
        partial::Partial,
        readers::Pause,
        upkeep,
    },
    writer,
};

/// Why there is no backup, or it could not be restored.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A database can't be opened, read or written, or is damaged.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// No upgrade has left a copy.
    #[error("no upgrade of {} has left a copy of what it was before", .0.display())]
    NoUpgrade(PathBuf),
    /// The backup would replace what it is made of, or the other way round.
    #[error("{} is the database itself: name another file", .0.display())]
    Same(PathBuf),
}

/// Makes a backup of `registry`'s database in `target` and returns its size in bytes.
///
/// An older backup of that name is replaced when the new one is whole and on the disk, and not before.
/// What was answered before this began is in it. A server may write meanwhile.
///
/// # Errors
/// When the database can't be read or the backup not be written; then `target` is as it was.
pub fn make(registry: &Registry, target: &Path) -> Result<u64, Error> {
    let database = &registry.server.database;
    refuse_same(database, target)?;
    if target.exists() {
        // Nobody's file of another kind is replaced by a slip of the hand.
        open_readable(target)?;
    }
    let partial = Partial::new(target)?;
    whole_copy(registry, database, &partial)?;
    Ok(partial.replace(target)?)
}

/// Copies `database` to `partial`: of one moment, with the newest schema, everything counted, without
/// people, checked.
fn whole_copy(registry: &Registry, database: &Path, partial: &Partial) -> Result<(), Error> {
    copy::copy(database, partial.path())?;
    open_copy(partial.path())?.close()?;
    // What was answered but not counted yet is counted in the copy, with the state of the day.
    let current = Arc::new(Current::new(registry.clone()));
    let (_, counting) = writer::start(partial.path(), current, Arc::default(), Pause::default())?;
    counting.close()?;
    let writable = open_writable(partial.path())?;
    copy::forget_people(&writable.connection)?;
    copy::check_fully(&writable.connection)?;
    upkeep::leave_wal(&writable.connection)?;
    Ok(writable.close()?)
}

/// A copy of a database, beside the registry's own, ready to be read. It goes with this.
#[derive(Debug)]
pub struct Prepared(Partial);

impl Prepared {
    /// Copies `other` as a backup is made.
    ///
    /// # Errors
    /// When `other` is no database, damaged, or the copy can't be written.
    pub fn new(registry: &Registry, other: &Path) -> Result<Self, Error> {
        let database = &registry.server.database;
        refuse_same(database, other)?;
        let partial = Partial::new(&with_suffix(database, ".merging"))?;
        whole_copy(registry, other, &partial)?;
        Ok(Self(partial))
    }

    /// Copies the registry's own database as a backup is made, for whoever downloads it.
    ///
    /// # Errors
    /// When it can't be read, is damaged, or the copy can't be written.
    pub fn for_download(registry: &Registry) -> Result<Self, Error> {
        let database = &registry.server.database;
        let partial = Partial::new(&with_suffix(database, ".download"))?;
        whole_copy(registry, database, &partial)?;
        Ok(Self(partial))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

fn refuse_same(database: &Path, other: &Path) -> Result<(), Error> {
    let is_same = match (database.canonicalize(), other.canonicalize()) {
        (Ok(database), Ok(other)) => database == other,
        _ => database == other,
    };
    if is_same { Err(Error::Same(other.to_owned())) } else { Ok(()) }
}
