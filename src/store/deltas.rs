//! Carrying out a delta: what it takes leaves the sums, what it adds joins them.

use std::{collections::BTreeSet, mem};

use rusqlite::{OptionalExtension as _, Transaction, params, params_from_iter};

use super::{
    Error, errors, events,
    figures::{Bucket, Subject},
    keys,
    names::StoredNames,
    rejected, seals, tallies,
};
use crate::model::{
    delta::{Changed, Delta, KnownName, Rows},
    kept::{KeptBeacon, KeptStep},
    period::Granularity,
    rejection::RefusalKey,
    tally::{AggregateKey, Bar, BreakdownKey, Counters, HistogramKey, TextId},
    text::{NameScope, Names as _},
};

/// What goes by its age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aging {
    /// A bucket.
    Bucket,
    /// The pairs of a bucket, which its month has too.
    Pairs,
}

/// Whether a bucket, or all of its pairs, are not there any more because they were older than they are kept.
pub type HasGone<'a> = &'a dyn Fn(Subject, Bucket, Aging) -> Result<bool, Error>;

/// Carries out `delta`, and leaves in it what is to be undone: of single beacons that it adds only their
/// numbers, of names only those that were new.
///
/// What is taken from a bucket that is not there any more, because it was older than it is kept, is not
/// taken: no row is made negative by it. Nor is anything added to such a bucket: it would be there in part, and would
/// go, and be archived, a second time. The same goes for the pairs that days have left to their months. What is that
/// old, `gone` knows; what has not gone yet is changed like any other.
///
/// # Errors
/// When the file can't be read or written, or lacks what is to be taken.
pub fn apply(
    transaction: &Transaction<'_>,
    names: &mut StoredNames<'_>,
    delta: &mut Delta,
    gone: HasGone<'_>,
) -> Result<(), Error> {
    let ids = delta.names.iter().map(|name| names.intern(name)).collect::<Result<Vec<_>, _>>()?;
    let map = Map(ids);
    let mut touched = BTreeSet::new();
    // Before anything is taken: what a bucket loses here, it has not lost by its age.
    leave_out_gone(&map, &mut delta.added, gone)?;
    take(transaction, &map, &delta.taken, &mut touched, gone)?;
    add(transaction, &map, &mut delta.added, &mut touched)?;
    for renamed in &delta.renamed {
        let (from, to) = (map.id(renamed.from)?, map.id(renamed.to)?);
        renamed.ids.iter().try_for_each(|id| events::rename_page(transaction, *id, from, to))?;
    }
    for Changed { ids, name, from, to } in &delta.changed {
        let (from, to) = (map.id(*from)?, map.id(*to)?);
        ids.iter().try_for_each(|id| events::change_name(transaction, *id, *name, [from, to]))?;
    }
    for (granularity, period_start, site) in touched {
        seals::remove(transaction, granularity, period_start, site)?;
    }
    Ok(())
}

/// From the numbers of a delta to those of the file.
struct Map(Vec<TextId>);

impl Map {
    fn id(&self, number: TextId) -> Result<TextId, Error> {
        let Some(at) = number.0.checked_sub(1) else { return Ok(TextId::TOTAL) };
        let found = usize::try_from(at).ok().and_then(|at| self.0.get(at)).copied();
        found.ok_or_else(|| Error::Damaged(format!("a delta names no string {}", number.0)))
    }

    fn key(&self, key: AggregateKey) -> Result<AggregateKey, Error> {
        Ok(AggregateKey {
            site: self.id(key.site)?,
            event_type: self.id(key.event_type)?,
            identifier: self.id(key.identifier)?,
            ..key
        })
    }

    fn breakdown(&self, key: BreakdownKey) -> Result<BreakdownKey, Error> {
        let (dimension, value) = (self.id(key.dimension)?, self.id(key.value)?);
        Ok(BreakdownKey { aggregate: self.key(key.aggregate)?, dimension, value })
    }

