//! What several reports read: the subject of a question, its buckets, and figures made of sums.

use super::{
    answer::{Figures, Point, Scope, Series},
    question::{Question, tiles},
};
use crate::{
    model::{
        period::{DateRange, Granularity, timestamp},
        tally::{Counters, TextId},
    },
    store::{
        Error, Transaction,
        figures::{self, Bucket, Subject},
        names,
    },
};

/// What a question is about, in the numbers of the file; `None` when the file has never heard of it.
///
/// # Errors
/// When the file can't be read.
pub fn subject(
    question: &Question,
    file: &Transaction<'_>,
) -> Result<Option<(Subject, TextId)>, Error> {
    let Some(site) = names::find(file, &question.site.name)? else { return Ok(None) };
    let Some(event_type) = names::find(file, &question.event.name)? else { return Ok(None) };
    let identifier = match &question.identifier {
        Some(identifier) => names::find(file, identifier)?,
        None => Some(TextId::TOTAL),
    };
    Ok(identifier.map(|identifier| (Subject { site, event_type }, identifier)))
}

/// The buckets that make up `range`, the largest where whole ones fit.
pub(super) fn buckets(
    question: &Question,
    range: &DateRange,
    file: &Transaction<'_>,
) -> Result<Vec<Bucket>, Error> {
    let mut buckets = Vec::new();
    for (granularity, from, to) in tiles(range, &question.site, &question.event) {
        buckets.extend(figures::buckets(file, granularity, from, to)?);
    }
    Ok(buckets)
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
    let Some((subject, identifier)) = subject(question, file)? else {
        return Ok(Figures::default());
    };
    let buckets = buckets(question, range, file)?;
    let series = figures::series(file, subject, identifier, &buckets)?;
    Ok(sum(series.into_iter().map(|(_, counters)| counters)))
}

/// The sums of each bucket of `granularity` in `range`.
pub(super) fn series(
    question: &Question,
    range: DateRange,
    granularity: Granularity,
    file: &Transaction<'_>,
) -> Result<Series, Error> {
    let zone = &question.site.zone;
    let (from, to) = range.instants(zone);
    let rows = match subject(question, file)? {
        Some((subject, identifier)) => {
            let buckets = figures::buckets(file, granularity, from, to)?;
            figures::series(file, subject, identifier, &buckets)?
        }
        None => Vec::new(),
    };
    let mut rows = rows.into_iter().peekable();
    let mut points = Vec::new();
    for period in range.periods(granularity, zone) {
        let mut counters = Counters::default();
        // A zone that was changed leaves buckets that begin within this one.
        while let Some((_, more)) = rows.next_if(|(start, _)| *start < period.end) {
            counters += more;
        }
        let local = zone.to_datetime(timestamp(period.start));
        points.push(Point {
            start: period.start,
            end: period.end,
            date: period.date(zone),
            hour: (granularity == Granularity::Hour).then(|| local.hour()),
            figures: figures_of(counters),
            unfinished: period.contains(question.now),
        });
    }
    let scope = scope(question, range);
    let mut series = Series { scope, granularity, points, total: Figures::default() };
    series.add_up();
    Ok(series)
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
