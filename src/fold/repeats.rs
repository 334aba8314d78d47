//! Repeats: a browser sends a beacon again when its connection has died, and it must count once.

use std::collections::{HashMap, VecDeque};

use crate::model::beacon::Once;

/// How many beacons are remembered at once. Beyond it the oldest are forgotten first, so that under
/// such a load a repeat counts once more rather than memory grow; 48 bytes each at most. It is what a table
/// of 2^18 takes: one more would double that.
const REMEMBERED_MAX: usize = 229_376;

/// How long a beacon is remembered after its window, in milliseconds: handlers run side by side, so
/// that a beacon may be counted a moment after a later one.
pub(super) const LATE_MS: i64 = 5_000;

/// A beacon as it is written down: its hash and when it came (UTC milliseconds), 8 bytes each.
const WRITTEN_BYTES: usize = 16;

/// The beacons that a repeat may follow.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    came: HashMap<u64, i64, foldhash::fast::RandomState>,
    /// The same, in the order in which they were counted.
    order: VecDeque<Counted>,
    /// Up to when beacons have come, UTC milliseconds.
    now: i64,
    news: Vec<u8>,
}

/// A beacon that was counted.
#[derive(Debug)]
struct Counted {
    once: u64,
    /// When it came, UTC milliseconds: long ago, if somebody has told it late.
    at: i64,
    /// When it was counted, about: it is remembered from then on.
    since: i64,
}

impl Repeats {
    /// Whether the beacon with this hash, received at `at` (UTC milliseconds), repeats one that came
    /// within `window` milliseconds. If not, it is remembered.
    pub(super) fn is_repeat(&mut self, once: Once, at: i64, window: i64) -> bool {
        let came = |once| self.came.get(&once).is_some_and(|came| (at - came).abs() <= window);
        let once = match once {
            Once::No => return false,
            Once::Today(once) | Once::OverMidnight(once, _) if came(once) => return true,
            Once::OverMidnight(_, before) if came(before) => return true,
            Once::Today(once) | Once::OverMidnight(once, _) => once,
        };
        self.remember(once, at);
        self.news.extend_from_slice(&once.to_le_bytes());
        self.news.extend_from_slice(&at.to_le_bytes());
        false
    }

    fn remember(&mut self, once: u64, at: i64) {
        if self.order.len() >= REMEMBERED_MAX {
            self.forget_oldest();
        }
        self.came.insert(once, at);
        self.order.push_back(Counted { once, at, since: at.max(self.now) });
    }

    /// Forgets what no repeat of the longest window (milliseconds) can follow any more at `now`: that is
    /// also what came long after it, by a clock that was wrong.
    pub(super) fn forget_past(&mut self, now: i64, longest: i64) {
        self.now = now;
        let is_past = |counted: &Counted| (now - counted.since).abs() > longest + LATE_MS;
        while self.order.front().is_some_and(is_past) {
            self.forget_oldest();
        }
    }

    /// Up to when beacons have come, UTC milliseconds; 0 if none did.
    pub(super) const fn latest(&self) -> i64 {
        self.now
    }

    fn forget_oldest(&mut self) {
        // It may have come again since, and then that stands.
        if let Some(Counted { once, at, .. }) = self.order.pop_front()
            && self.came.get(&once) == Some(&at)
        {
            self.came.remove(&once);
        }
    }

    /// What was remembered since the last call, written down.
    pub(super) fn take_news(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.news)
    }

    /// Takes back in what [`Self::take_news`] once gave.
    pub(super) fn restore(&mut self, news: &[u8]) {
        let (beacons, _) = news.as_chunks::<WRITTEN_BYTES>();
        for beacon in beacons {
            if let ([once, at], []) = beacon.as_chunks::<8>() {
                let at = i64::from_le_bytes(*at);
                self.now = self.now.max(at);
                self.remember(u64::from_le_bytes(*once), at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: i64 = 10_000;

    #[test]
    fn a_repeat_counts_within_its_window_alone() {
        let mut repeats = Repeats::default();
        assert!(!repeats.is_repeat(Once::Today(7), 1_000, WINDOW));
        assert!(!repeats.is_repeat(Once::Today(8), 1_000, WINDOW));
        assert!(repeats.is_repeat(Once::Today(7), 11_000, WINDOW));
        assert!(repeats.is_repeat(Once::Today(7), 900, WINDOW), "counted a moment late");
        assert!(!repeats.is_repeat(Once::Today(7), 11_001, WINDOW));
        assert!(repeats.is_repeat(Once::Today(7), 21_001, WINDOW));
    }

    #[test]
    fn a_repeat_is_known_by_the_key_of_the_day_before() {
        let mut repeats = Repeats::default();
        assert!(!repeats.is_repeat(Once::Today(7), 1_000, WINDOW));
        assert!(repeats.is_repeat(Once::OverMidnight(8, 7), 2_000, WINDOW));
        assert!(!repeats.is_repeat(Once::OverMidnight(9, 6), 2_000, WINDOW));
        assert!(repeats.is_repeat(Once::Today(9), 3_000, WINDOW));
        assert!(
            !repeats.is_repeat(Once::No, 4_000, WINDOW)
                && !repeats.is_repeat(Once::No, 4_000, WINDOW)
        );
    }

    #[test]
    fn what_came_is_known_after_a_restart() {
        let mut repeats = Repeats::default();
        assert!(!repeats.is_repeat(Once::Today(7), 1_000, WINDOW));
        let mut restored = Repeats::default();
        restored.restore(&repeats.take_news());
        assert!(
            restored.is_repeat(Once::Today(7), 2_000, WINDOW) && repeats.take_news().is_empty()
        );
    }

    #[test]
    fn the_past_is_forgotten_and_memory_bounded() {
        let mut repeats = Repeats::default();
        for once in 0..300_000 {
            assert!(!repeats.is_repeat(Once::Today(once), 1_000, WINDOW));
        }
        assert_eq!((repeats.came.len(), repeats.order.len()), (REMEMBERED_MAX, REMEMBERED_MAX));
        assert!(
            !repeats.is_repeat(Once::Today(0), 1_000, WINDOW)
                && repeats.is_repeat(Once::Today(299_999), 1_000, WINDOW)
        );
        repeats.forget_past(1_001 + WINDOW + LATE_MS, WINDOW);
        assert!(repeats.came.is_empty() && repeats.order.is_empty());
    }
}
