//! `GET /`: a site at a glance.

use std::sync::Arc;

use super::{Asked, NoPage, frame, top};
use crate::{
    app::App,
    ingest::compat::claim::CUSTOM,
    model::dimension::Dimension,
    page::{
        card::Card,
        dashboard::{DashboardPage, FirstRun},
        link,
    },
    report::{
        self,
        answer::Overview,
        question::Question,
        status::{self, Status},
    },
    store::{self, Transaction},
    web::{self, read},
};

/// How many alerts are told at most.
const ALERTS: usize = 5;

/// How many rows a card shows.
const ROWS: u32 = 8;

/// The cards after the first, each a dimension with those that share its place.
const CARDS: [&[Dimension]; 6] = [
    &[
        Dimension::Source,
        Dimension::Channel,
        Dimension::Referrer,
        Dimension::UtmSource,
        Dimension::UtmCampaign,
    ],
    &[Dimension::Country, Dimension::Language],
    &[Dimension::EntryPage, Dimension::ExitPage],
    &[Dimension::Device, Dimension::Screen],
    &[Dimension::Browser, Dimension::BrowserVersion],
    &[Dimension::Os, Dimension::OsVersion],
];

struct Read {
    overview: Overview,
    cards: Vec<Card>,
    alerts: Vec<(String, String)>,
    status: Status,
}

pub(super) async fn get(app: &App, asked: Asked) -> Result<String, NoPage> {
    let (read, live) = {
        let asked = asked.clone();
        read::answer(app, move |file| everything(&asked, file)).await?
    };
    let question = &asked.question;
    let frame = frame::of(app, &asked, link::OVERVIEW, Some(&read.status));
    let visitors_now = live.present.get(&question.site.name).copied();
    let (snippet, curl) = (
        web::snippet(&asked.base_url, question.site.script.as_deref()),
        web::curl(&asked.base_url),
    );
    let registry = app.registry.get();
    let undeclared = app.metrics.undeclared_site.get(|name| registry.site_called(name).is_none());
    let is_first = !read.status.has_counted && question.event.visits;
    let page = DashboardPage {
        frame: &frame,
        today: asked.today(),
        visitors_now: visitors_now.and_then(|count| i64::try_from(count).ok()),
        series: &read.overview.series,
        before: read.overview.before.as_ref(),
        metric: asked.metric,
        cards: &read.cards,
        undeclared: undeclared.as_deref(),
        alerts: &read.alerts,
        first_run: is_first.then_some(FirstRun { snippet: &snippet, curl: &curl }),
    };
    Ok(page.render()?)
}

fn everything(asked: &Asked, file: &Transaction<'_>) -> Result<Read, store::Error> {
    let overview = report::overview::answer(&asked.question, file)?;
    let question = Question {
        range: Some(overview.series.scope.range),
        limit: ROWS,
        dimension: None,
        ..asked.question.clone()
    };
    let own = Asked { question, ..asked.clone() };
    let mut cards = vec![top::card(&own, Vec::new(), file)?];
    for dimensions in CARDS {
        let declared = dimensions.iter().filter(|one| own.question.event.dimensions.contains(one));
        let declared: Vec<&Dimension> = declared.collect();
        let Some(first) = declared.first() else { continue };
        let tabs = top::tabs(asked, &declared, first, own.question.range);
        cards.push(top::card(&own.about(Some((*first).clone())), tabs, file)?);
    }
    cards.extend(events(&own, file)?);
    let status = status::answer(&own.question, file)?;
    Ok(Read { overview, cards, alerts: alerts(&own.question, file)?, status })
}

/// What alerts tell of the site now.
fn alerts(
    question: &Question,
    file: &Transaction<'_>,
) -> Result<Vec<(String, String)>, store::Error> {
    let open = store::alerts::open(file)?.into_iter().map(|incident| incident.notice);
    let own = open.filter(|notice| notice.site.is_empty() || notice.site == question.site.name);
    Ok(own.map(|notice| (notice.alert, notice.what)).take(ALERTS).collect())
}

/// The events that pages call by names of their own, if there are any.
fn events(asked: &Asked, file: &Transaction<'_>) -> Result<Option<Card>, store::Error> {
    let custom = asked.question.events.iter().find(|event| event.name == CUSTOM);
    let Some(event) = custom.filter(|_| asked.question.event.visits) else { return Ok(None) };
    let question = Question { event: Arc::clone(event), ..asked.question.clone() };
    let card = top::card(&Asked { question, ..asked.clone() }, Vec::new(), file)?;
    Ok((!card.ranking.rows.is_empty()).then_some(card))
}
