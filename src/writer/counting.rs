//! Counting what is answered, in short steps, so that the journal never waits long: beacons are gathered a
//! few at a time, about once a second it is told to the file what they come to, and if that is much, it is
//! added to the sums part by part.

use std::{
    collections::HashMap,
    mem,
    sync::Arc,
    time::{Duration, Instant},
};

use tracing::{error, warn};

use super::{
    pending::{PENDING_MAX, Pending},
    queue::Refusal,
    stored::{begin_to_write, is_of_the_past, restored, write_refusals},
};
use crate::{
    clock,
    config::current::Current,
    fold::{Fold, Gathered, Tallies},
    metrics::Metrics,
    model::{
        beacon::{Beacon, decode_batch},
        tally::TextId,
    },
    store::{
        Error, Transaction,
        connection::Writable,
        journal::{self, Batch},
        names::{NameCache, StoredNames},
        parts,
    },
};

/// From how many beacons on they are gathered before anything else asks for it, and about how many are
/// gathered in one step, but for what a batch holds more.
const GATHER_BEACONS: usize = 200;

/// After how many gathered beacons it is told what they come to, though less than [`FOLD_EVERY`] is over. With twice
/// as many the sums don't stay in the processor's cache, with half as many too few beacons share a row.
const SLICE_BEACONS: usize = 4_096;

/// How long a beacon waits to be counted when nothing else asks for it.
const FOLD_EVERY: Duration = Duration::from_secs(1);

/// How long a step that has failed is not tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// To read the state and all that waits anew from the file.
    Reload,
    /// To add a part to the sums.
    Add,
    /// To gather beacons.
    Gather,
    /// To sum up what is gathered.
    Sum,
    /// To tell the file what it comes to.
    Tell,
}

pub(super) struct Counting {
    registry: Arc<Current>,
    metrics: Arc<Metrics>,
    fold: Fold,
    names: NameCache,
    pending: Pending,
    gathered: Gathered,
    gathered_beacons: usize,
    /// The last batch whose beacons are gathered.
    gathered_through: Option<i64>,
    /// What all that is gathered comes to, once it is summed up.
    summed: Option<Tallies>,
    /// Whether parts wait in the file to be added to the sums.
    parts_wait: bool,
    /// Whether what was told since none waited adds to a day that is over.
    is_of_past: bool,
    refusals: HashMap<Refusal, i64>,
    /// Since when the oldest of what is not told waits.
    waits_since: Option<Instant>,
    retry_at: Option<Instant>,
    is_stale: bool,
    /// How often anything was added to a day that was over.
    past_changes: u64,
}

