//! The thread's life: take all that waits, commit it, answer, and count in between.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{runtime::Handle, sync::oneshot};
use tracing::{error, info, warn};

use super::{
    Live,
    checkpoints::Checkpoints,
    counting::Counting,
    queue::{Affects, Change, NotStored, Queue, Waiting},
};
use crate::{
    clock,
    config::{current::Current, registry::Registry},
    fold::KEPT_SECONDS,
    metrics::Metrics,
    model::{
        period::{Granularity, Period},
        tally::TextId,
    },
    store::{
        Error,
        connection::Writable,
        journal::{self, Batch},
        names, state, upkeep,
    },
};

/// Up to how many uncounted beacons a page waits for them, while more of them come. Where more wait, they
/// come by the thousand each second, and the page may be a second behind.
const WORTH_WAITING: usize = 400;

/// How long a page waits to see whether more beacons come, where too many to wait for are not counted. They are less
/// apart, unless the disk keeps them waiting.
const PATIENCE: Duration = Duration::from_millis(5);

/// After so long without a beacon none is kept waiting by counting all there are. Longer than a slow disk makes of
/// thousands a second.
const QUIET: Duration = Duration::from_millis(50);

/// How often the day is looked at.
const TICK_EVERY: Duration = Duration::from_secs(60);

/// How long the hashes of a day are kept after its end, for beacons that were received before it.
const DAY_GRACE_SECONDS: i64 = 120;

/// How long who was seen is kept from the beginning of the day, in seconds, at sites that nobody declares.
const UNDECLARED_SEEN_SECONDS: i64 = 2 * 86_400;

pub(super) struct WriterThread {
    writable: Writable,
    queue: Arc<Queue>,
    registry: Arc<Current>,
    metrics: Arc<Metrics>,
    counting: Counting,
    /// Where those who wait are woken, if it is known: all at once there, not one after the other from here.
    runtime: Option<Handle>,
    ticked_at: Option<Instant>,
    /// The days (their first instants, UTC seconds) before which nobody is remembered, by site.
    today: HashMap<String, i64>,
    /// When beacons were last committed.
    committed_at: Option<Instant>,
    /// Who waits for what is counted, and since when, the longest first.
    waiting: Vec<(Instant, oneshot::Sender<Live>)>,
    checkpoints: Checkpoints,
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
        mut writable: Writable,
        checkpoints: Checkpoints,
        queue: Arc<Queue>,
        registry: Arc<Current>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, Error> {
        let counting = Counting::new(&mut writable, Arc::clone(&registry), Arc::clone(&metrics))?;
        Ok(Self {
            writable,
            queue,
            registry,
            metrics,
            counting,
            runtime: Handle::try_current().ok(),
            ticked_at: None,
            today: HashMap::new(),
            committed_at: None,
            waiting: Vec::new(),
            checkpoints,
        })
    }

    /// Counts what the journal holds from an earlier life, unless that is to be put off.
    pub(super) fn recover(&mut self) -> Result<(), Error> {
        let recovered = self.counting.uncounted();
        let counted = self.counting.end(&mut self.writable);
        if self.counting.put_off(counted)? {
            return Ok(());
        }
        if recovered > 0 {
            info!(beacons = recovered, "counted what was answered before the last stop");
        }
        Ok(())
    }

    /// Lives until the queue is closed.
    pub(super) fn run(mut self) -> Result<(), Error> {
        let _abandon = Abandon(Arc::clone(&self.queue));
        loop {
            let due =
                self.counting.until_due().unwrap_or(TICK_EVERY).min(self.until_patience_ends());
            let due = self.checkpoints.until_due().map_or(due, |look| look.min(due));
            let waiting = if self.counting.is_behind() {
                std::thread::sleep(due);
                Waiting { closing: self.queue.is_closing(), ..Waiting::default() }
            } else {
                self.queue.take(due)
            };
            let Waiting { batch, beacons, answers, readers, refusals, changes, closing, .. } =
                waiting;
            if closing {
                // Who still reads is waited for.
                self.checkpoints.let_in();
            }
            self.counting.refuse(refusals);
            let quiet = answers.is_empty();
            let begun = Instant::now();
            self.commit(batch, beacons, answers);
            // As long as a slow disk is waited for, counting may take as well: it would fall behind otherwise.
            let time = begun.elapsed();
            let now = Instant::now();
            self.waiting.extend(readers.into_iter().map(|reader| (now, reader)));
            let is_wanted = !self.waiting.is_empty() && self.is_little_to_count();
            if closing || !changes.is_empty() || is_wanted {
                self.counting.step_to_end(&mut self.writable);
                self.answer_readers(self.waiting.len());
            } else {
                self.counting.step(time, &mut self.writable);
                self.answer_readers(self.out_of_patience());
            }
            self.make(changes);
            self.tick();
            self.checkpoints.look(&self.writable.connection);
            if closing && quiet {
                return self.end();
            }
        }
    }

    /// Whether all can be counted for a page without keeping beacons waiting: because it is little, or because
    /// none come. Else a page shows what was counted up to a second ago.
    fn is_little_to_count(&self) -> bool {
        self.until_quiet().is_zero() || self.counting.is_nearly_done(WORTH_WAITING)
    }

    /// How long until no beacon has come for [`QUIET`], if none comes.
    fn until_quiet(&self) -> Duration {
        self.committed_at.map_or(Duration::ZERO, |at| QUIET.saturating_sub(at.elapsed()))
    }

    /// How long until who has waited longest has waited enough, or may have everything counted.
    fn until_patience_ends(&self) -> Duration {
        let Some((since, _)) = self.waiting.first() else { return TICK_EVERY };
        match PATIENCE.saturating_sub(since.elapsed()) {
            Duration::ZERO => self.until_quiet(),
            patience => patience.min(self.until_quiet()),
        }
    }

