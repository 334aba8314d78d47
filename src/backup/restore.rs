//! The way back: a backup takes the place of the database, and the old one is kept.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{Error, refuse_same};
use crate::{
    files::with_suffix,
    store::{
        self,
        connection::{open_readable, open_writable},
        copy, migrate,
        partial::Partial,
        upkeep,
    },
};

/// Puts a copy of `backup` in the place of `database`. An old database is kept beside it, under a name
/// with `now` (UTC milliseconds), which is returned. At every moment one whole database has the name.
///
/// # Errors
/// When the backup is damaged, newer than this release or none of ours, when a server runs, or when
/// the old database can't be read; then it is as it was.
pub fn restore(backup: &Path, database: &Path, now: i64) -> Result<Option<PathBuf>, Error> {
    refuse_same(database, backup)?;
    copy::check_fully(&open_readable(backup)?)?;
    let partial = Partial::new(database)?;
    copy::copy(backup, partial.path())?;
    copy::check_fully(&open_readable(partial.path())?)?;
    if !database.exists() {
        partial.replace(database)?;
        return Ok(None);
    }
    // The lock is held to the end, so no server begins meanwhile. Nothing may stay in the old file's
    // write-ahead log: it would be read as the new file's.
    let old = open_writable(database)?;
    upkeep::leave_wal(&old.connection)?;
    let kept = with_suffix(database, &format!(".before-restore-{now}"));
    if kept.exists() {
        let source = io::ErrorKind::AlreadyExists.into();
        return Err(store::Error::Write { path: kept, source }.into());
    }
    // A copy, not a second name: if this is killed now, the two must not be one file.
    let old_copy = Partial::new(&kept)?;
    copy::copy(database, old_copy.path())?;
    old_copy.replace(&kept)?;
    partial.replace(database)?;
    old.close()?;
    Ok(Some(kept))
}

/// The copy that the last upgrade of `database` made before it began, if there is one.
///
/// # Errors
/// When there is none.
pub fn before_upgrade(database: &Path) -> Result<PathBuf, Error> {
    let versions = (1..migrate::LATEST).rev();
    let mut copies = versions.map(|version| migrate::copy_before(database, version));
    let found = copies.find(|copy| copy.exists());
    found.ok_or_else(|| Error::NoUpgrade(database.to_owned()))
}
