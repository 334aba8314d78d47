//! `GET /storage`: the file, and how long what is in it is kept.

use super::{Asked, NoPage, frame};
use crate::{
    app::App,
    backup::schedule,
    config::registry::EventType,
    page::{link, storage::StoragePage},
    report::{self, status},
    web::read,
};

pub(super) async fn get(app: &App, asked: Asked) -> Result<String, NoPage> {
    let question = asked.question.clone();
    let ((storage, status), _) = read::answer(app, move |file| {
        Ok((report::storage::answer(file)?, status::answer(&question, file)?))
    })
    .await?;
    let registry = app.registry.get();
    let kept: Vec<(String, String)> =
        registry.events.iter().map(|event| (event.name.clone(), kept(event))).collect();
    let rule = registry.server.backup.as_ref();
    let last_backup = rule.map(|rule| schedule::last(&rule.folder).ok().flatten());
    let page = StoragePage {
        frame: &frame::of(app, &asked, link::STORAGE, Some(&status)),
        storage: &storage,
        disk_free: app.disk_free(),
        last_backup,
        path: &app.database.display().to_string(),
        kept: &kept,
    };
    Ok(page.render()?)
}

/// `hours 90 days, days 3 years, months for ever; pairs by day 92 days; single beacons 14 days`.
fn kept(event: &EventType) -> String {
    let words = |days: u32| match days {
        days if days % 365 == 0 && days >= 2 * 365 => format!("{} years", days / 365),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    };
    let of = |granularity: &crate::model::period::Granularity| {
        let days = event.retention_days.iter().find(|(kept, _)| kept == granularity);
        let words = days.map_or_else(|| "for ever".to_owned(), |(_, days)| words(*days));
        format!("{}s {words}", granularity.as_str())
    };
    let mut kept = event.granularities.iter().map(of).collect::<Vec<_>>().join(", ");
    if event.pair_days > 0 {
        kept.push_str(&format!("; pairs by day {}", words(event.pair_days)));
    }
    if event.raw_days > 0 {
        kept.push_str(&format!("; single beacons {}", words(event.raw_days)));
    }
    kept
}
