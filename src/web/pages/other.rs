//! `GET /filtered` and `GET /privacy`: what is not counted, and what is.

use super::{Asked, NoPage, frame};
use crate::{
    app::App,
    config::registry::{EventType, IdentifierRule, Site},
    fold,
    model::dimension::Dimension,
    page::{
        filtered::{FilteredPage, Reason},
        link,
        privacy::{EventFacts, Facts, PrivacyPage},
    },
    report::{self, status},
    web::read,
};

pub(super) async fn get_filtered(app: &App, asked: Asked) -> Result<String, NoPage> {
    let question = asked.question.clone();
    let ((filtered, status), _) = read::answer(app, move |file| {
        Ok((report::filtered::answer(&question, file)?, status::answer(&question, file)?))
    })
    .await?;
    let frame = frame::of(app, &asked, link::FILTERED, Some(&status));
    let reasons = filtered.reasons.iter();
    let reasons: Vec<Reason> = reasons
        .map(|row| Reason { slug: row.reason.to_owned(), days: row.by_day.clone() })
        .collect();
    let agents: Vec<(String, i64)> =
        filtered.agents.into_iter().map(|agent| (agent.name, agent.count)).collect();
    let page = FilteredPage {
        frame: &frame,
        range: filtered.scope.range,
        accepted: filtered.counted,
        reasons: &reasons,
        agents: &agents,
    };
    Ok(page.render()?)
}

pub(super) fn get_privacy(app: &App, asked: &Asked) -> Result<String, NoPage> {
    let frame = frame::of(app, asked, link::PRIVACY, None);
    let facts = facts(app, &asked.question.site);
    Ok(PrivacyPage { frame: &frame, facts: &facts }.render()?)
}

/// What the registry says of a site to those who visit it.
pub(super) fn facts(app: &App, site: &Site) -> Facts {
    let registry = app.registry.get();
    Facts {
        site: site.name.clone(),
        time_zone: site.zone_name.clone(),
        honours_privacy_signals: site.honour_privacy_signals,
        country_from_address: app.ingest.locations.is_open(),
        visit_minutes: fold::IDLE_SECONDS / 60,
        events: registry.events.iter().map(|event| event_facts(event)).collect(),
    }
}

fn event_facts(event: &EventType) -> EventFacts {
    let kept = event.granularities.iter().map(|granularity| {
        let days = event.retention_days.iter().find(|(kept, _)| kept == granularity);
        (granularity.as_str().to_owned(), days.map(|(_, days)| *days))
    });
    EventFacts {
        name: event.name.clone(),
        identifier: identifier(event).to_owned(),
        dimensions: event.dimensions.iter().map(Dimension::name).map(Into::into).collect(),
        kept: kept.collect(),
        raw_days: event.raw_days,
    }
}

const fn identifier(event: &EventType) -> &'static str {
    match event.identifier {
        IdentifierRule::PagePath => "the page’s path",
        IdentifierRule::CanonicalUrl => "the page’s address, without its query",
        IdentifierRule::SiteSection => "the section of the site",
        IdentifierRule::RefererPath => "the path of the page that sent it",
        IdentifierRule::Session => "a session’s number, as a code that can’t be turned back",
        IdentifierRule::User => "a user’s number, as a code that can’t be turned back",
        IdentifierRule::Key => "a name that the page gives",
        IdentifierRule::Fingerprint => "what went wrong, without what varies",
        IdentifierRule::None => "",
    }
}
