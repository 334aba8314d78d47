//! `GET /top`: a ranking in full, of any dates.

use std::sync::Arc;

use super::{Asked, NoPage, filters, frame};
use crate::{
    app::App,
    config::registry::{EventType, IdentifierRule},
    ingest::compat::claim::CUSTOM,
    model::{dimension::Dimension, period::DateRange},
    page::{
        card::{Card, Leads},
        filters::FilterBar,
        link::{self, Link},
        top::TopPage,
    },
    report::{
        self,
        answer::{Figures, Ranking},
        narrowed::Reach,
        past::Past,
        question::Question,
        status::{self, Status},
    },
    store::{self, Transaction},
    web::read,
};

/// How many rows a page has.
const ROWS: u32 = 50;

pub(super) async fn get(app: &App, asked: Asked) -> Result<String, NoPage> {
    let asked = asked.about(asked.question.dimension.clone());
    let metric = asked.metric.ranked();
    let asked = Asked { question: Question { limit: ROWS, ..asked.question }, metric, ..asked };
    let ((card, filters, status), _) = {
        let (asked, past) = (asked.clone(), Arc::clone(&app.past));
        read::answer_beside(app, move |file, live| {
            everything(&asked, &past, live.past_changes, file)
        })
        .await?
    };
    let question = &asked.question;
    let frame = frame::of(app, &asked, link::TOP, Some(&status));
    let page = TopPage {
        frame: &frame,
        today: asked.today(),
        card: &card,
        filters: &filters,
        search: &question.search,
        limit: u64::from(question.limit),
        offset: u64::from(question.offset),
        csv: None,
    };
    Ok(page.render()?)
}

fn everything(
    asked: &Asked,
    past: &Past,
    past_changes: Option<u64>,
    file: &Transaction<'_>,
) -> Result<(Card, FilterBar, Status), store::Error> {
    let question = &asked.question;
    let range = question.range_or_this_week();
    let reach = Reach::read(question, range, file)?;
    let mut place = filters::place(asked, link::TOP);
    let dimension = question.dimension.as_ref();
    let name = dimension.map(|dimension| dimension.name().into_owned()).unwrap_or_default();
    place.pairs.extend([(link::DIMENSION, name), (link::SEARCH, question.search.clone())]);
    // The dates of this page, also where it has chosen them itself.
    let dated = Question { range: Some(range), ..question.clone() };
    let ranking = past.ranking(&dated, past_changes, file)?;
    let overview = filters::place(&Asked { question: dated, ..asked.clone() }, link::OVERVIEW);
    let leads = match dimension {
        None | Some(Dimension::EntryPage | Dimension::ExitPage | Dimension::Source) => Leads::Own,
        Some(_) => filters::leads(asked, &reach, dimension, &overview),
    };
    let card = Card { leads, ..card_of(asked, ranking, all_tabs(asked, range), file)? };
    let filters = filters::bar(asked, &reach, place, None);
    Ok((card, filters, status::answer(question, file)?))
}

/// The ranking that is asked for.
pub(super) fn card(
    asked: &Asked,
    tabs: Vec<Link>,
    file: &Transaction<'_>,
) -> Result<Card, store::Error> {
    card_of(asked, report::top::answer(&asked.question, file)?, tabs, file)
}

/// The card of a ranking. Identifiers have trends.
pub(super) fn card_of(
    asked: &Asked,
    ranking: Ranking,
    tabs: Vec<Link>,
    file: &Transaction<'_>,
) -> Result<Card, store::Error> {
    let Asked { question, metric, .. } = asked;
    let (title, trends) = match &question.dimension {
        Some(dimension) => (title(dimension), Vec::new()),
        None if !question.filters.is_empty() => (identifiers_title(&question.event), Vec::new()),
        None => {
            let range = ranking.scope.range;
            let trends = report::top::trends(question, &ranking.rows, range, file)?;
            (identifiers_title(&question.event), trends)
        }
    };
    let of = |days: Vec<Figures>| days.iter().map(|day| metric.of(day)).collect();
    let trends = trends.into_iter().map(of).collect();
    Ok(Card {
        title,
        metric: *metric,
        ranking,
        trends,
        tabs,
        leads: Leads::default(),
        is_map: false,
    })
}

