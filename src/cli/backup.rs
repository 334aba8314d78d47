//! `backup` and `restore`: the database goes into one file, and comes back from it.

use std::path::PathBuf;

use clap::Args;

use super::{Failure, Place, say};
use crate::{backup, clock};

/// What both take.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The backup
    file: PathBuf,
    #[command(flatten)]
    place: Place,
}

pub(super) fn make(options: &Options) -> Result<(), Failure> {
    let registry = options.place.registry()?;
    let bytes = backup::make(&registry, &options.file)?;
    say(&format!("{} is whole, checked and on the disk: {bytes} bytes", options.file.display()))
}

pub(super) fn restore(options: &Options) -> Result<(), Failure> {
    let registry = options.place.registry()?;
    let database = &registry.server.database;
    let kept = backup::restore(&options.file, database, clock::now_ms())?;
    say(&format!("{} is now as in {}", database.display(), options.file.display()))?;
    match kept {
        Some(kept) => say(&format!("The old database is kept: {}", kept.display())),
        None => Ok(()),
    }
}
