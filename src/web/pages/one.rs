//! `GET /page`, `/source` and `/event`: everything about one of them.

use super::{Asked, NoPage, filters, frame, month, top};
use crate::{
    app::App,
    ingest::compat::claim::CUSTOM,
    model::{dimension::Dimension, filter::Filter},
    page::{
        card::{Card, Leads},
        link::{self, Link},
        number,
        one::{OnePage, Property},
        strip::Stat,
    },
    report::{
        self,
        answer::Series,
        narrowed::{self, Reach},
        question::Question,
        reading,
        status::{self, Status},
    },
    store::{self, Transaction, events, names},
    web::read,
};

/// How many rows a card shows.
const ROWS: u32 = 8;

/// How many page views are read one by one for what the sums of a page don't tell: they take about 30 ms.
const SINGLE_MAX: i64 = 100_000;

/// How many properties are shown.
const PROPERTIES: u32 = 60;

/// What a page is split by, as far as that is told.
const OF_PAGE: [Dimension; 8] = [
    Dimension::Source,
    Dimension::EntryPage,
    Dimension::Country,
    Dimension::Device,
    Dimension::UtmCampaign,
    Dimension::Referrer,
    Dimension::Browser,
    Dimension::Os,
];

/// What a source is split by beside its pages.
const OF_SOURCE: [Dimension; 7] = [
    Dimension::EntryPage,
    Dimension::Referrer,
    Dimension::Country,
    Dimension::UtmCampaign,
    Dimension::Device,
    Dimension::Browser,
    Dimension::Os,
];

struct One {
    series: Series,
    before: Option<Series>,
    cards: Vec<Card>,
    title: Option<String>,
    more: Vec<Stat>,
    properties: Vec<Property>,
    note: Option<String>,
    status: Status,
}

pub(super) async fn get_page(app: &App, asked: Asked) -> Result<String, NoPage> {
    let wanted = OF_PAGE.into_iter().map(Some).collect();
    get(app, asked, link::PAGE, None, wanted).await
}

pub(super) async fn get_source(app: &App, asked: Asked) -> Result<String, NoPage> {
    let wanted = [None].into_iter().chain(OF_SOURCE.into_iter().map(Some)).collect();
    get(app, asked, link::SOURCE, Some(Dimension::Source), wanted).await
}

async fn get(
    app: &App,
    asked: Asked,
    path: &'static str,
    dimension: Option<Dimension>,
    wanted: Vec<Option<Dimension>>,
) -> Result<String, NoPage> {
    let Some(name) = asked.question.identifier.clone() else { return Err(NoPage::Missing) };
    let filter = Filter::is(dimension.clone(), &name);
    let (one, _) = {
        let (asked, filter) = (asked.clone(), filter.clone());
        read::answer(app, move |file| narrowed(&asked, &filter, &wanted, file)).await?
    };
    let one = one.ok_or(NoPage::Missing)?;
    let noun = match dimension {
        Some(_) => "Source",
        None => top::identifier_noun(&asked.question.event),
    };
    let way = &asked.way;
    let range = one.series.scope.range;
    let event = link::event_value(&asked.question.event.name);
    let pairs = [(link::EVENT, event), (link::IDENTIFIER, name.as_str())];
    let mut links = vec![Link {
        name: format!("The overview of this {} alone", noun.to_lowercase()),
        href: way.with(filter).to_range(link::OVERVIEW, range, &[(link::EVENT, event)]),
        current: false,
    }];
    if dimension.is_none() {
        links.extend(courses(&asked, &pairs));
    }
    draw(app, &asked, &one, (path, noun, &name, pairs), &links)
}

/// The month and the twelve months of one identifier.
fn courses(asked: &Asked, pairs: &[(&str, &str); 2]) -> [Link; 2] {
    let link = |name: &str, path| Link {
        name: name.to_owned(),
        href: asked.way.to(path, pairs),
        current: false,
    };
    [link("This month, day by day", link::MONTH), link("12 months", link::YEAR)]
}

/// What `filter` narrows everything to; `None` if the file has never heard of it.
fn narrowed(
    asked: &Asked,
    filter: &Filter,
    wanted: &[Option<Dimension>],
    file: &Transaction<'_>,
) -> Result<Option<One>, store::Error> {
    let range = asked.question.range_or_last(30);
    let Some(id) = names::find(file, &filter.value)? else { return Ok(None) };
    let question = Question {
        range: Some(range),
        limit: ROWS,
        dimension: None,
        identifier: None,
        filters: vec![filter.clone()],
        ..asked.question.clone()
    };
    let event = &question.event;
    let declared = |own: &&Option<Dimension>| {
        own.as_ref().is_none_or(|dimension| event.dimensions.contains(dimension))
    };
    let wanted: Vec<Option<Dimension>> = wanted.iter().filter(declared).cloned().collect();
    let reach = Reach::read(&question, range, file)?;
    let own = Asked { question, ..asked.clone() };
    // Of a page most is kept as sums, of a source hardly anything.
    let is_page = filter.dimension.is_none();
    let read = match is_page {
        true => reach.quick(SINGLE_MAX, &own.question, file)?,
        false => reach.clone(),
    };
    let told = narrowed::answer(&own.question, &read, &wanted, file)?;
    // What can't be told, each reason once.
    let mut reasons: Vec<String> = Vec::new();
    let (series, before, rankings) = match told {
        Ok(told) => (told.series, told.before, told.rankings),
        Err(why) => {
            reasons.push(why.clone());
            let none = narrowed::no_overview(&own.question, range, why);
            (none.series, None, Vec::new())
        }
    };
    let way = asked.way.with(filter.clone());
    let place = filters::place(&own, link::OVERVIEW);
    let mut cards = Vec::new();
    for (dimension, ranking) in wanted.iter().zip(rankings) {
        let ranking = match ranking {
            Ok(ranking) => ranking,
            Err(why) => {
                if !reasons.contains(&why) {
                    reasons.push(why);
                }
                continue;
            }
        };
        let leads = match filters::leads(&own, &reach, dimension.as_ref(), &place) {
            // From here on the filter goes along.
            Leads::Filter(place) => Leads::Filter(place.under(way.filters.clone())),
            other => other,
        };
        let about = own.about(dimension.clone());
        cards.push(Card { leads, ..top::card_of(&about, ranking, Vec::new(), file)? });
    }
    let of_page = Question { identifier: Some(filter.value.clone()), ..own.question.clone() };
    let more = if is_page { month::engagement(&of_page, range, file)? } else { Vec::new() };
    let title = if is_page { report::top::title_of(&of_page, id, file)? } else { None };
    let status = status::answer(&own.question, file)?;
    let properties = Vec::new();
    let note = (!reasons.is_empty()).then(|| reasons.join(" "));
    Ok(Some(One { series, before, cards, title, more, properties, note, status }))
}

