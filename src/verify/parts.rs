//! A longer bucket is the sum of the shorter ones that it holds.

use std::collections::{BTreeMap, BTreeSet};

use super::{Report, Row, sites, totals::place};
use crate::{
    config::registry::{Registry, Site},
    model::{
        period::{Granularity, Period, date_at},
        tally::{AggregateKey, BAR_SUM_MAX, Bar, Counters, TextId},
    },
    store::{self, Transaction, figures, ledger, names, rows, rows::Which, seals},
};

/// The numbers of a row: counters, or the count and the sum of a bar.
pub(super) type Numbers = [i64; 5];

/// What rows of a bucket there are, and what they should be by the shorter buckets.
pub(super) type Differences = BTreeMap<Row, (Numbers, Numbers)>;

/// What of a site the file has.
pub(super) struct Kept {
    /// For each event type, which granularities.
    pub(super) types: BTreeMap<TextId, BTreeMap<Granularity, Beginning>>,
    /// For each declared event type, which granularities it is to have.
    declared: BTreeMap<TextId, Vec<Granularity>>,
    /// For each event type whose pairs leave the days for the months, from which instant on (UTC seconds) days
    /// have them.
    pairs_by_day_from: BTreeMap<TextId, i64>,
    /// Where buckets begin that were cut in a time zone that the site had before (UTC seconds).
    cut_otherwise: BTreeMap<Granularity, BTreeSet<i64>>,
    /// Before this instant (UTC seconds) edits have brought longer buckets without their shorter ones.
    coarse_until: i64,
}

/// Where the buckets of a granularity begin, UTC seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Beginning {
    /// The first instant of the first that there is.
    first: i64,
    /// What began before this may have gone by its age.
    aged_before: i64,
}

impl Kept {
    /// Whether `event_type` has buckets of `granularity`, or is to have some.
    fn keeps(&self, event_type: TextId, granularity: Granularity) -> bool {
        let has = self.types.get(&event_type).is_some_and(|all| all.contains_key(&granularity));
        has || self.declared.get(&event_type).is_some_and(|all| all.contains(&granularity))
    }

    /// Whether `period`, or a shorter bucket in it, may share time with one that was cut in another time zone:
    /// what was counted then is split among both, and neither is the sum of what lies in it.
    ///
    /// So does one right before such a bucket: it may have begun in the other zone too, and ended there later, as
    /// on the day when one of two zones sets its clocks.
    pub(super) fn overlaps_another_zone(&self, period: Period) -> bool {
        self.cut_otherwise.range(..=period.granularity).any(|(granularity, starts)| {
            let longest = granularity.seconds_max();
            starts.range(period.start - longest + 1..period.end + longest).next().is_some()
        })
    }
}

/// A site with its number and what of it the file has.
pub(super) type KeptSite<'r> = (&'r Site, TextId, Kept);

/// The sites that the file and the registry both know, at `now` (UTC seconds).
pub(super) fn kept_by_site<'r>(
    file: &Transaction<'_>,
    registry: &'r Registry,
    now: i64,
) -> Result<Vec<KeptSite<'r>>, store::Error> {
    let kept = |(site, id)| Ok((site, id, kept(file, registry, (site, id), now)?));
    sites(file, registry)?.into_iter().map(kept).collect()
}

