//! Visits that may go on: who is here, since when, and how they came.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{profile::Profile, rules::Way};
use crate::model::{tally::TextId, visitor::Visitor};

/// After this many seconds without a page view a visit is over.
pub const IDLE_SECONDS: i64 = 30 * 60;

/// How long an idle visit is remembered: handlers run side by side, so that a beacon may be counted
/// a moment after a later one, and it must find its visit however the beacons are cut into slices.
pub const KEPT_SECONDS: i64 = IDLE_SECONDS + 120;

/// How many visits are remembered at once. Beyond it a visit is counted when it begins, but its next
/// page view begins another one.
pub const VISITS_MAX: usize = 250_000;

/// What is written of visits begins with this. Before visits knew by which rules they are counted, it began with the
/// number of a site, which is never 0.
const KNOWS_WAY: u8 = 0;

/// How often idle visits are swept out, in seconds of the beacons' own time.
const SWEEP_SECONDS: i64 = 60;

/// A visit that may go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Visit {
    /// The first instant of the bucket in which it began, UTC seconds: it counts there as a whole.
    pub(super) bucket: i64,
    /// When its last page view was received, UTC seconds.
    last: i64,
    /// The page on which it began.
    pub(super) entry: TextId,
    /// The page on which it is.
    page: TextId,
    /// Whether it has seen one page view only.
    bounced: bool,
    /// What it is split by: (dimension, value), as on its first page view.
    profile: Profile,
    /// By which rules it is counted.
    way: Way,
}

/// What a beacon means for the visit of its visitor.
#[derive(Debug)]
pub(super) enum Step {
    /// It begins one.
    Began,
    /// It is a further page view of one, which is given as it was before.
    Continued(Visit, Next),
    /// It happens within one and does not move it.
    Inside(Visit),
    /// There is none.
    Outside,
}

/// What a further page view changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Next {
    /// Seconds since the page view before.
    pub(super) gap: i64,
    /// The page that was left.
    pub(super) left: TextId,
    /// Whether this is the second page view: the visit is no longer a bounce.
    pub(super) unbounced: bool,
}

/// The visits can't be read back.
#[derive(Debug, thiserror::Error)]
#[error("the live visits can't be decoded: {0}")]
pub struct VisitsError(#[from] postcard::Error);

/// Whose visit it is. Each event type that has visits counts its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct Key {
    pub(super) site: TextId,
    pub(super) event_type: TextId,
    pub(super) visitor: Visitor,
}

/// All visits that may go on.
#[derive(Debug, Default)]
pub(super) struct Visits {
    visits: HashMap<Key, Visit, foldhash::fast::RandomState>,
    changed: Vec<Key>,
    swept: i64,
}

impl Visit {
    /// A visit that begins at `at`, in the finest bucket that starts at `bucket` (UTC seconds).
    pub(super) const fn began(
        bucket: i64,
        at: i64,
        page: TextId,
        profile: Profile,
        way: Way,
    ) -> Self {
        Self { bucket, last: at, entry: page, page, bounced: true, profile, way }
    }

    /// The values with which it began, each after its dimension.
    pub(super) fn split_by(&self) -> impl Iterator<Item = (TextId, TextId)> {
        self.profile.pairs()
    }

    /// Also when it was last active long after `now`: then the clock was wrong, and it begins anew.
    const fn is_over(&self, now: i64) -> bool {
        (now - self.last).abs() > IDLE_SECONDS
    }
}

impl Visits {
    /// Moves the visit of `key` to `page`. A visit that begins is put in with [`Self::begin`]; so does one of other
    /// rules than now, since its rows are not those that it would change.
    pub(super) fn step(&mut self, key: Key, at: i64, page: TextId, way: Way) -> Step {
        let goes_on = |visit: &&mut Visit| visit.way == way && !visit.is_over(at);
        let Some(visit) = self.visits.get_mut(&key).filter(goes_on) else {
            return Step::Began;
        };
        let before = visit.clone();
        let gap = (at - visit.last).max(0);
        let next = Next { gap, left: visit.page, unbounced: visit.bounced };
        visit.last = visit.last.max(at);
        visit.page = page;
        visit.bounced = false;
        self.changed.push(key);
        Step::Continued(before, next)
    }

    /// The visit within which something happens at `at`: the first of `keys` that goes on.
    pub(super) fn peek(&self, keys: impl IntoIterator<Item = Key>, at: i64) -> Step {
        let mut found = keys.into_iter().filter_map(|key| self.visits.get(&key));
        match found.find(|visit| !visit.is_over(at)) {
            Some(visit) => Step::Inside(visit.clone()),
            None => Step::Outside,
        }
    }

    /// Remembers a visit that began.
    pub(super) fn begin(&mut self, key: Key, visit: Visit) {
        if self.visits.len() < VISITS_MAX || self.visits.contains_key(&key) {
            self.visits.insert(key, visit);
            self.changed.push(key);
        }
    }

    /// Forgets the visits that have been over for a while at `now`, once a minute.
    pub(super) fn forget_idle(&mut self, now: i64) {
        if now - self.swept >= SWEEP_SECONDS || now < self.swept {
            self.swept = now;
            self.visits.retain(|_, visit| (now - visit.last).abs() <= KEPT_SECONDS);
        }
    }

