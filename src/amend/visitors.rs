//! Visitors of the site who are gone with a part of what was counted: with a page, with a source.
//!
//! The site counts a visitor once a day, however many pages they saw, so who also saw something else stays. Where
//! single beacons are kept, they tell who did. Elsewhere it can't be told: then all visitors of the part go, but so
//! many stay that no page has more than the site.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Bound::{Excluded, Unbounded},
};

use super::{
    Place,
    subtraction::{Preferred, Row, Subtraction},
};
use crate::{
    model::{
        kept::KeptBeacon,
        period::{Granularity, Period},
        tally::{AggregateKey, BreakdownKey, Counters, TextId},
        visitor::Visitor,
    },
    store::{self, events, rows, rows::Which},
};

/// What a part had, under the keys of the site's totals.
pub(super) type Own = BTreeMap<AggregateKey, Counters>;

/// Takes the visitors of a part from the totals, once all else that goes with it is taken, but for those of buckets
/// of which `is_told` does not know what else that is; `is_part` knows its beacons.
///
/// The total counts a visitor in the hour in which any part was seen first, so its hours are only corrected as
/// their day is.
pub(super) fn take(
    place: &Place<'_>,
    taken: &mut Subtraction<'_>,
    (own, is_told): (&Own, &dyn Fn(&AggregateKey) -> bool),
    is_part: impl Fn(&KeptBeacon) -> bool,
) -> Result<(), store::Error> {
    let Some(days) = finest_of_days(own.keys()) else { return Ok(()) };
    let mut alone = BTreeMap::new();
    if let Some(key) = own.keys().next() {
        alone = only_there(place, key.event_type, is_part)?;
    }
    let mut staying = Staying::new(place, own);
    for (total, part) in own.iter().filter(|(total, _)| total.granularity >= days) {
        let row = Row::Aggregate(*total);
        if !is_told(total) {
            staying.note(row, part.visitors);
            continue;
        }
        let known =
            alone.get(&total.period_start).filter(|_| total.granularity == Granularity::Day);
        let gone = known.copied().unwrap_or(part.visitors - staying.within(row)).min(part.visitors);
        let most = most_of_parts(place, taken, total)?;
        let visitors = gone.min(taken.left(row)?.visitors - most).max(0);
        let here = taken.take(row, Counters { visitors, ..Counters::default() })?;
        staying.note(row, part.visitors - here.visitors);
        if total.granularity == days {
            let mut preferred = within(place, total, own);
            taken.take_within(row, here, &mut preferred)?;
        }
    }
    Ok(())
}

/// How many visitors of a part stay in the rows that it is taken from: in the sums of the site those who have also
/// seen something else, and where a row has fewer than the part, as after another edit, those it lacks. What is
/// shorter comes first, as it does in the file.
pub(super) struct Staying<'p> {
    place: &'p Place<'p>,
    granularities: BTreeSet<Granularity>,
    /// By the row of the longer bucket.
    within: BTreeMap<Row, i64>,
}

impl<'p> Staying<'p> {
    /// None yet, of a part that has these rows.
    pub(super) fn new(place: &'p Place<'p>, own: &Own) -> Self {
        let granularities = own.keys().map(|key| key.granularity).collect();
        Self { place, granularities, within: BTreeMap::new() }
    }

    /// How many stay in what `row` holds.
    pub(super) fn within(&self, row: Row) -> i64 {
        self.within.get(&row).copied().unwrap_or_default()
    }

    /// Notes that `visitors` stay in `row`.
    pub(super) fn note(&mut self, row: Row, visitors: i64) {
        let AggregateKey { granularity, period_start, .. } = *row.aggregate();
        let longer = self.granularities.range((Excluded(granularity), Unbounded)).next();
        if let Some(&longer) = longer {
            let around = Period::containing(longer, period_start, &self.place.site.zone);
            *self.within.entry(row.at(longer, around.start)).or_default() += visitors;
        }
    }
}

/// The most visitors that one page has left of what the site's sums are split by, in the bucket asked for last.
#[derive(Default)]
pub(super) struct MostOfPairs {
    bucket: Option<AggregateKey>,
    visitors: HashMap<[TextId; 2], i64>,
}

