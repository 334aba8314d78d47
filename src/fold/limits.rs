//! Which new names get a row of their own, so that a flood of junk leaves the real ones named.
//!
//! What is known from earlier days is always admitted. New names are admitted freely until half of
//! the day's limit is used; beyond that a name needs two different networks, and a network may put
//! forward [`NEWCOMERS_OF_NETWORK`] of them a day. The rest is counted together, so that the named
//! and the others always make the total.

use std::{
    collections::{HashMap, HashSet},
    hash::BuildHasher,
};

use crate::model::{
    tally::TextId,
    text::{NameScope, Names},
    visitor::Network,
};

/// How many new names of a scope one network may put forward on a day once half of the limit is used.
pub(super) const NEWCOMERS_OF_NETWORK: u32 = 20;

/// How many names wait for a second network at most, over all scopes.
const CANDIDATES_MAX: usize = 65_536;

/// How many admitted names are remembered at most before all are looked up again.
const ADMITTED_MAX: usize = 262_144;

/// Of how many days of scopes it is remembered at most how many names were admitted, before all are counted again.
const COUNTS_MAX: usize = 65_536;

/// How many days late a beacon may be told and still count among the candidates of the current day.
const LATE_DAYS_MAX: i64 = 40;

/// Who brings a name, and on which day (its first instant, UTC seconds).
#[derive(Debug, Clone, Copy)]
pub(super) struct Newcomer {
    pub(super) network: Option<Network>,
    pub(super) day: i64,
}

type State = foldhash::fast::RandomState;

/// What has been admitted, and what waits.
#[derive(Debug, Default)]
pub(super) struct Limits {
    admitted: HashSet<(NameScope, TextId), State>,
    /// How many names of a scope were admitted on a day (its first instant, UTC seconds). Beacons that are told late
    /// come in turns with those of today, and to count anew is to read all names of the scope.
    counts: HashMap<(NameScope, i64), u32, State>,
    /// Names that wait for a second network, and the first one.
    candidates: HashMap<(NameScope, u64), Option<Network>, State>,
    put_forward: HashMap<(NameScope, Option<Network>), u32, State>,
    /// The UTC day of the candidates: the next one begins anew.
    candidates_day: i64,
    hasher: foldhash::quality::RandomState,
}

impl Limits {
    /// The number of `name` if it may have a row of its own, `None` if it counts among the others.
    pub(super) fn admit<N: Names>(
        &mut self,
        scope: NameScope,
        name: &str,
        newcomer: Newcomer,
        most: u32,
        names: &mut N,
    ) -> Result<Option<TextId>, N::Error> {
        if let Some(known) = names.find(name)? {
            if self.admitted.contains(&(scope, known)) {
                return Ok(Some(known));
            }
            if names.admitted_on(scope, known)?.is_some() {
                self.remember(scope, known);
                return Ok(Some(known));
            }
        }
        let count = match self.counts.get(&(scope, newcomer.day)) {
            Some(count) => *count,
            None => names.admitted_count(scope, newcomer.day)?,
        };
        if count >= most || (count >= most / 2 && !self.is_vouched_for(scope, name, newcomer)) {
            self.note_count(scope, newcomer.day, count);
            return Ok(None);
        }
        self.note_count(scope, newcomer.day, count + 1);
        let value = names.intern(name)?;
        names.admit(scope, value, newcomer.day)?;
        self.remember(scope, value);
        Ok(Some(value))
    }

    fn remember(&mut self, scope: NameScope, value: TextId) {
        if self.admitted.len() >= ADMITTED_MAX {
            self.admitted.clear();
        }
        self.admitted.insert((scope, value));
    }

    fn note_count(&mut self, scope: NameScope, day: i64, count: u32) {
        if self.counts.len() >= COUNTS_MAX && !self.counts.contains_key(&(scope, day)) {
            self.counts.clear();
        }
        self.counts.insert((scope, day), count);
    }

    /// Whether a second network brings the name; if none has, this one is remembered as the first.
    fn is_vouched_for(&mut self, scope: NameScope, name: &str, newcomer: Newcomer) -> bool {
        let utc_day = newcomer.day.div_euclid(86_400);
        // What is told late is a few days old; a day long before is of a clock that was wrong.
        if utc_day > self.candidates_day || utc_day + LATE_DAYS_MAX < self.candidates_day {
            self.candidates_day = utc_day;
            self.candidates.clear();
            self.put_forward.clear();
        }
        let key = (scope, self.hasher.hash_one(name));
        if let Some(first) = self.candidates.get(&key) {
            let second = *first != newcomer.network;
            if second {
                self.candidates.remove(&key);
            }
            return second;
        }
        if self.candidates.len() >= CANDIDATES_MAX || self.put_forward.len() >= CANDIDATES_MAX {
            return false;
        }
        let put_forward = self.put_forward.entry((scope, newcomer.network)).or_default();
        if *put_forward < NEWCOMERS_OF_NETWORK {
            *put_forward += 1;
            self.candidates.insert(key, newcomer.network);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    /// The names of one scope with the days on which they were admitted, and how often these were counted.
    #[derive(Default)]
    struct Counted {
        numbers: HashMap<String, TextId>,
        days: HashMap<TextId, i64>,
        last: u32,
        counted: u32,
    }

    impl Names for Counted {
        type Error = Infallible;

        fn find(&mut self, text: &str) -> Result<Option<TextId>, Infallible> {
            Ok(self.numbers.get(text).copied())
        }

        fn intern(&mut self, text: &str) -> Result<TextId, Infallible> {
            self.last += 1;
            Ok(*self.numbers.entry(text.to_owned()).or_insert(TextId(self.last)))
        }

        fn admitted_on(&mut self, _: NameScope, value: TextId) -> Result<Option<i64>, Infallible> {
            Ok(self.days.get(&value).copied())
        }

        fn admitted_count(&mut self, _: NameScope, day: i64) -> Result<u32, Infallible> {
            self.counted += 1;
            Ok(self.days.values().filter(|of| **of == day).map(|_| 1).sum())
        }

        fn admit(&mut self, _: NameScope, value: TextId, day: i64) -> Result<(), Infallible> {
            self.days.insert(value, day);
            Ok(())
        }
    }

    const fn scope(site: u32) -> NameScope {
        NameScope { site: TextId(site), event_type: TextId(1), dimension: TextId(2) }
    }

    #[test]
    fn names_of_two_days_in_turns_are_counted_once_a_day() {
        let (mut limits, mut names) = (Limits::default(), Counted::default());
        let mut admitted = [0; 2];
        for number in 0..300 {
            let day = number % 2;
            let newcomer = Newcomer { network: None, day: if day == 0 { 0 } else { 86_400 } };
            let name = format!("name {number}");
            let found = limits.admit(scope(1), &name, newcomer, 200, &mut names).unwrap();
            admitted[day] += u32::from(found.is_some());
        }
        assert_eq!(names.counted, 2);
        // Beyond half of the limit, one network alone names nothing.
        assert_eq!(admitted, [100, 100]);
    }

    #[test]
    fn of_no_more_days_it_is_remembered_than_there_is_room_for() {
        let mut limits = Limits::default();
        for site in (0..).take(COUNTS_MAX + 10) {
            limits.note_count(scope(site), 0, 1);
            limits.note_count(scope(site), 0, 2);
        }
        assert_eq!(limits.counts.len(), 10);
    }
}
