//! Errors that visitors met, grouped by what they are.

use std::{cmp::Reverse, sync::Arc};

use super::{
    answer::{ErrorGroup, Errors},
    contract::{Answer, Report},
    question::Question,
    reading,
};
use crate::{
    config::registry::IdentifierRule,
    model::{dimension::Dimension, interval::Interval, period::Granularity, tally::TextId},
    store::{
        Error, Transaction,
        errors::{self, Named, State},
        figures::{self, Bucket, Subject},
        names,
    },
};

/// How many groups are read at once: those that were met last.
pub const GROUPS_MAX: u32 = 200;

/// The report.
pub(super) const REPORT: Report = Report {
    slug: "errors",
    title: "Errors",
    answer: |q, file| Ok(Answer::Errors(answer(q, file)?)),
};

/// The same question about errors, if an event type of them is declared.
pub fn about(question: &Question) -> Option<Question> {
    let is_error = |rule: IdentifierRule| rule == IdentifierRule::Fingerprint;
    let asked = Some(&question.event).filter(|event| is_error(event.identifier));
    let event =
        asked.or_else(|| question.events.iter().find(|event| is_error(event.identifier)))?;
    Some(Question { event: Arc::clone(event), ..question.clone() })
}

/// The groups of the last 30 days, or of the range asked for, the most counted first; one group if
/// the question names it.
///
/// # Errors
/// When the file can't be read.
pub fn answer(question: &Question, file: &Transaction<'_>) -> Result<Errors, Error> {
    let asked = about(question);
    let question = asked.as_ref().unwrap_or(question);
    let range = question.range_or_last(30);
    let mut answer =
        Errors { scope: reading::scope(question, range), groups: Vec::new(), more: false };
    let Some((subject, identifier)) = reading::identified(question, file)? else {
        return Ok(answer);
    };
    let (from, to) = range.instants(&question.site.zone);
    let found = if identifier == TextId::TOTAL {
        let search = &question.search;
        errors::groups(file, subject, question.state, from, search, GROUPS_MAX)?
    } else {
        let name = question.identifier.clone().unwrap_or_default();
        let group = errors::group(file, subject, identifier)?;
        group.into_iter().map(|group| Named { identifier, name: name.clone(), group }).collect()
    };
    answer.more = u32::try_from(found.len()).is_ok_and(|found| found >= GROUPS_MAX);
    let days = figures::buckets(file, Granularity::Day, from, to)?;
    for named in found {
        let group = group(question, file, subject, named, &days)?;
        // One that was met only after the range is none of its errors.
        if group.figures.count > 0 || identifier != TextId::TOTAL {
            answer.groups.push(group);
        }
    }
    answer.groups.sort_by_key(|group| (Reverse(group.figures.count), Reverse(group.last_at)));
    Ok(answer)
}

fn group(
    question: &Question,
    file: &Transaction<'_>,
    subject: Subject,
    Named { identifier, name, group }: Named,
    days: &[Bucket],
) -> Result<ErrorGroup, Error> {
    let range = question.range_or_last(30);
    let one = Question { identifier: Some(name.clone()), ..question.clone() };
    let series = reading::series(&one, range, Interval::Day, file)?;
    let distinct = |dimension: &Dimension| -> Result<u64, Error> {
        let Some(id) = names::find(file, &dimension.name())? else { return Ok(0) };
        let values = figures::values(file, subject, identifier, id, days)?;
        Ok(u64::try_from(values.len()).unwrap_or(u64::MAX))
    };
    Ok(ErrorGroup {
        state: group.state,
        returned: group.returned_at.is_some() && group.state == State::Open,
        first_at: group.first_at,
        last_at: group.last_at,
        local: [group.first_at, group.last_at].map(|at| reading::local(question, at)),
        figures: series.total,
        pages: distinct(&Dimension::Page)?,
        browsers: distinct(&Dimension::Browser)?,
        by_day: series.points.iter().map(|point| point.figures.count).collect(),
        name,
    })
}
