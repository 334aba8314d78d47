//! The pages: a question is read from the address, answered in one snapshot, and drawn.

mod account;
mod alerts;
mod doctor;
mod entry;
mod errors;
mod events;
mod filters;
mod frame;
mod goals;
mod live;
mod month;
mod one;
mod other;
mod overview;
mod setup;
mod sites;
mod storage;
mod top;
mod vitals;

use std::borrow::Cow;

use hyper::{Request, StatusCode, body::Incoming, header, http::uri::Authority};
use serde_json::json;
use tracing::error;
use url::form_urlencoded;

use super::{
    read::Unanswered,
    respond::{self, Answer},
};
use crate::{
    app::App,
    auth::accounts::Visitor,
    clock,
    config::registry::Server,
    ingest::compat::claim::CUSTOM,
    model::dimension::Dimension,
    page::{
        self,
        address::Address,
        date::Today,
        embed::EmbedPage,
        error::ErrorPage,
        link::{self, Way},
        metric::Metric,
    },
    report::{
        self,
        answer::Series,
        question::{Question, Wrong},
    },
    store::figures::Order,
};

/// A page of the dashboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    Overview,
    Top,
    One,
    Source,
    Event,
    Month,
    Year,
    Events,
    EventsCsv,
    Errors,
    Vitals,
    Goals,
    Alerts,
    Sites,
    Live,
    Storage,
    Filtered,
    Privacy,
    Setup,
    Doctor,
}

impl Page {
    /// Every page with its path.
    pub(super) const ALL: [(Self, &'static str); 20] = [
        (Self::Overview, link::OVERVIEW),
        (Self::Top, link::TOP),
        (Self::One, link::PAGE),
        (Self::Source, link::SOURCE),
        (Self::Event, link::EVENT_PAGE),
        (Self::Month, link::MONTH),
        (Self::Year, link::YEAR),
        (Self::Events, link::EVENTS),
        (Self::EventsCsv, link::EVENTS_CSV),
        (Self::Errors, link::ERRORS),
        (Self::Vitals, link::VITALS),
        (Self::Goals, link::GOALS),
        (Self::Alerts, link::ALERTS),
        (Self::Sites, link::SITES),
        (Self::Live, link::LIVE),
        (Self::Storage, link::STORAGE),
        (Self::Filtered, link::FILTERED),
        (Self::Privacy, link::PRIVACY),
        (Self::Setup, link::SETUP),
        (Self::Doctor, link::DOCTOR),
    ];
}

/// The pages that others may see, and their paths behind a door.
const SHARED: [(Page, &str); 7] = [
    (Page::Overview, link::OVERVIEW),
    (Page::Top, link::TOP),
    (Page::One, link::PAGE),
    (Page::Source, link::SOURCE),
    (Page::Event, link::EVENT_PAGE),
    (Page::Month, link::MONTH),
    (Page::Year, link::YEAR),
];

/// Behind what others see a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Door {
    /// What the paths of its pages begin with: `/public/example.com`.
    pub(super) root: String,
    /// The site.
    pub(super) site: String,
}

/// What the address of a page asks.
#[derive(Debug, Clone)]
struct Asked {
    question: Question,
    metric: Metric,
    /// The rankings that take the place of the first ones of their cards.
    cards: Vec<Dimension>,
    /// Whether countries are shown as a map.
    is_map: bool,
    /// Whether somebody sees it with whom the site is shared.
    shared: bool,
    /// Who sees it.
    visitor: Visitor,
    /// What links to other pages about the same site begin with.
    way: Way,
    /// The address that the browser sees, without a slash at its end.
    base_url: String,
}

/// Why there is no page.
#[derive(Debug)]
enum NoPage {
    Wrong(Wrong),
    /// What the address names is not there.
    Missing,
    Unanswered,
    Undrawn(page::Error),
}

/// What is said of a wrong address to somebody who came through `door`: to others not which event types there
/// are.
fn told_to(door: Option<&Door>, wrong: Wrong) -> Wrong {
    if door.is_some() && wrong.parameter == "event_type" {
        return Wrong { why: "is no event type".to_owned(), ..wrong };
    }
    wrong
}

impl From<Unanswered> for NoPage {
    fn from(Unanswered: Unanswered) -> Self {
        Self::Unanswered
    }
}

impl From<page::Error> for NoPage {
    fn from(error: page::Error) -> Self {
        Self::Undrawn(error)
    }
}

/// The page that `request` asks for.
pub(super) async fn get(app: &App, page: Page, request: &Request<Incoming>) -> Answer {
    get_through(app, page, request, None).await
}

/// The page at `rest` that `request` asks for, of the one site behind `door`.
pub(super) async fn get_shared(
    app: &App,
    rest: &str,
    request: &Request<Incoming>,
    door: Door,
) -> Answer {
    let mut shared = SHARED.into_iter();
    match shared.find(|(_, path)| path.trim_start_matches('/') == rest) {
        Some((page, _)) => get_through(app, page, request, Some(&door)).await,
        None => not_shared(app),
    }
}

