//! `GET /live`: who is here now, and what has just come.

use serde_json::{Value, json};

use super::{Asked, NoPage, frame};
use crate::{
    app::App,
    config::registry::Site,
    model::period::timestamp,
    page::{
        link,
        live::{Beacon, LivePage},
    },
    recent::Recent,
};

pub(super) async fn get(app: &App, asked: Asked) -> Result<String, NoPage> {
    let site = &asked.question.site;
    let (visitors, pages) = now(app, &site.name).await;
    let beacons = beacons(app, site, asked.visitor.sees_all());
    let stream = asked.way.to(link::LIVE_EVENTS, &[]);
    let frame = frame::of(app, &asked, link::LIVE, None);
    let page =
        LivePage { frame: &frame, visitors, pages: &pages, beacons: &beacons, stream: &stream };
    Ok(page.render()?)
}

/// The same as facts.
pub(in crate::web) async fn facts(app: &App, site: &str, sees_all: bool) -> Value {
    let (visitors, pages) = now(app, site).await;
    let registry = app.registry.get();
    let beacons = registry.site(site).map(|site| beacons(app, site, sees_all)).unwrap_or_default();
    let beacon = |beacon: &Beacon| {
        json!({ "time": beacon.time, "words": beacon.words, "verdict": beacon.verdict(),
                "counted": beacon.reason.is_none() })
    };
    let page = |(name, count): &(String, i64)| json!({ "name": name, "count": count });
    json!({
        "visitors": visitors,
        "pages": pages.iter().map(page).collect::<Value>(),
        "beacons": beacons.iter().map(beacon).collect::<Value>(),
    })
}

/// How many visitors there are, and on which pages.
async fn now(app: &App, site: &str) -> (i64, Vec<(String, i64)>) {
    let live = app.writer.up_to_date().await.unwrap_or_default();
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let visitors = live.present.get(site).copied().unwrap_or_default();
    let pages = live.pages.get(site).cloned().unwrap_or_default();
    let pages = pages.into_iter().map(|(name, count)| (name, number(count)));
    (number(visitors), pages.collect())
}

fn beacons(app: &App, site: &Site, sees_all: bool) -> Vec<Beacon> {
    let beacon = |Recent { at, words, reason }| Beacon {
        time: site
            .zone
            .to_datetime(timestamp(i64::div_euclid(at, 1000)))
            .strftime("%H:%M:%S")
            .to_string(),
        words,
        reason,
    };
    app.recent.of(&site.name, sees_all).into_iter().map(beacon).collect()
}
