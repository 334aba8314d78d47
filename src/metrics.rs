//! Counters of what the server does. They begin at zero with the process.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use crate::model::rejection::Reason;

/// One number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds `more`.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Relaxed);
    }

    /// What it has come to.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// One number that goes up and down.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Gauge {
    /// Sets it.
    pub fn set(&self, value: u64) {
        self.0.store(value, Relaxed);
    }

    /// Adds one.
    pub fn increase(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    /// Takes one away, of those that were added.
    pub fn decrease(&self) {
        self.0.fetch_sub(1, Relaxed);
    }

    /// What it is.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Where the bars of [`Histogram`] end, in milliseconds.
const BARS_MS: [u32; 12] = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 10_000];

/// How long something takes, by bars that end at 1 ms to 10 s; a last one takes the rest.
#[derive(Debug, Default)]
pub struct Histogram {
    bars: [Counter; BARS_MS.len() + 1],
    micros: Counter,
}

impl Histogram {
    /// Adds one that took `time`.
    pub fn observe(&self, time: Duration) {
        let at = BARS_MS.iter().position(|end| time <= Duration::from_millis(u64::from(*end)));
        if let Some(bar) = self.bars.get(at.unwrap_or(BARS_MS.len())) {
            bar.add(1);
        }
        self.micros.add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    /// Where each bar ends, in seconds, and how many are in it.
    pub fn bars(&self) -> impl Iterator<Item = (Option<f64>, u64)> {
        let ends = BARS_MS.iter().map(|ms| Some(f64::from(*ms) / 1000.0)).chain([None]);
        ends.zip(self.bars.iter().map(Counter::get))
    }

    /// How long all of them took.
    pub fn sum(&self) -> Duration {
        Duration::from_micros(self.micros.get())
    }
}

/// The first of several names, until it no longer matters.
#[derive(Debug, Default)]
pub struct First(Mutex<Option<String>>);

impl First {
    /// Notes `name`, unless there is one before it that still matters.
    pub fn note(&self, name: &str, matters: impl Fn(&str) -> bool) {
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !first.as_deref().is_some_and(matters) {
            *first = Some(name.to_owned());
        }
    }

    /// The name, if it matters.
    pub fn get(&self, matters: impl Fn(&str) -> bool) -> Option<String> {
        let first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        first.clone().filter(|name| matters(name))
    }
}

/// All that is counted.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Beacons that were committed and answered 204.
    pub stored: Counter,
    /// Beacons that were refused, for whatever reason.
    pub rejected: Counter,
    /// Beacons that were answered 503, because the queue was full or the file could not be written.
    pub unavailable: Counter,
    /// Beacons that were counted but not kept singly, because too much waited.
    pub not_kept: Counter,
    /// Journal commits: one fsync each.
    pub journal_commits: Counter,
    /// Beacons that were folded.
    pub folded: Counter,
    /// Folds: one transaction each.
    pub folds: Counter,
    /// Folds that failed and were begun anew.
    pub fold_failures: Counter,
    /// Checkpoints of the write-ahead log.
    pub checkpoints: Counter,
    /// (visitor, key) pairs that were not remembered.
    pub visitors_forgotten: Counter,
    /// Refusals, in the order of [`Reason::ALL`].
    rejections: [Counter; Reason::ALL.len()],
    /// How long commits of beacons take.
    pub commit_time: Histogram,
    /// When the last one was, UTC seconds; 0 before the first.
    pub last_commit: Gauge,
    /// 1 while commits fail, else 0.
    pub failing: Gauge,
    /// Beacons that are stored and not folded.
    pub uncounted: Gauge,
    /// 1 while folds fail, else 0.
    pub put_off: Gauge,
    /// Answers by the hundreds of their status: 1xx is the first.
    pub answers: [Counter; 5],
    /// Connections that are open.
    pub connections_open: Gauge,
    /// Connections that were opened, and those that were closed at once as their network had enough.
    pub connections: Counter,
    /// See `connections`.
    pub connections_refused: Counter,
    /// Connections that came to nothing as TLS was agreed on.
    pub handshakes_failed: Counter,
    /// Requests that were none, or could be read in two ways.
    pub requests_refused: Counter,
    /// Requests of networks that come too often.
    pub requests_turned_away: Counter,
    /// The first site that beacons came for though nobody has declared it.
    pub undeclared_site: First,
}

impl Metrics {
    /// Notes that a beacon was refused.
    pub fn reject(&self, reason: Reason) {
        self.rejected.add(1);
        if let Some(counter) = self.of(reason) {
            counter.add(1);
        }
    }

    /// Notes a commit of beacons that took `time` and was done at `now`, UTC seconds.
    pub fn committed(&self, time: Duration, now: i64) {
        self.journal_commits.add(1);
        self.commit_time.observe(time);
        self.last_commit.set(u64::try_from(now).unwrap_or(0));
        self.failing.set(0);
    }

    /// Notes that a commit of `beacons` failed. Says whether the one before it had not.
    pub fn could_not_commit(&self, beacons: u64) -> bool {
        self.unavailable.add(beacons);
        let is_first = self.failing.get() == 0;
        self.failing.set(1);
        is_first
    }

    /// Notes how many beacons are stored and not folded.
    pub fn note_uncounted(&self, beacons: usize) {
        self.uncounted.set(u64::try_from(beacons).unwrap_or(u64::MAX));
    }

    /// How many beacons wait to be counted, if that fails at the moment.
    pub fn put_off(&self) -> Option<u64> {
        (self.put_off.get() > 0).then(|| self.uncounted.get())
    }

    /// How many were refused for `reason`.
    pub fn rejected_for(&self, reason: Reason) -> u64 {
        self.of(reason).map_or(0, Counter::get)
    }

    fn of(&self, reason: Reason) -> Option<&Counter> {
        let at = Reason::ALL.iter().position(|known| *known == reason)?;
        self.rejections.get(at)
    }
}
