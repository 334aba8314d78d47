//! Rebuilding what the rest of the file still tells, and nothing that its seal does not prove.

use super::{
    Row, describe,
    parts::{
        Differences, Kept, Numbers, differences, faults, finer_of, from_numbers, kept, periods,
    },
    sites, totals,
    totals::place,
};
use crate::{
    config::registry::{Registry, Site},
    model::{
        period::{Granularity, Period},
        tally::{AggregateKey, BreakdownKey, HistogramKey, TextId},
    },
    store::{
        self, Transaction,
        figures::{self, Bucket},
        mend,
        seals::{self, Seal, Span},
    },
};

/// Mends the spans whose seals are `broken`, one by one. Says of each, in a sentence, what came of it.
///
/// # Errors
/// When the file can't be read or written.
pub fn repair(
    file: &Transaction<'_>,
    registry: &Registry,
    broken: &[Span],
    now: i64,
) -> Result<Vec<(bool, String)>, store::Error> {
    mend::rebuild_indexes(file)?;
    let sealed = seals::all(file)?;
    let mut outcomes = Vec::new();
    // The shorter ones first: the longer ones are mended by them.
    let mut broken = broken.to_vec();
    broken.sort_by_key(|span| (span.granularity, span.start));
    for span in &broken {
        let of = describe(file, registry, span)?;
        let seal = sealed.iter().find(|(known, _)| known == span);
        let mended = match seal {
            Some((_, seal)) => mend_span(file, registry, now, (span, seal))?,
            None => false,
        };
        outcomes.push(if mended {
            (true, format!("{of} is as it was sealed"))
        } else {
            (false, format!("{of} can't be told from the rest of the file: go back to a backup"))
        });
    }
    mend_open(file, registry, now, &mut outcomes)?;
    Ok(outcomes)
}

/// Sets rows right that are not sealed, because their span goes on, where one single change makes the row
/// agree with its shorter buckets, its longer one and its total. Where there are several, nothing is made up.
fn mend_open(
    file: &Transaction<'_>,
    registry: &Registry,
    now: i64,
    outcomes: &mut Vec<(bool, String)>,
) -> Result<(), store::Error> {
    for (site, id) in sites(file, registry)? {
        let kept = kept(file, registry, (site, id), now)?;
        for period in periods(file, site)?.into_iter().filter(|of| !kept.overlaps_another_zone(*of))
        {
            for (row, (numbers, parts)) in faults(file, id, &kept, period, &mut 0)? {
                let missing: Numbers = std::array::from_fn(|at| numbers[at] - parts[at]);
                let open = Open { file, registry, site, id, kept: &kept, row };
                let mut right = Vec::new();
                for (period, change) in open.candidates(period, &missing)? {
                    if open.is_right(period, &change)? {
                        right.push((period, change));
                    }
                }
                if let [(period, change)] = right[..] {
                    let key = key(id, period.granularity, period.start, &row);
                    add(file, key, &row, &change)?;
                    let place = place(file, registry, &key, &row)?;
                    outcomes
                        .push((true, format!("{place} agrees with the rest of the file again")));
                }
            }
        }
    }
    Ok(())
}

/// A row of spans that go on.
struct Open<'a> {
    file: &'a Transaction<'a>,
    registry: &'a Registry,
    site: &'a Site,
    id: TextId,
    kept: &'a Kept,
    row: Row,
}

impl Open<'_> {
    /// What could be wrong: the longer bucket, which has too much by `missing`, or one of the shorter ones
    /// in it, which has too little.
    fn candidates(
        &self,
        period: Period,
        missing: &Numbers,
    ) -> Result<Vec<(Period, Numbers)>, store::Error> {
        let mut all = vec![(period, missing.map(|number| -number))];
        if let Some(finer) = finer_of(self.kept, self.row.event_type, period.granularity) {
            for bucket in figures::buckets(self.file, finer, period.start, period.end)? {
                all.push((Period::containing(finer, bucket.start, &self.site.zone), *missing));
            }
        }
        let mut open = Vec::new();
        for (period, change) in all {
            let whole = period.granularity.max(Granularity::Day);
            let Period { start, end, .. } =
                Period::containing(whole, period.start, &self.site.zone);
            let span = Span { site: self.id, granularity: period.granularity, start, end };
            if !seals::is_sealed(self.file, &span)? {
                open.push((period, change));
            }
        }
        Ok(open)
    }

    /// Whether the row agrees with everything once `change` is added to it in `period`.
    fn is_right(&self, period: Period, change: &Numbers) -> Result<bool, store::Error> {
        let mut is_right = false;
        let key = key(self.id, period.granularity, period.start, &self.row);
        let change = |file: &Transaction<'_>| add(file, key, &self.row, change);
        mend::attempt(self.file, change, |file| {
            is_right = self.agrees(file, period)?;
            Ok(false)
        })?;
        Ok(is_right)
    }

    fn agrees(&self, file: &Transaction<'_>, period: Period) -> Result<bool, store::Error> {
        let of_kept = self.kept.types.get(&self.row.event_type);
        let longer = of_kept.and_then(|all| {
            all.keys().copied().find(|granularity| *granularity > period.granularity)
        });
        let around = longer.map(|longer| Period::containing(longer, period.start, &self.site.zone));
        for period in around.into_iter().chain([period]) {
            if self.kept.overlaps_another_zone(period) {
                return Ok(false);
            }
            if faults(file, self.id, self.kept, period, &mut 0)?.contains_key(&self.row) {
                return Ok(false);
            }
        }
        let key = key(self.id, period.granularity, period.start, &self.row);
        totals::agrees(file, self.registry, &key)
    }
}

