//! Who was seen today: hashes of (visitor, key), which tell a first time from a later one.

use std::collections::{HashMap, HashSet, hash_map::Entry};

use crate::model::{tally::TextId, visitor::Visitor};

/// How many (visitor, key) pairs are remembered at once, over all sites; about 4 bytes each.
///
/// Each visitor counts as [`VISITOR_PAIRS`] more. Beyond it a pair counts as seen before, so that visitors are
/// undercounted rather than memory exhausted.
pub const SEEN_MAX: usize = 6_000_000;

/// As many pairs as take the memory that a visitor takes of whom any is remembered.
const VISITOR_PAIRS: usize = 16;

/// So many keys of a visitor are looked through one after the other; where there are more, they are hashed.
const FEW_MAX: usize = 64;

/// What is written of who was seen begins with this, and has 8 bytes for each pair. Earlier releases have
/// written 8 bytes for each alone, so that the length tells.
const BY_VISITOR: u8 = 1;

/// Who was newly seen at a site on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenDay {
    /// The site.
    pub site: TextId,
    /// The day's first instant, UTC seconds.
    pub day: i64,
    /// The hashes, as counting writes them.
    pub hashes: Vec<u8>,
}

type State = foldhash::fast::RandomState;

/// All who were seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    days: HashMap<(TextId, i64), Visitors, State>,
    news: HashMap<(TextId, i64), Vec<u8>, State>,
    room: Room,
}

/// How much of [`SEEN_MAX`] is taken, over all days, and how many pairs had no room.
#[derive(Debug, Default)]
struct Room {
    remembered: usize,
    overflow: u64,
}

/// Who was seen at one site on one day: all that a beacon asks for lies together.
#[derive(Debug, Default)]
struct Visitors {
    /// By visitor. Two in all who share a number share a list, of which each key is of one of them.
    keys: HashMap<u32, Keys, State>,
    /// Pairs of which an earlier release has written nothing but this.
    earlier: HashSet<u64, State>,
}

/// At what a visitor was seen. Of all pairs of a day two may be taken for each other about once in a month
/// at [`SEEN_MAX`], and then a visitor counts one time less at one key.
#[derive(Debug)]
enum Keys {
    Few(Vec<u32>),
    #[expect(clippy::box_collection, reason = "those of few are smaller for it, and most have few")]
    Many(Box<HashSet<u32, State>>),
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
        let visitors = self.days.entry((site, day)).or_default();
        if visitors.earlier.contains(&hash) {
            return false;
        }
        let pair = Pair::of(visitor, hash);
        let is_first = visitors.remember(pair, &mut self.room);
        if is_first {
            let news = self.news.entry((site, day)).or_insert_with(|| vec![BY_VISITOR]);
            news.extend_from_slice(&pair.written());
        }
        is_first
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
        let day = (seen.site, seen.day);
        match seen.hashes.as_slice() {
            [BY_VISITOR, pairs @ ..] if pairs.len().is_multiple_of(Pair::BYTES) => {
                let (pairs, _) = pairs.as_chunks();
                let visitors = self.days.entry(day).or_default();
                for pair in pairs {
                    visitors.remember(Pair::read(*pair), &mut self.room);
                }
            }
            earlier => {
                let (hashes, _) = earlier.as_chunks();
                let known = &mut self.days.entry(day).or_default().earlier;
                for hash in hashes {
                    if self.room.remembered < SEEN_MAX && known.insert(u64::from_le_bytes(*hash)) {
                        self.room.remembered += 1;
                    }
                }
            }
        }
    }

    /// Forgets the days of `site`, or of all, before `day`.
    pub(super) fn forget_before(&mut self, site: Option<TextId>, day: i64) {
        self.days.retain(|&(of, seen_on), visitors| {
            let kept = site.is_some_and(|site| of != site) || seen_on >= day;
            if !kept {
                self.room.remembered -= visitors.weight();
            }
            kept
        });
    }

    pub(super) const fn overflow(&self) -> u64 {
        self.room.overflow
    }
}