    fn bar(&self, key: HistogramKey) -> Result<HistogramKey, Error> {
        let (aggregate, measure) = (self.key(key.aggregate)?, self.id(key.measure)?);
        Ok(HistogramKey { aggregate, measure, bound: key.bound })
    }

    fn refusal(&self, key: RefusalKey) -> Result<RefusalKey, Error> {
        Ok(RefusalKey { site: self.id(key.site)?, agent: self.id(key.agent)?, ..key })
    }

    fn known(&self, KnownName { scope, value }: KnownName) -> Result<KnownName, Error> {
        let (site, event_type) = (self.id(scope.site)?, self.id(scope.event_type)?);
        let scope = NameScope { site, event_type, dimension: self.id(scope.dimension)? };
        Ok(KnownName { scope, value: self.id(value)? })
    }

    fn kept(&self, beacon: KeptBeacon) -> Result<KeptBeacon, Error> {
        let values = beacon.values.into_iter();
        let values = values.map(|(dimension, value)| Ok((dimension, self.id(value)?)));
        Ok(KeptBeacon {
            site: self.id(beacon.site)?,
            event_type: self.id(beacon.event_type)?,
            identifier: beacon.identifier.map(|id| self.id(id)).transpose()?,
            entry_page: beacon.entry_page.map(|id| self.id(id)).transpose()?,
            step: match beacon.step {
                Some(step) => Some(KeptStep { left: self.id(step.left)?, ..step }),
                None => None,
            },
            values: values.collect::<Result<_, Error>>()?,
            ..beacon
        })
    }
}

type Touched = BTreeSet<(Granularity, i64, TextId)>;

fn touch(touched: &mut Touched, key: &AggregateKey) {
    touched.insert((key.granularity, key.period_start, key.site));
}

fn add(
    transaction: &Transaction<'_>,
    map: &Map,
    rows: &mut Rows,
    touched: &mut Touched,
) -> Result<(), Error> {
    for (key, counters) in &rows.aggregates {
        let key = map.key(*key)?;
        touch(touched, &key);
        tallies::add_aggregates(transaction, &[(key, *counters)])?;
    }
    for (key, counters) in &rows.breakdowns {
        let key = map.breakdown(*key)?;
        touch(touched, &key.aggregate);
        tallies::add_breakdowns(transaction, &[(key, *counters)])?;
    }
    for (key, bar) in &rows.bars {
        let key = map.bar(*key)?;
        touch(touched, &key.aggregate);
        tallies::add_bar(transaction, &key, bar)?;
    }
    for (key, title) in &rows.titles {
        tallies::set_title(transaction, &map.key(*key)?, title)?;
    }
    for beacon in mem::take(&mut rows.kept) {
        rows.kept_ids.push(events::add_one(transaction, &map.kept(beacon)?)?);
    }
    for (key, count) in &rows.refusals {
        rejected::add(transaction, &map.refusal(*key)?, *count)?;
    }
    for (known, day) in mem::take(&mut rows.known) {
        // One that is known already is not to be taken when this is undone.
        if add_known(transaction, map.known(known)?, day)? {
            rows.known.push((known, day));
        }
    }
    for ([site, event_type, identifier], met) in &rows.errors {
        let subject = Subject { site: map.id(*site)?, event_type: map.id(*event_type)? };
        errors::note(transaction, subject, map.id(*identifier)?, *met)?;
    }
    Ok(())
}

/// Leaves out what would be added to buckets that have gone by their age.
fn leave_out_gone(map: &Map, rows: &mut Rows, gone: HasGone<'_>) -> Result<(), Error> {
    let stays = |key: AggregateKey, aging| {
        let gone = has_gone(&map.key(key)?, aging, gone)?;
        Ok(!gone)
    };
    retain(&mut rows.aggregates, |(key, _)| stays(*key, Aging::Bucket))?;
    retain(&mut rows.breakdowns, |(key, _)| stays(key.aggregate, aging_of(key)))?;
    retain(&mut rows.bars, |(key, _)| stays(key.aggregate, Aging::Bucket))
}

