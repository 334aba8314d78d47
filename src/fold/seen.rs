//! Who was seen today: hashes of (visitor, key), which tell a first time from a later one.

use std::collections::{HashMap, HashSet};

use crate::model::{tally::TextId, visitor::Visitor};

/// How many (visitor, key) pairs are remembered at once, over all sites. Beyond it a pair counts as
/// seen before, so that visitors are undercounted rather than memory exhausted; 7 bytes each.
pub const SEEN_MAX: usize = 3_600_000;

/// Who was newly seen at a site on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenDay {
    /// The site.
    pub site: TextId,
    /// The day's first instant, UTC seconds.
    pub day: i64,
    /// The hashes, 8 bytes each, little-endian.
    pub hashes: Vec<u8>,
}

/// What is remembered of a hash: at [`SEEN_MAX`] two in all of a day's may be taken for each other once in
/// forty days, about, and then a visitor counts one time less at one key.
type Short = [u8; 6];

type Hashes = HashSet<Short, foldhash::fast::RandomState>;

/// All who were seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    days: HashMap<(TextId, i64), Hashes, foldhash::fast::RandomState>,
    news: HashMap<(TextId, i64), Vec<u8>, foldhash::fast::RandomState>,
    remembered: usize,
    overflow: u64,
}

impl Seen {
    /// Whether `visitor` comes to `key` for the first time on `day`. From then on it is seen.
    pub(super) fn first(
        &mut self,
        site: TextId,
        day: i64,
        visitor: Visitor,
        key: [TextId; 4],
    ) -> bool {
        let hash = hash(visitor, key);
        let hashes = self.days.entry((site, day)).or_default();
        if hashes.contains(&short(hash)) {
            return false;
        }
        if self.remembered >= SEEN_MAX {
            self.overflow += 1;
            return false;
        }
        self.remembered += 1;
        hashes.insert(short(hash));
        self.news.entry((site, day)).or_default().extend_from_slice(&hash.to_le_bytes());
        true
    }

    /// What was newly seen since the last call, in a fixed order.
    pub(super) fn take_news(&mut self) -> Vec<SeenDay> {
        let news = std::mem::take(&mut self.news);
        let mut days: Vec<SeenDay> =
            news.into_iter().map(|((site, day), hashes)| SeenDay { site, day, hashes }).collect();
        days.sort_by_key(|seen| (seen.site, seen.day));
        days
    }

    /// Takes back in what [`Self::take_news`] once gave.
    pub(super) fn restore(&mut self, seen: &SeenDay) {
        let hashes = self.days.entry((seen.site, seen.day)).or_default();
        let (chunks, _) = seen.hashes.as_chunks::<8>();
        for chunk in chunks {
            if self.remembered < SEEN_MAX && hashes.insert(short(u64::from_le_bytes(*chunk))) {
                self.remembered += 1;
            }
        }
    }

    /// Forgets the days of `site` before `day`.
    pub(super) fn forget_before(&mut self, site: TextId, day: i64) {
        self.days.retain(|&(of, seen_on), hashes| {
            let kept = of != site || seen_on >= day;
            if !kept {
                self.remembered -= hashes.len();
            }
            kept
        });
    }

    pub(super) const fn overflow(&self) -> u64 {
        self.overflow
    }
}

fn short(hash: u64) -> Short {
    let [a, b, c, d, e, f, ..] = hash.to_le_bytes();
    [a, b, c, d, e, f]
}

/// One number for a visitor and a key. The visitor is a keyed hash already; this only has to spread,
/// and it must stay as it is, because the file keeps its results until midnight.
fn hash(visitor: Visitor, [event_type, identifier, dimension, value]: [TextId; 4]) -> u64 {
    let what = (u64::from(event_type.0) << 32) | u64::from(identifier.0);
    let split = (u64::from(dimension.0) << 32) | u64::from(value.0);
    spread(spread(visitor.0 ^ what.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_add(split))
}

/// The finalizer of `SplitMix64` (Steele, Lea, Flood 2014).
const fn spread(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [TextId; 4] = [TextId(1), TextId(2), TextId(3), TextId(4)];

    #[test]
    fn a_visitor_is_first_once_a_day_at_a_key() {
        let mut seen = Seen::default();
        assert!(seen.first(TextId(1), 0, Visitor(7), KEY));
        assert!(!seen.first(TextId(1), 0, Visitor(7), KEY));
        assert!(seen.first(TextId(1), 0, Visitor(8), KEY));
        assert!(seen.first(TextId(1), 86_400, Visitor(7), KEY));
        assert!(seen.first(TextId(1), 0, Visitor(7), [TextId(1), TextId(2), TextId(4), TextId(3)]));
    }

    #[test]
    fn who_was_seen_is_still_seen_after_a_restart() {
        let mut seen = Seen::default();
        seen.first(TextId(1), 0, Visitor(7), KEY);
        let mut restored = Seen::default();
        seen.take_news().iter().for_each(|day| restored.restore(day));
        assert!(!restored.first(TextId(1), 0, Visitor(7), KEY));
        assert!(seen.take_news().is_empty());
    }

    #[test]
    fn a_day_that_is_over_is_forgotten() {
        let mut seen = Seen::default();
        seen.first(TextId(1), 0, Visitor(7), KEY);
        seen.forget_before(TextId(1), 86_400);
        assert_eq!(seen.remembered, 0);
        assert!(seen.first(TextId(1), 0, Visitor(7), KEY));
    }
}
