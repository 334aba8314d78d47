//! `GET /api/v1/reports/<slug>`: every report as JSON.

use hyper::{Request, StatusCode, body::Incoming};
use serde_json::json;

use super::{
    read::{self, Unanswered},
    respond::{self, Answer},
};
use crate::{
    app::App,
    report::{self, REPORTS},
};

/// The report called `slug`, or the list of all.
pub(super) async fn get(app: &App, slug: Option<&str>, request: &Request<Incoming>) -> Answer {
    let Some(slug) = slug else {
        let reports = REPORTS.iter().map(|report| {
            json!({ "slug": report.slug, "title": report.title,
                    "href": format!("/api/v1/reports/{}", report.slug) })
        });
        return respond::json(StatusCode::OK, &serde_json::Value::from_iter(reports));
    };
    let Some(report) = report::by_slug(slug) else {
        let known: Vec<&str> = REPORTS.iter().map(|report| report.slug).collect();
        let sentence = format!("there is no report {slug:?}; there are {}", known.join(", "));
        return respond::json(StatusCode::NOT_FOUND, &json!({ "error": sentence }));
    };
    let question = match read::question(app, request.uri().query()) {
        Ok(question) => question,
        Err(wrong) => {
            let body = json!({ "error": wrong.to_string(), "parameter": wrong.parameter });
            return respond::json(StatusCode::BAD_REQUEST, &body);
        }
    };
    if !question.filters.is_empty() && !report.takes_filters() {
        let sentence = "filter can't narrow this report; overview and top have filters";
        let body = json!({ "error": sentence, "parameter": "filter" });
        return respond::json(StatusCode::BAD_REQUEST, &body);
    }
    match read::answer(app, move |file| (report.answer)(&question, file)).await {
        Ok((answer, _)) => respond::json(StatusCode::OK, &answer),
        Err(Unanswered) => {
            let sentence = "the figures can't be read at the moment; try again later";
            respond::json(StatusCode::SERVICE_UNAVAILABLE, &json!({ "error": sentence }))
        }
    }
}