pub(super) async fn get_event(app: &App, asked: Asked) -> Result<String, NoPage> {
    let asked = of_event(asked);
    let name = asked.question.identifier.clone();
    let (one, _) = {
        let asked = asked.clone();
        read::answer(app, move |file| event(&asked, file)).await?
    };
    let one = one.ok_or(NoPage::Missing)?;
    let type_name = asked.question.event.name.clone();
    let pairs = [
        (link::EVENT, type_name.as_str()),
        (link::IDENTIFIER, name.as_deref().unwrap_or_default()),
    ];
    let shown = name.clone().unwrap_or_else(|| type_name.clone());
    let mut links = courses(&asked, &pairs).to_vec();
    if asked.question.event.raw_days > 0 && !asked.shared {
        let search = (link::SEARCH, name.as_deref().unwrap_or_default());
        links.push(Link {
            name: "Each one".to_owned(),
            href: asked.way.to_range(link::EVENTS, one.series.scope.range, &[pairs[0], search]),
            current: false,
        });
    }
    draw(app, &asked, &one, (link::EVENT_PAGE, "Event", &shown, pairs), &links)
}

/// The same about events that pages call by names of their own, if page views would be meant.
fn of_event(asked: Asked) -> Asked {
    let Question { event, events, .. } = &asked.question;
    let custom = events.iter().find(|event| event.name == CUSTOM);
    match custom.filter(|_| event.visits).cloned() {
        Some(event) => Asked { question: Question { event, ..asked.question }, ..asked },
        None => asked,
    }
}

/// One event by its sums and pairs, and by what single ones told; `None` if it was never counted.
fn event(asked: &Asked, file: &Transaction<'_>) -> Result<Option<One>, store::Error> {
    let range = asked.question.range_or_last(30);
    let question =
        Question { range: Some(range), limit: ROWS, dimension: None, ..asked.question.clone() };
    let Some((subject, identifier)) = reading::identified(&question, file)? else {
        return Ok(None);
    };
    let own = Asked { question, ..asked.clone() };
    let told = report::overview::answer(&own.question, file)?;
    // Of one key only pairs are kept, of the whole type all dimensions.
    let split = match own.question.identifier {
        Some(_) => &own.question.event.pairs,
        None => &own.question.event.dimensions,
    };
    let mut cards = Vec::new();
    if own.question.identifier.is_none() {
        cards.push(Card { leads: Leads::Own, ..top::card(&own.about(None), Vec::new(), file)? });
    }
    for dimension in split.iter().filter(|own| **own != Dimension::Title) {
        cards.push(top::card(&own.about(Some(dimension.clone())), Vec::new(), file)?);
    }
    cards.retain(|card| !card.ranking.rows.is_empty());
    let (from, to) = range.instants(&own.question.site.zone);
    // What single beacons told is for the owner alone.
    let most = if own.shared { 0 } else { PROPERTIES };
    let found = events::properties(file, subject, identifier, (from, to), most)?;
    let property = |(key, value, count, visitors): (String, String, i64, i64)| Property {
        key,
        value,
        count: number::thousands(count),
        visitors: number::thousands(visitors),
    };
    let note = (own.question.event.raw_days == 0 && !own.shared).then(|| {
        format!(
            "To see the properties of these events, set “raw” for {} in beacons.toml, or declare “identifier \
             × meta.NAME” among its pairs.",
            own.question.event.name
        )
    });
    Ok(Some(One {
        series: told.series,
        before: told.before,
        cards,
        title: None,
        more: Vec::new(),
        properties: found.into_iter().map(property).collect(),
        note,
        status: status::answer(&own.question, file)?,
    }))
}

type Named<'n> = (&'static str, &'n str, &'n str, [(&'static str, &'n str); 2]);

fn draw(
    app: &App,
    asked: &Asked,
    one: &One,
    (path, noun, name, pairs): Named<'_>,
    links: &[Link],
) -> Result<String, NoPage> {
    let frame = frame::of(app, asked, path, Some(&one.status));
    let page = OnePage {
        frame: &frame,
        today: asked.today(),
        noun,
        name,
        title: one.title.as_deref(),
        path,
        pairs,
        series: &one.series,
        before: one.before.as_ref(),
        metric: asked.metric,
        more: &one.more,
        links,
        cards: &one.cards,
        properties: &one.properties,
        note: one.note.as_deref(),
    };
    Ok(page.render()?)
}