fn retain<T>(
    rows: &mut Vec<T>,
    mut stays: impl FnMut(&T) -> Result<bool, Error>,
) -> Result<(), Error> {
    let mut kept = Vec::with_capacity(rows.len());
    for row in mem::take(rows) {
        if stays(&row)? {
            kept.push(row);
        }
    }
    *rows = kept;
    Ok(())
}

fn take(
    transaction: &Transaction<'_>,
    map: &Map,
    rows: &Rows,
    touched: &mut Touched,
    gone: HasGone<'_>,
) -> Result<(), Error> {
    for (key, counters) in &rows.aggregates {
        let key = map.key(*key)?;
        touch(touched, &key);
        take_aggregate(transaction, &key, counters, gone)?;
    }
    for (key, counters) in &rows.breakdowns {
        let key = map.breakdown(*key)?;
        touch(touched, &key.aggregate);
        take_breakdown(transaction, &key, counters, gone)?;
    }
    for (key, bar) in &rows.bars {
        let key = map.bar(*key)?;
        touch(touched, &key.aggregate);
        take_bar(transaction, &key, bar, gone)?;
    }
    for id in &rows.kept_ids {
        // One that is not there any more was older than it is kept.
        events::remove(transaction, *id)?;
    }
    for (key, count) in &rows.refusals {
        take_refusals(transaction, &map.refusal(*key)?, *count)?;
    }
    for (known, day) in &rows.known {
        take_known(transaction, map.known(*known)?, *day)?;
    }
    for ([site, event_type, identifier], met) in &rows.errors {
        let subject = Subject { site: map.id(*site)?, event_type: map.id(*event_type)? };
        errors::forget(transaction, subject, map.id(*identifier)?, *met)?;
    }
    Ok(())
}

fn take_aggregate(
    transaction: &Transaction<'_>,
    key: &AggregateKey,
    counters: &Counters,
    gone: HasGone<'_>,
) -> Result<(), Error> {
    let row = keys::of_aggregate(key).into_iter().chain(keys::of_counters(counters));
    let update = "UPDATE beacon_aggregate SET count = count - ?6, visitors = visitors - ?7,
             visits = visits - ?8, bounces = bounces - ?9, seconds = seconds - ?10
         WHERE granularity = ?1 AND period_start = ?2 AND site = ?3 AND event_type = ?4
             AND identifier = ?5
         RETURNING min(count, visitors, visits, bounces, seconds),
             max(count, visitors, visits, bounces, seconds)";
    if left(transaction, (key, Aging::Bucket), update, row, gone)? == Left::Nothing {
        tallies::remove_aggregate(transaction, key)?;
    }
    Ok(())
}

fn take_breakdown(
    transaction: &Transaction<'_>,
    key: &BreakdownKey,
    counters: &Counters,
    gone: HasGone<'_>,
) -> Result<(), Error> {
    let row = keys::of_breakdown(key).into_iter().chain(keys::of_counters(counters));
    let update = "UPDATE beacon_breakdown SET count = count - ?8, visitors = visitors - ?9,
             visits = visits - ?10, bounces = bounces - ?11, seconds = seconds - ?12
         WHERE granularity = ?1 AND period_start = ?2 AND site = ?3 AND event_type = ?4
             AND identifier = ?5 AND dimension = ?6 AND value = ?7
         RETURNING min(count, visitors, visits, bounces, seconds),
             max(count, visitors, visits, bounces, seconds)";
    let aging = aging_of(key);
    if left(transaction, (&key.aggregate, aging), update, row, gone)? == Left::Nothing {
        tallies::remove_breakdown(transaction, key)?;
    }
    Ok(())
}

