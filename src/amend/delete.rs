//! What is deleted: a page, a source, a day, a site.
//!
//! The sums of the site are corrected as far as the file tells what came through a page or a source: what
//! is not kept for each page (which browsers its readers had, say) stays in the site's own lists.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::{
    Done, Error, Place, record,
    subtraction::{Preferred, Row, Subtraction},
    visitors::{self, MostOfPairs, Own, Staying, finest_of_days, within},
};
use crate::{
    config::registry::{EventType, IdentifierRule},
    model::{
        dimension::Dimension,
        period::{Granularity, Period},
        tally::{AggregateKey, BreakdownKey, Counters, TextId},
    },
    store::{
        self, events,
        figures::{self, Bucket, Subject},
        gather::Side,
        rows,
        rows::Which,
        state,
    },
};

/// Deletes a page: its own rows, and what came through it from the site's sums.
pub(super) fn page(place: &Place<'_>, page: &str) -> Result<Done, Error> {
    let mut taken = Subtraction::new(place.file, &place.site.zone);
    let id = place.name(page)?;
    let mut types = Vec::new();
    for (event, event_type) in place.events()? {
        if event.identifier == IdentifierRule::PagePath {
            types.push(event_type);
            take_page(place, &mut taken, event_type, id)?;
        }
    }
    events::each(place.file, Some(place.id), |number, beacon| {
        if beacon.identifier == Some(id) && types.contains(&beacon.event_type) {
            taken.take_kept(number);
        }
        Ok(())
    })?;
    done(place, taken, &format!("deleted the page {page} of {}", place.site.name))
}

fn take_page(
    place: &Place<'_>,
    taken: &mut Subtraction<'_>,
    event_type: TextId,
    page: TextId,
) -> Result<(), store::Error> {
    let of_page =
        Which { event_type: Some(event_type), identifier: Some(page), ..place.everything() };
    let mut own = Own::new();
    rows::aggregates(place.file, &of_page, |key, counters, title| {
        taken.take(Row::Aggregate(key), counters)?;
        take_from_total(taken, key, counters)?;
        own.insert(total(key), counters);
        if let Some(title) = title {
            taken.take_title(key, title);
        }
        Ok(())
    })?;
    visitors::take(place, taken, (&own, &|_| true), |beacon| beacon.identifier == Some(page))?;
    let days = finest_of_days(own.keys());
    let mut finest = FinestPairs::new(place, days);
    let (mut staying, mut pairs) = (Staying::new(place, &own), MostOfPairs::default());
    rows::breakdowns(place.file, &of_page, |key, counters| {
        taken.take(Row::Breakdown(key), counters)?;
        let of_site = Row::Breakdown(BreakdownKey { aggregate: total(key.aggregate), ..key });
        let most = taken.left(of_site)?.visitors - pairs.beside(place, &key)?;
        let gone = (counters.visitors - staying.within(of_site)).min(most).max(0);
        let here = taken.take(of_site, Counters { visitors: gone, ..counters })?;
        staying.note(of_site, counters.visitors - here.visitors);
        if finest.is_among(&key) {
            // When the readers from there came is not known: it is looked where the page was read.
            let mut preferred = within(place, &key.aggregate, &own);
            taken.take_within(of_site, here, &mut preferred)?;
        }
        Ok(())
    })?;
    rows::bars(place.file, &of_page, |key, bar| {
        taken.take_bar(key, bar);
        Ok(())
    })?;
    for dimension in [Dimension::EntryPage, Dimension::ExitPage] {
        let Some(dimension) = place.find(&dimension.name())? else { continue };
        let split = Which {
            event_type: Some(event_type),
            identifier: Some(TextId::TOTAL),
            dimension: Some(dimension),
            value: Some(page),
            ..place.everything()
        };
        rows::breakdowns(place.file, &split, |key, counters| {
            taken.take(Row::Breakdown(key), counters).map(|_| ())
        })?;
    }
    Ok(())
}

