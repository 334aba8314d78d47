//! Files that take their name once they are whole and on the disk, and not before; and which file a name leads to.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

/// Which file it is, whatever name leads to it: after a rotation, the same name leads to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    /// The file that `path` leads to.
    ///
    /// # Errors
    /// When there is none, or it may not be looked at.
    pub fn at(path: &Path) -> io::Result<Self> {
        fs::metadata(path).map(|found| Self::of(&found))
    }

    /// The file that `found` is about.
    #[must_use]
    pub fn of(found: &Metadata) -> Self {
        Self { device: found.dev(), inode: found.ino() }
    }
}

/// Puts `content` into `target`, which its owner alone may read, as a whole or not at all.
///
/// # Errors
/// When it can't be written; then `target` is as it was.
pub fn replace(target: &Path, content: &[u8]) -> io::Result<()> {
    let new = with_suffix(target, ".new");
    let mut options = OpenOptions::new();
    let mut writing = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    writing.write_all(content)?;
    put_in_place(&new, target).map(|_bytes| ())
}

/// Gives `file` the name `target`, whole, on the disk. Returns its size in bytes.
///
/// # Errors
/// When that can't be done; then `target` is as it was.
pub fn put_in_place(file: &Path, target: &Path) -> io::Result<u64> {
    let open = File::open(file)?;
    open.sync_all()?;
    fs::rename(file, target)?;
    // The name must survive a power cut too.
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(open.metadata()?.len())
}

/// `path` with something more at the end of its name.
#[must_use]
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
