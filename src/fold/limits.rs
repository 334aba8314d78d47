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
    /// How many names of a scope were admitted on its current day.
    today: HashMap<NameScope, (i64, u32), State>,
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
        let today = match self.today.get(&scope) {
            Some(&(day, count)) if day == newcomer.day => count,
            _ => names.admitted_count(scope, newcomer.day)?,
        };
        if today >= most || (today >= most / 2 && !self.is_vouched_for(scope, name, newcomer)) {
            self.today.insert(scope, (newcomer.day, today));
            return Ok(None);
        }
        self.today.insert(scope, (newcomer.day, today + 1));
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
