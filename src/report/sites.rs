//! Every site at a glance: today, the last weeks, and those before.

use std::sync::Arc;

use super::{dates::Dates, overview, question::Question, reading};
use crate::{
    config::registry::Site,
    model::interval::Interval,
    store::{Error, Transaction, alerts},
};

/// How many sites are shown.
pub const SITES_MAX: usize = 100;

/// A site at a glance. Visitors are counted by the day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    /// Its name.
    pub site: String,
    /// Visitors of today, so far.
    pub today: i64,
    /// Visitors of each of the last 28 days, without today.
    pub course: Vec<i64>,
    /// Visitors of the 28 days before these, if it was counted then.
    pub before: Option<i64>,
    /// How many alerts last.
    pub alerts: usize,
}

/// Each of `sites`, at most [`SITES_MAX`] of them, as `question` asks, but for its site.
///
/// # Errors
/// When the file can't be read.
pub fn answer(
    question: &Question,
    sites: &[Arc<Site>],
    file: &Transaction<'_>,
) -> Result<Vec<Glance>, Error> {
    let open = alerts::open(file)?;
    let mut glances = Vec::new();
    for site in sites.iter().take(SITES_MAX) {
        let of = Question { site: Arc::clone(site), identifier: None, ..question.clone() };
        let today = of.today();
        let weeks = overview::DEFAULT.range(today, today);
        let course = reading::series(&of, weeks, Interval::Day, file)?;
        let earliest = reading::earliest(&of, file)?;
        let is_known = earliest.is_some_and(|earliest| weeks.before().first >= earliest);
        let before = match is_known {
            true => Some(reading::total(&of, &weeks.before(), file)?.visitors),
            false => None,
        };
        glances.push(Glance {
            site: site.name.clone(),
            today: reading::total(&of, &Dates::Today.range(today, today), file)?.visitors,
            course: course.points.iter().map(|point| point.figures.visitors).collect(),
            before,
            alerts: open.iter().filter(|incident| incident.notice.site == site.name).count(),
        });
    }
    Ok(glances)
}
