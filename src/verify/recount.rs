//! Where single beacons remain, they are counted again: a day has as many at least.

use std::collections::{BTreeMap, HashMap, hash_map::Entry};

use super::{Report, Row, parts::KeptSite, totals::place};
use crate::{
    config::registry::Registry,
    model::{
        dimension::Dimension,
        period::{Granularity, Period},
        tally::{AggregateKey, BreakdownKey, TextId},
    },
    store::{self, Transaction, events, names, rows},
};

pub(super) fn compare(
    file: &Transaction<'_>,
    registry: &Registry,
    now: i64,
    sites: &[KeptSite<'_>],
    report: &mut Report,
) -> Result<(), store::Error> {
    for &(site, id, ref kept) in sites {
        let today = Period::containing(Granularity::Day, now, &site.zone).start;
        let mut day = Period::containing(Granularity::Day, 0, &site.zone);
        let mut counted: BTreeMap<AggregateKey, i64> = BTreeMap::new();
        let mut split: BTreeMap<BreakdownKey, i64> = BTreeMap::new();
        let dimensions = dimensions(file, registry)?;
        events::each(file, Some(id), |_, beacon| {
            let at = beacon.received_at.div_euclid(1000);
            if !day.contains(at) {
                day = Period::containing(Granularity::Day, at, &site.zone);
            }
            if kept.overlaps_another_zone(day) {
                return Ok(());
            }
            let key = AggregateKey {
                granularity: Granularity::Day,
                period_start: day.start,
                site: id,
                event_type: beacon.event_type,
                identifier: TextId::TOTAL,
            };
            *counted.entry(key).or_default() += 1;
            if let Some(identifier) = beacon.identifier {
                *counted.entry(AggregateKey { identifier, ..key }).or_default() += 1;
            }
            for &(ref of, value) in &beacon.values {
                if let Some(&dimension) = dimensions.get(&(beacon.event_type, of.clone())) {
                    let key = BreakdownKey { aggregate: key, dimension, value };
                    *split.entry(key).or_default() += 1;
                }
            }
            Ok(())
        })?;
        let mut fewer = 0;
        for (key, count) in counted {
            let sum = rows::aggregate(file, &key)?;
            report.compared += 1;
            if sum.count < count {
                let place = place(
                    file,
                    registry,
                    &key,
                    &Row::of_aggregate(key.event_type, key.identifier),
                )?;
                report.wrong(format!(
                    "{place}: it says {}, but {count} single beacons are in the file",
                    sum.count
                ));
            } else if sum.count > count
                && key.identifier == TextId::TOTAL
                && key.period_start < today
            {
                fewer += 1;
            }
        }
        compare_splits(file, registry, split, report)?;
        if fewer > 0 {
            report.notes.push(format!(
                "{}: on {fewer} days not all beacons were kept singly (begun or ended that day, or too \
                 busy), so those days were not counted again in full",
                site.name
            ));
        }
    }
    Ok(())
}

/// The dimensions that each event type is split by, in the numbers of the file.
fn dimensions(
    file: &Transaction<'_>,
    registry: &Registry,
) -> Result<HashMap<(TextId, Dimension), TextId>, store::Error> {
    let mut known = HashMap::new();
    for event in &registry.events {
        let Some(id) = names::find(file, &event.name)? else { continue };
        for dimension in &event.dimensions {
            let number = names::find(file, &dimension.name())?;
            known.extend(number.map(|number| ((id, dimension.clone()), number)));
        }
    }
    Ok(known)
}

/// A value of a day is counted as often as single beacons have it, at least. A dimension that the day was not
/// split by at all was declared later.
fn compare_splits(
    file: &Transaction<'_>,
    registry: &Registry,
    split: BTreeMap<BreakdownKey, i64>,
    report: &mut Report,
) -> Result<(), store::Error> {
    let mut was_split: HashMap<(AggregateKey, TextId), bool> = HashMap::new();
    for (key, count) in split {
        let kept = rows::breakdown(file, &key)?.count;
        report.compared += 1;
        if kept >= count {
            continue;
        }
        let BreakdownKey { aggregate, dimension, .. } = key;
        let was_split = match was_split.entry((aggregate, dimension)) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(unknown) => {
                *unknown.insert(rows::has_split(file, &aggregate, dimension)?)
            }
        };
        if was_split {
            let place = place(file, registry, &aggregate, &Row::of_breakdown(&key))?;
            report.wrong(format!(
                "{place}: it says {kept}, but {count} single beacons are in the file"
            ));
        }
    }
    Ok(())
}
