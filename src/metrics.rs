//! Counters of what the server does. They begin at zero with the process.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering::Relaxed},
};

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
    /// Connections that were opened, and those that were closed at once as their network had enough.
    pub connections: Counter,
    /// See `connections`.
    pub connections_refused: Counter,
    /// Requests that were none, or could be read in two ways.
    pub requests_refused: Counter,
    /// Requests of networks that come too often.
    pub requests_turned_away: Counter,
    /// The first site that beacons came for though nobody has declared it.
    pub undeclared_site: First,
}
