//! Beacons that are kept singly: each with what it was counted as and what else it told.

use serde_json::{Map, Value};

use super::{
    answer::{Event, Events},
    contract::{Answer, Report},
    question::Question,
    reading,
};
use crate::{
    model::{period, tally::TextId},
    store::{
        Error, Transaction,
        events::{self, Found, Wanted},
    },
};

/// The report.
pub(super) const REPORT: Report = Report {
    slug: "events",
    title: "Single events",
    answer: |q, file| Ok(Answer::Events(answer(q, file)?)),
};

/// The last 30 days, or the range asked for, the newest first.
///
/// # Errors
/// When the file can't be read.
pub fn answer(question: &Question, file: &Transaction<'_>) -> Result<Events, Error> {
    let range = question.range_or_last(30);
    let mut answer = Events {
        scope: reading::scope(question, range),
        kept_days: question.event.raw_days,
        counted: reading::total(question, &range, file)?.count,
        kept: 0,
        rows: Vec::new(),
        next_before: None,
    };
    let Some((subject, identifier)) = reading::identified(question, file)? else {
        return Ok(answer);
    };
    let (from, to) = range.instants(&question.site.zone);
    let wanted = Wanted {
        site: subject.site,
        event_type: subject.event_type,
        from,
        to,
        identifier: (identifier != TextId::TOTAL).then_some(identifier),
        search: &question.search,
        before: question.before,
        limit: question.limit,
    };
    answer.kept = events::count(file, &wanted)?;
    let found = events::find(file, &wanted)?;
    let is_full = u32::try_from(found.len()).is_ok_and(|length| length >= question.limit);
    answer.next_before = found.last().filter(|_| is_full).map(|last| last.id);
    answer.rows = found.into_iter().map(|found| event(question, found)).collect();
    Ok(answer)
}

fn event(question: &Question, found: Found) -> Event {
    let at = period::timestamp(found.received_at.div_euclid(1000));
    let milliseconds = found.received_at.rem_euclid(1000);
    let utc = at.strftime("%Y-%m-%dT%H:%M:%S");
    // What can't be read as JSON is shown as it stands.
    let payload = found.payload.map_or(Value::Object(Map::new()), |text| {
        serde_json::from_str(&text).unwrap_or(Value::String(text))
    });
    let values = found.values.into_iter();
    Event {
        id: found.id,
        received_at: format!("{utc}.{milliseconds:03}Z"),
        local: reading::local(question, found.received_at.div_euclid(1000)),
        identifier: found.identifier,
        visitor: found.visitor.map(|visitor| format!("{visitor:016x}")),
        dimensions: values.map(|(name, value)| (name.to_owned(), value.into())).collect(),
        payload,
    }
}
