//! What happened beside page views: the events that pages sent, each kind of them a row.

use std::sync::Arc;

use super::{
    answer::Figures, overview, overview::Settled, question::Question, reading, top, vitals,
};
use crate::{
    config::registry::{EventType, IdentifierRule},
    ingest::compat::claim::CUSTOM,
    store::{Error, Transaction, figures::Order},
};

/// How many of the events that pages call by names of their own are told.
const NAMES: u32 = 8;

/// What pages measure by themselves; it has places of its own.
const MEASURED: [&str; 2] = ["engagement", vitals::VITALS];

/// Events of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happening {
    /// The event type.
    pub event_type: String,
    /// The name of its own, of events that have one.
    pub identifier: Option<String>,
    /// How many there were.
    pub figures: Figures,
    /// How many there were in what is compared with, if that is known.
    pub before: Option<i64>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Happened {
    /// Each kind that there was any of, most visitors first.
    pub kinds: Vec<Happening>,
    /// How many different names of their own there are in all.
    pub names_in_all: u64,
}

/// What happened in the dates of `settled`; for `shared`, only what pages call by names of their own.
///
/// # Errors
/// When the file can't be read.
pub fn answer(
    question: &Question,
    settled: &Settled,
    shared: bool,
    file: &Transaction<'_>,
) -> Result<Happened, Error> {
    let mut happened = Happened::default();
    for event in question.events.iter().filter(|event| is_told(event)) {
        let of = Question {
            event: Arc::clone(event),
            identifier: None,
            dimension: None,
            range: Some(settled.range),
            order: Order::Visitors,
            limit: NAMES,
            ..question.clone()
        };
        // Most of what is declared was never sent.
        if (shared && event.name != CUSTOM) || reading::subject(&of, file)?.is_none() {
            continue;
        }
        if event.name != CUSTOM {
            happened.kinds.extend(happening(of, settled, file)?);
            continue;
        }
        let names = top::answer(&of, file)?;
        happened.names_in_all = names.rows_in_all;
        for name in names.rows {
            let of = Question { identifier: Some(name.name), ..of.clone() };
            happened.kinds.extend(happening(of, settled, file)?);
        }
    }
    happened.kinds.sort_by_key(|kind| (-kind.figures.visitors, -kind.figures.count));
    Ok(happened)
}

/// Page views are told by the rest of the overview, errors by a card of their own.
fn is_told(event: &EventType) -> bool {
    !event.visits
        && event.identifier != IdentifierRule::Fingerprint
        && !MEASURED.contains(&event.name.as_str())
}

fn happening(
    of: Question,
    settled: &Settled,
    file: &Transaction<'_>,
) -> Result<Option<Happening>, Error> {
    if reading::total(&of, &settled.range, file)?.count == 0 {
        return Ok(None);
    }
    let told = overview::plain(&of, settled, file)?;
    Ok(Some(Happening {
        event_type: of.event.name.clone(),
        identifier: of.identifier,
        figures: told.series.total,
        before: told.before.map(|before| before.total.count),
    }))
}
