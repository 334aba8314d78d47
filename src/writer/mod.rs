//! The one thread that writes: queue → journal → answer → fold → upsert.
//!
//! A beacon is answered when the commit that holds it has returned, never before. Folding comes
//! after the answer; what it comes to is written and what it takes from the journal leaves in one
//! transaction, so a crash at any point loses nothing that was answered and counts nothing twice. What
//! is too much for a short transaction is written as parts, which are added to the sums one by one.

pub mod bulk;
pub mod changes;
mod checkpoints;
mod counting;
mod pending;
mod queue;
mod stored;
mod thread;

use std::{collections::HashMap, path::Path, sync::Arc, thread::JoinHandle};

use tokio::sync::oneshot;

use crate::{
    config::current::Current,
    metrics::Metrics,
    model::rejection::Reason,
    store::{
        self, Transaction,
        connection::{self, Writable},
        readers::Pause,
    },
};

use self::{
    checkpoints::Checkpoints,
    queue::{Queue, Refusal},
    thread::WriterThread,
};
pub use self::{
    queue::{Affects, NotStored, QueueFull},
    stored::{restored, write},
};

/// What only the writer knows, because it is not in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Live {
    /// For each site, how many visitors were active in the last minutes.
    pub present: HashMap<String, usize>,
    /// For each site, the pages that they are on, and how many on each, the most visited first.
    pub pages: HashMap<String, Vec<(String, usize)>>,
    /// How often anything was changed that was counted on a day that was over. What was read of such
    /// days reads the same for as long as this stays. `None` when the writer could not be asked.
    pub past_changes: Option<u64>,
}

/// A way to the writer, for every handler.
#[derive(Debug, Clone)]
pub struct Writer {
    queue: Arc<Queue>,
}

/// The thread itself, for whoever started it.
#[derive(Debug)]
pub struct Running {
    queue: Arc<Queue>,
    thread: JoinHandle<Result<(), store::Error>>,
    /// Whether the file was made just now.
    pub created: bool,
}

/// Opens the file at `database`, counts what its journal still holds, and starts the thread.
///
/// What can't be counted is put off, as it is later on. Who reads the file beside it is held back by `pause` now
/// and then.
///
/// # Errors
/// When the file can't be opened, read or written.
pub fn start(
    database: &Path,
    registry: Arc<Current>,
    metrics: Arc<Metrics>,
    pause: Pause,
) -> Result<(Writer, Running), store::Error> {
    let limits = registry.get().server.limits;
    let queue = Arc::new(Queue::new(limits.queue_beacons, limits.queue_bytes));
    let writable = connection::open_to_count(database)?;
    let created = writable.created;
    let checkpoints = Checkpoints::new(database, Arc::clone(&metrics), pause)?;
    let mut thread =
        WriterThread::new(writable, checkpoints, Arc::clone(&queue), registry, metrics)?;
    thread.recover()?;
    let spawned = std::thread::Builder::new().name("writer".to_owned()).spawn(move || thread.run());
    let thread =
        spawned.map_err(|source| store::Error::Open { path: database.to_owned(), source })?;
    Ok((Writer { queue: Arc::clone(&queue) }, Running { queue, thread, created }))
}

impl Writer {
    /// Puts `count` beacons, encoded one after the other, into the queue, all of them or none. Once what this returns
    /// ends with `Ok`, all survive a power cut; those that are put there one after the other are counted in that
    /// order.
    ///
    /// # Errors
    /// When there is no room for them, or they can't be written; then none is stored, but for one
    /// case: a commit that has failed may have reached the disk all the same.
    pub fn store(
        &self,
        beacons: &[u8],
        count: usize,
    ) -> Result<impl Future<Output = Result<(), NotStored>> + use<>, QueueFull> {
        let answered = self.queue.push(beacons, count)?;
        Ok(async move { answered.await.unwrap_or(Err(NotStored)) })
    }

    /// How many beacons wait to be stored, and how many bytes of them.
    pub fn waiting(&self) -> (usize, usize) {
        self.queue.waiting()
    }

    /// Whether so much waits that only what is counted should be stored, and nothing beside it.
    pub fn is_pressed(&self) -> bool {
        self.queue.is_pressed()
    }

    /// Waits until everything that was answered before is counted, unless so many beacons come meanwhile
    /// that this would take long: then what is read is about a second behind. `None` when the writer is
    /// too busy, or gone: then what is read lags behind.
    pub async fn up_to_date(&self) -> Option<Live> {
        self.queue.bring_up_to_date()?.await.ok()
    }

    /// Makes a change of the file that is no beacon, on the writer's thread and in a transaction of its
    /// own, with everything counted that was answered before. It must be short: beacons wait for it.
    ///
    /// # Errors
    /// When the writer is gone or too busy, or `change` fails; then nothing of it is in the file.
    pub async fn change<T, E>(
        &self,
        affects: Affects,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<store::Error> + Send + 'static,
    {
        let (done, outcome) = oneshot::channel();
        let run = move |writable: &mut Writable| {
            let made = writable.transaction().map_err(E::from).and_then(|transaction| {
                let made = change(&transaction)?;
                transaction.commit().map_err(store::Error::from)?;
                Ok(made)
            });
            // Whoever has given up waiting does not want to know.
            let _given_up = done.send(made);
            affects
        };
        if !self.queue.change(Box::new(run)) {
            return Err(store::Error::NotTaken.into());
        }
        outcome.await.unwrap_or_else(|_| Err(store::Error::NotTaken.into()))
    }

    /// Notes that a beacon was refused in the hour of `now` (UTC seconds).
    pub fn refuse(&self, site: Option<&str>, reason: Reason, agent: Option<&str>, now: i64) {
        self.queue.refuse(Refusal {
            hour: now - now.rem_euclid(3600),
            site: site.map(str::to_owned),
            reason,
            agent: agent.map(str::to_owned),
        });
    }

    /// Whether the thread still runs.
    pub fn is_alive(&self) -> bool {
        !self.queue.is_abandoned()
    }
}

impl Running {
    /// Stores and counts all that waits, leaves the `.db` file alone on the disk, and ends.
    ///
    /// # Errors
    /// When the file can't be written, or takes everything but what was to be counted
    /// ([`store::Error::NotCounted`]). What was answered is in its journal.
    pub fn close(self) -> Result<(), store::Error> {
        self.queue.close();
        match self.thread.join() {
            Ok(ended) => ended,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}
