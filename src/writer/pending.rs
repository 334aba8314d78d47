//! What is answered and not gathered yet: a little of it in memory, the rest in the journal alone.

use std::collections::VecDeque;

use crate::{
    model::beacon::decode_batch,
    store::{
        Connection, Error,
        journal::{self, Batch},
    },
};

/// How many beacons are kept in memory until they are gathered; what comes beyond is read from the journal in its turn.
pub(super) const PENDING_MAX: usize = 16_384;

/// Batches that are committed and answered, and whose beacons are not gathered.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// Each with how many beacons it has.
    batches: VecDeque<(Batch, usize)>,
    beacons: usize,
    /// The last batch that was kept here.
    through: i64,
    /// Whether others may come after it, in the journal alone.
    is_behind: bool,
    /// How many beacons these have, as far as it is known: a commit that has failed may have reached the disk.
    only_in_journal: usize,
    /// Whether the journal was counted since the start.
    knows_journal: bool,
}

impl Pending {
    /// How many beacons wait.
    pub(super) const fn len(&self) -> usize {
        self.beacons + self.only_in_journal
    }

    /// How many of them are kept in memory.
    pub(super) const fn kept(&self) -> usize {
        self.beacons
    }

    /// Whether some of them may be in the journal alone.
    pub(super) const fn is_behind_journal(&self) -> bool {
        self.is_behind
    }

    /// Takes in a batch that is committed; only notes it where others are in the journal alone, or `is_full`.
    pub(super) fn push(&mut self, batch: Batch, beacons: usize, is_full: bool) {
        if self.is_behind || is_full {
            self.is_behind = true;
            self.only_in_journal += beacons;
        } else {
            self.keep(batch, beacons);
        }
    }

    fn keep(&mut self, batch: Batch, beacons: usize) {
        self.beacons += beacons;
        self.through = batch.id;
        self.batches.push_back((batch, beacons));
    }

    /// The oldest batch that is kept in memory, and how many beacons it has.
    pub(super) fn pop(&mut self) -> Option<(Batch, usize)> {
        let (batch, beacons) = self.batches.pop_front()?;
        self.beacons -= beacons;
        Some((batch, beacons))
    }

    /// Takes in what is only in the journal, up to half of what is kept in memory.
    ///
    /// # Errors
    /// When the file can't be read.
    pub(super) fn refill(&mut self, connection: &Connection) -> Result<(), Error> {
        while self.is_behind && self.beacons < PENDING_MAX / 2 {
            let Some(batch) = journal::next(connection, self.through)? else {
                (self.is_behind, self.only_in_journal) = (false, 0);
                break;
            };
            let beacons = count(&batch);
            self.only_in_journal = self.only_in_journal.saturating_sub(beacons);
            self.keep(batch, beacons);
        }
        Ok(())
    }

    /// Begins anew with all that the journal has: `uncounted` beacons, but for the first time.
    ///
    /// # Errors
    /// When the file can't be read.
    pub(super) fn reload(
        &mut self,
        connection: &Connection,
        uncounted: usize,
    ) -> Result<(), Error> {
        let in_journal = if self.knows_journal { uncounted } else { count_all(connection)? };
        *self = Self {
            is_behind: true,
            only_in_journal: in_journal,
            knows_journal: true,
            ..Self::default()
        };
        self.refill(connection)
    }
}

/// How many beacons a batch has; none if it can't be read, and then it is set aside in its turn.
fn count(batch: &Batch) -> usize {
    decode_batch(&batch.beacons).map_or(0, |beacons| beacons.len())
}

/// How many beacons the journal has.
fn count_all(connection: &Connection) -> Result<usize, Error> {
    let (mut last, mut beacons) = (0, 0);
    while let Some(batch) = journal::next(connection, last)? {
        last = batch.id;
        beacons += count(&batch);
    }
    Ok(beacons)
}