    /// The visits that changed since the last call, encoded; empty if none did.
    pub(super) fn take_news(&mut self) -> Vec<u8> {
        let mut changed = std::mem::take(&mut self.changed);
        changed.sort_unstable();
        changed.dedup();
        let mut news = Vec::new();
        for key in changed {
            if let Some(visit) = self.visits.get(&key) {
                // A visit is made of numbers: only a lack of memory could keep it from being encoded.
                news = postcard::to_extend(&(key, visit), news).unwrap_or_default();
            }
        }
        if !news.is_empty() {
            news.insert(0, KNOWS_WAY);
        }
        news
    }

    /// Takes back in what [`Self::take_news`] once gave. Visits that don't know their rules begin anew.
    pub(super) fn restore(&mut self, news: &[u8]) -> Result<(), VisitsError> {
        let [KNOWS_WAY, news @ ..] = news else { return Ok(()) };
        let mut news = news;
        while !news.is_empty() {
            let ((key, visit), rest) = postcard::take_from_bytes(news)?;
            if self.visits.len() < VISITS_MAX || self.visits.contains_key(&key) {
                self.visits.insert(key, visit);
            }
            news = rest;
        }
        Ok(())
    }

    /// The pages that visitors of `site` are on who were active at or after `since` (UTC seconds), and how
    /// many on each, at most `most`, the most visited first.
    pub(super) fn pages_since(
        &self,
        site: TextId,
        since: i64,
        most: usize,
    ) -> Vec<(TextId, usize)> {
        let active =
            self.visits.iter().filter(|(key, visit)| key.site == site && visit.last >= since);
        let mut pages: HashMap<TextId, usize, foldhash::fast::RandomState> = HashMap::default();
        for (_, visit) in active {
            *pages.entry(visit.page).or_default() += 1;
        }
        let mut pages: Vec<(TextId, usize)> = pages.into_iter().collect();
        pages.sort_unstable_by_key(|(page, count)| (std::cmp::Reverse(*count), *page));
        pages.truncate(most);
        pages
    }

    /// When the last page view of any was received, UTC seconds.
    pub(super) fn latest(&self) -> Option<i64> {
        self.visits.values().map(|visit| visit.last).max()
    }

    /// How many visitors of `site` were active at or after `since` (UTC seconds).
    pub(super) fn active_since(&self, site: TextId, since: i64) -> usize {
        let active =
            self.visits.iter().filter(|(key, visit)| key.site == site && visit.last >= since);
        active
            .map(|(key, _)| key.visitor)
            .collect::<HashSet<_, foldhash::fast::RandomState>>()
            .len()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;

    const SITE: TextId = TextId(1);
    const WAY: Way = Way::test(1);
    const KEY: Key = Key { site: SITE, event_type: TextId(2), visitor: Visitor(7) };

    fn visits_with_one() -> Visits {
        let mut visits = Visits::default();
        assert!(matches!(visits.step(KEY, 100, TextId(5), WAY), Step::Began));
        let profile = Profile::of([(TextId(8), TextId(9))]);
        visits.begin(KEY, Visit::began(0, 100, TextId(5), profile, WAY));
        visits
    }

    fn next(visits: &mut Visits, at: i64, page: u32) -> Option<Next> {
        match visits.step(KEY, at, TextId(page), WAY) {
            Step::Continued(_, next) => Some(next),
            _ => None,
        }
    }

    #[test]
    fn the_second_page_view_ends_the_bounce_once() {
        let mut visits = visits_with_one();
        let second = next(&mut visits, 160, 6).unwrap();
        assert_eq!(second, Next { gap: 60, left: TextId(5), unbounced: true });
        let third = next(&mut visits, 170, 6).unwrap();
        assert_eq!(third, Next { gap: 10, left: TextId(6), unbounced: false });
    }

    #[test]
    fn thirty_idle_minutes_end_a_visit() {
        assert!(next(&mut visits_with_one(), 100 + IDLE_SECONDS, 6).is_some());
        assert!(next(&mut visits_with_one(), 101 + IDLE_SECONDS, 6).is_none());
    }

    #[test]
    fn a_beacon_that_is_counted_a_moment_late_still_finds_its_visit() {
        let mut visits = visits_with_one();
        visits.forget_idle(100 + IDLE_SECONDS + 5);
        assert!(next(&mut visits, 100 + IDLE_SECONDS, 6).is_some());
    }

    #[test]
    fn a_visit_of_other_rules_does_not_go_on() {
        let mut visits = visits_with_one();
        assert!(matches!(visits.step(KEY, 160, TextId(6), Way::test(2)), Step::Began));
        assert!(next(&mut visits, 160, 6).is_some());
        // As it was written before visits knew their rules: a site, and what followed.
        let mut restored = Visits::default();
        restored.restore(&[1, 2, 3]).unwrap();
        assert_eq!(restored.latest(), None);
    }

    #[test]
    fn a_visit_goes_on_after_a_restart() {
        let mut visits = visits_with_one();
        let mut restored = Visits::default();
        restored.restore(&visits.take_news()).unwrap();
        assert_eq!(restored.visits, visits.visits);
        assert_eq!(restored.active_since(SITE, 100), 1);
        assert_eq!(restored.active_since(SITE, 101), 0);
    }
}
