//! The thread's life: take all that waits, commit it, answer, and count in between.

use std::{
    collections::{HashMap, VecDeque},
    mem,
    ops::RangeInclusive,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::oneshot;
use tracing::{error, info, warn};

use super::{
    Live,
    queue::{Affects, Change, NotStored, Queue, Refusal, Waiting},
    stored::{is_of_the_past, restored, write, write_refusals},
};
use crate::{
    clock,
    config::{current::Current, registry::Registry},
    fold::Fold,
    metrics::Metrics,
    model::{
        beacon::decode_batch,
        period::{Granularity, Period},
        tally::TextId,
    },
    store::{
        Error,
        connection::Writable,
        figures,
        journal::{self, Batch},
        names::{self, NameCache, StoredNames},
        state, upkeep,
    },
};

/// How long counting holds up the journal, about: so many beacons are counted in one transaction as this
/// machine counts in that time. What the commit takes is not in it, as the journal waits for the disk too.
const SLICE_TIME: Duration = Duration::from_millis(15);

/// The fewest and the most beacons that are counted in one transaction, but for what a batch holds more.
const SLICE_BEACONS: RangeInclusive<usize> = 500..=8_000;

/// From how many waiting beacons on as many as can be are counted at once: that takes less for each.
const BEHIND_BEACONS: usize = 24_000;

/// How long a beacon waits to be counted when nothing else asks for it.
const FOLD_EVERY: Duration = Duration::from_secs(1);

/// How many answered beacons may wait to be counted before no more are taken from the queue.
const PENDING_MAX: usize = 65_536;

/// How long a fold that has failed is not tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How often the day is looked at.
const TICK_EVERY: Duration = Duration::from_secs(60);

/// How long the hashes of a day are kept after its end, for beacons that were received before it.
const DAY_GRACE_SECONDS: i64 = 120;

/// From how many pages of write-ahead log on a quiet moment is used to checkpoint.
const WAL_PAGES_QUIET: i64 = 1_000;

/// From how many pages of write-ahead log on it is checkpointed, quiet or not.
const WAL_PAGES_MAX: i64 = 4_000;

/// A batch that is committed and answered, but not counted.
struct Pending {
    batch: Batch,
    beacons: usize,
}

pub(super) struct WriterThread {
    writable: Writable,
    queue: Arc<Queue>,
    registry: Arc<Current>,
    metrics: Arc<Metrics>,
    fold: Fold,
    names: NameCache,
    pending: VecDeque<Pending>,
    pending_beacons: usize,
    /// How many beacons are counted in [`SLICE_TIME`], by the last ones.
    slice_beacons: usize,
    refusals: HashMap<Refusal, i64>,
    folded_at: Instant,
    ticked_at: Option<Instant>,
    retry_at: Option<Instant>,
    /// Whether the write-ahead log has grown since it was looked at.
    wal_grew: bool,
    /// How often anything was changed that was counted on a day that was over.
    past_changes: u64,
}

/// Turns everyone away once the thread ends, however it ends.
struct Abandon(Arc<Queue>);

impl Drop for Abandon {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

impl WriterThread {
    pub(super) fn new(
        writable: Writable,
        queue: Arc<Queue>,
        registry: Arc<Current>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, Error> {
        let fold = restored(&writable)?;
        Ok(Self {
            writable,
            queue,
            registry,
            metrics,
            fold,
            names: NameCache::default(),
            pending: VecDeque::new(),
            pending_beacons: 0,
            slice_beacons: *SLICE_BEACONS.start(),
            refusals: HashMap::new(),
            folded_at: Instant::now(),
            ticked_at: None,
            retry_at: None,
            wal_grew: true,
            past_changes: 0,
        })
    }

    /// Counts what the journal holds from an earlier life.
    pub(super) fn recover(&mut self) -> Result<(), Error> {
        let mut last = 0;
        let mut recovered = 0;
        while let Some(batch) = journal::next(&self.writable.connection, last)? {
            last = batch.id;
            let beacons = decode_batch(&batch.beacons).map_or(0, |beacons| beacons.len());
            recovered += beacons;
            self.push_pending(batch, beacons);
            if self.pending_beacons >= *SLICE_BEACONS.end() {
                self.fold_slice()?;
            }
        }
        while !self.pending.is_empty() {
            self.fold_slice()?;
        }
        if recovered > 0 {
            info!(beacons = recovered, "counted what was answered before the last stop");
        }
        Ok(())
    }

    /// Lives until the queue is closed.
    pub(super) fn run(mut self) -> Result<(), Error> {
        let _abandon = Abandon(Arc::clone(&self.queue));
        let mut spare = Vec::new();
        loop {
            let waiting = if self.pending_beacons < PENDING_MAX {
                self.queue.take(mem::take(&mut spare), self.until_next_duty())
            } else {
                std::thread::sleep(self.until_next_duty());
                Waiting { closing: self.queue.is_closing(), ..Waiting::default() }
            };
            let Waiting { batch, answers, readers, refusals, changes, closing, .. } = waiting;
            for (refusal, count) in refusals {
                *self.refusals.entry(refusal).or_default() += count;
            }
            let quiet = answers.is_empty();
            self.commit(batch, answers);
            if readers.is_empty() && changes.is_empty() && !closing {
                self.fold_if_due();
            } else {
                self.fold_all();
                self.answer_readers(readers);
            }
            self.make(changes);
            self.tick();
            self.checkpoint_if_due(quiet);
            if closing && quiet {
                return self.end();
            }
        }
    }

    fn make(&mut self, changes: Vec<Change>) {
        for change in changes {
            self.wal_grew = true;
            if change(&mut self.writable) == Affects::Nothing {
                continue;
            }
            self.past_changes += 1;
            self.names.clear();
            match restored(&self.writable) {
                Ok(fold) => self.fold = fold,
                Err(error) => warn!(%error, "the state of the day can't be read back yet"),
            }
        }
    }

    fn end(mut self) -> Result<(), Error> {
        while self.has_work() {
            self.fold_slice()?;
        }
        upkeep::checkpoint_fully(&self.writable.connection)?;
        self.writable.close()
    }

    fn has_work(&self) -> bool {
        !self.pending.is_empty() || !self.refusals.is_empty()
    }

    fn until_next_duty(&self) -> Duration {
        let due =
            if self.has_work() { self.folded_at + FOLD_EVERY } else { Instant::now() + TICK_EVERY };
        let due = self.retry_at.map_or(due, |retry| retry.max(due));
        due.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
    }

    /// Commits a batch to the journal, then answers everyone who waits for it.
    fn commit(&mut self, batch: Vec<u8>, answers: Vec<oneshot::Sender<Result<(), NotStored>>>) {
        if answers.is_empty() {
            return;
        }
        let beacons = answers.len();
        let more = u64::try_from(beacons).unwrap_or(u64::MAX);
        let begun = Instant::now();
        let outcome = match journal::append(&self.writable.connection, &batch) {
            Ok(id) => {
                self.metrics.committed(begun.elapsed(), clock::now());
                self.metrics.stored.add(more);
                self.push_pending(Batch { id, beacons: batch }, beacons);
                Ok(())
            }
            Err(error) => {
                error!(beacons, %error, "beacons could not be stored, their senders were told");
                self.metrics.unavailable.add(more);
                self.metrics.failing.set(1);
                Err(NotStored)
            }
        };
        for answer in answers {
            // Whoever has hung up does not want to know.
            let _hung_up = answer.send(outcome);
        }
    }

    fn push_pending(&mut self, batch: Batch, beacons: usize) {
        if self.pending.is_empty() {
            self.folded_at = Instant::now();
        }
        self.pending_beacons += beacons;
        self.metrics.note_uncounted(self.pending_beacons);
        self.pending.push_back(Pending { batch, beacons });
    }

    fn fold_if_due(&mut self) {
        let waits = self.retry_at.is_some_and(|retry| Instant::now() < retry);
        let due = self.pending_beacons >= self.slice_beacons
            || (self.has_work() && self.folded_at.elapsed() >= FOLD_EVERY);
        if due && !waits {
            self.fold_or_restore();
        }
    }

    fn fold_all(&mut self) {
        while self.has_work() && self.fold_or_restore() {}
    }

    /// Folds a slice. If that fails, nothing of it is in the file: the state is read anew from there,
    /// the batches stay in the journal, and it is tried again later.
    fn fold_or_restore(&mut self) -> bool {
        let Err(error) = self.fold_slice() else {
            self.retry_at = None;
            return true;
        };
        warn!(%error, "counting is put off, the journal keeps what was answered");
        self.metrics.fold_failures.add(1);
        self.names.clear();
        match restored(&self.writable) {
            Ok(fold) => self.fold = fold,
            Err(error) => warn!(%error, "the state of the day can't be read back yet"),
        }
        self.retry_at = Some(Instant::now() + RETRY_AFTER);
        false
    }

    /// Counts the oldest batches, and takes them from the journal, in one transaction.
    fn fold_slice(&mut self) -> Result<(), Error> {
        let begun = Instant::now();
        let most = match self.pending_beacons {
            BEHIND_BEACONS.. => *SLICE_BEACONS.end(),
            _ => self.slice_beacons,
        };
        let mut count = 0;
        let whole = |pending: &&Pending| {
            let fits = count < most;
            count += pending.beacons;
            fits
        };
        let slice: Vec<&Pending> = self.pending.iter().take_while(whole).collect();
        let batches = slice.len();
        let transaction = self.writable.transaction()?;
        let mut beacons = Vec::with_capacity(count);
        for Pending { batch, .. } in &slice {
            match decode_batch(&batch.beacons) {
                Ok(decoded) => beacons.extend(decoded),
                Err(error) => {
                    error!(batch = batch.id, %error, "a journal batch is set aside, uncounted");
                    journal::set_aside(&transaction, batch.id)?;
                }
            }
        }
        let registry = self.registry.get();
        let mut names = StoredNames::new(&transaction, &mut self.names);
        let counted = self.fold.slice(&beacons, &registry, &mut names)?;
        let is_past = is_of_the_past(&transaction, &counted, &registry)?;
        write(&transaction, &counted)?;
        write_refusals(&transaction, &mut self.names, &self.refusals)?;
        if let Some(last) = slice.last() {
            journal::remove_through(&transaction, last.batch.id)?;
        }
        let took = begun.elapsed();
        transaction.commit()?;
        let folded = beacons.len();
        drop(beacons);
        self.slice_beacons = next_slice(self.slice_beacons, folded, took);
        self.refusals.clear();
        for pending in self.pending.drain(..batches) {
            self.pending_beacons -= pending.beacons;
        }
        self.metrics.note_uncounted(self.pending_beacons);
        if is_past {
            self.past_changes += 1;
        }
        self.folded_at = Instant::now();
        self.wal_grew = true;
        self.metrics.folds.add(1);
        self.metrics.folded.add(u64::try_from(folded).unwrap_or(u64::MAX));
        Ok(())
    }

    fn answer_readers(&self, readers: Vec<oneshot::Sender<Live>>) {
        if readers.is_empty() {
            return;
        }
        let now = clock::now();
        let mut live = Live { past_changes: Some(self.past_changes), ..Live::default() };
        for site in &self.registry.get().sites {
            if let Ok(Some(id)) = names::find(&self.writable.connection, &site.name) {
                live.present.insert(site.name.clone(), self.fold.present(id, now));
                live.pages.insert(site.name.clone(), self.pages_now(id, now));
            }
        }
        for reader in readers {
            let _hung_up = reader.send(live.clone());
        }
    }

    /// The pages on which visitors are. One whose name can't be read is left out.
    fn pages_now(&self, site: TextId, now: i64) -> Vec<(String, usize)> {
        let named = |(page, count)| match figures::text(&self.writable.connection, page) {
            Ok(name) => name.map(|name| (name, count)),
            Err(error) => {
                warn!(%error, "a page’s name could not be read");
                None
            }
        };
        self.fold.pages_now(site, now).into_iter().filter_map(named).collect()
    }

    /// Once a minute: forgets who was seen on days that are over.
    fn tick(&mut self) {
        if self.ticked_at.is_some_and(|at| at.elapsed() < TICK_EVERY) {
            return;
        }
        self.ticked_at = Some(Instant::now());
        let registry = self.registry.get();
        if let Err(error) = self.forget_past_days(&registry, clock::now()) {
            warn!(%error, "who was seen on past days could not be removed yet");
        }
    }

    fn forget_past_days(&mut self, registry: &Registry, now: i64) -> Result<(), Error> {
        for site in &registry.sites {
            let Some(id) = names::find(&self.writable.connection, &site.name)? else { continue };
            let at = now - DAY_GRACE_SECONDS;
            let today = Period::containing(Granularity::Day, at, &site.zone).start;
            let transaction = self.writable.transaction()?;
            state::remove_seen_before(&transaction, id, today)?;
            transaction.commit()?;
            self.fold.forget_seen_before(id, today);
        }
        Ok(())
    }

    fn checkpoint_if_due(&mut self, quiet: bool) {
        if !mem::take(&mut self.wal_grew) {
            return;
        }
        let connection = &self.writable.connection;
        let outcome = upkeep::wal_pages(connection).and_then(|pages| {
            if pages >= WAL_PAGES_MAX || (quiet && pages >= WAL_PAGES_QUIET) {
                self.metrics.checkpoints.add(1);
                upkeep::checkpoint(connection)?;
            }
            Ok(())
        });
        if let Err(error) = outcome {
            warn!(%error, "the write-ahead log could not be moved into the file yet");
        }
    }
}

/// How many beacons the next slice has, if `folded` of them took `took` and `now` were to be folded.
fn next_slice(now: usize, folded: usize, took: Duration) -> usize {
    if folded < *SLICE_BEACONS.start() {
        // What each slice takes, however few it has, would pass for what a beacon takes.
        return now;
    }
    let fit = SLICE_TIME.as_secs_f64() / took.as_secs_f64().max(1e-6);
    // Halfway there, so that one slice that was interrupted does not decide.
    let half = u32::try_from(folded).map_or(f64::MAX, |folded| f64::from(folded) * fit / 2.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is bounded")]
    let half = half.clamp(0.0, 1e6) as usize;
    (now / 2 + half).clamp(*SLICE_BEACONS.start(), *SLICE_BEACONS.end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_becomes_what_is_counted_in_its_time_and_stays_bounded() {
        // Ten microseconds a beacon: 1,500 of them.
        let all = *SLICE_BEACONS.start();
        let slice = (0..20).fold(all, |slice, _| {
            let beacons = u32::try_from(slice).unwrap_or(u32::MAX);
            next_slice(slice, slice, Duration::from_micros(10) * beacons)
        });
        assert!((1_400..=1_500).contains(&slice), "{slice}");
        assert_eq!(next_slice(slice, 3, Duration::from_millis(1)), slice);
        assert_eq!(next_slice(8_000, 8_000, Duration::ZERO), 8_000);
        let slow = (0..20).fold(8_000, |slice, _| next_slice(slice, slice, Duration::from_secs(1)));
        assert_eq!(slow, *SLICE_BEACONS.start());
    }
}
