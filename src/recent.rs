//! The last beacons of each site with what became of them, for whoever sets up a page. They are in
//! memory alone: nothing of it is written, and no address is among it.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::model::rejection::Reason;

/// How many are remembered for each site.
const BEACONS_MAX: usize = 40;

/// For how many sites, those among them that nobody has declared as one.
const SITES_MAX: usize = 1_000;

/// How much is remembered of a text, in bytes.
const TEXT_BYTES_MAX: usize = 200;

/// A beacon that has come, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recent {
    /// When it came, UTC milliseconds.
    pub at: i64,
    /// What it was: an event type and an identifier, or why it was refused.
    pub words: String,
    /// Why it was not counted; `None` if it was.
    pub reason: Option<Reason>,
}

impl Recent {
    /// A beacon that came at `at` (UTC milliseconds), in `words`, of which empty ones are left out.
    pub fn new(at: i64, words: &[&str], reason: Option<Reason>) -> Self {
        let most = words.iter().map(|word| word.len() + 1).sum::<usize>().min(TEXT_BYTES_MAX);
        let mut text = String::with_capacity(most);
        for word in words.iter().filter(|word| !word.is_empty()) {
            if !text.is_empty() && text.len() < TEXT_BYTES_MAX {
                text.push(' ');
            }
            let end = word.floor_char_boundary(TEXT_BYTES_MAX.saturating_sub(text.len()));
            text.push_str(word.get(..end).unwrap_or_default());
        }
        Self { at, words: text, reason }
    }
}

/// The last beacons.
#[derive(Debug, Default)]
pub struct RecentBeacons(Mutex<HashMap<String, VecDeque<Recent>>>);

impl RecentBeacons {
    /// Notes a beacon of `site`, which is empty where no site could be told.
    pub fn note(&self, site: &str, beacon: Recent) {
        let mut sites = self.lock();
        let is_full = sites.len() >= SITES_MAX;
        let beacons = match sites.get_mut(site) {
            Some(beacons) => beacons,
            None if is_full => return,
            None => sites.entry(site.to_owned()).or_default(),
        };
        beacons.truncate(BEACONS_MAX - 1);
        beacons.push_front(beacon);
    }

    /// Those of `site`, and if `sees_all` those of which no site could be told, which may be about any; the
    /// last first.
    pub fn of(&self, site: &str, sees_all: bool) -> Vec<Recent> {
        let sites = self.lock();
        let unknown = sees_all.then_some("");
        let own = [Some(site), unknown].into_iter().flatten().filter_map(|name| sites.get(name));
        let mut found: Vec<Recent> = own.flatten().cloned().collect();
        drop(sites);
        found.sort_by_key(|beacon| -beacon.at);
        found.truncate(BEACONS_MAX);
        found
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, VecDeque<Recent>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_stay_and_are_bounded() {
        let recent = RecentBeacons::default();
        for at in 0..100 {
            let words = ["page_view", &"é".repeat(300)];
            recent.note("a.example", Recent::new(at, &words, None));
        }
        recent.note("", Recent::new(50, &["not JSON"], Some(Reason::Malformed)));
        recent.note("b.example", Recent::new(200, &["another", "site"], None));
        let found = recent.of("a.example", true);
        assert_eq!(found.len(), BEACONS_MAX);
        assert_eq!(found.first().map(|beacon| beacon.at), Some(99));
        assert!(found.iter().all(|beacon| beacon.words.len() <= TEXT_BYTES_MAX));
        assert_eq!(recent.of("b.example", false)[0].words, "another site");
        assert_eq!(recent.of("c.example", true).len(), 1);
        assert_eq!(recent.of("c.example", false).len(), 0);
    }
}
