//! Sums of a slice: gathered in the finest bucket, then rolled up into the coarser ones.
//!
//! A slice is about a second long, so its beacons share a few fine buckets: rolling up costs what
//! the distinct keys cost, not the beacons.

use std::collections::{BTreeMap, HashMap};

use super::{
    calendar::Calendar,
    rules::{EventRules, NumberedMeasure, Rules, SiteRules},
    seen::SeenDay,
};
use crate::model::{
    kept::KeptBeacon,
    period::Granularity,
    tally::{AggregateKey, Bar, BreakdownKey, Counters, HistogramKey, TextId},
};

/// The bound of the bar that takes what no other bar takes.
const BOUND_MAX: i64 = 1 << 53;

/// How many times the last bound of a measure a value may be, to be one of it.
const BOUND_TIMES_MAX: i64 = 1_000;

/// What a slice adds to the file. Sorted as the file is.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tallies {
    /// Sums of totals and identifiers.
    pub aggregates: Vec<(AggregateKey, Counters)>,
    /// Sums of values.
    pub breakdowns: Vec<(BreakdownKey, Counters)>,
    /// Counts and sums (in thousandths) of histogram bars.
    pub histograms: Vec<(HistogramKey, Bar)>,
    /// Titles that identifiers have now, with the bucket that keeps them.
    pub titles: Vec<(AggregateKey, String)>,
    /// Who was newly seen.
    pub seen: Vec<SeenDay>,
    /// The visits that changed, encoded.
    pub visits: Vec<u8>,
    /// The beacons that a repeat may follow, encoded.
    pub repeatable: Vec<u8>,
    /// No repeat follows what came before this any more, UTC seconds.
    pub repeatable_until: i64,
    /// The beacons that are kept beside the sums.
    pub kept: Vec<KeptBeacon>,
    /// The errors that were met: (site, event type, identifier), and when first and last, UTC seconds.
    pub errors: Vec<([TextId; 3], (i64, i64))>,
    /// How many repeats were not counted, by site and hour (its first instant, UTC seconds).
    pub repeats: Vec<((TextId, i64), i64)>,
    /// When the last of the beacons was received, UTC seconds; 0 without beacons.
    pub latest: i64,
}

/// A key of the finest bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    bucket: i64,
    site: TextId,
    event_type: TextId,
    identifier: TextId,
    dimension: TextId,
    value: TextId,
}

impl Key {
    /// The total of `event` at `site`, in the finest bucket, which starts at `bucket` (UTC seconds).
    pub(super) const fn of(site: &SiteRules, event: &EventRules, bucket: i64) -> Self {
        let none = TextId::TOTAL;
        let (site, event_type) = (site.id, event.id);
        Self { bucket, site, event_type, identifier: none, dimension: none, value: none }
    }

    pub(super) const fn identifier(self, identifier: TextId) -> Self {
        Self { identifier, ..self }
    }

    pub(super) const fn value(self, dimension: TextId, value: TextId) -> Self {
        Self { dimension, value, ..self }
    }

    const fn aggregate(&self, granularity: Granularity, period_start: i64) -> AggregateKey {
        AggregateKey {
            granularity,
            period_start,
            site: self.site,
            event_type: self.event_type,
            identifier: self.identifier,
        }
    }
}

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// Sums that are being gathered.
#[derive(Debug, Default)]
pub(super) struct Sums {
    counters: Map<Key, Counters>,
    bars: Map<(Key, i64), Bar>,
    titles: Map<Key, String>,
    /// Beacons that are kept singly.
    pub(super) kept: Vec<KeptBeacon>,
    /// Errors that were met, and when first and last.
    pub(super) errors: BTreeMap<[TextId; 3], (i64, i64)>,
    /// Repeats that were not counted, by site and hour.
    pub(super) repeats: BTreeMap<(TextId, i64), i64>,
}

impl Sums {
    pub(super) fn add(&mut self, key: Key, delta: Counters) {
        *self.counters.entry(key).or_default() += delta;
    }

    /// Puts `value` into its bar. What is not a number, or negative, or so large that the measure can't mean it,
    /// has none.
    pub(super) fn add_measure(&mut self, key: Key, measure: &NumberedMeasure, value: f64) {
        let most =
            measure.rule.bounds.last().map_or(0, |last| last.saturating_mul(BOUND_TIMES_MAX));
        let Some(value) = thousandths(value).filter(|value| *value <= most) else { return };
        let bound = measure.rule.bounds.iter().copied().find(|bound| value <= *bound);
        let key = (key.value(measure.id, TextId::TOTAL), bound.unwrap_or(BOUND_MAX));
        self.bars.entry(key).or_default().add(Bar::of(value));
    }

    /// Keeps `title` as the last one of the identifier of `key`.
    pub(super) fn title(&mut self, key: Key, title: &str) {
        title.clone_into(self.titles.entry(key).or_default());
    }