pub(super) fn compare(
    file: &Transaction<'_>,
    registry: &Registry,
    sites: &[KeptSite<'_>],
    report: &mut Report,
) -> Result<(), store::Error> {
    for &(site, id, ref kept) in sites {
        let mut left = 0;
        for period in periods(file, site)? {
            if kept.overlaps_another_zone(period) {
                left += u64::from(has_rows(file, id, period)?);
                continue;
            }
            let found = faults(file, id, kept, period, &mut report.compared)?;
            for (row, (numbers, parts)) in &found {
                tell(file, registry, id, period, (row, numbers, parts), report)?;
            }
        }
        if left > 0 {
            report.notes.push(format!(
                "{}: {left} buckets share time with some that were cut in a time zone that the site had \
                 before, so they were not compared with the shorter ones in them",
                site.name
            ));
        }
    }
    Ok(())
}

/// The buckets of `site` that hold shorter ones, the shortest first, and those that are missing where there are
/// shorter ones.
pub(super) fn periods(file: &Transaction<'_>, site: &Site) -> Result<Vec<Period>, store::Error> {
    let mut all = Vec::new();
    let mut shorter = BTreeSet::new();
    for granularity in Granularity::ALL {
        let around = |start| Period::containing(granularity, start, &site.zone).start;
        let mut starts: BTreeSet<i64> = shorter.into_iter().map(around).collect();
        for bucket in figures::buckets(file, granularity, i64::MIN, i64::MAX)? {
            // Else it is another site's, or was cut when the site had another time zone.
            if Period::is_cut_at(granularity, bucket.start, &site.zone) {
                starts.insert(bucket.start);
            }
        }
        if granularity > Granularity::Second {
            let period = |start: &i64| Period::containing(granularity, *start, &site.zone);
            all.extend(starts.iter().map(period));
        }
        shorter = starts;
    }
    Ok(all)
}

fn has_rows(file: &Transaction<'_>, site: TextId, period: Period) -> Result<bool, store::Error> {
    let Period { granularity, start, .. } = period;
    Ok(seals::taken_rows(file, &seals::Span { site, granularity, start, end: start + 1 })? > 0)
}

/// The differences in `period` that can't be explained by shorter buckets that were not kept.
pub(super) fn faults(
    file: &Transaction<'_>,
    site: TextId,
    kept: &Kept,
    period: Period,
    compared: &mut u64,
) -> Result<Differences, store::Error> {
    let mut found = differences(file, site, kept, period, compared)?;
    found.retain(|row, (numbers, parts)| {
        let has_more = numbers.iter().zip(&*parts).all(|(number, part)| number >= part);
        let unexplained =
            period.start >= kept.coarse_until && !may_lack_parts(kept, row.event_type, period);
        !has_more || (unexplained && !have_pairs_left(kept, row, period))
    });
    Ok(found)
}

/// Whether `row` is a pair whose days may have left it to `period`. Months leave theirs to nothing, so what is the
/// sum of months has as many as they have.
fn have_pairs_left(kept: &Kept, row: &Row, period: Period) -> bool {
    let is_pair = row.identifier != TextId::TOTAL && row.is_split();
    let from = kept.pairs_by_day_from.get(&row.event_type);
    let finer = finer_of(kept, row.event_type, period.granularity);
    let is_of_days = finer.is_none_or(|finer| finer <= Granularity::Day);
    is_pair && is_of_days && from.is_some_and(|from| period.start < *from)
}

/// Whether the shorter buckets in `period` may have gone by their age, or were not kept from its
/// beginning on.
fn may_lack_parts(kept: &Kept, event_type: TextId, period: Period) -> bool {
    let Some(all) = kept.types.get(&event_type) else { return true };
    let Some((granularity, finer)) = all.range(..period.granularity).next_back() else {
        return true;
    };
    let had_longer_before = all.get(&period.granularity).is_none_or(|own| own.first < period.start);
    let had_others_before = all.range(..*granularity).any(|(_, other)| other.first < finer.first);
    let has_aged = period.start < finer.aged_before;
    finer.first > period.start && (had_longer_before || had_others_before || has_aged)
}

fn tell(
    file: &Transaction<'_>,
    registry: &Registry,
    id: TextId,
    period: Period,
    (row, numbers, parts): (&Row, &Numbers, &Numbers),
    report: &mut Report,
) -> Result<(), store::Error> {
    let key = AggregateKey {
        granularity: period.granularity,
        period_start: period.start,
        site: id,
        event_type: row.event_type,
        identifier: row.identifier,
    };
    let place = place(file, registry, &key, row)?;
    let words = |numbers: &Numbers| {
        if row.bound.is_some() {
            format!("{} with the sum {}", numbers[0], numbers[1])
        } else {
            from_numbers(numbers).words()
        }
    };
    report.wrong(format!(
        "{place}: it says {}, the shorter buckets in it say {}",
        words(numbers),
        words(parts)
    ));
    Ok(())
}

/// Which granularities of which event types the site has at `now` (UTC seconds).
pub(super) fn kept(
    file: &Transaction<'_>,
    registry: &Registry,
    (site, id): (&Site, TextId),
    now: i64,
) -> Result<Kept, store::Error> {
    let mut types: BTreeMap<TextId, BTreeMap<Granularity, Beginning>> = BTreeMap::new();
    let mut declared = BTreeMap::new();
    let mut pairs_by_day_from = BTreeMap::new();
    let mut cut_otherwise: BTreeMap<Granularity, BTreeSet<i64>> = BTreeMap::new();
    let which = Which { site: Some(id), identifier: Some(TextId::TOTAL), ..Which::default() };
    rows::aggregates(file, &which, |key, _, _| {
        let of_event = types.entry(key.event_type).or_default();
        let (first, aged_before) = (key.period_start, i64::MAX);
        let beginning = of_event.entry(key.granularity).or_insert(Beginning { first, aged_before });
        beginning.first = beginning.first.min(first);
        if !Period::is_cut_at(key.granularity, key.period_start, &site.zone) {
            cut_otherwise.entry(key.granularity).or_default().insert(key.period_start);
        }
        Ok(())
    })?;
    for event in &registry.events {
        let Some(id) = names::find(file, &event.name)? else { continue };
        let from = event.pairs_by_day_from(date_at(now, &site.zone), &site.zone);
        pairs_by_day_from.extend(from.map(|from| (id, from)));
        declared.insert(id, event.granularities.clone());
        for (granularity, beginning) in types.entry(id).or_default() {
            let days = event.retention_days.iter().find(|(of, _)| of == granularity);
            let aged = |(_, days): &(Granularity, u32)| now - i64::from(*days) * 86_400;
            beginning.aged_before = days.map_or(i64::MIN, aged);
        }
    }
    let coarse_until = ledger::coarse_until(file)?;
    Ok(Kept { types, declared, pairs_by_day_from, cut_otherwise, coarse_until })
}

/// The next shorter buckets that an event type has.
pub(super) fn finer_of(
    kept: &Kept,
    event_type: TextId,
    coarse: Granularity,
) -> Option<Granularity> {
    kept.types.get(&event_type)?.range(..coarse).next_back().map(|(granularity, _)| *granularity)
}

/// The rows of `period` at `site` that are not the sums of the rows of the shorter buckets in it.
///
/// What is not split in the shorter buckets, or has none in this period at all, is not compared.
pub(super) fn differences(
    file: &Transaction<'_>,
    site: TextId,
    kept: &Kept,
    period: Period,
    compared: &mut u64,
) -> Result<Differences, store::Error> {
    let coarse = period.granularity;
    let mut all: Differences = BTreeMap::new();
    let mut split_finer = BTreeSet::new();
    // An event type that need not have such buckets, and has none at all, has nothing that could differ.
    let finer: BTreeMap<TextId, Granularity> = kept
        .types
        .keys()
        .filter(|event_type| kept.keeps(**event_type, coarse))
        .filter_map(|event_type| Some((*event_type, finer_of(kept, *event_type, coarse)?)))
        .collect();
    for granularity in finer.values().copied().collect::<BTreeSet<_>>() {
        let which = Which {
            site: Some(site),
            finest: granularity,
            coarsest: granularity,
            from: period.start,
            to: period.end,
            ..Which::default()
        };
        each(file, &which, &mut |row, numbers| {
            let is_told = !row.is_split() || granularity >= finest_of_splits(kept, row.event_type);
            if is_told && finer.get(&row.event_type) == Some(&granularity) {
                split_finer.insert(kind(&row));
                add(&mut all.entry(row).or_default().1, &numbers);
            }
        })?;
    }
    let which = Which {
        site: Some(site),
        finest: coarse,
        coarsest: coarse,
        from: period.start,
        to: period.start + 1,
        ..Which::default()
    };
    each(file, &which, &mut |row, numbers| {
        *compared += 1;
        if split_finer.contains(&kind(&row)) {
            add(&mut all.entry(row).or_default().0, &numbers);
        }
    })?;
    for (_, (_, parts)) in all.iter_mut().filter(|(row, _)| row.bound.is_some()) {
        parts[1] = parts[1].min(BAR_SUM_MAX);
    }
    all.retain(|_, (numbers, parts)| numbers != parts);
    Ok(all)
}

/// The shortest buckets in which an event type is split: an older release split its hours too, and what of
/// these is left has come to an end on some day.
fn finest_of_splits(kept: &Kept, event_type: TextId) -> Granularity {
    let all = kept.types.get(&event_type);
    let days = all.and_then(|all| all.range(..=Granularity::Day).next_back());
    days.map_or(Granularity::Second, |(granularity, _)| *granularity)
}

/// What is kept in the same buckets: totals, identifiers, totals by a dimension, and pairs.
const fn kind(row: &Row) -> (TextId, bool, TextId) {
    (row.event_type, row.identifier.0 != 0, row.split)
}

/// Tells `each` every row, whatever table it is of.
fn each(
    file: &Transaction<'_>,
    which: &Which,
    each: &mut dyn FnMut(Row, Numbers),
) -> Result<(), store::Error> {
    rows::aggregates(file, which, |key, counters, _| {
        each(Row::of_aggregate(key.event_type, key.identifier), to_numbers(&counters));
        Ok(())
    })?;
    rows::breakdowns(file, which, |key, counters| {
        each(Row::of_breakdown(&key), to_numbers(&counters));
        Ok(())
    })?;
    rows::bars(file, which, |key, Bar { count, sum, .. }| {
        each(Row::of_bar(&key), [count, sum, 0, 0, 0]);
        Ok(())
    })
}

fn add(sum: &mut Numbers, more: &Numbers) {
    for (sum, more) in sum.iter_mut().zip(more) {
        *sum += more;
    }
}

const fn to_numbers(counters: &Counters) -> Numbers {
    let Counters { count, visitors, visits, bounces, seconds } = *counters;
    [count, visitors, visits, bounces, seconds]
}

pub(super) const fn from_numbers(numbers: &Numbers) -> Counters {
    let [count, visitors, visits, bounces, seconds] = *numbers;
    Counters { count, visitors, visits, bounces, seconds }
}