impl Counting {
    /// Counting as it stood when the file was last written, with what its journal holds.
    pub(super) fn new(
        writable: &mut Writable,
        registry: Arc<Current>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, Error> {
        let mut counting = Self {
            registry,
            metrics,
            fold: Fold::default(),
            names: NameCache::default(),
            pending: Pending::default(),
            gathered: Gathered::default(),
            gathered_beacons: 0,
            gathered_through: None,
            summed: None,
            parts_wait: false,
            is_of_past: false,
            refusals: HashMap::new(),
            waits_since: None,
            retry_at: None,
            is_stale: false,
            past_changes: 0,
        };
        let loaded = counting.reload(writable);
        counting.put_off(loaded)?;
        Ok(counting)
    }

    /// Takes in a batch that is committed.
    pub(super) fn push(&mut self, batch: Batch, beacons: usize) {
        let is_full = self.is_full();
        self.pending.push(batch, beacons, is_full);
        self.note_waiting();
    }

    const fn is_full(&self) -> bool {
        self.pending.kept() + self.gathered_beacons >= PENDING_MAX
    }

    /// Whether so many beacons wait that no more should be taken until some are counted. Not while counting fails, or
    /// has failed and catches up: the journal keeps what comes, and nobody waits for that.
    pub(super) const fn is_behind(&self) -> bool {
        self.is_full() && !self.is_stale && !self.pending.is_behind_journal()
    }

    pub(super) fn refuse(&mut self, refusals: HashMap<Refusal, i64>) {
        for (refusal, count) in refusals {
            *self.refusals.entry(refusal).or_default() += count;
        }
        self.note_waiting();
    }

    fn note_waiting(&mut self) {
        if self.is_anything_untold() {
            self.waits_since.get_or_insert_with(Instant::now);
        }
        self.metrics.note_uncounted(self.uncounted());
    }

    /// How many answered beacons are not told to the file.
    pub(super) const fn uncounted(&self) -> usize {
        self.pending.len() + self.gathered_beacons
    }

    /// Whether at most `most` beacons are still to be counted, and no parts wait to be added.
    pub(super) const fn is_nearly_done(&self, most: usize) -> bool {
        self.uncounted() <= most && !self.parts_wait
    }

    pub(super) const fn past_changes(&self) -> u64 {
        self.past_changes
    }

    pub(super) const fn fold(&self) -> &Fold {
        &self.fold
    }

    /// Notes that the file was changed by others than the beacons: what is remembered of it is read anew.
    pub(super) fn forget_file(&mut self, writable: &mut Writable) {
        self.past_changes += 1;
        self.is_stale = true;
        if let Err(error) = self.reload(writable) {
            warn!(%error, "the state of the day can't be read back yet");
        }
    }

    pub(super) fn forget_seen_before(&mut self, site: Option<TextId>, day: i64) {
        self.fold.forget_seen_before(site, day);
    }

    fn is_anything_untold(&self) -> bool {
        self.uncounted() > 0 || !self.refusals.is_empty()
    }

    /// What is to be done next; also what waits for its time, if `is_time`.
    fn next(&self, is_time: bool) -> Option<Step> {
        if self.is_stale {
            return Some(Step::Reload);
        }
        if self.parts_wait {
            return Some(Step::Add);
        }
        if self.summed.is_some() {
            return Some(Step::Tell);
        }
        let is_full = self.gathered_beacons >= SLICE_BEACONS;
        if self.pending.len() >= GATHER_BEACONS && !is_full {
            return Some(Step::Gather);
        }
        (is_full || (is_time && self.is_anything_untold())).then_some(Step::Sum)
    }

    /// How long until a step is due; `None` when none will be by itself.
    pub(super) fn until_due(&self) -> Option<Duration> {
        let now = Instant::now();
        let due = match self.next(false) {
            Some(_) => now,
            None => self.waits_since? + FOLD_EVERY,
        };
        let due = self.retry_at.map_or(due, |retry| retry.max(due));
        Some(due.saturating_duration_since(now))
    }

    /// Makes a step if one is due, and more until `time` is over.
    pub(super) fn step(&mut self, time: Duration, writable: &mut Writable) {
        let begun = Instant::now();
        loop {
            if self.retry_at.is_some_and(|retry| Instant::now() < retry) {
                return;
            }
            let is_time = self.waits_since.is_some_and(|since| since.elapsed() >= FOLD_EVERY);
            let Some(step) = self.next(is_time) else { return };
            let made = self.make(step, writable);
            self.note_outcome(made);
            if begun.elapsed() >= time {
                return;
            }
        }
    }

    /// Makes all steps that lead to everything being counted, as far as they can be made.
    pub(super) fn step_to_end(&mut self, writable: &mut Writable) {
        let made = self.end(writable);
        self.note_outcome(made);
    }

    /// The same, of which nothing is tried again.
    ///
    /// # Errors
    /// When the file can't be written; its journal and its parts keep what is not counted.
    pub(super) fn end(&mut self, writable: &mut Writable) -> Result<(), Error> {
        while let Some(step) = self.next(true) {
            self.make(step, writable)?;
        }
        Ok(())
    }

    /// Puts off what the file does not take: beacons are stored all the same. Says whether anything was.
    ///
    /// # Errors
    /// When the file itself can't be read or written.
    pub(super) fn put_off(&mut self, made: Result<(), Error>) -> Result<bool, Error> {
        match made {
            Err(error) if error.is_of_what_is_counted() => {
                self.note_outcome(Err(error));
                Ok(true)
            }
            made => made.map(|()| false),
        }
    }

    /// If a step fails, nothing of it is in the file: all is read anew from there, and tried again later.
    fn note_outcome(&mut self, made: Result<(), Error>) {
        let Err(error) = made else {
            self.retry_at = None;
            self.metrics.put_off.set(0);
            return;
        };
        warn!(%error, "counting is put off, the journal keeps what was answered");
        self.metrics.fold_failures.add(1);
        self.metrics.put_off.set(1);
        self.is_stale = true;
        self.retry_at = Some(Instant::now() + RETRY_AFTER);
    }

    fn make(&mut self, step: Step, writable: &mut Writable) -> Result<(), Error> {
        match step {
            Step::Reload => self.reload(writable),
            Step::Add => self.add(writable),
            Step::Gather => {
                let transaction = writable.repeatable()?;
                self.gather(&transaction)?;
                transaction.commit()?;
                self.metrics.folds.add(1);
                Ok(())
            }
            Step::Sum => self.sum(writable),
            Step::Tell => self.tell(writable),
        }
    }

    /// Gathers the oldest beacons.
    fn gather(&mut self, transaction: &Transaction<'_>) -> Result<(), Error> {
        let registry = self.registry.get();
        if self.pending.kept() < GATHER_BEACONS {
            self.pending.refill(transaction)?;
        }
        let mut count = 0;
        while count < GATHER_BEACONS {
            let Some((batch, beacons)) = self.pending.pop() else { break };
            count += beacons;
            self.gathered_beacons += beacons;
            self.gathered_through = Some(batch.id);
            let decoded: Vec<Beacon<'_>> = match decode_batch(&batch.beacons) {
                Ok(decoded) => decoded,
                Err(error) => {
                    error!(batch = batch.id, %error, "a journal batch is set aside, uncounted");
                    journal::set_aside(transaction, batch.id)?;
                    continue;
                }
            };
            let mut names = StoredNames::new(transaction, &mut self.names);
            self.fold.gather(&decoded, &mut self.gathered, &registry, &mut names)?;
        }
        Ok(())
    }

