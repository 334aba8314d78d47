//! What waits for the writer: encoded beacons with those who wait for their commit, refusals to be
//! noted, and pages that want everything counted before they read. All of it is bounded.

use std::{
    collections::HashMap,
    mem,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::oneshot;

use super::Live;
use crate::{model::rejection::Reason, store::connection::Writable};

/// How many different refusals are noted between two folds; further ones lose their agent, and if
/// even that does not help, their site.
const REFUSALS_MAX: usize = 4096;

/// Past one part in so many of its room the queue is pressed.
const HIGH_WATER_PARTS: usize = 4;

/// How many pages may wait to be brought up to date.
const READERS_MAX: usize = 1024;

/// How many changes may wait.
const CHANGES_MAX: usize = 64;

/// A change of the file that is no beacon: it runs in a transaction of its own, and tells who waits
/// for it how that went.
pub(super) type Change = Box<dyn FnOnce(&mut Writable) -> Affects + Send>;

/// What a change has done to what the writer remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Affects {
    /// Nothing: no name or key that counting remembers was touched.
    Nothing,
    /// Names may be gone: whatever is remembered of the file must be read anew.
    Names,
}

/// The beacon could not be stored: the file can't be written, or the writer is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotStored;

/// There is no room for another beacon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueFull;

/// Refusals of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Refusal {
    pub(super) hour: i64,
    pub(super) site: Option<String>,
    pub(super) reason: Reason,
    pub(super) agent: Option<String>,
}

/// All that waits.
#[derive(Default)]
pub(super) struct Waiting {
    /// Beacons, encoded one after the other.
    pub(super) batch: Vec<u8>,
    /// How many there are.
    pub(super) beacons: usize,
    /// Who waits for them: one for all that came together.
    pub(super) answers: Vec<oneshot::Sender<Result<(), NotStored>>>,
    pub(super) readers: Vec<oneshot::Sender<Live>>,
    pub(super) refusals: HashMap<Refusal, i64>,
    pub(super) changes: Vec<Change>,
    /// The writer shall finish what waits and end.
    pub(super) closing: bool,
    /// The writer has ended: nothing may wait any more.
    pub(super) gone: bool,
    /// The writer has nothing to do: it must be woken.
    pub(super) sleeps: bool,
}

/// The queue between the handlers and the one thread that writes.
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    wake: Condvar,
    beacons_max: usize,
    bytes_max: usize,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Queue(…)")
    }
}

impl Queue {
    pub(super) fn new(beacons_max: usize, bytes_max: usize) -> Self {
        Self { waiting: Mutex::default(), wake: Condvar::new(), beacons_max, bytes_max }
    }

    /// Takes in `count` beacons, encoded one after the other, or none of them. However many, they have room where
    /// nothing else waits.
    pub(super) fn push(
        &self,
        beacons: &[u8],
        count: usize,
    ) -> Result<oneshot::Receiver<Result<(), NotStored>>, QueueFull> {
        let mut waiting = self.lock();
        let is_too_much = waiting.beacons + count > self.beacons_max
            || waiting.batch.len() + beacons.len() > self.bytes_max;
        let is_full = is_too_much && waiting.beacons > 0;
        if is_full || waiting.gone || waiting.closing {
            return Err(QueueFull);
        }
        let (answer, answered) = oneshot::channel();
        waiting.batch.extend_from_slice(beacons);
        waiting.beacons += count;
        waiting.answers.push(answer);
        self.wake(waiting);
        Ok(answered)
    }

    /// Asks for everything that is answered to be counted. `None` when that can't be had.
    pub(super) fn bring_up_to_date(&self) -> Option<oneshot::Receiver<Live>> {
        let mut waiting = self.lock();
        if waiting.gone || waiting.readers.len() >= READERS_MAX {
            return None;
        }
        let (reader, read) = oneshot::channel();
        waiting.readers.push(reader);
        self.wake(waiting);
        Some(read)
    }

    /// Puts a change in line. `false` when there is no room for it, or nobody to make it.
    pub(super) fn change(&self, change: Change) -> bool {
        let mut waiting = self.lock();
        if waiting.gone || waiting.closing || waiting.changes.len() >= CHANGES_MAX {
            return false;
        }
        waiting.changes.push(change);
        self.wake(waiting);
        true
    }

    pub(super) fn refuse(&self, mut refusal: Refusal) {
        let mut waiting = self.lock();
        if waiting.refusals.len() >= REFUSALS_MAX {
            refusal.agent = None;
        }
        if waiting.refusals.len() >= REFUSALS_MAX * 2 {
            refusal.site = None;
        }
        *waiting.refusals.entry(refusal).or_default() += 1;
    }

    pub(super) fn close(&self) {
        let mut waiting = self.lock();
        waiting.closing = true;
        self.wake(waiting);
    }

    /// How many beacons wait, and how many bytes of them.
    pub(super) fn waiting(&self) -> (usize, usize) {
        let waiting = self.lock();
        (waiting.beacons, waiting.batch.len())
    }

    /// Whether it is fuller than its high-water mark.
    pub(super) fn is_pressed(&self) -> bool {
        let waiting = self.lock();
        waiting.beacons * HIGH_WATER_PARTS > self.beacons_max
            || waiting.batch.len() * HIGH_WATER_PARTS > self.bytes_max
    }

    pub(super) fn is_closing(&self) -> bool {
        self.lock().closing
    }

    /// Takes all that waits, after waiting for it for `at_most`.
    pub(super) fn take(&self, at_most: Duration) -> Waiting {
        let mut waiting = self.lock();
        let nothing = |waiting: &mut Waiting| {
            waiting.answers.is_empty()
                && waiting.readers.is_empty()
                && waiting.changes.is_empty()
                && !waiting.closing
        };
        if nothing(&mut waiting) && !at_most.is_zero() {
            waiting.sleeps = true;
            let waited = self.wake.wait_timeout_while(waiting, at_most, nothing);
            (waiting, _) = waited.unwrap_or_else(PoisonError::into_inner);
            waiting.sleeps = false;
        }
        let spare = waiting.batch.len();
        Waiting {
            // The next batch will be about as long.
            batch: mem::replace(&mut waiting.batch, Vec::with_capacity(spare)),
            beacons: mem::take(&mut waiting.beacons),
            answers: mem::take(&mut waiting.answers),
            readers: mem::take(&mut waiting.readers),
            refusals: mem::take(&mut waiting.refusals),
            changes: mem::take(&mut waiting.changes),
            closing: waiting.closing,
            gone: false,
            sleeps: false,
        }
    }

    /// Turns everyone away from now on, and those who wait.
    pub(super) fn abandon(&self) {
        let mut waiting = self.lock();
        *waiting = Waiting { gone: true, ..Waiting::default() };
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.lock().gone
    }

    /// Wakes the writer if it sleeps: one that works looks by itself, and a call of the system is saved.
    fn wake(&self, mut waiting: MutexGuard<'_, Waiting>) {
        let sleeps = mem::take(&mut waiting.sleeps);
        drop(waiting);
        if sleeps {
            self.wake.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing that holds the lock can leave it half-changed.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
