//! `GET /goals`: what visitors were wanted to reach.

use super::{Asked, NoPage, frame};
use crate::{
    app::App,
    page::{goals::GoalsPage, link},
    report::{self, status},
    web::read,
};

pub(super) async fn get(app: &App, asked: Asked) -> Result<String, NoPage> {
    let question = asked.question.clone();
    let ((goals, status), _) = read::answer(app, move |file| {
        Ok((report::goals::answer(&question, file)?, status::answer(&question, file)?))
    })
    .await?;
    let frame = frame::of(app, &asked, link::GOALS, Some(&status));
    Ok(GoalsPage { frame: &frame, today: asked.today(), goals: &goals }.render()?)
}
