//! `GET /speed`: the web vitals.

use super::{Asked, NoPage, frame};
use crate::{
    app::App,
    page::{link, vitals::VitalsPage},
    report::{self, status},
    web::{self, read},
};

pub(super) async fn get(app: &App, asked: Asked) -> Result<String, NoPage> {
    let question = asked.question.clone();
    let ((vitals, status), _) = read::answer(app, move |file| {
        Ok((report::vitals::answer(&question, file)?, status::answer(&question, file)?))
    })
    .await?;
    let page = VitalsPage {
        frame: &frame::of(app, &asked, link::VITALS, Some(&status)),
        today: asked.today(),
        vitals: &vitals,
        snippet: &web::vitals_snippet(&asked.base_url),
    };
    Ok(page.render()?)
}