impl MostOfPairs {
    /// The most visitors that an identifier other than that of `pair` has in its bucket, dimension and value.
    pub(super) fn beside(
        &mut self,
        place: &Place<'_>,
        pair: &BreakdownKey,
    ) -> Result<i64, store::Error> {
        if self.bucket != Some(pair.aggregate) {
            self.bucket = Some(pair.aggregate);
            self.visitors.clear();
            rows::breakdowns(place.file, &bucket(place, &pair.aggregate), |key, counters| {
                if ![TextId::TOTAL, pair.aggregate.identifier].contains(&key.aggregate.identifier) {
                    let most = self.visitors.entry([key.dimension, key.value]).or_default();
                    *most = counters.visitors.max(*most);
                }
                Ok(())
            })?;
        }
        Ok(self.visitors.get(&[pair.dimension, pair.value]).copied().unwrap_or_default())
    }
}

/// Every row of the event type in the bucket of `key`.
fn bucket<'p>(place: &Place<'p>, key: &AggregateKey) -> Which {
    Which {
        event_type: Some(key.event_type),
        finest: key.granularity,
        coarsest: key.granularity,
        from: key.period_start,
        to: key.period_start + 1,
        ..place.everything()
    }
}

/// The most visitors that one identifier has left in the bucket of `total`: the site has no fewer.
fn most_of_parts(
    place: &Place<'_>,
    taken: &Subtraction<'_>,
    total: &AggregateKey,
) -> Result<i64, store::Error> {
    let mut most = 0;
    rows::aggregates(place.file, &bucket(place, total), |key, counters, _| {
        if key.identifier != TextId::TOTAL {
            most = most.max(taken.left_of(&key, counters).visitors);
        }
        Ok(())
    })?;
    Ok(most)
}

/// How many visitors of a day sent nothing but what `is_part`, by the first instants of the days (UTC seconds) of
/// which every beacon of `event_type` is kept.
fn only_there(
    place: &Place<'_>,
    event_type: TextId,
    is_part: impl Fn(&KeptBeacon) -> bool,
) -> Result<BTreeMap<i64, i64>, store::Error> {
    let mut known = BTreeMap::new();
    let mut of_day = OfDay::default();
    let mut day = Period::containing(Granularity::Day, 0, &place.site.zone);
    events::each(place.file, Some(place.id), |_, beacon| {
        if beacon.event_type != event_type {
            return Ok(());
        }
        let at = beacon.received_at.div_euclid(1000);
        if !day.contains(at) {
            known.extend(std::mem::take(&mut of_day).alone(place, event_type, day)?);
            day = Period::containing(Granularity::Day, at, &place.site.zone);
        }
        of_day.add(beacon.visitor, is_part(&beacon));
        Ok(())
    })?;
    known.extend(of_day.alone(place, event_type, day)?);
    Ok(known)
}

/// Who sent what on a day.
#[derive(Debug, Default)]
struct OfDay {
    beacons: i64,
    lacks_visitors: bool,
    /// Whether all of a visitor's beacons were of the part.
    visitors: HashMap<Visitor, bool>,
}

impl OfDay {
    fn add(&mut self, visitor: Option<Visitor>, is_part: bool) {
        self.beacons += 1;
        match visitor {
            Some(visitor) => *self.visitors.entry(visitor).or_insert(true) &= is_part,
            None => self.lacks_visitors = true,
        }
    }

    /// How many visitors sent nothing else, with the first instant of the day, if all its beacons are here.
    fn alone(
        self,
        place: &Place<'_>,
        event_type: TextId,
        day: Period,
    ) -> Result<Option<(i64, i64)>, store::Error> {
        let total = AggregateKey {
            granularity: Granularity::Day,
            period_start: day.start,
            site: place.id,
            event_type,
            identifier: TextId::TOTAL,
        };
        let is_whole = rows::aggregate(place.file, &total)?.count == self.beacons;
        let alone = self.visitors.values().filter(|is_alone| **is_alone).count();
        let alone = i64::try_from(alone).ok().filter(|_| is_whole && !self.lacks_visitors);
        Ok(alone.map(|alone| (day.start, alone)))
    }
}

/// The rows of `own` that are finer than `key` and lie within it.
pub(super) fn within(
    place: &Place<'_>,
    key: &AggregateKey,
    own: &BTreeMap<AggregateKey, Counters>,
) -> Preferred {
    let period = Period::containing(key.granularity, key.period_start, &place.site.zone);
    let finer = own.iter().filter(|(part, _)| part.granularity < key.granularity);
    let inside = finer.filter(|(part, _)| period.contains(part.period_start));
    inside.map(|(part, sum)| ((part.granularity, part.period_start), *sum)).collect()
}

/// The shortest buckets that are a day or longer: in these, pages are split.
pub(super) fn finest_of_days<'k>(
    keys: impl Iterator<Item = &'k AggregateKey>,
) -> Option<Granularity> {
    keys.map(|key| key.granularity).filter(|granularity| *granularity >= Granularity::Day).min()
}
