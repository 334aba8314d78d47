//! What visitors were wanted to reach: how many did, where they came from, and on which page.

use std::{collections::HashMap, sync::Arc};

use super::{
    answer::{GoalFigures, GoalRow, Goals, Ranking, Row},
    contract::{Answer, Report},
    question::{PAGE_VIEW, Question, ROWS_MAX},
    reading, top,
};
use crate::{
    config::{registry::EventType, wanted::Goal},
    model::{dimension::Dimension, interval::Interval, period::Granularity},
    store::{Error, Transaction, figures::Order},
};

/// How many sources and pages are told of each goal.
const ROWS: u32 = 10;

/// The report.
pub(super) const REPORT: Report =
    Report { slug: "goals", title: "Goals", answer: |q, file| Ok(Answer::Goals(answer(q, file)?)) };

/// The last 30 days, or the range asked for.
///
/// # Errors
/// When the file can't be read.
pub fn answer(question: &Question, file: &Transaction<'_>) -> Result<Goals, Error> {
    let range = question.range_or_last(30);
    let viewed = question.events.iter().find(|event| event.name == PAGE_VIEW);
    let question = Question {
        event: Arc::clone(viewed.unwrap_or(&question.event)),
        range: Some(range),
        identifier: None,
        dimension: None,
        order: Order::Visitors,
        search: String::new(),
        offset: 0,
        limit: ROWS_MAX,
        ..question.clone()
    };
    let mut answer = Goals {
        scope: reading::scope(&question, range),
        visitors: reading::total(&question, &range, file)?.visitors,
        goals: Vec::new(),
    };
    if question.goals.is_empty() {
        return Ok(answer);
    }
    let by_source = Question { dimension: Some(Dimension::Source), ..question.clone() };
    let visited = Visited {
        sources: visitors(top::answer(&by_source, file)?),
        pages: visitors(top::answer(&question, file)?),
    };
    for goal in &question.goals {
        let Some(event) = question.events.iter().find(|event| event.name == goal.event) else {
            continue;
        };
        answer.goals.push(figures(&question, goal, event, &visited, file)?);
    }
    Ok(answer)
}

/// The goals by the visitors who reached them, among all visitors: what a card shows.
///
/// # Errors
/// When the file can't be read.
pub fn ranking(question: &Question, file: &Transaction<'_>) -> Result<Ranking, Error> {
    let range = question.range_or_last(30);
    let mut rows = Vec::new();
    for goal in &question.goals {
        let event = question.events.iter().find(|event| event.name == goal.event);
        let Some(event) = event else { continue };
        let of_goal = Question {
            event: Arc::clone(event),
            identifier: goal.identifier.clone(),
            ..question.clone()
        };
        let figures = reading::total(&of_goal, &range, file)?;
        rows.push(Row { name: goal.name.clone(), label: None, figures });
    }
    rows.sort_by_key(|row| -row.figures.visitors);
    let rows_in_all = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    rows.truncate(usize::try_from(question.limit).unwrap_or(usize::MAX));
    Ok(Ranking {
        scope: reading::scope(question, range),
        dimension: "goal".to_owned(),
        rows,
        rows_in_all,
        total: reading::total(question, &range, file)?,
        not_told: reading::aged(question, &range, file)?,
    })
}

/// Visitors of the site, whether they reached anything or not.
struct Visited {
    sources: HashMap<String, i64>,
    pages: HashMap<String, i64>,
}

fn visitors(ranking: Ranking) -> HashMap<String, i64> {
    ranking.rows.into_iter().map(|row| (row.name, row.figures.visitors)).collect()
}

fn figures(
    question: &Question,
    goal: &Goal,
    event: &Arc<EventType>,
    visited: &Visited,
    file: &Transaction<'_>,
) -> Result<GoalFigures, Error> {
    let identifier = goal.identifier.clone();
    let of_goal =
        Question { event: Arc::clone(event), identifier, limit: ROWS, ..question.clone() };
    let range = question.range_or_last(30);
    let by_day = event.granularities.iter().any(|granularity| *granularity <= Granularity::Day);
    let interval = if by_day { Interval::Day } else { Interval::Year };
    let series = reading::series(&of_goal, range, interval, file)?;
    let total = reading::total(&of_goal, &range, file)?;
    let mut not_told = reading::aged(&of_goal, &range, file)?;
    let mut rows = |dimension: Dimension, visited: Option<&HashMap<String, i64>>| {
        let about = Question { dimension: Some(dimension), ..of_goal.clone() };
        let row = |row: Row| GoalRow {
            visitors: visited.and_then(|visited| visited.get(&row.name).copied()),
            name: row.name,
            conversions: row.figures.count,
            converters: row.figures.visitors,
        };
        let ranking = top::answer(&about, file)?;
        not_told = ranking.not_told.or(not_told.take());
        Ok::<Vec<GoalRow>, Error>(ranking.rows.into_iter().map(row).collect())
    };
    let has = |dimension| match goal.identifier {
        Some(_) => event.pairs.contains(dimension),
        None => event.dimensions.contains(dimension),
    };
    let pages = match [Dimension::Page, Dimension::EntryPage].iter().find(|one| has(one)) {
        Some(Dimension::Page) => rows(Dimension::Page, Some(&visited.pages))?,
        Some(entry) => rows(entry.clone(), None)?,
        None => Vec::new(),
    };
    let sources = rows(Dimension::Source, Some(&visited.sources))?;
    Ok(GoalFigures {
        name: goal.name.clone(),
        event_type: goal.event.clone(),
        identifier: goal.identifier.clone(),
        conversions: total.count,
        converters: total.visitors,
        by_day: series.points.iter().map(|point| point.figures.count).collect(),
        sources,
        pages,
        not_told,
    })
}
