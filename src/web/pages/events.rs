//! `GET /events` and `GET /events.csv`: single beacons.

use std::sync::Arc;

use hyper::StatusCode;

use super::{Asked, NoPage, frame};
use crate::{
    app::App,
    config::registry::EventType,
    csv,
    page::{events::EventsPage, link},
    report::{
        self,
        answer::Events,
        question::{Question, ROWS_MAX},
        status,
    },
    web::{
        read,
        respond::{self, Answer},
    },
};

/// How many rows a page has.
const ROWS: u32 = 50;

pub(super) async fn get(app: &App, asked: Asked) -> Result<String, NoPage> {
    let question = Question { limit: ROWS, ..of_kept(&asked.question) };
    let asked = Asked { question, ..asked };
    let question = asked.question.clone();
    let ((events, status), _) = read::answer(app, move |file| {
        Ok((report::events::answer(&question, file)?, status::answer(&question, file)?))
    })
    .await?;
    let kept_types = asked.question.events.iter().filter(|event| event.raw_days > 0);
    let kept_types: Vec<String> = kept_types.map(|event| event.name.clone()).collect();
    let range = events.scope.range;
    let pairs = [
        (link::EVENT, events.scope.event_type.as_str()),
        (link::SEARCH, asked.question.search.as_str()),
    ];
    let csv = asked.way.to_range(link::EVENTS_CSV, range, &pairs);
    let most = ROWS_MAX.to_string();
    let all = [pairs[0], pairs[1], ("limit", most.as_str())];
    let json = asked.way.to_range("/api/v1/reports/events", range, &all);
    let page = EventsPage {
        frame: &frame::of(app, &asked, link::EVENTS, Some(&status)),
        today: asked.today(),
        events: &events,
        kept_types: &kept_types,
        search: &asked.question.search,
        downloads: [&csv, &json],
    };
    Ok(page.render()?)
}

/// The newest of them as CSV, [`ROWS_MAX`] at most.
pub(super) async fn get_csv(app: &App, asked: Asked) -> Result<Answer, NoPage> {
    let question = Question { limit: ROWS_MAX, ..of_kept(&asked.question) };
    let (events, _) =
        read::answer(app, move |file| report::events::answer(&question, file)).await?;
    Ok(respond::with_body(StatusCode::OK, "text/csv; charset=utf-8", as_csv(&events)))
}

fn as_csv(events: &Events) -> String {
    let mut table = csv::Table::new(&[
        "received_at",
        "event_type",
        "identifier",
        "visitor",
        "dimensions",
        "payload",
    ]);
    for event in &events.rows {
        table.row([
            event.received_at.as_str(),
            &events.scope.event_type,
            event.identifier.as_deref().unwrap_or_default(),
            event.visitor.as_deref().unwrap_or_default(),
            &serde_json::Value::Object(event.dimensions.clone()).to_string(),
            &event.payload.to_string(),
        ]);
    }
    table.finish()
}

/// The same about an event type that is kept singly, if the one asked for is not.
fn of_kept(question: &Question) -> Question {
    let is_kept = |event: &&Arc<EventType>| event.raw_days > 0;
    let event = Some(&question.event).filter(is_kept);
    let event = event.or_else(|| question.events.iter().find(is_kept)).unwrap_or(&question.event);
    Question { event: Arc::clone(event), ..question.clone() }
}