/// The least and the most of a bar stay: they are bounds, not sums.
fn take_bar(
    transaction: &Transaction<'_>,
    key: &HistogramKey,
    bar: &Bar,
    gone: HasGone<'_>,
) -> Result<(), Error> {
    let row = keys::of_bar(key).into_iter().chain([bar.count, bar.sum]);
    let update = "UPDATE beacon_histogram SET count = count - ?8, sum = sum - ?9
         WHERE granularity = ?1 AND period_start = ?2 AND site = ?3 AND event_type = ?4
             AND identifier = ?5 AND measure = ?6 AND bound = ?7
         RETURNING min(count, sum), max(count, sum)";
    let aging = Aging::Bucket;
    if left(transaction, (&key.aggregate, aging), update, row, gone)? == Left::Nothing {
        let mut delete = transaction.prepare_cached(
            "DELETE FROM beacon_histogram
             WHERE granularity = ?1 AND period_start = ?2 AND site = ?3 AND event_type = ?4
                 AND identifier = ?5 AND measure = ?6 AND bound = ?7",
        )?;
        delete.execute(keys::of_bar(key))?;
    }
    Ok(())
}

/// What is left of a row of which something was taken.
#[derive(Debug, PartialEq, Eq)]
enum Left {
    Something,
    Nothing,
    /// The whole bucket is gone, or all of its pairs: they were older than they are kept.
    Gone,
}

/// Carries out `update`, which returns the least and the most of the counters that are left.
fn left(
    transaction: &Transaction<'_>,
    (key, aging): (&AggregateKey, Aging),
    update: &str,
    row: impl Iterator<Item = i64>,
    gone: HasGone<'_>,
) -> Result<Left, Error> {
    let mut update = transaction.prepare_cached(update)?;
    let left =
        update.query_row(params_from_iter(row), |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    match left {
        Some((0, 0)) => Ok(Left::Nothing),
        Some((least, _)) if least < 0_i64 => Err(Error::Tangled),
        Some((_, _)) => Ok(Left::Something),
        None => {
            // One that is not that old was deleted, and the longer ones that hold it were taken from then.
            let has_gone = has_gone(key, aging, gone)?;
            if has_gone { Ok(Left::Gone) } else { Err(Error::Tangled) }
        }
    }
}

/// What goes by its age when the row of `key` does, if not its whole bucket.
fn aging_of(key: &BreakdownKey) -> Aging {
    if key.aggregate.identifier == TextId::TOTAL { Aging::Bucket } else { Aging::Pairs }
}

/// Whether what `key` was a row of has gone.
fn has_gone(key: &AggregateKey, aging: Aging, gone: HasGone<'_>) -> Result<bool, Error> {
    let subject = Subject { site: key.site, event_type: key.event_type };
    let bucket = Bucket { granularity: key.granularity, start: key.period_start };
    gone(subject, bucket, aging)
}

fn take_refusals(transaction: &Transaction<'_>, key: &RefusalKey, count: i64) -> Result<(), Error> {
    let row = params![key.hour, key.site.0, key.reason.code(), key.agent.0, count];
    transaction
        .prepare_cached(
            "UPDATE rejected SET count = count - ?5
             WHERE hour = ?1 AND site = ?2 AND reason = ?3 AND agent = ?4",
        )?
        .execute(row)?;
    transaction
        .prepare_cached(
            "DELETE FROM rejected
             WHERE hour = ?1 AND site = ?2 AND reason = ?3 AND agent = ?4 AND count = 0",
        )?
        .execute(&row[..4])?;
    Ok(())
}

fn add_known(transaction: &Transaction<'_>, known: KnownName, day: i64) -> Result<bool, Error> {
    let KnownName { scope: NameScope { site, event_type, dimension }, value } = known;
    let mut statement = transaction.prepare_cached(
        "INSERT INTO name (site, event_type, dimension, value, first_day) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO NOTHING",
    )?;
    Ok(statement.execute(params![site.0, event_type.0, dimension.0, value.0, day])? > 0)
}

/// A name that was known before the delta came stays known.
fn take_known(transaction: &Transaction<'_>, known: KnownName, day: i64) -> Result<(), Error> {
    let KnownName { scope: NameScope { site, event_type, dimension }, value } = known;
    let mut statement = transaction.prepare_cached(
        "DELETE FROM name
         WHERE site = ?1 AND event_type = ?2 AND dimension = ?3 AND value = ?4 AND first_day = ?5",
    )?;
    statement.execute(params![site.0, event_type.0, dimension.0, value.0, day])?;
    Ok(())
}
