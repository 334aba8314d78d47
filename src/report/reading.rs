//! What several reports read: the subject of a question, its buckets, and figures made of sums.

use jiff::civil::Date;

use super::{
    answer::{Figures, Point, Scope, Series},
    question::{Question, tiles},
};
use crate::{
    model::{
        interval::{Interval, Stretch},
        period::{DateRange, Granularity, Period, date_at, timestamp},
        tally::{Counters, TextId},
    },
    store::{
        Error, Transaction,
        figures::{self, Bucket, Subject},
        names,
    },
};

/// The site and the event type of a question, in the numbers of the file; `None` when it has never heard of
/// them.
///
/// # Errors
/// When the file can't be read.
pub fn subject(question: &Question, file: &Transaction<'_>) -> Result<Option<Subject>, Error> {
    let Some(site) = names::find(file, &question.site.name)? else { return Ok(None) };
    let event_type = names::find(file, &question.event.name)?;
    Ok(event_type.map(|event_type| Subject { site, event_type }))
}

/// The same, and the identifier that is asked for; the total if none is.
///
/// # Errors
/// When the file can't be read.
pub fn identified(
    question: &Question,
    file: &Transaction<'_>,
) -> Result<Option<(Subject, TextId)>, Error> {
    let Some(subject) = subject(question, file)? else { return Ok(None) };
    let identifier = match &question.identifier {
        Some(identifier) => names::find(file, identifier)?,
        None => Some(TextId::TOTAL),
    };
    Ok(identifier.map(|identifier| (subject, identifier)))
}

/// The buckets that make up `range`, the largest where whole ones fit.
pub(super) fn buckets(
    question: &Question,
    range: &DateRange,
    file: &Transaction<'_>,
) -> Result<Vec<Bucket>, Error> {
    buckets_up_to(Granularity::Year, question, range, file)
}

/// The same, none of them larger than `largest`.
pub(super) fn buckets_up_to(
    largest: Granularity,
    question: &Question,
    range: &DateRange,
    file: &Transaction<'_>,
) -> Result<Vec<Bucket>, Error> {
    // What is still to come holds nothing: a month that runs is read as one, not day by day.
    let last = if range.last < question.today() { range.last } else { range.last.last_of_year() };
    let whole = DateRange { last, ..*range };
    let mut buckets = Vec::new();
    for (granularity, from, to) in tiles(&whole, largest, &question.site, &question.event) {
        buckets.extend(figures::buckets(file, granularity, from, to)?);
    }
    Ok(buckets)
}

/// Why `range` can't be told, if it can't: buckets as short as it takes have gone by their age, and longer ones
/// reach beyond it.
pub(super) fn aged(
    question: &Question,
    range: &DateRange,
    file: &Transaction<'_>,
) -> Result<Option<String>, Error> {
    let Question { event, site, .. } = question;
    let Some(subject) = subject(question, file)? else { return Ok(None) };
    for (granularity, from, _) in tiles(range, Granularity::Year, site, event).into_iter().rev() {
        let longer = event.granularities.iter().copied().find(|longer| *longer > granularity);
        let Some(longer) = longer.filter(|_| event.is_aged(granularity, from, question.now)) else {
            continue;
        };
        // What is older than it is kept may be there still.
        let around = Period::containing(longer, from, &site.zone);
        if has_all(granularity, around, subject, file)? {
            continue;
        }
        let first = figures::first_bucket(file, subject, granularity, around.start, i64::MAX)?;
        let Some(first) = first.filter(|first| from < *first) else { continue };
        let (first, longer) = (date_at(first, &site.zone), longer.as_str());
        return Ok(Some(format!(
            "Before {} all is kept by whole {longer}s: pick whole {longer}s, or later days.",
            first.strftime("%-d %B %Y")
        )));
    }
    Ok(None)
}

/// Whether the buckets of `granularity` in `longer` still hold all that it counts.
fn has_all(
    granularity: Granularity,
    longer: Period,
    subject: Subject,
    file: &Transaction<'_>,
) -> Result<bool, Error> {
    let count = |granularity, to| {
        let buckets = figures::buckets(file, granularity, longer.start, to)?;
        let series = figures::series(file, subject, TextId::TOTAL, &buckets)?;
        Ok::<i64, Error>(series.iter().map(|(_, counters)| counters.count).sum())
    };
    Ok(count(granularity, longer.end)? >= count(longer.granularity, longer.start + 1)?)
}

/// Why the pairs of `range` can't be told, if they can't: some of its days have left theirs to the months.
pub(super) fn pairs_untold(
    question: &Question,
    range: &DateRange,
    file: &Transaction<'_>,
) -> Result<Option<String>, Error> {
    let zone = &question.site.zone;
    let Some(from) = question.event.pairs_by_day_from(question.today(), zone) else {
        return Ok(None);
    };
    if range.instants(zone).0 >= from {
        return Ok(None);
    }
    let Some(subject) = subject(question, file)? else { return Ok(None) };
    for bucket in buckets(question, range, file)? {
        let is_left = bucket.granularity <= Granularity::Day && bucket.start < from;
        if is_left && figures::has_bucket(file, subject, bucket)? {
            return Ok(Some(format!(
                "Before {} this is kept by whole months: pick whole months, or later days.",
                date_at(from, zone).strftime("%-d %B %Y")
            )));
        }
    }
    Ok(None)
}

