//! A total is the sum of its identifiers, nothing is negative, and everything has a name.

use std::collections::HashSet;

use super::{Report, Row, day, name};
use crate::{
    config::registry::{IdentifierRule, Registry},
    model::{
        period::Granularity,
        tally::{AggregateKey, Counters, TextId},
    },
    store::{self, Transaction, ledger, names, rows, rows::Which},
};

/// The kinds of edits that may leave or bring what is split without its total: a deleted page leaves its readers'
/// browsers in the site's own lists.
const LEAVING: [&str; 3] = ["delete", "merge", "import"];

/// One bucket of an event type as it is read.
struct Bucket {
    key: AggregateKey,
    total: Counters,
    identifiers: u64,
    sum: Counters,
}

impl Bucket {
    fn add(&mut self, identifier: TextId, counters: Counters) {
        if identifier == TextId::TOTAL {
            self.total = counters;
        } else {
            self.identifiers += 1;
            self.sum += counters;
        }
    }
}

/// The event types whose beacons need not have an identifier.
fn whole(file: &Transaction<'_>, registry: &Registry) -> Result<Vec<TextId>, store::Error> {
    let mut whole = Vec::new();
    for event in &registry.events {
        if event.identifier == IdentifierRule::None {
            whole.extend(names::find(file, &event.name)?);
        }
    }
    Ok(whole)
}

pub(super) fn compare(
    file: &Transaction<'_>,
    registry: &Registry,
    report: &mut Report,
) -> Result<(), store::Error> {
    let whole = whole(file, registry)?;
    let mut bucket: Option<Bucket> = None;
    let mut named: HashSet<TextId> = HashSet::new();
    rows::aggregates(file, &Which::default(), |key, counters, _| {
        report.compared += 1;
        named.extend([key.site, key.event_type, key.identifier]);
        if counters.is_negative() {
            let row = Row::of_aggregate(key.event_type, key.identifier);
            report.wrong(format!("{}: less than nothing", place(file, registry, &key, &row)?));
        }
        let of = AggregateKey { identifier: TextId::TOTAL, ..key };
        if bucket.as_ref().is_none_or(|bucket| bucket.key != of) {
            if let Some(bucket) = bucket.take() {
                judge(file, registry, &bucket, &whole, report)?;
            }
            bucket = Some(Bucket {
                key: of,
                total: Counters::default(),
                identifiers: 0,
                sum: Counters::default(),
            });
        }
        if let Some(bucket) = &mut bucket {
            bucket.add(key.identifier, counters);
        }
        Ok(())
    })?;
    if let Some(bucket) = bucket {
        judge(file, registry, &bucket, &whole, report)?;
    }
    compare_splits(file, registry, &mut named, report)?;
    named.remove(&TextId::TOTAL);
    for id in named {
        if names::text(file, id)?.is_none() {
            report.wrong(format!("the file: sums have the name {}, which is not in it", id.0));
        }
    }
    Ok(())
}

/// Looks at what is split, and notes in `named` what it names. What is split was counted: its bucket has a total.
fn compare_splits(
    file: &Transaction<'_>,
    registry: &Registry,
    named: &mut HashSet<TextId>,
    report: &mut Report,
) -> Result<(), store::Error> {
    let leaving = ledger::last(file, u32::MAX)?.into_iter();
    let leaving = leaving.filter(|edit| LEAVING.contains(&edit.kind.as_str()));
    let left_until = leaving.map(|edit| edit.at).max().unwrap_or(i64::MIN);
    let mut last = None;
    rows::breakdowns(file, &Which::default(), |key, counters| {
        report.compared += 1;
        named.extend([key.dimension, key.value]);
        let words = |what| {
            let place = place(file, registry, &key.aggregate, &Row::of_breakdown(&key))?;
            Ok::<_, store::Error>(format!("{place}: {what}"))
        };
        if counters.is_negative() {
            report.wrong(words("less than nothing")?);
        }
        let total = AggregateKey { identifier: TextId::TOTAL, ..key.aggregate };
        if last.replace(total) == Some(total) {
            return Ok(());
        }
        // Shorter ones are split by older releases alone.
        let is_told = total.granularity >= Granularity::Day && total.period_start > left_until;
        if is_told && rows::aggregate(file, &total)?.is_zero() {
            report.wrong(words("the total that this is a part of is not there")?);
        }
        Ok(())
    })
}

fn judge(
    file: &Transaction<'_>,
    registry: &Registry,
    bucket: &Bucket,
    whole: &[TextId],
    report: &mut Report,
) -> Result<(), store::Error> {
    if bucket.identifiers == 0 || whole.contains(&bucket.key.event_type) {
        return Ok(());
    }
    // A visitor is one in the total, however many pages were seen.
    let without_visitors = |counters: Counters| Counters { visitors: 0, ..counters };
    let (total, sum) = (without_visitors(bucket.total), without_visitors(bucket.sum));
    if total != sum {
        let row = Row::of_aggregate(bucket.key.event_type, TextId::TOTAL);
        let place = place(file, registry, &bucket.key, &row)?;
        report.wrong(format!(
            "{place}: the total is {}, its {} parts are {}",
            total.words(),
            bucket.identifiers,
            sum.words()
        ));
    }
    Ok(())
}

/// Whether the total of the bucket of `key` is the sum of its identifiers, as far as it must be.
pub(super) fn agrees(
    file: &Transaction<'_>,
    registry: &Registry,
    key: &AggregateKey,
) -> Result<bool, store::Error> {
    let mut report = Report::default();
    let mut bucket = Bucket {
        key: AggregateKey { identifier: TextId::TOTAL, ..*key },
        total: Counters::default(),
        identifiers: 0,
        sum: Counters::default(),
    };
    let which = Which {
        site: Some(key.site),
        event_type: Some(key.event_type),
        finest: key.granularity,
        coarsest: key.granularity,
        from: key.period_start,
        to: key.period_start + 1,
        ..Which::default()
    };
    rows::aggregates(file, &which, |key, counters, _| {
        bucket.add(key.identifier, counters);
        Ok(())
    })?;
    judge(file, registry, &bucket, &whole(file, registry)?, &mut report)?;
    Ok(report.is_sound())
}

/// Where a row is, in words: `day 2026-03-14, example.com, page_view /about`.
pub(super) fn place(
    file: &Transaction<'_>,
    registry: &Registry,
    key: &AggregateKey,
    row: &Row,
) -> Result<String, store::Error> {
    let site = name(file, key.site)?;
    let day = day(registry, &site, key.period_start);
    let at = if key.granularity < Granularity::Day {
        format!(" from {}", crate::model::period::timestamp(key.period_start))
    } else {
        String::new()
    };
    let (granularity, row) = (key.granularity.as_str(), row.describe(file)?);
    Ok(format!("{granularity} {day}{at}, {site}, {row}"))
}
