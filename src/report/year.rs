//! Twelve months, a point a month: of all pages or of a single one.

use jiff::ToSpan as _;

use super::{
    answer::Series,
    contract::{Answer, Report},
    question::Question,
    reading,
};
use crate::{
    model::{interval::Interval, period::DateRange},
    store::{Error, Transaction},
};

/// The report.
pub(super) const REPORT: Report = Report {
    slug: "year",
    title: "12 months",
    answer: |q, file| Ok(Answer::Series(answer(q, file)?)),
};

/// The twelve months that end with the last date asked for, or with this month. It reads 12 rows.
///
/// # Errors
/// When the file can't be read.
pub fn answer(question: &Question, file: &Transaction<'_>) -> Result<Series, Error> {
    let date = question.range.map_or_else(|| question.today(), |range| range.last);
    let first = date.first_of_month().saturating_sub(11.months());
    let range = DateRange { first, last: date.last_of_month() };
    reading::series(question, range, Interval::Month, file)
}