/// Deletes a source: its own rows, and what came from there from pages and the site's sums.
pub(super) fn source(place: &Place<'_>, source: &str) -> Result<Done, Error> {
    let mut taken = Subtraction::new(place.file, &place.site.zone);
    let id = place.name(source)?;
    let dimension = place.name(&Dimension::Source.name())?;
    for (event, event_type) in place.events()? {
        take_source(place, &mut taken, &event, event_type, [dimension, id])?;
    }
    events::each(place.file, Some(place.id), |number, beacon| {
        if beacon.values.contains(&(Dimension::Source, id)) {
            taken.take_kept(number);
        }
        Ok(())
    })?;
    done(place, taken, &format!("deleted the source {source} of {}", place.site.name))
}

fn take_source(
    place: &Place<'_>,
    taken: &mut Subtraction<'_>,
    event: &EventType,
    event_type: TextId,
    [dimension, source]: [TextId; 2],
) -> Result<(), store::Error> {
    let split = Which {
        event_type: Some(event_type),
        dimension: Some(dimension),
        value: Some(source),
        ..place.everything()
    };
    let of_site = Which { identifier: Some(TextId::TOTAL), ..split };
    let mut own = Own::new();
    rows::breakdowns(place.file, &of_site, |key, counters| {
        taken.take(Row::Breakdown(key), counters)?;
        own.insert(key.aggregate, counters);
        Ok(())
    })?;
    let days = finest_of_days(own.keys());
    // What need not have identifiers is counted as a whole, whatever some of it was called.
    let is_whole = event.identifier == IdentifierRule::None;
    if is_whole {
        for (key, counters) in &own {
            let here = take_from_total(taken, *key, *counters)?;
            if Some(key.granularity) == days {
                // Hours are not split by source: it is looked when anybody did.
                taken.take_within(Row::Aggregate(*key), here, &mut Preferred::new())?;
            }
        }
    }
    let mut preferred: BTreeMap<(Granularity, i64), Preferred> = BTreeMap::new();
    let (mut finest, mut staying) = (FinestPairs::new(place, days), Staying::new(place, &own));
    rows::breakdowns(place.file, &split, |key, counters| {
        if key.aggregate.identifier == TextId::TOTAL {
            return Ok(());
        }
        taken.take(Row::Breakdown(key), counters)?;
        // A page that was deleted and came again has fewer visitors than its source: longer buckets lose what the
        // days have lost.
        let row = Row::Aggregate(key.aggregate);
        let visitors = counters.visitors - staying.within(row);
        let here = taken.take(row, Counters { visitors, ..counters })?;
        staying.note(row, counters.visitors - here.visitors);
        if !is_whole {
            take_from_total(taken, key.aggregate, here)?;
        }
        if finest.is_among(&key) {
            // When its readers from there came is not known: it is looked when anybody did.
            let AggregateKey { granularity, period_start, .. } = key.aggregate;
            let left = preferred.entry((granularity, period_start));
            let left = left.or_insert_with(|| within(place, &total(key.aggregate), &own));
            for (finer, here) in taken.take_within(row, here, left)? {
                if !is_whole {
                    take_from_total(taken, finer, here)?;
                }
            }
        }
        Ok(())
    })?;
    // Where the file has no pairs, whatever is declared today, it is not known which identifiers the source brought:
    // their sums and the total stay as they are.
    let is_told = |key: &AggregateKey| is_whole || finest.knows(key);
    visitors::take(place, taken, (&own, &is_told), |beacon| {
        beacon.values.contains(&(Dimension::Source, source))
    })
}

/// Takes all but visitors from the total: those of its parts are not added up in it. Says how much that is.
fn take_from_total(
    taken: &mut Subtraction<'_>,
    key: AggregateKey,
    here: Counters,
) -> Result<Counters, store::Error> {
    taken.take(Row::Aggregate(total(key)), Counters { visitors: 0, ..here })
}

