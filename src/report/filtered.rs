//! What was not counted, and why.

use super::{
    answer::{Filtered, FilteredRow},
    contract::{Answer, Report},
    question::Question,
    reading,
};
use crate::{
    model::tally::TextId,
    store::{Error, Transaction, figures, names},
};

/// How many user-agent families are listed.
const AGENTS_MAX: u32 = 20;

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
    let range = question.range_or_last(7);
    let (from, to) = range.instants(&question.site.zone);
    let site = names::find(file, &question.site.name)?.unwrap_or(TextId::TOTAL);
    let reasons = figures::rejected(file, site, from, to)?;
    let agents = figures::rejected_agents(file, site, from, to, AGENTS_MAX)?;
    let row = |(name, count): (String, i64)| FilteredRow { name, count };
    Ok(Filtered {
        scope: reading::scope(question, range),
        reasons: reasons
            .into_iter()
            .map(|(reason, count)| row((reason.as_str().to_owned(), count)))
            .collect(),
        agents: agents.into_iter().map(row).collect(),
    })
}
