//! What can go wrong with the file, in sentences that its owner can act on.

use std::path::{Path, PathBuf};

/// Why the file can't be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such file.
    #[error("there is no database at {}", .0.display())]
    Missing(PathBuf),
    /// It was there, and somebody has removed it or put another in its place.
    #[error(
        "{} was removed or replaced while it was in use: nothing is stored until the server is started anew",
        .0.display()
    )]
    Removed(PathBuf),
    /// The path is a directory, or not a file of ours.
    #[error("{} is not a Trim Beacons database: {why}", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        why: String,
    },
    /// A newer release has written it.
    #[error(
        "{} was written by a newer release (schema {found}, this one knows {known}): upgrade \
         trim-beacons, or use a backup from before", .path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// The newest schema version that this release knows.
        known: i64,
    },
    /// An older release has written it, and no server of this one has opened it since.
    #[error(
        "{} was written by an older release (schema {found}, this one has {known}): start the server of          this one once, which keeps a copy of what it was", .path.display()
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// The schema version of this release.
        known: i64,
    },
    /// Another process serves it.
    #[error("{} is in use by another trim-beacons: stop that one first", .0.display())]
    InUse(PathBuf),
    /// The system does not let us.
    #[error("can't open {}: {source}", .path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The folder of the file does not exist.
    #[error("can't make {}: there is no folder {}", .path.display(), .folder.display())]
    NoFolder {
        /// The file.
        path: PathBuf,
        /// Where it should lie.
        folder: PathBuf,
    },
    /// The folder of the file can't be written.
    #[error(
        "can't write {}: its folder can't be written, and SQLite keeps a log beside the file",
        .0.display()
    )]
    Folder(PathBuf),
    /// SQLite can't open the file.
    #[error("can't read or write {}: {source}", .path.display())]
    Unopened {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: rusqlite::Error,
    },
    /// A file can't be written.
    #[error("can't write {}: {source}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Another process, or this one, makes the same copy.
    #[error("{} is being made already: try again when that is done", .0.display())]
    BeingMade(PathBuf),
    /// The copy that an upgrade needs can't be made.
    #[error("no upgrade without a copy of what was before, which can't be made: {0}")]
    NoCopy(Box<Error>),
    /// SQLite finds mistakes in the file.
    #[error("the database is damaged, go back to a backup: {0}")]
    Damaged(String),
    /// SQLite does not let us.
    #[error("the database can't be read or written: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// No connection became free in time.
    #[error("the database is too busy to be read: {0}")]
    Busy(#[from] r2d2::Error),
    /// What was being read is not wanted any more, or took too long.
    #[error("reading was stopped")]
    Stopped,
    /// Too many changes wait to be made, or the server is ending.
    #[error("too many changes wait, or the server is ending: try again in a moment")]
    NotTaken,
    /// What an edit would take is not there, though it is not older than it is kept.
    #[error("a later edit has changed the same rows: undo that one first")]
    Tangled,
    /// All of it is in the journal, and what keeps it from being counted may be mended.
    #[error("not all that was answered can be counted, the journal keeps it: {0}")]
    NotCounted(Box<Error>),
    /// There are more than 2^32 different strings.
    #[error("the database holds as many different names as it can")]
    NamesFull,
}

impl Error {
    /// Says which file it is about, and what of it, where SQLite does not.
    pub(super) fn of_opening(self, path: &Path) -> Self {
        let Self::Sqlite(source) = self else { return self };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        if rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_err() {
            return Self::Folder(path.to_owned());
        }
        Self::Unopened { path: path.to_owned(), source }
    }

    /// Whether it is about what was to be counted, which the file does not take, and not about the file, which
    /// takes everything else.
    pub fn is_of_what_is_counted(&self) -> bool {
        use rusqlite::ErrorCode::{ConstraintViolation, TooBig, TypeMismatch};
        let is_of_value = |code| matches!(code, ConstraintViolation | TooBig | TypeMismatch);
        match self {
            Self::Sqlite(error) => error.sqlite_error_code().is_some_and(is_of_value),
            Self::NamesFull => true,
            _ => false,
        }
    }

    /// Whether the disk is full, so that trying again later may help.
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::Sqlite(error) | Self::Unopened { source: error, .. }
            if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull))
    }
}