/// Which buckets have pairs, and which pairs are in the shortest that have them: those of days, and those of months
/// whose days have left theirs to them.
struct FinestPairs<'p> {
    place: &'p Place<'p>,
    days: Option<Granularity>,
    /// The buckets that have pairs, with their first instants (UTC seconds).
    with_pairs: BTreeSet<(Granularity, i64)>,
}

impl<'p> FinestPairs<'p> {
    const fn new(place: &'p Place<'p>, days: Option<Granularity>) -> Self {
        Self { place, days, with_pairs: BTreeSet::new() }
    }

    /// Whether `key` is among them. Keys come in the order of the file, the shorter buckets first.
    fn is_among(&mut self, key: &BreakdownKey) -> bool {
        let AggregateKey { granularity, period_start, .. } = key.aggregate;
        self.with_pairs.insert((granularity, period_start));
        Some(granularity) == self.days
            || (granularity == Granularity::Month && self.has_those_of_days(period_start))
    }

    /// Whether the days of the month that begins at `start` (UTC seconds) have left theirs to it.
    fn has_those_of_days(&self, start: i64) -> bool {
        let granularity = Granularity::Month;
        let Some(days) = self.days.filter(|days| *days < granularity) else { return false };
        let month = Period::containing(granularity, start, &self.place.site.zone);
        // Where one ends that another time zone has cut is not known.
        let latest = start + granularity.seconds_max();
        let end = if month.start == start { month.end } else { latest };
        self.with_pairs.contains(&(granularity, start))
            && self.with_pairs.range((days, start)..(days, end)).next().is_none()
    }

    /// Whether the pairs of the bucket of `key` are known, once all were asked for: from itself, or of a day from its
    /// month.
    fn knows(&self, key: &AggregateKey) -> bool {
        let AggregateKey { granularity, period_start, .. } = *key;
        let month = Period::containing(Granularity::Month, period_start, &self.place.site.zone);
        self.with_pairs.contains(&(granularity, period_start))
            || (Some(granularity) == self.days && self.has_those_of_days(month.start))
    }
}

const fn total(key: AggregateKey) -> AggregateKey {
    AggregateKey { identifier: TextId::TOTAL, ..key }
}

/// Deletes a day: all that was counted on it, in longer buckets too.
pub(super) fn day(place: &Place<'_>, date: Date) -> Result<Done, Error> {
    let mut taken = Subtraction::new(place.file, &place.site.zone);
    let day = Period::of_date(Granularity::Day, date, &place.site.zone);
    let within =
        Which { coarsest: Granularity::Day, from: day.start, to: day.end, ..place.everything() };
    let longer = [Granularity::Month, Granularity::Year]
        .map(|granularity| Period::of_date(granularity, date, &place.site.zone));
    // The longest of the buckets that lie within the day say what longer ones have of it.
    let mut longest = Vec::new();
    for (event, event_type) in place.events()? {
        let kept = event.granularities.iter().copied();
        longest
            .extend(kept.filter(|kept| *kept <= Granularity::Day).max().map(|g| (event_type, g)));
    }
    let longest_of = |event_type| {
        let known = longest.iter().find(|(known, _)| *known == event_type);
        known.map_or(Granularity::Day, |(_, longest)| *longest)
    };
    if is_cut_otherwise(place, day, &longer, &longest_of)? {
        return Err(Error::Nothing(format!(
            "{date} of {} can't be deleted: it is, or may be, part of days, months or years that were cut in a \
             time zone that the site had before. With that time zone set again, it mostly can be",
            place.site.name
        )));
    }
    let longer_than = |key: &AggregateKey| {
        let says = longest_of(key.event_type) == key.granularity;
        if says { longer.as_slice() } else { &[] }
    };
    rows::aggregates(place.file, &within, |key, counters, title| {
        taken.take(Row::Aggregate(key), counters)?;
        if let Some(title) = title {
            taken.take_title(key, title);
        }
        taken.take_from_longer(Row::Aggregate(key), counters, longer_than(&key))
    })?;
    rows::breakdowns(place.file, &within, |key, counters| {
        taken.take(Row::Breakdown(key), counters)?;
        taken.take_from_longer(Row::Breakdown(key), counters, longer_than(&key.aggregate))
    })?;
    rows::bars(place.file, &within, |key, bar| {
        taken.take_bar_of_day(key, bar, longer_than(&key.aggregate))
    })?;
    events::each(place.file, Some(place.id), |number, beacon| {
        if day.contains(beacon.received_at.div_euclid(1000)) {
            taken.take_kept(number);
        }
        Ok(())
    })?;
    if day.contains(place.now) {
        // Who comes again today is a visitor again.
        state::forget_visitors(place.file, place.id)?;
    }
    done(place, taken, &format!("deleted {date} of {}", place.site.name))
}

