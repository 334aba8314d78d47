//! What was not counted, and why.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::{
    answer::{Filtered, FilteredAgent, FilteredReason},
    contract::{Answer, Report},
    question::Question,
    reading,
};
use crate::{
    model::{
        period::{DateRange, date_at},
        tally::TextId,
    },
    store::{Error, Transaction, names, rejected},
};

/// How many user-agent families are listed.
const AGENTS_MAX: u32 = 20;

/// How many days are covered at most, the last ones of the range asked for.
pub const DAYS_MAX: i32 = 92;

/// The report.
pub(super) const REPORT: Report = Report {
    slug: "filtered",
    title: "Filtered",
    answer: |q, file| Ok(Answer::Filtered(answer(q, file)?)),
};

/// The last 7 days, or the range asked for: what was refused for the site, or for no site at all.
///
/// # Errors
/// When the file can't be read.
pub fn answer(question: &Question, file: &Transaction<'_>) -> Result<Filtered, Error> {
    let asked = question.range_or_last(7);
    let range = DateRange::ending(asked.last, asked.days().min(DAYS_MAX));
    let zone = &question.site.zone;
    let (from, to) = range.instants(zone);
    let site = names::find(file, &question.site.name)?.unwrap_or(TextId::TOTAL);
    let mut by_reason: BTreeMap<&'static str, BTreeMap<Date, i64>> = BTreeMap::new();
    for row in rejected::hours(file, site, from, to)? {
        let days = by_reason.entry(row.reason.as_str()).or_default();
        *days.entry(date_at(row.hour, zone)).or_default() += row.count;
    }
    let reason = |(reason, days): (&'static str, BTreeMap<Date, i64>)| FilteredReason {
        reason,
        count: days.values().sum(),
        by_day: range.dates().map(|date| days.get(&date).copied().unwrap_or(0)).collect(),
    };
    let mut reasons: Vec<FilteredReason> = by_reason.into_iter().map(reason).collect();
    reasons.sort_by_key(|row| std::cmp::Reverse(row.count));
    let agents = rejected::agents(file, site, from, to, AGENTS_MAX)?;
    let agent = |(name, count): (String, i64)| FilteredAgent { name, count };
    Ok(Filtered {
        scope: reading::scope(question, range),
        counted: counted(question, &range, file)?,
        reasons,
        agents: agents.into_iter().map(agent).collect(),
    })
}

/// How many beacons of any declared event type were counted.
fn counted(question: &Question, range: &DateRange, file: &Transaction<'_>) -> Result<i64, Error> {
    let mut counted = 0;
    for event in &question.events {
        let all = Question { event: event.clone(), identifier: None, ..question.clone() };
        counted += reading::total(&all, range, file)?.count;
    }
    Ok(counted)
}
