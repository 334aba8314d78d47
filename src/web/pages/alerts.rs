//! `GET /alerts`: what alerts have noticed.

use super::{Asked, NoPage, frame};
use crate::{
    app::App,
    page::{alerts::AlertsPage, link},
    report::{self, status},
    web::read,
};

pub(super) async fn get(app: &App, asked: Asked) -> Result<String, NoPage> {
    let question = asked.question.clone();
    let ((alerts, status), _) = read::answer(app, move |file| {
        Ok((report::alerts::answer(&question, file)?, status::answer(&question, file)?))
    })
    .await?;
    let registry = app.registry.get();
    let declared: Vec<String> = registry.alerts.iter().map(|alert| alert.name.clone()).collect();
    let frame = frame::of(app, &asked, link::ALERTS, Some(&status));
    Ok(AlertsPage { frame: &frame, alerts: &alerts, declared: &declared }.render()?)
}
