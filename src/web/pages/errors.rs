//! `GET /errors`: errors by what they are, or everything about one. `POST /errors`: what is decided.

use hyper::StatusCode;
use serde_json::json;
use tracing::error;

use super::{Asked, NoPage, frame, top};
use crate::{
    app::App,
    clock,
    page::{card::Card, errors::ErrorsPage, link, metric::Metric, one_error::OneErrorPage},
    report::{
        self,
        answer::{Errors, Event, Series},
        question::Question,
        status::{self, Status},
    },
    store::{
        self, Transaction,
        errors::{self, State},
        figures::{Order, Subject},
        names,
    },
    web::{
        self, access, read,
        respond::{self, Answer},
    },
    writer::Affects,
};

/// How many single errors the page about one shows.
const SAMPLES: u32 = 10;

/// How many rows a card shows.
const ROWS: u32 = 8;

/// What the page about one error shows.
struct One {
    errors: Errors,
    series: Series,
    cards: Vec<Card>,
    samples: Vec<Event>,
}

pub(super) async fn get(app: &App, asked: Asked) -> Result<String, NoPage> {
    let question = report::errors::about(&asked.question).unwrap_or(asked.question.clone());
    let asked = Asked { question, ..asked };
    if asked.question.identifier.is_some() {
        return get_one(app, asked).await;
    }
    let question = asked.question.clone();
    let ((errors, status), _) = read::answer(app, move |file| {
        Ok((report::errors::answer(&question, file)?, status::answer(&question, file)?))
    })
    .await?;
    let page = ErrorsPage {
        frame: &frame::of(app, &asked, link::ERRORS, Some(&status)),
        today: asked.today(),
        errors: &errors,
        state: asked.question.state,
        search: &asked.question.search,
        snippet: &web::errors_snippet(&asked.base_url),
    };
    Ok(page.render()?)
}

async fn get_one(app: &App, asked: Asked) -> Result<String, NoPage> {
    let ((one, status), _): ((One, Status), _) = {
        let asked = asked.clone();
        read::answer(app, move |file| {
            Ok((one(&asked, file)?, status::answer(&asked.question, file)?))
        })
        .await?
    };
    let Some(group) = one.errors.groups.first() else { return Err(NoPage::Missing) };
    let page = OneErrorPage {
        frame: &frame::of(app, &asked, link::ERRORS, Some(&status)),
        today: asked.today(),
        group,
        series: &one.series,
        cards: &one.cards,
        samples: &one.samples,
    };
    Ok(page.render()?)
}

fn one(asked: &Asked, file: &Transaction<'_>) -> Result<One, store::Error> {
    let question = &asked.question;
    let range = question.range_or_last(30);
    let question =
        Question { range: Some(range), limit: ROWS, order: Order::Count, ..question.clone() };
    let mut cards = Vec::new();
    for dimension in &question.event.pairs {
        let about = Question { dimension: Some(dimension.clone()), ..question.clone() };
        let asked = Asked { question: about, metric: Metric::Count, ..asked.clone() };
        cards.push(top::card(&asked, Vec::new(), file)?);
    }
    let samples = Question { limit: SAMPLES, ..question.clone() };
    Ok(One {
        errors: report::errors::answer(&question, file)?,
        series: report::trend::answer(&question, file)?,
        samples: report::events::answer(&samples, file)?.rows,
        cards,
    })
}

/// A decision about one error, from the form on its page or from a program.
pub(in crate::web) async fn post(app: &App, form: &[u8]) -> Answer {
    match decide(app, form).await {
        Ok(back) => respond::see_other(&back),
        Err((status, sentence)) => respond::json(status, &json!({ "error": sentence })),
    }
}

async fn decide(app: &App, form: &[u8]) -> Result<String, (StatusCode, String)> {
    let wrong = |sentence: &str| (StatusCode::BAD_REQUEST, sentence.to_owned());
    let field = |name: &str| access::field(form, name);
    let state = field("state").and_then(|word| State::from_word(&word));
    let state = state.ok_or_else(|| wrong("state is none of open, resolved, muted"))?;
    let identifier = field("identifier").ok_or_else(|| wrong("identifier is missing"))?;
    let event_type = field("event_type").unwrap_or_else(|| "error".to_owned());
    let registry = app.registry.get();
    let site = match field("site").filter(|site| !site.is_empty()) {
        Some(name) => registry.site(&name).ok_or_else(|| wrong("there is no such site"))?,
        None => registry.sites.first().ok_or_else(|| wrong("no site is declared"))?,
    };
    let (site, now) = (site.name.clone(), clock::now());
    let names = (site.clone(), event_type.clone(), identifier.clone());
    let change = move |file: &Transaction<'_>| {
        let (site, event_type, identifier) = names;
        let [site, event_type, identifier] = [
            names::find(file, &site)?,
            names::find(file, &event_type)?,
            names::find(file, &identifier)?,
        ];
        let (Some(site), Some(event_type), Some(identifier)) = (site, event_type, identifier)
        else {
            return Ok(false);
        };
        errors::decide(file, Subject { site, event_type }, identifier, state, now)
    };
    match app.writer.change(Affects::Nothing, change).await {
        Ok(true) => {
            let site = (registry.sites.len() > 1).then_some(site);
            let root = registry.server.root().to_owned();
            let way = link::Way { root, site, ..link::Way::default() };
            let event = link::event_value(&event_type);
            Ok(way.to(link::ERRORS, &[(link::EVENT, event), (link::IDENTIFIER, &identifier)]))
        }
        Ok(false) => Err((StatusCode::NOT_FOUND, "there is no such error".to_owned())),
        Err(cause) => {
            error!(%cause, "a decision about an error could not be stored");
            let sentence = "the decision could not be stored; try again later".to_owned();
            Err((StatusCode::SERVICE_UNAVAILABLE, sentence))
        }
    }
}
