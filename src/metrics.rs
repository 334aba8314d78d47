//! Counters of what the server does. They begin at zero with the process.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

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
}