    /// Gathers what is left, and sums all of it up.
    fn sum(&mut self, writable: &mut Writable) -> Result<(), Error> {
        let transaction = writable.repeatable()?;
        self.gather(&transaction)?;
        transaction.commit()?;
        let registry = self.registry.get();
        let gathered = mem::take(&mut self.gathered);
        self.summed = Some(self.fold.told(gathered, &registry, clock::now()));
        Ok(())
    }

    /// Tells the file what all that is summed up comes to, and takes it from the journal.
    fn tell(&mut self, writable: &mut Writable) -> Result<(), Error> {
        let Some(counted) = self.summed.take() else { return Ok(()) };
        let transaction = writable.repeatable()?;
        let registry = self.registry.get();
        let of_past = is_of_the_past(&transaction, &counted, &registry)?;
        let parts_wait = begin_to_write(&transaction, counted)?;
        write_refusals(&transaction, &mut self.names, &self.refusals)?;
        if let Some(last) = self.gathered_through {
            journal::remove_through(&transaction, last)?;
        }
        transaction.commit()?;
        self.parts_wait = parts_wait;
        self.is_of_past |= of_past;
        self.refusals.clear();
        let folded = u64::try_from(mem::take(&mut self.gathered_beacons)).unwrap_or(u64::MAX);
        self.gathered_through = None;
        self.waits_since = None;
        self.note_waiting();
        self.note_past();
        self.metrics.folds.add(1);
        self.metrics.folded.add(folded);
        Ok(())
    }

    fn add(&mut self, writable: &mut Writable) -> Result<(), Error> {
        self.parts_wait = parts::add_next(writable.repeatable()?)?;
        if self.parts_wait {
            self.metrics.folds.add(1);
        }
        self.note_past();
        Ok(())
    }

    /// Whoever has read a day that is over reads it again once all that was added to it is there.
    fn note_past(&mut self) {
        if !self.parts_wait && mem::take(&mut self.is_of_past) {
            self.past_changes += 1;
        }
    }

    /// Reads anew from the file what was told to it, and from its journal what was not.
    fn reload(&mut self, writable: &mut Writable) -> Result<(), Error> {
        // How much waits is told whatever keeps it from being counted.
        let uncounted = self.uncounted();
        self.gathered = Gathered::default();
        self.summed = None;
        (self.gathered_beacons, self.gathered_through) = (0, None);
        self.pending.reload(&writable.connection, uncounted)?;
        self.note_waiting();
        parts::add_all(&mut writable.connection)?;
        self.parts_wait = false;
        self.note_past();
        self.names.clear();
        self.fold = restored(writable)?;
        self.is_stale = false;
        Ok(())
    }
}
