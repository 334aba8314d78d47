//! `GET /month` and `GET /year`: one course, of a single page or of all.

use super::{Asked, NoPage, frame};
use crate::{
    app::App,
    model::period::DateRange,
    page::{link, month::MonthPage, trend::Trend, year::YearPage},
    report::{self, answer::Series, question::Question, status},
    store::{self, Transaction},
    web::read,
};

type Report = fn(&Question, &Transaction<'_>) -> Result<Series, store::Error>;

pub(super) async fn get_month(app: &App, asked: Asked) -> Result<String, NoPage> {
    let (series, before, status) = course(app, &asked, report::month::answer).await?;
    let frame = frame::of(app, &asked, link::MONTH, Some(&status));
    let trend =
        Trend { frame: &frame, series: &series, before: Some(&before), metric: asked.metric };
    Ok(MonthPage { frame: &frame, today: asked.today(), trend }.render()?)
}

pub(super) async fn get_year(app: &App, asked: Asked) -> Result<String, NoPage> {
    let (series, before, status) = course(app, &asked, report::year::answer).await?;
    let frame = frame::of(app, &asked, link::YEAR, Some(&status));
    let trend =
        Trend { frame: &frame, series: &series, before: Some(&before), metric: asked.metric };
    Ok(YearPage { frame: &frame, today: asked.today(), trend }.render()?)
}

/// The course asked for, and the one that ends where it begins.
async fn course(
    app: &App,
    asked: &Asked,
    report: Report,
) -> Result<(Series, Series, status::Status), NoPage> {
    let question = asked.question.clone();
    let (read, _) = read::answer(app, move |file| {
        let series = report(&question, file)?;
        let eve = series.scope.range.first.yesterday().unwrap_or(series.scope.range.first);
        let before = Question { range: Some(DateRange::ending(eve, 1)), ..question.clone() };
        let before = as_far_as(report(&before, file)?, &series);
        Ok((series, before, status::answer(&question, file)?))
    })
    .await?;
    Ok(read)
}

/// As many buckets of `before` as `series` has begun, so that like is compared with like while the
/// last bucket is still to come.
fn as_far_as(mut before: Series, series: &Series) -> Series {
    let begun = series.points.iter().position(|point| point.unfinished);
    if let Some(last) = begun {
        before.points.truncate(last + 1);
        before.add_up();
    }
    before
}
