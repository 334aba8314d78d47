//! Answers under filters.
//!
//! Single page views answer every combination, as long as they are kept; before that, the sums of those
//! pairs answer that are kept, and of the rest it is said why it can't be told.
//!
//! What is counted is what meets every filter: page views; their visitors, each day anew; the visits
//! that began with one of them, and how many of these saw no other page; the seconds spent on them.
//! These are the very sums that are kept of a pair, so that both ways tell the same.

mod reach;
mod singles;
mod sums;

use super::{
    answer::{Figures, Overview, Ranking, Series},
    compared,
    dates::Compare,
    question::Question,
    reading, top,
};
pub use reach::Reach;

use crate::{
    config::registry::Site,
    model::{
        dimension::Dimension,
        interval::{Interval, Stretch},
        period::DateRange,
        tally::Counters,
    },
    store::{Error, Transaction, figures::Sums},
};

/// A period under filters.
#[derive(Debug, Clone, PartialEq)]
pub struct Narrowed {
    /// Its course.
    pub series: Series,
    /// The same number of days before, where these can be told.
    pub before: Option<Series>,
    /// The rankings that were wanted, in their order, or why one can't be told.
    pub rankings: Vec<Result<Ranking, String>>,
    /// What must be said of how sure the figures are, if anything.
    pub note: Option<String>,
}

/// The answer about the range of `reach`, with a ranking of each of `wanted` (`None`: of identifiers), or
/// why nothing can be told.
///
/// # Errors
/// When the file can't be read.
pub fn answer(
    question: &Question,
    reach: &Reach,
    wanted: &[Option<Dimension>],
    file: &Transaction<'_>,
) -> Result<Result<Narrowed, String>, Error> {
    let range = reach.range;
    if let Some(why) = reading::aged(question, &range, file)? {
        return Ok(Err(why));
    }
    if let Some(why) = reach.obstacle(&question.event, &question.filters) {
        return Ok(Err(why));
    }
    let Some(counted) = count(question, reach, wanted, file)? else {
        let why = "These days hold more page views than can be compared at once. Pick fewer days.";
        return Ok(Err(why.to_owned()));
    };
    let before = match question.compare.dates(range, question.today()) {
        Some(dates) => before(question, reach.over(dates, question, file)?, &counted.series, file)?,
        None => None,
    };
    let mut rankings = Vec::new();
    for (dimension, ranks) in wanted.iter().zip(counted.rankings) {
        let why = reach.obstacle_to_ranking(&question.event, &question.filters, dimension.as_ref());
        let total = counted.series.total;
        let order = top::order_of(&question.event, dimension.as_ref(), question.order);
        let of = Question { dimension: dimension.clone(), order, ..question.clone() };
        rankings.push(match why {
            Some(why) => Err(why),
            None => Ok(ranking(&of, range, ranks, total, file)?),
        });
    }
    let mut note = reach.note(question, file)?;
    if before.is_none()
        && question.compare != Compare::default()
        && question.compare != Compare::Nothing
    {
        let why =
            "Under these filters the days to compare with can’t be told, so nothing is compared.";
        note = Some(note.map_or_else(|| why.to_owned(), |note| format!("{note} {why}")));
    }
    Ok(Ok(Narrowed { series: counted.series, before, rankings, note }))
}

/// What is compared with, where it can be told: added up as far as `series` has come.
fn before(
    question: &Question,
    reach: Reach,
    series: &Series,
    file: &Transaction<'_>,
) -> Result<Option<Series>, Error> {
    if reading::aged(question, &reach.range, file)?.is_some()
        || reach.obstacle(&question.event, &question.filters).is_some()
    {
        return Ok(None);
    }
    let asked = Question { granularity: Some(series.granularity), ..question.clone() };
    let Some(counted) = count(&asked, &reach, &[], file)? else { return Ok(None) };
    let read = |question: &Question, dates| {
        let counted = count(question, &reach.over(dates, question, file)?, &[], file)?;
        Ok(counted.map(|counted| counted.series))
    };
    compared::as_far_as(series, counted.series, question, &read)
}

/// The sums under filters.
struct Counted {
    series: Series,
    rankings: Vec<Sums>,
}

/// The shortest points in which what the filters ask for can be told.
fn shortest_told(question: &Question, reach: &Reach) -> Interval {
    let is_split = question.filters.iter().any(|filter| filter.dimension.is_some());
    if reach.is_single || !is_split {
        return Interval::Hour;
    }
    let from = question.event.pairs_by_day_from(question.today(), &question.site.zone);
    let (first, _) = reach.range.instants(&question.site.zone);
    let is_pair = question.filters.len() > 1;
    if is_pair && from.is_some_and(|from| first < from) { Interval::Month } else { Interval::Day }
}