async fn get_through(
    app: &App,
    page: Page,
    request: &Request<Incoming>,
    door: Option<&Door>,
) -> Answer {
    let asked = Asked::read(app, request, door).and_then(|asked| asked.checked(page));
    let drawn = match asked.map_err(|wrong| told_to(door, wrong)) {
        Ok(asked) => match page {
            // With several sites, the bare address is about all of them.
            Page::Overview if door.is_none() && is_about_all(app, request) => {
                sites::get(app, asked).await
            }
            Page::Overview => overview::get(app, asked).await,
            Page::Top => top::get(app, asked).await,
            Page::One => one::get_page(app, asked).await,
            Page::Source => one::get_source(app, asked).await,
            Page::Event => one::get_event(app, asked).await,
            Page::Month => month::get_month(app, asked).await,
            Page::Year => month::get_year(app, asked).await,
            Page::Events => events::get(app, asked).await,
            Page::EventsCsv => {
                return events::get_csv(app, asked)
                    .await
                    .unwrap_or_else(|no_page| instead(app, no_page));
            }
            Page::Errors => errors::get(app, asked).await,
            Page::Vitals => vitals::get(app, asked).await,
            Page::Goals => goals::get(app, asked).await,
            Page::Alerts => alerts::get(app, asked).await,
            Page::Sites => sites::get(app, asked).await,
            Page::Live => live::get(app, asked).await,
            Page::Storage => storage::get(app, asked).await,
            Page::Filtered => other::get_filtered(app, asked).await,
            Page::Privacy => other::get_privacy(app, &asked),
            Page::Setup => setup::get(app, &asked),
            Page::Doctor => doctor::get(app, asked).await,
        },
        Err(wrong) => Err(NoPage::Wrong(wrong)),
    };
    drawn.map_or_else(|no_page| instead(app, no_page), |html| respond::page(StatusCode::OK, html))
}

pub(super) use self::{
    account::{Said, account},
    entry::{ClaimWords, SignInWords, claim, closed, failed, sentence, sign_in, unlock},
    errors::post as post_error,
    live::facts as live_facts,
};

/// Whether the address asks for no single site, nor for anything of one.
fn is_about_all(app: &App, request: &Request<Incoming>) -> bool {
    request.uri().query().unwrap_or_default().is_empty() && app.registry.get().sites.len() > 1
}

/// What the privacy page of a site says, as JSON.
pub(super) fn get_privacy_facts(app: &App, request: &Request<Incoming>) -> Answer {
    match Asked::read(app, request, None) {
        Ok(asked) => {
            let facts = other::facts(app, &asked.question.site);
            respond::json(StatusCode::OK, &facts)
        }
        Err(wrong) => {
            respond::json(StatusCode::BAD_REQUEST, &json!({ "error": wrong.to_string() }))
        }
    }
}

/// The page that says that there is none at this address.
pub(super) fn not_found(app: &App) -> Answer {
    let advice = "Perhaps the address was mistyped, or the page belongs to another release.";
    error_page(app, StatusCode::NOT_FOUND, "There is no such page", "", advice)
}

/// The page that says that one came too often, and when to come again.
pub(super) fn too_many(app: &App, seconds: u64) -> Answer {
    let sentence = "Your network asks for more pages than this server gives to one.";
    let advice = format!("Wait for {seconds} s, then load the page again.");
    error_page(app, StatusCode::TOO_MANY_REQUESTS, "That was too often", sentence, &advice)
}

/// The page that says that nothing is shared at this address.
pub(super) fn not_shared(app: &App) -> Answer {
    let advice = "The link may have ended or been taken back: ask whoever gave it to you.";
    error_page(app, StatusCode::NOT_FOUND, "Nothing is shared here", "", advice)
}

/// The card of a site for frames in other pages.
pub(super) fn embedded(app: &App, series: &Series) -> Result<String, page::Error> {
    EmbedPage { assets: &frame::bare(app).assets, series }.render()
}