/// Whether what was counted on `day` may lie in buckets that were cut in a time zone that the site had before.
///
/// Where there are such `longer` ones around it, those of today's zone tell: they hold all of their days, or some
/// are in the others. Which shorter buckets say what longer ones hold, `longest_of` an event type knows.
fn is_cut_otherwise(
    place: &Place<'_>,
    day: Period,
    longer: &[Period],
    longest_of: &impl Fn(TextId) -> Granularity,
) -> Result<bool, store::Error> {
    for granularity in Granularity::ALL {
        // One that begins right after the day may be as long as the day was in the other zone.
        let near = Which {
            identifier: Some(TextId::TOTAL),
            finest: granularity,
            coarsest: granularity,
            from: day.start - granularity.seconds_max() + 1,
            to: day.end + granularity.seconds_max(),
            ..place.everything()
        };
        let mut otherwise = BTreeSet::new();
        rows::aggregates(place.file, &near, |key, _, _| {
            if !is_cut_so(place, granularity, key.period_start) {
                otherwise.insert(key.event_type);
            }
            Ok(())
        })?;
        if granularity <= Granularity::Day && !otherwise.is_empty() {
            return Ok(true);
        }
        for &period in longer.iter().filter(|longer| longer.granularity == granularity) {
            for &event_type in &otherwise {
                let shorter = longest_of(event_type);
                let days = figures::buckets(place.file, shorter, period.start, period.end)?;
                let days = days.into_iter().filter(|day| is_cut_so(place, shorter, day.start));
                let whole = Bucket { granularity, start: period.start };
                if count(place, event_type, &days.collect::<Vec<_>>())?
                    > count(place, event_type, &[whole])?
                {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}

/// Whether a bucket that begins at `start` (UTC seconds) is cut in the site's time zone.
fn is_cut_so(place: &Place<'_>, granularity: Granularity, start: i64) -> bool {
    Period::is_cut_at(granularity, start, &place.site.zone)
}

fn count(place: &Place<'_>, event_type: TextId, buckets: &[Bucket]) -> Result<i64, store::Error> {
    let subject = Subject { site: place.id, event_type };
    let series = figures::series(place.file, subject, TextId::TOTAL, buckets)?;
    Ok(series.iter().map(|(_, counters)| counters.count).sum())
}

/// Deletes all that was counted for a site.
pub(super) fn site(place: &Place<'_>) -> Result<Done, Error> {
    state::forget_visitors(place.file, place.id)?;
    let what = format!("deleted everything of {}", place.site.name);
    Ok(record(place.file, place.file, (place.now, "reset", &what), |gatherer| {
        gatherer.buckets(Side::Taken, &place.everything())?;
        gatherer.kept(Side::Taken, Some(place.id))?;
        gatherer.rest(Side::Taken, Some(place.id))
    })?)
}

fn done(place: &Place<'_>, taken: Subtraction<'_>, what: &str) -> Result<Done, Error> {
    if taken.is_empty() {
        return Err(Error::Nothing(format!("nothing was counted that could be {what}")));
    }
    Ok(record(place.file, place.file, (place.now, "delete", what), |gatherer| {
        taken.gather(gatherer)
    })?)
}
