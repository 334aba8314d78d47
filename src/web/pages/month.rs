//! `GET /month` and `GET /year`: one course, of a single page or of all.

use std::sync::Arc;

use super::{Asked, NoPage, frame};
use crate::{
    app::App,
    model::period::DateRange,
    page::{
        layout::Frame,
        link,
        metric::Metric,
        month::MonthPage,
        strip::{self, Stat},
        trend::Trend,
        year::YearPage,
    },
    report::{
        self,
        answer::Series,
        question::Question,
        status::{self, Status},
    },
    store::{self, Transaction},
    web::read,
};

/// The event type by which pages tell how long they were looked at.
const ENGAGEMENT: &str = "engagement";

type Report = fn(&Question, &Transaction<'_>) -> Result<Series, store::Error>;

pub(super) async fn get_month(app: &App, asked: Asked) -> Result<String, NoPage> {
    let course = course(app, &asked, report::month::answer).await?;
    let frame = frame::of(app, &asked, link::MONTH, Some(&course.status));
    let trend = course.trend(&frame, asked.metric);
    Ok(MonthPage { frame: &frame, today: asked.today(), trend }.render()?)
}

pub(super) async fn get_year(app: &App, asked: Asked) -> Result<String, NoPage> {
    let course = course(app, &asked, report::year::answer).await?;
    let frame = frame::of(app, &asked, link::YEAR, Some(&course.status));
    let trend = course.trend(&frame, asked.metric);
    Ok(YearPage { frame: &frame, today: asked.today(), trend }.render()?)
}

/// The course asked for, the one that ends where it begins, and how long a single page was looked at.
struct Course {
    series: Series,
    /// None where it would begin before anything was counted: that is unknown, not nothing.
    before: Option<Series>,
    more: Vec<Stat>,
    status: Status,
}

impl Course {
    fn trend<'c>(&'c self, frame: &'c Frame, metric: Metric) -> Trend<'c> {
        Trend {
            frame,
            series: &self.series,
            before: self.before.as_ref(),
            metric,
            more: &self.more,
        }
    }
}

async fn course(app: &App, asked: &Asked, course_of: Report) -> Result<Course, NoPage> {
    let question = asked.question.clone();
    let (course, _) = read::answer(app, move |file| {
        let series = course_of(&question, file)?;
        let eve = series.scope.range.first.yesterday().unwrap_or(series.scope.range.first);
        let before = Question { range: Some(DateRange::ending(eve, 1)), ..question.clone() };
        let read = |question: &Question, dates| report::compared::plain(question, dates, file);
        let before =
            report::compared::as_far_as(&series, course_of(&before, file)?, &question, &read)?;
        let earliest = report::overview::settled(&question, file)?.earliest;
        let before =
            before.filter(|before| earliest.is_some_and(|first| before.scope.range.first >= first));
        let more = match question.identifier {
            Some(_) => engagement(&question, series.scope.range, file)?,
            None => Vec::new(),
        };
        let status = status::answer(&question, file)?;
        Ok(Course { series, before, more, status })
    })
    .await?;
    Ok(course)
}

/// What pages tell of themselves when they hide, if that event type is declared.
pub(super) fn engagement(
    question: &Question,
    range: DateRange,
    file: &Transaction<'_>,
) -> Result<Vec<Stat>, store::Error> {
    let event = question.events.iter().find(|event| event.name == ENGAGEMENT);
    let Some(event) = event.filter(|_| question.event.visits) else { return Ok(Vec::new()) };
    let event = Arc::clone(event);
    let question = Question { event, range: Some(range), ..question.clone() };
    Ok(strip::engagement(&report::spread::answer(&question, file)?))
}