impl Visitors {
    /// Remembers a pair, if there is room; whether it was new and is remembered.
    fn remember(&mut self, Pair { visitor, key }: Pair, room: &mut Room) -> bool {
        let is_full = room.remembered >= SEEN_MAX;
        let keys = match self.keys.entry(visitor) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(_) if is_full => {
                room.overflow += 1;
                return false;
            }
            Entry::Vacant(new) => {
                room.remembered += VISITOR_PAIRS;
                new.insert(Keys::Few(Vec::new()))
            }
        };
        if keys.contains(key) {
            return false;
        }
        if is_full {
            room.overflow += 1;
            return false;
        }
        keys.add(key);
        room.remembered += 1;
        true
    }

    /// How many of [`SEEN_MAX`] they are.
    fn weight(&self) -> usize {
        let keys = self.keys.values().map(|keys| VISITOR_PAIRS + keys.len());
        self.earlier.len() + keys.sum::<usize>()
    }
}

impl Keys {
    fn contains(&self, key: u32) -> bool {
        match self {
            Self::Few(keys) => keys.contains(&key),
            Self::Many(keys) => keys.contains(&key),
        }
    }

    /// Adds a key that it does not contain.
    fn add(&mut self, key: u32) {
        match self {
            Self::Few(keys) if keys.len() < FEW_MAX => {
                if keys.len() == keys.capacity() {
                    // Twice as much each time would leave a quarter of it all empty.
                    keys.reserve_exact(keys.len() / 4 + 4);
                }
                keys.push(key);
            }
            Self::Few(keys) => {
                let many = keys.iter().copied().chain([key]).collect();
                *self = Self::Many(Box::new(many));
            }
            Self::Many(keys) => {
                keys.insert(key);
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Few(keys) => keys.len(),
            Self::Many(keys) => keys.len(),
        }
    }
}

/// What is remembered of a visitor and a key.
#[derive(Debug, Clone, Copy)]
struct Pair {
    visitor: u32,
    key: u32,
}

impl Pair {
    /// How long it is when it is written.
    const BYTES: usize = 8;

    /// Of `visitor` and the [`hash`] of it and a key.
    fn of(visitor: Visitor, hash: u64) -> Self {
        let [a, b, c, d, ..] = spread(visitor.0).to_le_bytes();
        let [e, f, g, h, ..] = hash.to_le_bytes();
        Self { visitor: u32::from_le_bytes([a, b, c, d]), key: u32::from_le_bytes([e, f, g, h]) }
    }

    fn written(self) -> [u8; Self::BYTES] {
        let [[a, b, c, d], [e, f, g, h]] = [self.visitor, self.key].map(u32::to_le_bytes);
        [a, b, c, d, e, f, g, h]
    }

    const fn read([a, b, c, d, e, f, g, h]: [u8; Self::BYTES]) -> Self {
        Self { visitor: u32::from_le_bytes([a, b, c, d]), key: u32::from_le_bytes([e, f, g, h]) }
    }
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
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
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
    fn who_was_seen_by_an_earlier_release_is_still_seen() {
        let mut restored = Seen::default();
        let hashes = hash(Visitor(7), KEY).to_le_bytes().to_vec();
        restored.restore(&SeenDay { site: TextId(1), day: 0, hashes });
        assert!(!restored.first(TextId(1), 0, Visitor(7), KEY));
        assert!(restored.first(TextId(1), 0, Visitor(8), KEY));
        assert!(restored.first(TextId(1), 86_400, Visitor(7), KEY));
    }

    #[test]
    fn a_visitor_of_many_pages_is_first_once_at_each() {
        let mut seen = Seen::default();
        let key = |page: usize| [TextId(1), TextId(u32::try_from(page).unwrap()), KEY[2], KEY[3]];
        let pages = 10 * FEW_MAX;
        assert!((0..pages).all(|page| seen.first(TextId(1), 0, Visitor(7), key(page))));
        assert!(!(0..pages).any(|page| seen.first(TextId(1), 0, Visitor(7), key(page))));
        assert_eq!(seen.room.remembered, VISITOR_PAIRS + pages);
        let mut restored = Seen::default();
        seen.take_news().iter().for_each(|day| restored.restore(day));
        assert!(!(0..pages).any(|page| restored.first(TextId(1), 0, Visitor(7), key(page))));
        assert_eq!(restored.room.remembered, seen.room.remembered);
    }

    #[test]
    fn a_day_that_is_over_is_forgotten() {
        let mut seen = Seen::default();
        seen.first(TextId(1), 0, Visitor(7), KEY);
        seen.forget_before(Some(TextId(2)), 86_400);
        assert!(!seen.first(TextId(1), 0, Visitor(7), KEY));
        seen.forget_before(Some(TextId(1)), 86_400);
        assert_eq!(seen.room.remembered, 0);
        assert!(seen.first(TextId(1), 0, Visitor(7), KEY));
    }
}
