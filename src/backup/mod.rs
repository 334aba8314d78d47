//! Backups: a whole, checked copy of the file without the people of today, and the way back.

mod restore;

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

pub use self::restore::restore;
use crate::{
    config::{current::Current, registry::Registry},
    metrics::Metrics,
    store::{
        self,
        connection::{open_readable, open_writable},
        copy, upkeep,
    },
    writer,
};

/// Why there is no backup, or it could not be restored.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A database can't be opened, read or written, or is damaged.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The backup would replace what it is made of, or the other way round.
    #[error("{} is the database itself: name another file", .0.display())]
    Same(PathBuf),
    /// The system does not let us.
    #[error("can't write {}: {source}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
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
    partial.replace(target)
}

/// Copies `database` to `partial`: of one moment, with the newest schema, everything counted, without
/// people, checked.
fn whole_copy(registry: &Registry, database: &Path, partial: &Partial) -> Result<(), Error> {
    copy::copy(database, &partial.path)?;
    // What was answered but not counted yet is counted in the copy, with the state of the day.
    let current = Arc::new(Current::new(registry.clone()));
    let (_, counting) = writer::start(&partial.path, current, Arc::new(Metrics::default()))?;
    counting.close()?;
    let writable = open_writable(&partial.path)?;
    copy::forget_people(&writable.connection)?;
    copy::check_fully(&writable.connection)?;
    upkeep::leave_wal(&writable.connection)?;
    Ok(writable.close()?)
}

/// A copy of another database, ready to be added to the registry's own, beside it. It goes with this.
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

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0.path
    }
}

fn refuse_same(database: &Path, other: &Path) -> Result<(), Error> {
    let is_same = match (database.canonicalize(), other.canonicalize()) {
        (Ok(database), Ok(other)) => database == other,
        _ => database == other,
    };
    if is_same { Err(Error::Same(other.to_owned())) } else { Ok(()) }
}

/// A file on its way to become another one. It goes if it does not get there; what a process left that
/// was killed goes when the next one begins.
#[derive(Debug)]
struct Partial {
    path: PathBuf,
}

impl Partial {
    /// An empty file beside `target` that only its owner may read.
    fn new(target: &Path) -> Result<Self, Error> {
        let partial = Self { path: with_suffix(target, ".partial") };
        partial.remove();
        let path = &partial.path;
        let mut options = OpenOptions::new();
        let made = options.write(true).create_new(true).mode(0o600).open(path);
        made.map_err(|source| Error::Write { path: path.clone(), source })?;
        Ok(partial)
    }

    /// Puts it in the place of `target`, whole, on the disk. Returns its size in bytes.
    fn replace(self, target: &Path) -> Result<u64, Error> {
        let replace = || {
            let file = File::open(&self.path)?;
            file.sync_all()?;
            fs::rename(&self.path, target)?;
            sync_folder_of(target)?;
            Ok(file.metadata()?.len())
        };
        replace().map_err(|source| Error::Write { path: target.to_owned(), source })
    }

    fn remove(&self) {
        for suffix in ["", "-wal", "-shm", "-journal"] {
            // Most often there is none; one that can't be removed is told when it is made anew.
            let _none = fs::remove_file(with_suffix(&self.path, suffix));
        }
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Makes names in the folder of `path` survive a power cut.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
