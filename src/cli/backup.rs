//! `backup` and `restore`: the database goes into one file, and comes back from it.

use std::path::PathBuf;

use clap::Args;

use super::{Failure, Place, say};
use crate::{backup, clock};

/// What `backup` takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The backup
    file: PathBuf,
    #[command(flatten)]
    place: Place,
}

/// What `restore` takes.
#[derive(Debug, Args)]
pub(super) struct RestoreOptions {
    /// The backup
    #[arg(required_unless_present = "rollback", conflicts_with = "rollback")]
    file: Option<PathBuf>,
    /// Go back to what was before the last upgrade, to be served by the release of then
    #[arg(long)]
    rollback: bool,
    #[command(flatten)]
    place: Place,
}

pub(super) fn make(options: &Options) -> Result<(), Failure> {
    let registry = options.place.registry()?;
    let bytes = backup::make(&registry, &options.file)?;
    say(&format!("{} is whole, checked and on the disk: {bytes} bytes", options.file.display()))
}

pub(super) fn restore(options: &RestoreOptions) -> Result<(), Failure> {
    let registry = options.place.registry()?;
    let database = &registry.server.database;
    let file = match &options.file {
        Some(file) => file.clone(),
        None => backup::before_upgrade(database)?,
    };
    let kept = backup::restore(&file, database, clock::now_ms())?;
    say(&format!("{} is now as in {}", database.display(), file.display()))?;
    if let Some(kept) = kept {
        say(&format!("The old database is kept: {}", kept.display()))?;
    }
    if options.rollback {
        say("Now start the release of then: this one would upgrade it again")?;
    }
    Ok(())
}
