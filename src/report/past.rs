//! Rankings of days that are over, remembered: they read the same until somebody changes the past.
//!
//! The days of a month hold every page of each day, so that the pages of a month take long to rank;
//! and a dashboard is looked at far more often than its past changes.

use quick_cache::sync::Cache;

use super::{answer::Ranking, dates::Dates, overview, question::Question, top};
use crate::{
    model::{dimension::Dimension, period::DateRange},
    store::{Error, Transaction, figures::Order},
};

/// How many rankings are remembered.
const REMEMBERED_MAX: usize = 512;

/// A title that has changed shows after so many seconds at most.
const FRESH_SECONDS: i64 = 3_600;

/// What a ranking is of, and what was known when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    site: String,
    event_type: String,
    dimension: Option<Dimension>,
    order: Order,
    range: DateRange,
    limit: u32,
    past_changes: u64,
    hour: i64,
}

/// The rankings.
#[derive(Debug)]
pub struct Past(Cache<Key, Ranking>);

impl Default for Past {
    fn default() -> Self {
        Self(Cache::new(REMEMBERED_MAX))
    }
}

impl Past {
    /// The ranking that `question` asks for; remembered, if its days are over and `past_changes` (how
    /// often the past was changed before `file` was looked at) is what it was.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn ranking(
        &self,
        question: &Question,
        past_changes: Option<u64>,
        file: &Transaction<'_>,
    ) -> Result<Ranking, Error> {
        let Some(key) = past_changes.and_then(|changes| key(question, changes)) else {
            return top::answer(question, file);
        };
        self.0.get_or_insert_with(&key, || top::answer(question, file))
    }
}

/// Which dates people look at every day, beside those that stand for themselves.
const LOOKED_AT: [Dates; 3] = [overview::DEFAULT, Dates::Days(7), Dates::Days(30)];

/// The rankings with which the overview of a site begins, of the dates that people look at every day:
/// read and remembered unless they are, so that nobody waits for them.
///
/// # Errors
/// When the file can't be read.
pub fn remember(
    past: &Past,
    question: &Question,
    past_changes: Option<u64>,
    file: &Transaction<'_>,
) -> Result<(), Error> {
    let today = question.today();
    let wanted = LOOKED_AT.iter().flat_map(|dates| {
        let range = dates.range(today, today);
        overview::CARDS.iter().map(move |card| (range, card))
    });
    for (range, card) in wanted {
        let dimensions = &question.event.dimensions;
        let first = card.iter().find(|one| one.as_ref().is_none_or(|it| dimensions.contains(it)));
        let Some(dimension) = first else { continue };
        let order = top::order_of(&question.event, dimension.as_ref(), Order::Visitors);
        let ranked = Question {
            dimension: dimension.clone(),
            order,
            range: Some(range),
            limit: overview::CARD_ROWS,
            ..question.clone()
        };
        past.ranking(&ranked, past_changes, file)?;
    }
    Ok(())
}

/// The key of what is asked, if it can be remembered.
fn key(question: &Question, past_changes: u64) -> Option<Key> {
    let range = question.range.filter(|range| range.last < question.today())?;
    let is_plain = question.filters.is_empty()
        && question.search.is_empty()
        && question.identifier.is_none()
        && question.offset == 0;
    is_plain.then(|| Key {
        site: question.site.name.clone(),
        event_type: question.event.name.clone(),
        dimension: question.dimension.clone(),
        order: question.order,
        range,
        limit: question.limit,
        past_changes,
        hour: question.now.div_euclid(FRESH_SECONDS),
    })
}