    /// The sums in every bucket that the event types keep.
    pub(super) fn rolled_up(self, rules: &Rules, calendar: &mut Calendar) -> Tallies {
        let repeats = self.repeats.into_iter().collect();
        let errors = self.errors.into_iter().collect();
        let mut tallies = Tallies { repeats, kept: self.kept, errors, ..Tallies::default() };
        let counters = self.counters.into_iter().filter(|(_, counters)| !counters.is_zero());
        let mut counters: Vec<(Key, Counters)> = counters.collect();
        // Sorted once: what follows comes out nearly in the order of the file.
        counters.sort_unstable_by_key(|(key, _)| *key);
        for granularity in Granularity::ALL {
            let mut bucket = None;
            for &(key, counters) in &counters {
                let start = match bucket {
                    Some((of, start)) if of == (key.bucket, key.site, key.event_type) => start,
                    _ => kept_start(&key, granularity, rules, calendar),
                };
                bucket = Some(((key.bucket, key.site, key.event_type), start));
                let Some(start) = start.filter(|start| start.takes(&key)) else { continue };
                let aggregate = key.aggregate(granularity, start.period_start);
                if key.dimension == TextId::TOTAL {
                    tallies.aggregates.push((aggregate, counters));
                } else {
                    let (dimension, value) = (key.dimension, key.value);
                    let key = BreakdownKey { aggregate, dimension, value };
                    tallies.breakdowns.push((key, counters));
                }
            }
        }
        for ((key, bound), bar) in self.bars {
            // A measure stands where a dimension does, but it is never a pair.
            let plain = key.value(TextId::TOTAL, TextId::TOTAL);
            for aggregate in buckets(&plain, rules, calendar) {
                let key = HistogramKey { aggregate, measure: key.dimension, bound };
                tallies.histograms.push((key, bar));
            }
        }
        let mut titles: Vec<(Key, String)> = self.titles.into_iter().collect();
        titles.sort_by_key(|(key, _)| key.bucket);
        let latest = titles
            .into_iter()
            .filter_map(|(key, title)| Some((buckets(&key, rules, calendar).pop()?, title)));
        // The last of several titles in one bucket stands.
        tallies.titles = latest.collect::<BTreeMap<_, _>>().into_iter().collect();
        sum_by_key(&mut tallies.aggregates, |sum, more| *sum += more);
        sum_by_key(&mut tallies.breakdowns, |sum, more| *sum += more);
        sum_by_key(&mut tallies.histograms, Bar::add);
        tallies.aggregates.retain(|(_, counters)| !counters.is_zero());
        tallies.breakdowns.retain(|(_, counters)| !counters.is_zero());
        tallies
    }
}

/// A bucket that is kept.
#[derive(Clone, Copy)]
struct KeptStart {
    period_start: i64,
    /// Whether totals are split in it.
    with_splits: bool,
    /// Whether identifiers are split in it.
    with_pairs: bool,
}

impl KeptStart {
    const fn takes(&self, key: &Key) -> bool {
        match (key.dimension, key.identifier) {
            (TextId::TOTAL, _) => true,
            (_, TextId::TOTAL) => self.with_splits,
            _ => self.with_pairs,
        }
    }
}

/// The bucket of `granularity` that takes `key`, if its event type keeps such.
fn kept_start(
    key: &Key,
    granularity: Granularity,
    rules: &Rules,
    calendar: &mut Calendar,
) -> Option<KeptStart> {
    let (zone, event) = rules.behind(key.site, key.event_type)?;
    event.rules.granularities.contains(&granularity).then(|| KeptStart {
        period_start: calendar.period(key.site, zone, granularity, key.bucket).start,
        with_splits: granularity >= event.rules.finest_of_splits(),
        with_pairs: event.rules.finest_of_pairs().is_some_and(|finest| granularity >= finest),
    })
}

/// The buckets that take the total of `key`, from the finest to the coarsest.
fn buckets(key: &Key, rules: &Rules, calendar: &mut Calendar) -> Vec<AggregateKey> {
    let start = |granularity| {
        let start = kept_start(key, granularity, rules, calendar)?;
        Some(key.aggregate(granularity, start.period_start))
    };
    Granularity::ALL.into_iter().filter_map(start).collect()
}

/// Sorts by key and sums what has the same key.
fn sum_by_key<K: Ord + Copy, V: Copy>(sums: &mut Vec<(K, V)>, add: impl Fn(&mut V, V)) {
    sums.sort_unstable_by_key(|(key, _)| *key);
    sums.dedup_by(|(key, more), (kept, sum)| {
        let same = key == kept;
        if same {
            add(sum, *more);
        }
        same
    });
}

/// `value` in thousandths, rounded; `None` for what is not a number from 0 to 10^12.
fn thousandths(value: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked before")]
    (0.0..=1e12).contains(&value).then(|| (value * 1000.0).round() as i64)
}
