//! Files that take their name once they are whole and on the disk, and not before.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use super::Error;

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

/// Gives `file` the name `target`, whole, on the disk. Returns its size in bytes.
///
/// # Errors
/// When that can't be done; then `target` is as it was.
pub(super) fn put_in_place(file: &Path, target: &Path) -> Result<u64, Error> {
    let replace = || {
        let open = File::open(file)?;
        open.sync_all()?;
        fs::rename(file, target)?;
        sync_folder_of(target)?;
        Ok(open.metadata()?.len())
    };
    replace().map_err(|source| Error::Write { path: target.to_owned(), source })
}

/// Makes names in the folder of `path` survive a power cut.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// `path` with something more at the end of its name.
#[must_use]
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
