//! Databases that take their name once they are whole and on the disk, and not before.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use super::Error;
use crate::files::{self, FileId, with_suffix};

/// A file on its way to become another one, which no other is meanwhile. It goes if it does not get there; what a
/// process left that was killed goes when the next one begins.
#[derive(Debug)]
pub struct Partial {
    path: PathBuf,
    // The last to go: by then there is nothing left that another one could take for its own.
    _turn: Turn,
}

/// That nobody else makes the same file. It is a lock on a file beside it, as SQLite has its own on the file itself.
#[derive(Debug)]
struct Turn {
    path: PathBuf,
    _lock: File,
}

impl Partial {
    /// An empty file beside `target` that only its owner may read.
    ///
    /// # Errors
    /// When it can't be made, or another one is on its way to `target`.
    pub fn new(target: &Path) -> Result<Self, Error> {
        let turn = Turn::take(target)?;
        let partial = Self { path: with_suffix(target, ".partial"), _turn: turn };
        partial.remove();
        let path = &partial.path;
        let mut options = OpenOptions::new();
        let made = options.write(true).create_new(true).mode(0o600).open(path);
        made.map_err(|source| Error::Write { path: path.clone(), source })?;
        Ok(partial)
    }

    /// Puts it in the place of `target`, whole, on the disk. Returns its size in bytes.
    ///
    /// # Errors
    /// When that can't be done; then `target` is as it was.
    pub fn replace(self, target: &Path) -> Result<u64, Error> {
        put_in_place(&self.path, target)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn remove(&self) {
        for suffix in ["", "-wal", "-shm", "-journal"] {
            // Most often there is none; one that can't be removed is told when it is made anew.
            let _none = fs::remove_file(with_suffix(&self.path, suffix));
        }
    }
}

impl Turn {
    fn take(target: &Path) -> Result<Self, Error> {
        let path = with_suffix(target, ".partial-lock");
        let failed = |source| Error::Write { path: path.clone(), source };
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(false).mode(0o600);
        loop {
            let lock = options.open(&path).map_err(failed)?;
            match lock.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(Error::BeingMade(target.to_owned())),
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
            let own = lock.metadata().map(|found| FileId::of(&found)).map_err(failed)?;
            // Whoever had it before has just removed it: the lock of a file without a name keeps nobody out.
            if FileId::at(&path).is_ok_and(|named| named == own) {
                return Ok(Self { path, _lock: lock });
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // One that can't be removed is locked again by the next.
        let _left = fs::remove_file(&self.path);
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        self.remove();
    }
}

/// What a log is called that was left by a database that is gone.
const LEFT: &str = ".left";

/// Takes away what a database that is gone has left under the name of `target`: SQLite would read its log as that
/// of the next one. The log is kept under another name.
fn set_aside(target: &Path) -> Result<(), Error> {
    for suffix in ["-wal", "-journal", "-shm"] {
        let path = with_suffix(target, suffix);
        match fs::rename(&path, with_suffix(&path, LEFT)) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(Error::Write { path, source });
            }
            _ => {}
        }
    }
    Ok(())
}

/// See [`files::put_in_place`].
///
/// # Errors
/// The same, with the name of `target`.
pub(super) fn put_in_place(file: &Path, target: &Path) -> Result<u64, Error> {
    if !target.exists() {
        set_aside(target)?;
    }
    files::put_in_place(file, target)
        .map_err(|source| Error::Write { path: target.to_owned(), source })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;

    #[test]
    fn one_file_at_a_time_is_on_its_way_and_what_was_left_of_one_goes() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a.db");
        for suffix in [".partial", ".partial-wal", ".partial-lock"] {
            fs::write(with_suffix(&target, suffix), "left").unwrap();
        }
        let first = Partial::new(&target).unwrap();
        fs::write(first.path(), "whole").unwrap();
        let second = Partial::new(&target).unwrap_err();
        assert!(second.to_string().contains("is being made already"), "{second}");
        assert!(Partial::new(&folder.path().join("b.db")).is_ok());
        assert_eq!(first.replace(&target).unwrap(), 5);
        drop(Partial::new(&target).unwrap());
        let names = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(names.collect::<Vec<_>>(), ["a.db"]);
    }
}
