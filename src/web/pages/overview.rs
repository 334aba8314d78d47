//! `GET /`: a site at a glance.

use std::sync::Arc;

use super::{Asked, NoPage, filters, frame, top};
use crate::{
    app::App,
    ingest::compat::claim::CUSTOM,
    model::{dimension::Dimension, period::DateRange, rejection::Reason},
    page::{
        card::{self, Card, Leads},
        dashboard::{DashboardPage, FirstRun},
        filtered,
        filters::FilterBar,
        link::{self, Link},
        picker::Picker,
    },
    report::{
        self,
        answer::{Overview, Ranking},
        narrowed::{Narrowed, Reach},
        question::Question,
        status::{self, Status},
    },
    store::{self, Transaction},
    web::{self, read},
};

/// How many alerts are told at most.
const ALERTS: usize = 5;

/// How many rules are told that have refused first beacons.
const REFUSED: usize = 3;

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
    filters: FilterBar,
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
    let refused = refused(app, &question.site.name);
    let is_first = !asked.shared && !read.status.has_counted && question.event.visits;
    let range = read.overview.series.scope.range;
    let picker = Picker {
        address: asked.address(link::OVERVIEW),
        today: asked.today(),
        range,
        before: read.overview.before.as_ref().map(|before| before.scope.range),
        earliest: read.overview.earliest,
    };
    let page = DashboardPage {
        frame: &frame,
        picker: &picker,
        visitors_now: visitors_now.and_then(|count| i64::try_from(count).ok()),
        series: &read.overview.series,
        before: read.overview.before.as_ref(),
        filters: &read.filters,
        not_told: read.overview.not_told.as_deref(),
        intervals: &question.intervals(&range),
        annotations: &read.overview.annotations,
        cards: &read.cards,
        undeclared: undeclared.as_deref().filter(|_| !asked.shared),
        alerts: if asked.shared { &[] } else { &read.alerts },
        first_run: is_first.then_some(FirstRun {
            snippet: &snippet,
            curl: &curl,
            refused: &refused,
        }),
    };
    Ok(page.render()?)
}

/// The rules that have refused the last beacons, each once: what it is called, what it is for, and what
/// was wrong with the last of them.
fn refused(app: &App, site: &str) -> Vec<(&'static str, &'static str, String)> {
    let mut rules: Vec<(Reason, String)> = Vec::new();
    for beacon in app.recent.of(site) {
        let Some(reason) = beacon.reason else { continue };
        if rules.len() < REFUSED && rules.iter().all(|(known, _)| *known != reason) {
            rules.push((reason, beacon.words));
        }
    }
    let told = |(reason, words)| (filtered::title(reason), filtered::explanation(reason), words);
    rules.into_iter().map(told).collect()
}

fn everything(asked: &Asked, file: &Transaction<'_>) -> Result<Read, store::Error> {
    let settled = report::overview::settled(&asked.question, file)?;
    let range = settled.range;
    let question =
        Question { range: Some(range), limit: ROWS, dimension: None, ..asked.question.clone() };
    let own = Asked { question, metric: asked.metric.ranked(), ..asked.clone() };
    let reach = Reach::read(&own.question, range, file)?;
    let place = filters::place(asked, link::OVERVIEW);
    let slots = slots(asked);
    let (mut overview, rankings, note) = if own.question.filters.is_empty() {
        let rankings = slots
            .iter()
            .map(|slot| report::top::answer(&own.about(slot.dimension.clone()).question, file));
        let rankings = rankings.collect::<Result<Vec<Ranking>, _>>()?;
        (report::overview::plain(&own.question, &settled, file)?, rankings, None)
    } else {
        narrowed(&own, range, &slots, file)?
    };
    report::overview::explain(&mut overview, &own.question, &settled, file)?;
    let mut cards = Vec::new();
    for (slot, ranking) in slots.into_iter().zip(rankings) {
        let leads = filters::leads(&own, &reach, slot.dimension.as_ref(), &place);
        let about = own.about(slot.dimension);
        cards.push(Card { leads, ..top::card_of(&about, ranking, slot.tabs, file)? });
    }
    if overview.not_told.is_some() {
        cards.clear();
    }
    cards.extend(events(&own, file)?);
    let filters = filters::bar(&own, &reach, place, note);
    let status = status::answer(&own.question, file)?;
    Ok(Read { overview, cards, filters, alerts: alerts(&own.question, file)?, status })
}

/// A card to be: what it ranks, and the links to what else it might rank.
struct Slot {
    dimension: Option<Dimension>,
    tabs: Vec<Link>,
}

/// The cards in their order: identifiers first, then one of each group.
fn slots(asked: &Asked) -> Vec<Slot> {
    let mut slots = vec![Slot { dimension: None, tabs: Vec::new() }];
    for group in CARDS {
        let declared = group.iter().filter(|one| asked.question.event.dimensions.contains(one));
        let declared: Vec<&Dimension> = declared.collect();
        let wanted = declared.iter().find(|one| asked.cards.contains(one));
        let Some(current) = wanted.or(declared.first()).copied() else { continue };
        let others = asked.cards.iter().filter(|card| !group.contains(card));
        let tab = |one: &&Dimension| {
            let chosen = (declared.first() != Some(one)).then(|| (*one).clone());
            let cards = others.clone().cloned().chain(chosen).collect();
            let place = filters::place(&Asked { cards, ..asked.clone() }, link::OVERVIEW);
            Link {
                name: top::title(one),
                href: format!("{}#{}", place.href(&asked.way), card::id(&one.name())),
                current: *one == current,
            }
        };
        let tabs = declared.iter().map(tab).collect();
        slots.push(Slot { dimension: Some(current.clone()), tabs });
    }
    slots
}

/// The same under filters: one reading for all.
fn narrowed(
    asked: &Asked,
    range: DateRange,
    slots: &[Slot],
    file: &Transaction<'_>,
) -> Result<(Overview, Vec<Ranking>, Option<String>), store::Error> {
    let question = &asked.question;
    let wanted: Vec<Option<Dimension>> = slots.iter().map(|slot| slot.dimension.clone()).collect();
    let none = |(dimension, why): (&Option<Dimension>, String)| {
        let of = Question { dimension: dimension.clone(), ..question.clone() };
        report::narrowed::no_ranking(&of, range, why)
    };
    match report::narrowed::answer(question, range, &wanted, file)? {
        Ok(Narrowed { series, before, rankings, note }) => {
            let rankings = wanted
                .iter()
                .zip(rankings)
                .map(|(dimension, ranking)| ranking.unwrap_or_else(|why| none((dimension, why))));
            Ok((Overview::of(series, before), rankings.collect(), note))
        }
        Err(why) => {
            let rankings = wanted.iter().map(|dimension| none((dimension, why.clone()))).collect();
            Ok((report::narrowed::no_overview(question, range, why), rankings, None))
        }
    }
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
    let wanted = asked.question.event.visits && asked.question.filters.is_empty();
    let Some(event) = custom.filter(|_| wanted) else { return Ok(None) };
    let question = Question { event: Arc::clone(event), ..asked.question.clone() };
    let card = top::card(&Asked { question, ..asked.clone() }, Vec::new(), file)?;
    let card = Card { leads: Leads::Own, ..card };
    Ok((!card.ranking.rows.is_empty()).then_some(card))
}