/// What a dimension's values are called, in the plural.
pub(super) fn title(dimension: &Dimension) -> String {
    let title = match dimension {
        Dimension::Hostname => "Hosts",
        Dimension::Title => "Titles",
        Dimension::EntryPage => "Entry pages",
        Dimension::ExitPage => "Exit pages",
        Dimension::Source => "Sources",
        Dimension::Channel => "Channels",
        Dimension::Referrer => "Referrers",
        Dimension::UtmSource => "UTM sources",
        Dimension::UtmMedium => "UTM media",
        Dimension::UtmCampaign => "Campaigns",
        Dimension::UtmContent => "UTM contents",
        Dimension::UtmTerm => "UTM terms",
        Dimension::Country => "Countries",
        Dimension::Region => "Regions",
        Dimension::City => "Cities",
        Dimension::Browser => "Browsers",
        Dimension::BrowserVersion => "Browser versions",
        Dimension::Os => "Systems",
        Dimension::OsVersion => "System versions",
        Dimension::Device => "Devices",
        Dimension::Screen => "Screens",
        Dimension::Language => "Languages",
        Dimension::Page => "Pages",
        Dimension::Meta(key) => return key.clone(),
    };
    title.to_owned()
}

/// What one of an event type's identifiers is called.
pub(super) fn identifier_noun(event: &EventType) -> &'static str {
    match event.identifier {
        _ if event.name == CUSTOM => "Event",
        IdentifierRule::PagePath | IdentifierRule::CanonicalUrl | IdentifierRule::RefererPath => {
            "Page"
        }
        IdentifierRule::SiteSection => "Section",
        IdentifierRule::Session => "Session",
        IdentifierRule::User => "User",
        IdentifierRule::Key | IdentifierRule::None => "Key",
        IdentifierRule::Fingerprint => "Error",
    }
}

/// What is ranked, in the plural: a dimension's values, or identifiers for `None`.
pub(super) fn title_of(event: &EventType, dimension: Option<&Dimension>) -> String {
    dimension.map_or_else(|| identifiers_title(event), title)
}

/// What an event type's identifiers are called, in the plural.
fn identifiers_title(event: &EventType) -> String {
    let title = match event.identifier {
        _ if event.name == CUSTOM => "Events",
        IdentifierRule::PagePath | IdentifierRule::CanonicalUrl | IdentifierRule::RefererPath => {
            "Pages"
        }
        IdentifierRule::SiteSection => "Sections",
        IdentifierRule::Session => "Sessions",
        IdentifierRule::User => "Users",
        IdentifierRule::Key | IdentifierRule::None => "Keys",
        IdentifierRule::Fingerprint => "Errors",
    };
    title.to_owned()
}

/// Links to every ranking of the event type.
fn all_tabs(asked: &Asked, range: DateRange) -> Vec<Link> {
    let question = &asked.question;
    let mut links = vec![Link {
        name: identifiers_title(&question.event),
        href: href(asked, "", range),
        current: question.dimension.is_none(),
    }];
    // Titles are kept beside their page, not as a ranking.
    let ranked = question.event.dimensions.iter().filter(|own| **own != Dimension::Title);
    links.extend(ranked.map(|dimension| Link {
        name: title(dimension),
        href: href(asked, &dimension.name(), range),
        current: question.dimension.as_ref() == Some(dimension),
    }));
    links
}

fn href(asked: &Asked, dimension: &str, range: DateRange) -> String {
    let event = link::event_value(&asked.question.event.name);
    let pairs = [(link::EVENT, event), (link::DIMENSION, dimension)];
    asked.way.to_range(link::TOP, range, &pairs)
}
