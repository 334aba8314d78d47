//! `GET /`: a site at a glance.

use std::sync::Arc;

use super::{Asked, NoPage, filters, frame, top};
use crate::{
    app::App,
    auth::accounts::Rank,
    config::registry::IdentifierRule,
    model::{dimension::Dimension, period::DateRange, rejection::Reason},
    page::{
        card::{self, Card, Leads},
        dashboard::{DashboardPage, FirstRun},
        filtered,
        filters::FilterBar,
        happened::HappenedCard,
        link::{self, Link},
        picker::Picker,
    },
    report::{
        self,
        answer::{Overview, Ranking},
        narrowed::{Narrowed, Reach},
        overview::{CARD_ROWS, CARDS, Settled},
        past::Past,
        question::Question,
        status::{self, Status},
        week::Week,
    },
    store::{self, Transaction, checkup, chronicle::Kind},
    web::{self, read},
    writer::Live,
};

/// How many alerts are told at most.
const ALERTS: usize = 5;

/// How many rules are told that have refused first beacons.
const REFUSED: usize = 3;

struct Read {
    overview: Overview,
    cards: Vec<Card>,
    happened: Vec<HappenedCard>,
    week: Option<Week>,
    filters: FilterBar,
    alerts: Vec<(String, String)>,
    status: Status,
    /// A site that has counts and is not declared, where this one has none.
    elsewhere: Option<String>,
}

pub(super) async fn get(app: &App, asked: Asked) -> Result<String, NoPage> {
    let (read, live) = {
        let (asked, past) = (asked.clone(), Arc::clone(&app.past));
        let registry = app.registry.get();
        let everything = move |file: &Transaction<'_>, live: &Live| {
            let mut read = everything(&asked, &past, live.past_changes, file)?;
            if !read.status.has_counted {
                let mut counted = checkup::sites(file)?.into_iter();
                read.elsewhere = counted.find(|name| registry.site(name).is_none());
            }
            Ok(read)
        };
        read::answer_beside(app, everything).await?
    };
    let question = &asked.question;
    let frame = frame::of(app, &asked, link::OVERVIEW, Some(&read.status));
    let visitors_now = live.present.get(&question.site.name).copied();
    let (snippet, curl) = (
        web::snippet(&asked.base_url, question.site.script.as_deref()),
        web::curl(&asked.base_url, &question.site),
    );
    let undeclared = app.undeclared_site();
    let refused = refused(app, &question.site.name, asked.visitor.sees_all());
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
        happened: &read.happened,
        week: read.week.as_ref(),
        undeclared: undeclared.as_deref().filter(|_| frame.owner),
        alerts: if asked.visitor.rank == Rank::Nobody || !asked.visitor.sees_all() {
            &[]
        } else {
            &read.alerts
        },
        first_run: is_first.then_some(FirstRun {
            snippet: &snippet,
            curl: &curl,
            undeclared: read.elsewhere.as_deref().filter(|_| frame.owner),
            refused: &refused,
        }),
    };
    Ok(page.render()?)
}

/// The rules that have refused the last beacons, each once: what it is called, what it is for, and what
/// was wrong with the last of them.
fn refused(app: &App, site: &str, sees_all: bool) -> Vec<(&'static str, &'static str, String)> {
    let mut rules: Vec<(Reason, String)> = Vec::new();
    for beacon in app.recent.of(site, sees_all) {
        let Some(reason) = beacon.reason else { continue };
        if rules.len() < REFUSED && rules.iter().all(|(known, _)| *known != reason) {
            rules.push((reason, beacon.words));
        }
    }
    let told = |(reason, words)| (filtered::title(reason), filtered::explanation(reason), words);
    rules.into_iter().map(told).collect()
}

