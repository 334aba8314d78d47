//! Figures over time: the last 30 days, or the range asked for.

use super::{
    answer::Series,
    contract::{Answer, Report},
    question::Question,
    reading,
};
use crate::store::{Error, Transaction};

/// The report.
pub(super) const REPORT: Report = Report {
    slug: "trend",
    title: "Trend",
    answer: |q, file| Ok(Answer::Series(answer(q, file)?)),
};

/// One point a bucket.
///
/// # Errors
/// When the file can't be read.
pub fn answer(question: &Question, file: &Transaction<'_>) -> Result<Series, Error> {
    let range = question.range_or_last(30);
    reading::series(question, range, question.interval_for(&range), file)
}
