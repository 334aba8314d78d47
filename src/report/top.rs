//! The most counted: pages and other identifiers, or the values of a dimension.

use super::{
    answer::{Figures, Ranking, Row},
    contract::{Answer, Report},
    narrowed,
    question::Question,
    reading,
};
use crate::{
    config::registry::EventType,
    model::{
        country,
        dimension::Dimension,
        period::{DateRange, Granularity},
        tally::{Counters, TextId},
    },
    store::{
        Error, Transaction,
        figures::{self, Bucket, Order, Sums},
        names,
    },
};

/// The report.
pub(super) const REPORT: Report =
    Report { slug: "top", title: "Pages", answer: |q, file| Ok(Answer::Ranking(answer(q, file)?)) };

/// This week, or the range asked for.
///
/// # Errors
/// When the file can't be read.
pub fn answer(question: &Question, file: &Transaction<'_>) -> Result<Ranking, Error> {
    let range = question.range_or_this_week();
    if !question.filters.is_empty() {
        return narrowed::ranking_of(question, range, file);
    }
    let name = question.dimension.as_ref().map(Dimension::name);
    let mut ranking = Ranking {
        scope: reading::scope(question, range),
        dimension: name.as_deref().unwrap_or("identifier").to_owned(),
        rows: Vec::new(),
        rows_in_all: 0,
        total: reading::total(question, &range, file)?,
        not_told: None,
    };
    ranking.not_told = reading::aged(question, &range, file)?;
    if ranking.not_told.is_some() {
        return Ok(ranking);
    }
    let Some((subject, identifier)) = reading::identified(question, file)? else {
        return Ok(ranking);
    };
    if name.is_some() && question.identifier.is_some() {
        ranking.not_told = reading::pairs_untold(question, &range, file)?;
        if ranking.not_told.is_some() {
            return Ok(ranking);
        }
    }
    let buckets = reading::buckets(question, &range, file)?;
    let sums = match name {
        None => figures::identifiers(file, subject, &buckets)?,
        Some(name) => match names::find(file, &name)? {
            Some(id) => figures::values(file, subject, identifier, id, &buckets)?,
            None => return Ok(ranking),
        },
    };
    (ranking.rows, ranking.rows_in_all) = rows(question, sums, file)?;
    Ok(ranking)
}

/// The rows of `sums` that `question` asks for, and how many there are in all.
///
/// # Errors
/// When the file can't be read.
pub(super) fn rows(
    question: &Question,
    sums: Sums,
    file: &Transaction<'_>,
) -> Result<(Vec<Row>, u64), Error> {
    let page = figures::Page {
        search: &question.search,
        order: question.order,
        limit: question.limit,
        offset: question.offset,
    };
    let (ranked, in_all) = figures::ranked(file, sums, &page)?;
    let titles = title_buckets(question, file)?;
    let mut rows = Vec::new();
    for row in ranked {
        let label = label(question, row.id, &row.name, &titles, file)?;
        rows.push(Row { name: row.name, label, figures: reading::figures_of(row.counters) });
    }
    Ok((rows, in_all))
}

/// What a ranking of `dimension` is ordered by where `order` is wanted: where a visit begins or ends is
/// counted in visits, if `event` begins any.
pub fn order_of(event: &EventType, dimension: Option<&Dimension>, order: Order) -> Order {
    match (dimension.filter(|_| event.visits), order) {
        (Some(Dimension::EntryPage | Dimension::ExitPage), Order::Visitors) => Order::Visits,
        _ => order,
    }
}

/// The buckets that may hold titles of what is ranked: none where that has no titles.
pub(super) fn title_buckets(
    question: &Question,
    file: &Transaction<'_>,
) -> Result<Vec<Bucket>, Error> {
    if question.dimension.is_none() && question.event.dimensions.contains(&Dimension::Title) {
        return reading::title_buckets(question, file);
    }
    Ok(Vec::new())
}

/// The last title of the identifier `id`, if it has titles.
///
/// # Errors
/// When the file can't be read.
pub fn title_of(
    question: &Question,
    id: TextId,
    file: &Transaction<'_>,
) -> Result<Option<String>, Error> {
    label(question, id, "", &title_buckets(question, file)?, file)
}

/// How a row reads where that differs from its name.
pub(super) fn label(
    question: &Question,
    id: TextId,
    name: &str,
    titles: &[Bucket],
    file: &Transaction<'_>,
) -> Result<Option<String>, Error> {
    if question.dimension == Some(Dimension::Country) {
        return Ok(country::name(name).map(str::to_owned));
    }
    let subject = if titles.is_empty() { None } else { reading::subject(question, file)? };
    match subject {
        Some(subject) => figures::title(file, subject, id, titles),
        None => Ok(None),
    }
}

/// How many days a trend covers.
const TREND_DAYS: i32 = 30;

/// The last days of each of `rows`, which are identifiers: day by day up to the end of `range`.
///
/// # Errors
/// When the file can't be read.
pub fn trends(
    question: &Question,
    rows: &[Row],
    range: DateRange,
    file: &Transaction<'_>,
) -> Result<Vec<Vec<Figures>>, Error> {
    let zone = &question.site.zone;
    let days = DateRange::ending(range.last, TREND_DAYS);
    let periods = days.periods(Granularity::Day, zone);
    let mut ids = Vec::new();
    for row in rows {
        ids.push(names::find(file, &row.name)?.unwrap_or_default());
    }
    let mut sums = vec![vec![Counters::default(); periods.len()]; rows.len()];
    if let Some(subject) = reading::subject(question, file)? {
        let (from, to) = days.instants(zone);
        let buckets = figures::buckets(file, Granularity::Day, from, to)?;
        for (id, start, counters) in figures::courses(file, subject, &ids, &buckets)? {
            let row = ids.iter().position(|own| *own == id).and_then(|at| sums.get_mut(at));
            let day = periods.partition_point(|period| period.end <= start);
            if let Some(sum) = row.and_then(|row| row.get_mut(day)) {
                *sum += counters;
            }
        }
    }
    Ok(sums.into_iter().map(|row| row.into_iter().map(reading::figures_of).collect()).collect())
}