fn mend_span(
    file: &Transaction<'_>,
    registry: &Registry,
    now: i64,
    (span, seal): (&Span, &Seal),
) -> Result<bool, store::Error> {
    let Some((site, id)) = sites(file, registry)?.into_iter().find(|(_, id)| *id == span.site)
    else {
        return Ok(false);
    };
    let kept = kept(file, registry, (site, id), now)?;
    let mut compared = 0;
    let holds = |file: &Transaction<'_>| Ok(seals::taken(file, span)? == *seal);
    if span.granularity >= Granularity::Day {
        // What the shorter buckets say of it.
        for bucket in figures::buckets(file, span.granularity, span.start, span.end)? {
            let period = period_of(file, site, bucket)?;
            let found = differences(file, id, &kept, period, &mut compared)?;
            let right = |file: &Transaction<'_>| set_all(file, id, period, &found);
            if !found.is_empty() && mend::attempt(file, right, holds)? {
                return Ok(true);
            }
        }
    }
    // What the longer buckets say of one row in it.
    for coarse in Granularity::ALL.into_iter().filter(|coarse| *coarse > span.granularity) {
        let period = Period::containing(coarse, span.start, &site.zone);
        let found = differences(file, id, &kept, period, &mut compared)?;
        let [(row, (numbers, parts))] = found.iter().collect::<Vec<_>>()[..] else { continue };
        for bucket in figures::buckets(file, span.granularity, span.start, span.end)? {
            let key = key(id, span.granularity, bucket.start, row);
            let missing: Numbers = std::array::from_fn(|at| numbers[at] - parts[at]);
            let right = |file: &Transaction<'_>| add(file, key, row, &missing);
            if mend::attempt(file, right, holds)? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// How long a bucket is. One that another time zone has cut goes on to the next, as far as can be told: the seal
/// says whether that is right.
fn period_of(
    file: &Transaction<'_>,
    site: &Site,
    Bucket { granularity, start }: Bucket,
) -> Result<Period, store::Error> {
    let period = Period::containing(granularity, start, &site.zone);
    if period.start == start {
        return Ok(period);
    }
    let latest = start + granularity.seconds_max();
    let next = figures::next_bucket(file, granularity, start + 1, latest)?;
    Ok(Period { granularity, start, end: next.map_or(latest, |next| next.start) })
}

/// Sets every row of `period` that differs to what its parts say. Says whether that can be.
fn set_all(
    file: &Transaction<'_>,
    site: TextId,
    period: Period,
    found: &Differences,
) -> Result<bool, store::Error> {
    for (row, (numbers, parts)) in found {
        let missing: Numbers = std::array::from_fn(|at| parts[at] - numbers[at]);
        if !add(file, key(site, period.granularity, period.start, row), row, &missing)? {
            return Ok(false);
        }
    }
    Ok(true)
}

const fn key(site: TextId, granularity: Granularity, period_start: i64, row: &Row) -> AggregateKey {
    let (event_type, identifier) = (row.event_type, row.identifier);
    AggregateKey { granularity, period_start, site, event_type, identifier }
}

/// Adds `missing` to a row. Says whether it counts nothing below zero then.
fn add(
    file: &Transaction<'_>,
    key: AggregateKey,
    row: &Row,
    missing: &Numbers,
) -> Result<bool, store::Error> {
    let Row { split, value, bound, .. } = *row;
    match (split, bound) {
        (TextId::TOTAL, _) => mend::add_to_aggregate(file, &key, from_numbers(missing)),
        (measure, Some(bound)) => {
            let key = HistogramKey { aggregate: key, measure, bound };
            mend::add_to_bar(file, &key, (missing[0], missing[1]))
        }
        (dimension, None) => {
            let key = BreakdownKey { aggregate: key, dimension, value };
            mend::add_to_breakdown(file, &key, from_numbers(missing))
        }
    }
}
