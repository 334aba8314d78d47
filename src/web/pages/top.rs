//! `GET /top`: a ranking in full, of any dates.

use super::{Asked, NoPage, frame};
use crate::{
    app::App,
    config::registry::{EventType, IdentifierRule},
    ingest::compat::claim::CUSTOM,
    model::{dimension::Dimension, period::DateRange},
    page::{
        card::Card,
        link::{self, Link},
        top::TopPage,
    },
    report::{self, answer::Figures, question::Question, status},
    store::{self, Transaction},
    web::read,
};

/// How many rows a page has.
const ROWS: u32 = 50;

pub(super) async fn get(app: &App, asked: Asked) -> Result<String, NoPage> {
    let asked = asked.about(asked.question.dimension.clone());
    let asked = Asked { question: Question { limit: ROWS, ..asked.question }, ..asked };
    let ((card, status), _) = {
        let asked = asked.clone();
        read::answer(app, move |file| {
            let question = &asked.question;
            let tabs = all_tabs(&asked, question.range_or_this_week());
            Ok((card(&asked, tabs, file)?, status::answer(question, file)?))
        })
        .await?
    };
    let question = &asked.question;
    let frame = frame::of(app, &asked, link::TOP, Some(&status));
    let page = TopPage {
        frame: &frame,
        today: asked.today(),
        card: &card,
        search: &question.search,
        limit: u64::from(question.limit),
        offset: u64::from(question.offset),
        csv: None,
    };
    Ok(page.render()?)
}

/// The ranking that is asked for. Identifiers have trends.
pub(super) fn card(
    asked: &Asked,
    tabs: Vec<Link>,
    file: &Transaction<'_>,
) -> Result<Card, store::Error> {
    let Asked { question, metric, .. } = asked;
    let ranking = report::top::answer(question, file)?;
    let (title, trends) = match &question.dimension {
        Some(dimension) => (title(dimension), Vec::new()),
        None => {
            let range = ranking.scope.range;
            let trends = report::top::trends(question, &ranking.rows, range, file)?;
            (identifiers_title(&question.event), trends)
        }
    };
    let of = |days: Vec<Figures>| days.iter().map(|day| metric.of(day)).collect();
    let trends = trends.into_iter().map(of).collect();
    Ok(Card { title, metric: *metric, ranking, trends, tabs })
}

/// What a dimension's values are called, in the plural.
fn title(dimension: &Dimension) -> String {
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

/// Links to the rankings of `dimensions` over `range`, `current` among them.
pub(super) fn tabs(
    asked: &Asked,
    dimensions: &[&Dimension],
    current: &Dimension,
    range: Option<DateRange>,
) -> Vec<Link> {
    let tab = |dimension: &&Dimension| Link {
        name: title(dimension),
        href: href(asked, &dimension.name(), range),
        current: *dimension == current,
    };
    dimensions.iter().map(tab).collect()
}

/// Links to every ranking of the event type.
fn all_tabs(asked: &Asked, range: DateRange) -> Vec<Link> {
    let question = &asked.question;
    let mut links = vec![Link {
        name: identifiers_title(&question.event),
        href: href(asked, "", Some(range)),
        current: question.dimension.is_none(),
    }];
    // Titles are kept beside their page, not as a ranking.
    let ranked = question.event.dimensions.iter().filter(|own| **own != Dimension::Title);
    links.extend(ranked.map(|dimension| Link {
        name: title(dimension),
        href: href(asked, &dimension.name(), Some(range)),
        current: question.dimension.as_ref() == Some(dimension),
    }));
    links
}

fn href(asked: &Asked, dimension: &str, range: Option<DateRange>) -> String {
    let event = link::event_value(&asked.question.event.name);
    let pairs = [(link::EVENT, event), (link::DIMENSION, dimension)];
    match range {
        Some(range) => asked.way.to_range(link::TOP, range, &pairs),
        None => asked.way.to(link::TOP, &pairs),
    }
}
