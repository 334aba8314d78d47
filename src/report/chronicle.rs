//! What explains a course: what was said about its moments, and when the server was down.

use super::{answer::Series, question::Question};
use crate::{
    model::period::DateRange,
    store::{
        Error, Transaction,
        chronicle::{self, Annotation},
    },
};

/// What is said about the dates asked for, or about all.
///
/// # Errors
/// When the file can't be read.
pub fn annotations(question: &Question, file: &Transaction<'_>) -> Result<Vec<Annotation>, Error> {
    let (from, to) = match &question.range {
        Some(range) => range.instants(&question.site.zone),
        None => (0, i64::MAX),
    };
    chronicle::annotations(file, &question.site.name, from, to)
}

/// Tells each point for how long the server was down in it.
///
/// # Errors
/// When the file can't be read.
pub(super) fn mark_down(
    series: &mut Series,
    range: DateRange,
    question: &Question,
    file: &Transaction<'_>,
) -> Result<(), Error> {
    let (from, to) = range.instants(&question.site.zone);
    let gaps = chronicle::gaps(file, from, to, question.now)?;
    for point in &mut series.points {
        let within =
            |(last, next): &(i64, i64)| (*next.min(&point.end) - *last.max(&point.start)).max(0);
        point.down_seconds = gaps.iter().map(within).sum();
    }
    Ok(())
}
