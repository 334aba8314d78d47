//! A period at a glance, beside the one before.

use super::{
    answer::Overview,
    contract::{Answer, Report},
    narrowed,
    question::Question,
    reading,
};
use crate::store::{Error, Transaction};

/// The report.
pub(super) const REPORT: Report = Report {
    slug: "overview",
    title: "Overview",
    answer: |q, file| Ok(Answer::Overview(answer(q, file)?)),
};

/// The last 30 days, or the range asked for.
///
/// # Errors
/// When the file can't be read.
pub fn answer(question: &Question, file: &Transaction<'_>) -> Result<Overview, Error> {
    let range = question.range_or_last(30);
    if !question.filters.is_empty() {
        return narrowed::overview(question, range, file);
    }
    let granularity = question.granularity_for(&range);
    let series = reading::series(question, range, granularity, file)?;
    let before = reading::series(question, range.before(), granularity, file)?;
    Ok(Overview { series, before: Some(before), not_told: None })
}
