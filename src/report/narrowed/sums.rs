//! Reading the sums that are kept: of a page, of a value, and of the pairs of both.

use super::Course;
use crate::{
    model::{
        dimension::Dimension,
        period::DateRange,
        tally::{Counters, TextId},
    },
    report::{question::Question, reading},
    store::{
        Error, Transaction,
        figures::{self, Bucket, Subject, Sums},
        names, narrowed,
    },
};

/// What is asked about: a page or all, and a value of a dimension or none.
struct Pair {
    subject: Subject,
    identifier: TextId,
    split: Option<(TextId, TextId)>,
}

/// Adds to `course` what the sums tell, and gives the sums of each of `wanted`, empty where none are
/// kept.
pub(super) fn count(
    question: &Question,
    range: DateRange,
    wanted: &[Option<Dimension>],
    course: &mut Course,
    file: &Transaction<'_>,
) -> Result<Vec<Sums>, Error> {
    let nothing = || wanted.iter().map(|_| Sums::new()).collect();
    let Some(pair) = read(question, file)? else { return Ok(nothing()) };
    let buckets = reading::buckets_up_to(course.interval.granularity(), question, &range, file)?;
    let mut total = Counters::default();
    for (start, counters) in pair.series(file, &buckets)? {
        course.add(start, counters);
        total += counters;
    }
    let tiles = reading::buckets(question, &range, file)?;
    let mut rankings = Vec::new();
    for dimension in wanted {
        rankings.push(pair.ranks(question, dimension.as_ref(), &tiles, total, file)?);
    }
    Ok(rankings)
}

fn read(question: &Question, file: &Transaction<'_>) -> Result<Option<Pair>, Error> {
    let Some(subject) = reading::subject(question, file)? else { return Ok(None) };
    let mut pair = Pair { subject, identifier: TextId::TOTAL, split: None };
    for filter in &question.filters {
        let Some(value) = names::find(file, &filter.value)? else { return Ok(None) };
        match &filter.dimension {
            None => pair.identifier = value,
            Some(dimension) => {
                let Some(dimension) = names::find(file, &dimension.name())? else {
                    return Ok(None);
                };
                pair.split = Some((dimension, value));
            }
        }
    }
    Ok(Some(pair))
}

impl Pair {
    fn series(
        &self,
        file: &Transaction<'_>,
        buckets: &[Bucket],
    ) -> Result<Vec<(i64, Counters)>, Error> {
        match self.split {
            None => figures::series(file, self.subject, self.identifier, buckets),
            Some(split) => {
                narrowed::value_series(file, self.subject, self.identifier, split, buckets)
            }
        }
    }

    fn ranks(
        &self,
        question: &Question,
        dimension: Option<&Dimension>,
        tiles: &[Bucket],
        total: Counters,
        file: &Transaction<'_>,
    ) -> Result<Sums, Error> {
        // What is filtered by has one row: its own.
        let asked = question.filters.iter().find(|it| it.dimension.as_ref() == dimension);
        if let Some(filter) = asked {
            let id = names::find(file, &filter.value)?;
            return Ok(id.map(|id| (id, total)).into_iter().collect());
        }
        match (dimension, self.split) {
            (None, Some(split)) => narrowed::identifiers_with(file, self.subject, split, tiles),
            (Some(dimension), None) => match names::find(file, &dimension.name())? {
                Some(id) => figures::values(file, self.subject, self.identifier, id, tiles),
                None => Ok(Sums::new()),
            },
            _ => Ok(Sums::new()),
        }
    }
}
