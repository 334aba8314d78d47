//! What goes by age: which buckets, single beacons and refusals are older than the registry keeps
//! them, and how they go.
//!
//! A finer bucket lives on in the coarser ones, which hold the same sums from the start, so that
//! nothing has to be rolled up before it goes. What goes, goes in slices: each is a transaction, and
//! whatever stops the process between two of them, the rest goes the next time.

mod archive;
mod due;

use std::{
    io,
    path::{Path, PathBuf},
};

pub use self::due::{Due, What, due};
use crate::{
    config::registry::Registry,
    model::tally::TextId,
    store::{self, Transaction, aging, figures},
    writer::{Affects, changes::Changes},
};

/// How many rows of a table one slice removes at most.
pub const SLICE_ROWS: u32 = 5_000;

/// How many pages of the file are given back at once.
const SHRINK_PAGES: u32 = 500;

/// How often months are written anew because something was counted there meanwhile. What does not go then, goes the
/// next time.
const ANEW_MAX: u32 = 10;

/// Something of it could not be done; what is done by then stays done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file can't be read or written.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The archive can't be written, so nothing that belongs there has gone.
    #[error("the archive can't be written at {}: {source}", .path.display())]
    Archive {
        /// The file of the archive.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Removes everything that is due, into the archive where there is one, and gives the room back to
/// the disk. Says how many rows of each have gone; what had none is left out.
///
/// # Errors
/// When the file or the archive can't be read or written.
pub fn carry_out(
    file: &mut impl Changes,
    registry: &Registry,
    now: i64,
) -> Result<Vec<(Due, i64)>, Error> {
    let mut gone = Vec::new();
    let asked = registry.clone();
    // Most often there is nothing, and then the writer need not be asked.
    let all = file.read(move |file| {
        let mut there = Vec::new();
        for due in due(file, &asked, now)? {
            if due.is_there(file)? {
                there.push(due);
            }
        }
        Ok::<_, store::Error>(there)
    })?;
    for due in all {
        let removed = match &registry.server.archive {
            Some(archive) if due.what.of_buckets().is_some() => into_archive(file, &due, archive)?,
            _ => remove_all(file, &due, |_| Ok(()))?,
        };
        if removed > 0 {
            gone.push((due, removed));
        }
    }
    // Also when nothing went: the process may have been stopped between the two.
    while file.change(Affects::Nothing, |file| aging::shrink(file, SHRINK_PAGES))? > 0 {}
    Ok(gone)
}

/// Slice by slice. `end` is done in the transaction of the last one.
fn remove_all(
    file: &mut impl Changes,
    due: &Due,
    end: impl Fn(&Transaction<'_>) -> Result<(), store::Error> + Copy + Send + 'static,
) -> Result<i64, Error> {
    let mut removed = 0;
    loop {
        let slice = due.clone();
        let (more, is_over) = file.change(Affects::Nothing, move |file| {
            let more = slice.remove_slice(file)?;
            // Whether a bucket is left is told quickly, not so for single beacons.
            let is_bucket = slice.what.of_buckets().is_some();
            let is_over = more == 0 || (is_bucket && !slice.is_there(file)?);
            if is_over {
                end(file)?;
            }
            Ok::<_, store::Error>((more, is_over))
        })?;
        removed += i64::try_from(more).unwrap_or(i64::MAX);
        if is_over {
            return Ok(removed);
        }
    }
}

/// Month by month: noted, written, noted as whole, removed. Whatever stops it, it goes on from there.
fn into_archive(file: &mut impl Changes, due: &Due, archive: &Path) -> Result<i64, Error> {
    let (mut removed, mut anew) = (0, 0);
    loop {
        let asked = due.clone();
        let Some(month) = file.read(move |file| asked.first_month(file))? else {
            return Ok(removed);
        };
        let place = due.place(archive, month.start);
        let number = place.free_number();
        let begun = file
            .change(Affects::Nothing, move |file| aging::begin_archiving(file, &month, number))?;
        let of_month = Due { before: due.month_end(month.start).min(due.before), ..due.clone() };
        if !begun.removing {
            let asked = of_month.clone();
            let written = file.read(move |file| {
                let buckets = asked.buckets_of(file, month.subject)?;
                let only_pairs = asked.what == What::Pairs;
                place.write(begun.number, file, month.subject, (&buckets, only_pairs))?;
                Ok::<_, Error>(figures::series(file, month.subject, TextId::TOTAL, &buckets)?)
            })?;
            let asked = of_month.clone();
            let is_whole = file.change(Affects::Nothing, move |file| {
                let buckets = asked.buckets_of(file, month.subject)?;
                let now = figures::series(file, month.subject, TextId::TOTAL, &buckets)?;
                if now == written {
                    aging::note_archived(file, &month)?;
                }
                Ok::<_, store::Error>(now == written)
            })?;
            // Something was told late and counted there meanwhile: the month is written anew.
            if !is_whole {
                anew += 1;
                if anew >= ANEW_MAX {
                    return Ok(removed);
                }
                continue;
            }
        }
        removed += remove_all(file, &of_month, move |file| aging::end_archiving(file, &month))?;
    }
}

/// Removes names that were admitted before `before` (UTC seconds) and that no row uses any more.
///
/// Says how many. Counting goes on beside it, so it takes three steps: counting forgets the names, so that
/// whoever brings one from then on admits it anew; it is looked which are still unused; and of these
/// only those go that nobody has admitted meanwhile.
///
/// # Errors
/// When the file can't be read or written.
pub fn remove_unused_names(file: &mut impl Changes, before: i64) -> Result<usize, Error> {
    let mut removed = 0;
    loop {
        let unused = file.read(move |file| aging::unused_names(file, before, SLICE_ROWS))?;
        if unused.is_empty() {
            return Ok(removed);
        }
        let forgotten = unused.clone();
        file.change(Affects::Names, move |file| aging::forget_names(file, &forgotten))?;
        let still = file.read(move |file| aging::still_unused(file, &unused))?;
        removed += file.change(Affects::Names, move |file| aging::remove_texts(file, &still))?;
    }
}