/// The buckets that may hold the last title of an identifier: the coarsest ones.
pub(super) fn title_buckets(
    question: &Question,
    file: &Transaction<'_>,
) -> Result<Vec<Bucket>, Error> {
    figures::buckets(file, question.event.coarsest(), 0, i64::MAX)
}

/// The sums over `range`.
pub(super) fn total(
    question: &Question,
    range: &DateRange,
    file: &Transaction<'_>,
) -> Result<Figures, Error> {
    sums(identified(question, file)?, question, range, file)
}

/// The sums over `range` whatever the identifier.
pub(super) fn total_of_all(
    question: &Question,
    range: &DateRange,
    file: &Transaction<'_>,
) -> Result<Figures, Error> {
    let subject = subject(question, file)?;
    sums(subject.map(|subject| (subject, TextId::TOTAL)), question, range, file)
}

fn sums(
    asked: Option<(Subject, TextId)>,
    question: &Question,
    range: &DateRange,
    file: &Transaction<'_>,
) -> Result<Figures, Error> {
    let Some((subject, identifier)) = asked else { return Ok(Figures::default()) };
    let buckets = buckets(question, range, file)?;
    let series = figures::series(file, subject, identifier, &buckets)?;
    Ok(sum(series.into_iter().map(|(_, counters)| counters)))
}

/// The sums of each point of `range`, which is `interval` long.
pub(super) fn series(
    question: &Question,
    range: DateRange,
    interval: Interval,
    file: &Transaction<'_>,
) -> Result<Series, Error> {
    let zone = &question.site.zone;
    let rows = match identified(question, file)? {
        Some((subject, identifier)) => {
            let buckets = buckets_up_to(interval.granularity(), question, &range, file)?;
            figures::series(file, subject, identifier, &buckets)?
        }
        None => Vec::new(),
    };
    let mut rows = rows.into_iter().peekable();
    let mut points = Vec::new();
    for stretch in interval.stretches(&range, zone, question.site.week_starts) {
        let mut counters = Counters::default();
        // A zone that was changed leaves buckets that begin within this one.
        while let Some((_, more)) = rows.next_if(|(start, _)| *start < stretch.end) {
            counters += more;
        }
        points.push(point(question, interval, stretch, counters));
    }
    let scope = scope(question, range);
    let mut series = Series { scope, granularity: interval, points, total: Figures::default() };
    series.add_up();
    Ok(series)
}

/// A point of a course with its sums.
pub(super) fn point(
    question: &Question,
    interval: Interval,
    stretch: Stretch,
    counters: Counters,
) -> Point {
    let (zone, Stretch { start, end, cut }) = (&question.site.zone, stretch);
    let local = zone.to_datetime(timestamp(start));
    Point {
        start,
        end,
        date: date_at(start, zone),
        hour: (interval == Interval::Hour).then(|| local.hour()),
        figures: figures_of(counters),
        unfinished: (start..end).contains(&question.now),
        cut,
        down_seconds: 0,
    }
}

/// The first date that anything was counted on, as exactly as the file still tells.
pub(super) fn earliest(question: &Question, file: &Transaction<'_>) -> Result<Option<Date>, Error> {
    let Some(subject) = subject(question, file)? else { return Ok(None) };
    let zone = &question.site.zone;
    let mut within: Option<Period> = None;
    let mut found = None;
    for granularity in question.event.granularities.iter().rev() {
        let (from, to) = within.map_or((0, i64::MAX), |within| (within.start, within.end));
        let first = figures::first_bucket(file, subject, *granularity, from, to)?;
        let Some(start) = first else { break };
        // Where shorter buckets have gone by age, the longer one is as exact as it gets.
        if let Some(longer) = within
            && question.event.is_aged(*granularity, longer.start, question.now)
            && !has_all(*granularity, longer, subject, file)?
        {
            break;
        }
        within = Some(Period::containing(*granularity, start, zone));
        found = Some(date_at(start, zone));
        if *granularity <= Granularity::Day {
            break;
        }
    }
    Ok(found)
}

/// What an answer about `range` begins with.
pub(super) fn scope(question: &Question, range: DateRange) -> Scope {
    Scope {
        site: question.site.name.clone(),
        time_zone: question.site.zone_name.clone(),
        event_type: question.event.name.clone(),
        identifier: question.identifier.clone(),
        range,
    }
}

/// A moment (UTC seconds) in the site's time zone, to be read: `24 Nov 2026, 12:03`.
pub(super) fn local(question: &Question, at: i64) -> String {
    let local = question.site.zone.to_datetime(timestamp(at));
    local.strftime("%-d %b %Y, %H:%M").to_string()
}

/// Sums as an answer shows them.
pub(super) const fn figures_of(counters: Counters) -> Figures {
    let Counters { count, visitors, visits, bounces, seconds } = counters;
    Figures { count, visitors, visits, bounces, seconds }
}

fn sum(counters: impl Iterator<Item = Counters>) -> Figures {
    let mut sum = Counters::default();
    counters.for_each(|more| sum += more);
    figures_of(sum)
}
