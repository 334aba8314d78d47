//! What a course is compared with, added up as far as the course has come: like with like, while its last point
//! still runs.

use jiff::ToSpan as _;

use super::{answer::Series, question::Question, reading};
use crate::{
    model::{
        interval::Interval,
        period::{DateRange, date_at, first_instant},
    },
    store::{Error, Transaction},
};

/// For how many days hours are read to add up a part of a point: a month.
const DAYS_MAX: i32 = 31;

/// Reads the course of `question` over some dates, if it can be told.
pub type Read<'r> = dyn Fn(&Question, DateRange) -> Result<Option<Series>, Error> + 'r;

/// Makes the total of `before` that of as much time as `series` has come through.
///
/// That is whole points, and of the one that runs as much, by the hour where hours are kept, else by the day.
/// `None` where less can't be told apart from more.
///
/// # Errors
/// When `read` fails.
pub fn as_far_as(
    series: &Series,
    mut before: Series,
    question: &Question,
    read: &Read<'_>,
) -> Result<Option<Series>, Error> {
    let has_points = before.granularity == series.granularity;
    let until = until(series, &before, question);
    if !has_points {
        // Shorter points are gone: the whole can be told, as long as nothing runs, but no course.
        before.add_up();
        before.points.clear();
        return Ok(Some(before).filter(|_| until.is_none()));
    }
    let Some(until) = until else {
        before.add_up();
        return Ok(Some(before));
    };
    let is_hour = series.granularity == Interval::Hour;
    let whole =
        before.points.partition_point(|point| point.end <= until || is_hour && point.start < until);
    before.add_up_to(whole);
    let Some(torn) = before.points.get(whole).filter(|torn| torn.start < until) else {
        return Ok(Some(before));
    };
    let dates = DateRange { first: torn.date, last: date_at(until, &question.site.zone) };
    let hours = dates.days() <= DAYS_MAX && question.is_kept(Interval::Hour, &dates);
    let finer = if hours { Interval::Hour } else { Interval::Day };
    let Some(part) = read(&Question { granularity: Some(finer), ..question.clone() }, dates)?
    else {
        return Ok(None);
    };
    for point in part.points.iter().filter(|point| point.start < until) {
        before.total.add(&point.figures);
    }
    Ok(Some(before))
}

/// The instant (UTC seconds) up to which `before` is compared: as many days after its beginning as `series` has
/// come to, and at the same time of the day. `None` if `series` does not run.
fn until(series: &Series, before: &Series, question: &Question) -> Option<i64> {
    series.points.iter().find(|point| point.unfinished)?;
    let (zone, today) = (&question.site.zone, question.today());
    let days = DateRange::between(series.scope.range.first, today).days() - 1;
    let then = before.scope.range.first.saturating_add(days.days());
    Some(first_instant(then, zone) + question.now - first_instant(today, zone))
}

/// The course without filters over `dates`, as [`as_far_as`] reads it.
///
/// # Errors
/// When the file can't be read.
pub fn plain(
    question: &Question,
    dates: DateRange,
    file: &Transaction<'_>,
) -> Result<Option<Series>, Error> {
    if reading::aged(question, &dates, file)?.is_some() {
        return Ok(None);
    }
    reading::series(question, dates, question.interval_for(&dates), file).map(Some)
}
