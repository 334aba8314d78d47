//! Where single beacons remain, they are counted again: a day has as many at least.

use std::collections::BTreeMap;

use super::{Report, Row, parts, sites, totals::place};
use crate::{
    config::registry::Registry,
    model::{
        period::{Granularity, Period},
        tally::{AggregateKey, TextId},
    },
    store::{self, Transaction, events, rows},
};

pub(super) fn compare(
    file: &Transaction<'_>,
    registry: &Registry,
    now: i64,
    report: &mut Report,
) -> Result<(), store::Error> {
    for (site, id) in sites(file, registry)? {
        let kept = parts::kept(file, registry, (site, id), now)?;
        let today = Period::containing(Granularity::Day, now, &site.zone).start;
        let mut day = Period::containing(Granularity::Day, 0, &site.zone);
        let mut counted: BTreeMap<AggregateKey, i64> = BTreeMap::new();
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