fn everything(
    asked: &Asked,
    past: &Past,
    past_changes: Option<u64>,
    file: &Transaction<'_>,
) -> Result<Read, store::Error> {
    let settled = report::overview::settled(&asked.question, file)?;
    let range = settled.range;
    let question = Question {
        range: Some(range),
        limit: CARD_ROWS,
        dimension: None,
        ..asked.question.clone()
    };
    let own = Asked { question, metric: asked.metric.ranked(), ..asked.clone() };
    let reach = Reach::read(&own.question, range, file)?;
    let place = filters::place(asked, link::OVERVIEW);
    let slots = slots(asked);
    let (mut overview, rankings, note) = if own.question.filters.is_empty() {
        let rankings = slots
            .iter()
            .map(|slot| (own.about(slot.dimension.clone()), slot.is_map))
            .map(|(asked, is_map)| {
                let limit = if is_map { MAP_ROWS } else { CARD_ROWS };
                past.ranking(&Question { limit, ..asked.question }, past_changes, file)
            });
        let rankings = rankings.collect::<Result<Vec<Ranking>, _>>()?;
        (report::overview::plain(&own.question, &settled, file)?, rankings, None)
    } else {
        narrowed(&own, &reach, &slots, file)?
    };
    report::overview::explain(&mut overview, &own.question, &settled, file)?;
    if own.shared {
        // What the program notes of itself, and what was said of every site, is for who runs it.
        overview
            .annotations
            .retain(|note| note.kind == Kind::Note && note.site == own.question.site.name);
    }
    let mut cards = Vec::new();
    for (slot, ranking) in slots.into_iter().zip(rankings) {
        let leads = filters::leads(&own, &reach, slot.dimension.as_ref(), &place);
        let about = own.about(slot.dimension);
        let mut card = Card { leads, ..top::card_of(&about, ranking, slot.tabs, file)? };
        if slot.is_map {
            card.is_map = true;
        }
        cards.push(card);
    }
    if overview.not_told.is_some() {
        cards.clear();
    }
    let happened = happened(&own, &settled, file)?;
    let week = week(&own.question, range, file)?;
    let filters = filters::bar(&own, &reach, place, note);
    let status = status::answer(&own.question, file)?;
    let alerts = alerts(&own.question, file)?;
    Ok(Read { overview, cards, happened, week, filters, alerts, status, elsewhere: None })
}

/// A card to be: what it ranks, and the links to what else it might rank.
struct Slot {
    dimension: Option<Dimension>,
    is_map: bool,
    tabs: Vec<Link>,
}

/// How many countries a map shows: all that there are.
const MAP_ROWS: u32 = 300;

/// One card of each group, where the event type has any of it.
fn slots(asked: &Asked) -> Vec<Slot> {
    let mut slots = Vec::new();
    for group in CARDS {
        let is_declared = |one: &&Option<Dimension>| match one {
            Some(dimension) => asked.question.event.dimensions.contains(dimension),
            None => true,
        };
        let declared: Vec<&Option<Dimension>> = group.iter().filter(is_declared).collect();
        let chosen = |one: &&&Option<Dimension>| {
            one.as_ref().is_some_and(|dimension| asked.cards.contains(dimension))
        };
        let wanted = declared.iter().find(chosen);
        let Some(current) = wanted.or(declared.first()).copied() else { continue };
        let has_map = declared.contains(&&Some(Dimension::Country));
        let is_map = has_map && asked.is_map;
        let current = if is_map { &Some(Dimension::Country) } else { current };
        let others = asked.cards.iter().filter(|card| !group.contains(&Some((*card).clone())));
        let tab = |one: &&Option<Dimension>| {
            let chosen = one.as_ref().filter(|_| declared.first() != Some(one));
            let cards = others.clone().cloned().chain(chosen.cloned()).collect();
            let others = Asked { cards, is_map: asked.is_map && !has_map, ..asked.clone() };
            let place = filters::place(&others, link::OVERVIEW);
            let name = one.as_ref().map_or("identifier".into(), Dimension::name);
            Link {
                name: top::title_of(&asked.question.event, one.as_ref()),
                href: format!("{}#{}", place.href(&asked.way), card::id(&name)),
                current: *one == current && !is_map,
            }
        };
        let mut tabs: Vec<Link> = declared.iter().map(tab).collect();
        if has_map {
            let cards = others.clone().cloned().collect();
            let asked = Asked { cards, is_map: true, ..asked.clone() };
            let place = filters::place(&asked, link::OVERVIEW).href(&asked.way);
            let href = format!("{place}#{}", card::id(&Dimension::Country.name()));
            tabs.push(Link { name: card::MAP_TITLE.to_owned(), href, current: is_map });
        }
        slots.push(Slot { dimension: current.clone(), is_map, tabs });
    }
    slots
}