    /// How many have waited enough, while beacons came. For whom none came, all is counted first, however long
    /// a step of it takes: whoever asks after an answer must see what it was for.
    fn out_of_patience(&self) -> usize {
        let beacons_came = |since| self.committed_at.is_some_and(|at| at > since);
        self.waiting
            .partition_point(|(since, _)| since.elapsed() >= PATIENCE && beacons_came(*since))
    }

    fn make(&mut self, changes: Vec<Change>) {
        for change in changes {
            if change(&mut self.writable) == Affects::Names {
                self.counting.forget_file(&mut self.writable);
            }
        }
    }

    fn end(mut self) -> Result<(), Error> {
        let counted = self.counting.end(&mut self.writable);
        let not_counted = match counted {
            Err(error) if error.is_of_what_is_counted() => Some(error),
            counted => counted.map(|()| None)?,
        };
        self.checkpoints.end();
        upkeep::checkpoint_fully(&self.writable.connection)?;
        self.writable.close()?;
        not_counted.map_or(Ok(()), |error| Err(Error::NotCounted(Box::new(error))))
    }

    /// Commits a batch of so many beacons to the journal, then answers everyone who waits for it.
    fn commit(
        &mut self,
        mut batch: Vec<u8>,
        beacons: usize,
        answers: Vec<oneshot::Sender<Result<(), NotStored>>>,
    ) {
        if answers.is_empty() {
            return;
        }
        let more = u64::try_from(beacons).unwrap_or(u64::MAX);
        let begun = Instant::now();
        let outcome = match journal::append(&mut self.writable, &batch) {
            Ok(id) => {
                self.committed_at = Some(Instant::now());
                self.metrics.committed(begun.elapsed(), clock::now());
                self.metrics.stored.add(more);
                // Thousands of them may wait.
                batch.shrink_to_fit();
                self.counting.push(Batch { id, beacons: batch }, beacons);
                Ok(())
            }
            Err(error) => {
                // Not for each batch until the disk takes them again.
                if self.metrics.could_not_commit(more) {
                    error!(beacons, %error, "beacons could not be stored, their senders were told");
                }
                Err(NotStored)
            }
        };
        let answer_all = move || {
            for answer in answers {
                // Whoever has hung up does not want to know.
                let _hung_up = answer.send(outcome);
            }
        };
        match &self.runtime {
            Some(runtime) => drop(runtime.spawn(async move { answer_all() })),
            None => answer_all(),
        }
    }

    /// Tells the first `count` of those who wait what is counted.
    fn answer_readers(&mut self, count: usize) {
        if count == 0 {
            return;
        }
        let readers: Vec<_> = self.waiting.drain(..count).collect();
        let now = clock::now();
        let mut live = Live { past_changes: Some(self.counting.past_changes()), ..Live::default() };
        for site in &self.registry.get().sites {
            if let Ok(Some(id)) = names::find(&self.writable.connection, &site.name) {
                live.present.insert(site.name.clone(), self.counting.fold().present(id, now));
                live.pages.insert(site.name.clone(), self.pages_now(id, now));
            }
        }
        for (_, reader) in readers {
            let _hung_up = reader.send(live.clone());
        }
    }

    /// The pages on which visitors are. One whose name can't be read is left out.
    fn pages_now(&self, site: TextId, now: i64) -> Vec<(String, usize)> {
        let named = |(page, count)| match names::text(&self.writable.connection, page) {
            Ok(name) => name.map(|name| (name, count)),
            Err(error) => {
                warn!(%error, "a page’s name could not be read");
                None
            }
        };
        self.counting.fold().pages_now(site, now).into_iter().filter_map(named).collect()
    }

    /// Once a minute: forgets what is only known of people for a while.
    fn tick(&mut self) {
        if self.ticked_at.is_some_and(|at| at.elapsed() < TICK_EVERY) {
            return;
        }
        self.ticked_at = Some(Instant::now());
        let registry = self.registry.get();
        if let Err(error) = self.forget_the_past(&registry, clock::now()) {
            warn!(%error, "who was seen on past days could not be removed yet");
        }
    }

    fn forget_the_past(&mut self, registry: &Registry, now: i64) -> Result<(), Error> {
        for site in &registry.sites {
            let at = now - DAY_GRACE_SECONDS;
            let today = Period::containing(Granularity::Day, at, &site.zone).start;
            // Who is told late of a day that is over is known again until today is over as well.
            if self.today.get(&site.name) == Some(&today) {
                continue;
            }
            if let Some(id) = names::find(&self.writable.connection, &site.name)? {
                self.forget_seen_before(Some(id), today)?;
            }
            self.today.insert(site.name.clone(), today);
        }
        // Of sites that nobody declares any more.
        self.forget_seen_before(None, now - UNDECLARED_SEEN_SECONDS)?;
        let longest = registry.events.iter().map(|event| event.dedupe_seconds).max().unwrap_or(0);
        let repeatable_before = now - i64::from(longest) - KEPT_SECONDS;
        let transaction = self.writable.transaction()?;
        state::remove_over(&transaction, now - KEPT_SECONDS, repeatable_before)?;
        Ok(transaction.commit()?)
    }

    fn forget_seen_before(&mut self, site: Option<TextId>, day: i64) -> Result<(), Error> {
        let transaction = self.writable.transaction()?;
        state::remove_seen_before(&transaction, site, day)?;
        transaction.commit()?;
        self.counting.forget_seen_before(site, day);
        Ok(())
    }
}