/// `None` when there are too many single beacons to be compared.
fn count(
    question: &Question,
    reach: &Reach,
    wanted: &[Option<Dimension>],
    file: &Transaction<'_>,
) -> Result<Option<Counted>, Error> {
    let interval = question.interval_for(&reach.range).max(shortest_told(question, reach));
    let Site { zone, week_starts, .. } = &*question.site;
    let stretches = interval.stretches(&reach.range, zone, *week_starts);
    let mut course = Course { stretches, sums: Vec::new(), interval };
    course.sums = vec![Counters::default(); course.stretches.len()];
    let rankings = if reach.is_single {
        singles::count(question, reach.range, wanted, &mut course, file)?
    } else {
        Some(sums::count(question, reach.range, wanted, &mut course, file)?)
    };
    let series = course.series(question, reach.range);
    Ok(rankings.map(|rankings| Counted { series, rankings }))
}

/// The points of a range as they are filled.
struct Course {
    stretches: Vec<Stretch>,
    sums: Vec<Counters>,
    interval: Interval,
}

impl Course {
    /// Adds to the point that `at` (UTC seconds) lies in, or to the first one after it.
    fn add(&mut self, at: i64, counters: Counters) {
        let index = self.stretches.partition_point(|stretch| stretch.end <= at);
        if let Some(sum) = self.sums.get_mut(index) {
            *sum += counters;
        }
    }

    fn series(self, question: &Question, range: DateRange) -> Series {
        let interval = self.interval;
        let point = |(stretch, counters)| reading::point(question, interval, stretch, counters);
        let points = self.stretches.into_iter().zip(self.sums).map(point).collect();
        let scope = reading::scope(question, range);
        let mut series = Series { scope, granularity: interval, points, total: Figures::default() };
        series.add_up();
        series
    }
}

/// The wanted rows of a ranking.
fn ranking(
    question: &Question,
    range: DateRange,
    sums: Sums,
    total: Figures,
    file: &Transaction<'_>,
) -> Result<Ranking, Error> {
    let (rows, rows_in_all) = top::rows(question, sums, file)?;
    Ok(Ranking {
        scope: reading::scope(question, range),
        dimension: question.dimension.as_ref().map_or("identifier".into(), |it| it.name()).into(),
        rows,
        rows_in_all,
        total,
        not_told: None,
    })
}

/// The one ranking that `question` asks for, without rows where it can't be told.
///
/// # Errors
/// When the file can't be read.
pub(super) fn ranking_of(
    question: &Question,
    range: DateRange,
    file: &Transaction<'_>,
) -> Result<Ranking, Error> {
    let wanted = [question.dimension.clone()];
    // Of what a list would be compared with nothing is shown.
    let alone = Question { compare: Compare::Nothing, ..question.clone() };
    let narrowed = answer(&alone, &Reach::read(&alone, range, file)?, &wanted, file)?;
    let ranking = narrowed
        .and_then(|mut narrowed| narrowed.rankings.pop().unwrap_or_else(|| Err(String::new())));
    Ok(ranking.unwrap_or_else(|why| no_ranking(question, range, why)))
}

/// A ranking that can't be told.
pub fn no_ranking(question: &Question, range: DateRange, why: String) -> Ranking {
    Ranking {
        scope: reading::scope(question, range),
        dimension: question.dimension.as_ref().map_or("identifier".into(), |it| it.name()).into(),
        rows: Vec::new(),
        rows_in_all: 0,
        total: Figures::default(),
        not_told: Some(why),
    }
}

/// The period and the one before, empty where they can't be told.
///
/// # Errors
/// When the file can't be read.
pub(super) fn overview(
    question: &Question,
    range: DateRange,
    file: &Transaction<'_>,
) -> Result<Overview, Error> {
    Ok(match answer(question, &Reach::read(question, range, file)?, &[], file)? {
        Ok(narrowed) => Overview::of(narrowed.series, narrowed.before),
        Err(why) => no_overview(question, range, why),
    })
}

/// A period that can't be told.
pub fn no_overview(question: &Question, range: DateRange, why: String) -> Overview {
    let interval = question.interval_for(&range);
    let course = Course { stretches: Vec::new(), sums: Vec::new(), interval };
    let series = course.series(question, range);
    Overview { not_told: Some(why), ..Overview::of(series, None) }
}
