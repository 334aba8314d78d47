//! One month, a point a day: of all pages or of a single one.

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
    slug: "month",
    title: "Month",
    answer: |q, file| Ok(Answer::Series(answer(q, file)?)),
};

/// The month that holds the first date asked for, or this month. It reads about 30 rows.
///
/// # Errors
/// When the file can't be read.
pub fn answer(question: &Question, file: &Transaction<'_>) -> Result<Series, Error> {
    let date = question.range.map_or_else(|| question.today(), |range| range.first);
    let range = DateRange { first: date.first_of_month(), last: date.last_of_month() };
    reading::series(question, range, Interval::Day, file)
}
