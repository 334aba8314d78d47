//! Databases that take their name once they are whole and on the disk, and not before.

use std::{
    fs::{self, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use super::Error;
use crate::files::{self, with_suffix};

/// A file on its way to become another one. It goes if it does not get there; what a process left that
/// was killed goes when the next one begins.
#[derive(Debug)]
pub struct Partial {
    path: PathBuf,
}

impl Partial {
    /// An empty file beside `target` that only its owner may read.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn new(target: &Path) -> Result<Self, Error> {
        let partial = Self { path: with_suffix(target, ".partial") };
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