/// The same under filters: one reading for all.
fn narrowed(
    asked: &Asked,
    reach: &Reach,
    slots: &[Slot],
    file: &Transaction<'_>,
) -> Result<(Overview, Vec<Ranking>, Option<String>), store::Error> {
    let question = &asked.question;
    let wanted: Vec<Option<Dimension>> = slots.iter().map(|slot| slot.dimension.clone()).collect();
    let has_map = slots.iter().any(|slot| slot.is_map);
    let limit = if has_map { MAP_ROWS } else { CARD_ROWS };
    let question = &Question { limit, ..question.clone() };
    let none = |(dimension, why): (&Option<Dimension>, String)| {
        let of = Question { dimension: dimension.clone(), ..question.clone() };
        report::narrowed::no_ranking(&of, reach.range, why)
    };
    match report::narrowed::answer(question, reach, &wanted, file)? {
        Ok(Narrowed { series, before, rankings, note }) => {
            let rankings = wanted
                .iter()
                .zip(rankings)
                .map(|(dimension, ranking)| ranking.unwrap_or_else(|why| none((dimension, why))));
            let cut = |(mut ranking, slot): (Ranking, &Slot)| {
                let most = if slot.is_map { MAP_ROWS } else { CARD_ROWS };
                ranking.rows.truncate(usize::try_from(most).unwrap_or(usize::MAX));
                ranking
            };
            let rankings = rankings.zip(slots).map(cut);
            Ok((Overview::of(series, before), rankings.collect(), note))
        }
        Err(why) => {
            let rankings = wanted.iter().map(|dimension| none((dimension, why.clone()))).collect();
            Ok((report::narrowed::no_overview(question, reach.range, why), rankings, None))
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

/// The hours of the week, which can't be filtered, where there is a course of visits.
fn week(
    question: &Question,
    range: DateRange,
    file: &Transaction<'_>,
) -> Result<Option<Week>, store::Error> {
    match question.event.visits && question.filters.is_empty() {
        true => report::week::answer(question, range, file),
        false => Ok(None),
    }
}

/// What was reached, sent and met beside page views: goals, events, errors. They can't be filtered.
/// Others see the events that pages call by names of their own, and no advice.
fn happened(
    asked: &Asked,
    settled: &Settled,
    file: &Transaction<'_>,
) -> Result<Vec<HappenedCard>, store::Error> {
    let question = &asked.question;
    if !question.event.visits || !question.filters.is_empty() {
        return Ok(Vec::new());
    }
    let events = report::happened::answer(question, settled, asked.shared, file)?;
    if asked.shared {
        let is_any = !events.kinds.is_empty();
        return Ok(is_any.then_some(HappenedCard::Events(events)).into_iter().collect());
    }
    let goals = report::goals::ranking(question, file)?;
    let mut cards = vec![HappenedCard::Goals(goals), HappenedCard::Events(events)];
    let errors =
        question.events.iter().find(|event| event.identifier == IdentifierRule::Fingerprint);
    if let Some(event) = errors {
        let about = Question { event: Arc::clone(event), ..question.clone() };
        let card = top::card(&Asked { question: about, ..asked.clone() }, Vec::new(), file)?;
        if !card.ranking.rows.is_empty() {
            let leads = Leads::At(link::ERRORS);
            cards.push(HappenedCard::Errors(Card { leads, trends: Vec::new(), ..card }));
        }
    }
    Ok(cards)
}