impl Asked {
    fn read(app: &App, request: &Request<Incoming>, door: Option<&Door>) -> Result<Self, Wrong> {
        let query = request.uri().query();
        let mut metric = Metric::default();
        let (mut cards, mut is_map) = (Vec::new(), false);
        let mut rest: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match &*name {
                link::SHOW => {}
                // Behind a door there is one site.
                link::SITE if door.is_some() => continue,
                link::CARD if value == link::MAP => {
                    is_map = true;
                    continue;
                }
                link::CARD => {
                    cards.extend(Dimension::from_name(&value));
                    continue;
                }
                _ => {
                    rest.push((name, value));
                    continue;
                }
            }
            metric = Metric::from_slug(&value).ok_or_else(|| Wrong {
                parameter: name.into_owned(),
                value: value.into_owned(),
                why: "is no figure; there are visitors, visits, count, views_per_visit, bounce_rate and \
                      visit_duration"
                    .to_owned(),
            })?;
        }
        if let Some(door) = door {
            rest.push((link::SITE.into(), door.site.as_str().into()));
        }
        let registry = app.registry.get();
        let mut question = Question::parse(rest.into_iter(), &registry, clock::now())?;
        question.order = match metric.ranked() {
            Metric::Visits => Order::Visits,
            Metric::Count => Order::Count,
            _ => Order::Visitors,
        };
        let site = registry.sites.len() > 1 && door.is_none();
        let site = site.then(|| question.site.name.clone());
        let mounted = || registry.server.root().to_owned();
        let root = door.map_or_else(mounted, |door| door.root.clone());
        let visitor = request.extensions().get::<Visitor>().filter(|_| door.is_none());
        let visitor = visitor.cloned().unwrap_or(Visitor::nobody());
        let way = Way { root, site, filters: question.filters.clone() };
        let base_url = registry.server.base_url.clone();
        let base_url = base_url.unwrap_or_else(|| asked_url(request, &registry.server));
        Ok(Self { question, metric, way, cards, is_map, shared: door.is_some(), visitor, base_url })
    }

    /// The same, if `page` knows what is asked.
    fn checked(self, page: Page) -> Result<Self, Wrong> {
        let event = &self.question.event;
        if self.shared && !event.visits && event.name != CUSTOM {
            // Errors, sign-ins and the like are nobody else's business.
            return Err(Wrong {
                parameter: link::EVENT.to_owned(),
                value: event.name.clone(),
                why: "is not shared; page views and custom events are".to_owned(),
            });
        }
        let Some(filter) = self.question.filters.first() else { return Ok(self) };
        if matches!(page, Page::Overview | Page::Top) {
            return Ok(self);
        }
        Err(Wrong {
            parameter: link::FILTER.to_owned(),
            value: filter.written(),
            why: "can’t narrow this page; the overview and the rankings have filters".to_owned(),
        })
    }

    /// The same about `dimension`. Where a visit begins or ends is counted in visits.
    fn about(&self, dimension: Option<Dimension>) -> Self {
        let Question { event, order, .. } = &self.question;
        let order = report::top::order_of(event, dimension.as_ref(), *order);
        let metric = match (order, self.metric) {
            (Order::Visits, Metric::Visitors) => Metric::Visits,
            (_, metric) => metric,
        };
        let question = Question { dimension, order, ..self.question.clone() };
        Self { question, metric, ..self.clone() }
    }

    /// What was asked, as the address of the page at `path`.
    fn address(&self, path: &'static str) -> Address {
        let question = &self.question;
        let event = link::event_value(&question.event.name);
        let cards = self.cards.iter().map(|card| card.name().into_owned());
        let map = self.is_map.then(|| link::MAP.to_owned());
        Address {
            way: self.way.clone(),
            path,
            dates: question.dates,
            range: question.range.filter(|_| question.dates.is_none()),
            compare: question.compare,
            interval: question.granularity,
            metric: self.metric,
            event_type: (!event.is_empty()).then(|| event.to_owned()),
            kept: cards.chain(map).map(|card| (link::CARD, card)).collect(),
        }
    }

    fn today(&self) -> Today {
        let site = &self.question.site;
        Today { date: self.question.today(), week_starts: site.week_starts }
    }
}

/// The address under which the server was asked, as far as `Host` is one.
fn asked_url(request: &Request<Incoming>, server: &Server) -> String {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.and_then(|host| host.parse::<Authority>().ok());
    host.map_or_else(|| server.url(), |host| format!("{}://{host}", server.scheme()))
}

/// A page that says what went wrong.
fn instead(app: &App, no_page: NoPage) -> Answer {
    match no_page {
        NoPage::Wrong(wrong) => {
            let sentence = format!("In the address, {wrong}.");
            let title = "This address asks for nothing that can be shown";
            error_page(app, StatusCode::BAD_REQUEST, title, &sentence, "")
        }
        NoPage::Missing => {
            let advice =
                "Perhaps it was never met at this site, or it is so long ago that it is gone.";
            error_page(app, StatusCode::NOT_FOUND, "There is nothing of that name", "", advice)
        }
        NoPage::Unanswered => {
            let sentence = "The database is busy or can’t be read; the server’s log says why.";
            let advice = "Beacons are a matter of their own. Try again in a moment.";
            let title = "The figures can’t be read right now";
            error_page(app, StatusCode::SERVICE_UNAVAILABLE, title, sentence, advice)
        }
        NoPage::Undrawn(cause) => {
            error!(%cause, "a page could not be drawn");
            let sentence = "That is a mistake in this program, and its log has the details.";
            let title = "This page can’t be drawn";
            error_page(app, StatusCode::INTERNAL_SERVER_ERROR, title, sentence, "")
        }
    }
}

fn error_page(app: &App, status: StatusCode, title: &str, sentence: &str, advice: &str) -> Answer {
    let frame = frame::bare(app);
    let page = ErrorPage { frame: &frame, status: status.as_u16(), title, sentence, advice };
    match page.render() {
        Ok(html) => respond::page(status, html),
        Err(cause) => {
            error!(%cause, "the page about an error could not be drawn");
            respond::empty(status)
        }
    }
}
