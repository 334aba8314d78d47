//! Importing: what files of others tell goes the way of every beacon, with its own time, and is counted
//! in a database of its own, which then joins the real one as a whole.
//!
//! Nothing of a person stays: visitors are told apart by keys that never leave the memory.

mod asked;
mod follow;
mod lines;
mod logs;
mod scratch;
mod summary;
mod tables;

use std::{io, path::PathBuf};

use crate::{ingest::location::Unreadable, store};

pub use self::{
    asked::Asked,
    follow::follow,
    logs::{Plan, import},
    scratch::Scratch,
    summary::Summary,
    tables::{By, Tables, import_tables},
};

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A database can't be read or written.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The country database can't be read.
    #[error(transparent)]
    Locations(#[from] Unreadable),
    /// A file can't be read.
    #[error("can't read {}: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The import can't be meant.
    #[error("{0}")]
    Unclear(String),
}

/// What is told while an import goes on.
pub trait Watch {
    /// A line that can't be read, as `file:line: why`.
    fn bad(&mut self, line: &str);

    /// How many bytes of the files were read so far, as they lie on the disk.
    fn read(&mut self, bytes: u64);
}
