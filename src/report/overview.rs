//! Dates at a glance, beside those that they are compared with.

use jiff::civil::Date;

use super::{
    answer::{Overview, Series},
    chronicle, compared,
    contract::{Answer, Report},
    dates::Dates,
    narrowed,
    question::Question,
    reading,
};
use crate::{
    model::{dimension::Dimension, period::DateRange},
    store::{Error, Transaction},
};

/// The report.
pub(super) const REPORT: Report = Report {
    slug: "overview",
    title: "Overview",
    answer: |q, file| Ok(Answer::Overview(answer(q, file)?)),
};

/// What is shown where no dates are asked for: the last weeks without today, in which a course would
/// end in a drop.
pub const DEFAULT: Dates = Dates::Days(28);

/// How many rows a card shows.
pub const CARD_ROWS: u32 = 8;

/// The cards, each with what shares its place: dimensions, and identifiers as `None`.
pub const CARDS: [&[Option<Dimension>]; 4] = [
    &[
        Some(Dimension::Source),
        Some(Dimension::Channel),
        Some(Dimension::Referrer),
        Some(Dimension::UtmCampaign),
    ],
    &[None, Some(Dimension::EntryPage), Some(Dimension::ExitPage)],
    &[
        Some(Dimension::Country),
        Some(Dimension::Region),
        Some(Dimension::City),
        Some(Dimension::Language),
    ],
    &[
        Some(Dimension::Device),
        Some(Dimension::Browser),
        Some(Dimension::Os),
        Some(Dimension::Screen),
    ],
];

/// Dates that are asked about, once the file has told where it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// The dates.
    pub range: DateRange,
    /// What they are compared with. What lies before the first beacon is not nothing, but unknown; and
    /// a part of it were no fair comparison.
    pub compared: Option<DateRange>,
    /// The first date that anything was counted on.
    pub earliest: Option<Date>,
}

/// The range asked for; or the last 28 days, or today where nothing was counted before.
///
/// # Errors
/// When the file can't be read.
pub fn settled(question: &Question, file: &Transaction<'_>) -> Result<Settled, Error> {
    let earliest = reading::earliest(question, file)?;
    let today = question.today();
    let first = earliest.unwrap_or(today);
    let range = match (question.dates, question.range) {
        (Some(Dates::All), _) => Dates::All.range(today, first),
        (_, Some(range)) => range,
        (_, None) if first == today => Dates::Today.range(today, first),
        (_, None) => DEFAULT.range(today, first),
    };
    let compared = question.compare.dates(range, today).filter(|dates| dates.first >= first);
    Ok(Settled { range, compared, earliest })
}

/// What is asked, with what it is compared with and what explains it.
///
/// # Errors
/// When the file can't be read.
pub fn answer(question: &Question, file: &Transaction<'_>) -> Result<Overview, Error> {
    let settled = settled(question, file)?;
    let mut overview = if question.filters.is_empty() {
        plain(question, &settled, file)?
    } else {
        narrowed::overview(question, settled.range, file)?
    };
    explain(&mut overview, question, &settled, file)?;
    Ok(overview)
}

/// The courses without filters.
///
/// # Errors
/// When the file can't be read.
pub fn plain(
    question: &Question,
    settled: &Settled,
    file: &Transaction<'_>,
) -> Result<Overview, Error> {
    if let Some(why) = reading::aged(question, &settled.range, file)? {
        return Ok(narrowed::no_overview(question, settled.range, why));
    }
    let interval = question.interval_for(&settled.range);
    let series = reading::series(question, settled.range, interval, file)?;
    let before = match settled.compared {
        Some(dates) => before(question, dates, &series, file)?,
        None => None,
    };
    Ok(Overview::of(series, before))
}

/// Adds to courses what explains them.
///
/// # Errors
/// When the file can't be read.
pub fn explain(
    overview: &mut Overview,
    question: &Question,
    settled: &Settled,
    file: &Transaction<'_>,
) -> Result<(), Error> {
    if settled.compared.is_none() {
        overview.before = None;
    }
    let range = settled.range;
    chronicle::mark_down(&mut overview.series, range, question, file)?;
    let asked = Question { range: Some(range), ..question.clone() };
    overview.annotations = chronicle::annotations(&asked, file)?;
    overview.earliest = settled.earliest;
    Ok(())
}

/// The course over `dates`, added up as far as `series` has come, where that can be told.
fn before(
    question: &Question,
    dates: DateRange,
    series: &Series,
    file: &Transaction<'_>,
) -> Result<Option<Series>, Error> {
    let asked = Question { granularity: Some(series.granularity), ..question.clone() };
    let before = if question.can_have(series.granularity, &dates) {
        Some(reading::series(question, dates, series.granularity, file)?)
    } else {
        compared::plain(&asked, dates, file)?
    };
    let Some(before) = before else { return Ok(None) };
    let read = |question: &Question, dates| compared::plain(question, dates, file);
    compared::as_far_as(series, before, question, &read)
}
