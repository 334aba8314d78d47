//! Counting: beacons and what is known of their day become tallies. Pure and deterministic.
//!
//! A page view belongs to the bucket in which it was received, a visit wholly to the bucket in which
//! it began. All that is counted adds up, so that a later beacon only ever adds (or takes back) a
//! delta, and the figures are right at every instant. The truth that this is held to is a naive
//! recount, in the property tests of the suite.

mod calendar;
mod limits;
mod profile;
mod repeats;
mod rules;
mod seen;
mod slice;
mod sums;
mod tallies;
mod visits;

use crate::{
    config::registry::Registry,
    model::{beacon::Beacon, tally::TextId, text::Names},
};

use self::{
    calendar::Calendar, limits::Limits, repeats::Repeats, rules::Rules, seen::Seen, slice::Slice,
    tallies::Sums, visits::Visits,
};
pub use self::{
    seen::{SEEN_MAX, SeenDay},
    tallies::Tallies,
    visits::{IDLE_SECONDS, KEPT_SECONDS, VISITS_MAX, VisitsError},
};

/// Under this name is counted whatever exceeds a limit.
pub const OTHER: &str = "(other)";

/// Within how many seconds a visitor counts as present.
pub const PRESENT_SECONDS: i64 = 300;

/// How many pages are told of those on which visitors are.
const PAGES_NOW_MAX: usize = 12;

/// What is known of the day so far, and of the visits that may go on.
#[derive(Debug, Default)]
pub struct Fold {
    seen: Seen,
    visits: Visits,
    limits: Limits,
    repeats: Repeats,
    calendar: Calendar,
    /// Up to when beacons have come, UTC seconds.
    latest: i64,
}

/// What beacons add, before it is told: see [`Fold::gather`].
#[derive(Debug, Default)]
pub struct Gathered {
    rules: Rules,
    sums: Sums,
    /// When the last beacon was received, UTC seconds.
    latest: Option<i64>,
}

/// What is known of the day so far, as it was written down: each in the order of writing.
#[derive(Debug, Default)]
pub struct Written {
    /// [`Tallies::seen`].
    pub seen: Vec<SeenDay>,
    /// [`Tallies::visits`].
    pub visits: Vec<Vec<u8>>,
    /// [`Tallies::repeatable`].
    pub repeatable: Vec<Vec<u8>>,
}

impl Fold {
    /// The state as it was written down.
    ///
    /// # Errors
    /// When the visits don't read as what was once written.
    pub fn restore(written: &Written) -> Result<Self, VisitsError> {
        let mut fold = Self::default();
        written.seen.iter().for_each(|day| fold.seen.restore(day));
        written.repeatable.iter().for_each(|batch| fold.repeats.restore(batch));
        for batch in &written.visits {
            fold.visits.restore(batch)?;
        }
        let repeatable = fold.repeats.latest().div_euclid(1000);
        fold.latest = fold.visits.latest().unwrap_or(0).max(repeatable);
        Ok(fold)
    }

    /// Counts `beacons`, in their order, by the rules of `registry`, when nothing but they tells the time.
    ///
    /// # Errors
    /// When `names` can't answer. What this state has learnt by then is not in the file: it must be
    /// restored before it counts again.
    pub fn slice<N: Names>(
        &mut self,
        beacons: &[Beacon<'_>],
        registry: &Registry,
        names: &mut N,
    ) -> Result<Tallies, N::Error> {
        let mut gathered = Gathered::default();
        self.gather(beacons, &mut gathered, registry, names)?;
        let now = gathered.latest.unwrap_or(0);
        Ok(self.told(gathered, registry, now))
    }

    /// Counts `beacons`, which come after all that is gathered, without saying yet what it comes to.
    ///
    /// # Errors
    /// As [`Fold::slice`].
    pub fn gather<N: Names>(
        &mut self,
        beacons: &[Beacon<'_>],
        gathered: &mut Gathered,
        registry: &Registry,
        names: &mut N,
    ) -> Result<(), N::Error> {
        let with_visits = registry.events.iter().filter(|event| event.visits);
        let with_visits =
            with_visits.map(|event| names.intern(&event.name)).collect::<Result<_, _>>()?;
        let Gathered { rules, sums, latest } = gathered;
        let other = names.intern(OTHER)?;
        let split_by = Vec::new();
        let mut slice =
            Slice { other, with_visits, rules, sums, fold: self, registry, names, split_by };
        for beacon in beacons {
            slice.count(beacon)?;
        }
        *latest = beacons.iter().map(Beacon::received_second).max().max(*latest);
        Ok(())
    }

    /// What all that was gathered comes to at `now` (UTC seconds), and what must be remembered of it.
    pub fn told(&mut self, gathered: Gathered, registry: &Registry, now: i64) -> Tallies {
        let Gathered { rules, sums, latest } = gathered;
        let longest = registry.events.iter().map(|event| event.dedupe_seconds).max().unwrap_or(0);
        // Without a beacon nothing tells the time, so that nothing is over.
        if let Some(latest) = latest {
            self.advance(latest, now);
            self.visits.forget_idle(self.latest);
            self.repeats.forget_past(self.latest * 1000, i64::from(longest) * 1000);
        }
        let latest = latest.map_or(0, |_| self.latest);
        let mut tallies = sums.rolled_up(&rules, &mut self.calendar);
        tallies.seen = self.seen.take_news();
        tallies.visits = self.visits.take_news();
        tallies.repeatable = self.repeats.take_news();
        tallies.repeatable_until = latest - i64::from(longest) - repeats::LATE_MS / 1000;
        tallies.latest = latest;
        tallies
    }

    /// Notes that beacons came up to `latest`. That others tell late what happened long ago takes no time back, or
    /// whoever does so would end every visit; a clock that was ahead, and is so no longer at `now`, does.
    fn advance(&mut self, latest: i64, now: i64) {
        if latest >= self.latest || now + KEPT_SECONDS < self.latest {
            self.latest = latest.max(now.min(self.latest));
        }
    }

    /// Forgets who was seen at `site`, or at any, before the day that begins at `day` (UTC seconds).
    pub fn forget_seen_before(&mut self, site: Option<TextId>, day: i64) {
        self.seen.forget_before(site, day);
    }

    /// How many visitors of `site` were active in the [`PRESENT_SECONDS`] up to `now` (UTC seconds).
    pub fn present(&self, site: TextId, now: i64) -> usize {
        self.visits.active_since(site, now - PRESENT_SECONDS)
    }

    /// The pages that these visitors are on, and how many on each, the most visited first.
    pub fn pages_now(&self, site: TextId, now: i64) -> Vec<(TextId, usize)> {
        self.visits.pages_since(site, now - PRESENT_SECONDS, PAGES_NOW_MAX)
    }

    /// How many (visitor, key) pairs were not remembered because [`SEEN_MAX`] was reached.
    pub const fn seen_overflow(&self) -> u64 {
        self.seen.overflow()
    }
}
