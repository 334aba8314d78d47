//! `GET /api/v1/reports/<slug>`: every report as JSON, and its list as CSV.

use hyper::{
    Request, StatusCode,
    body::Incoming,
    header::{self, HeaderValue},
};
use serde::Serialize;
use serde_json::json;
use tracing::error;
use url::form_urlencoded;

use super::{
    read::{self, Unanswered},
    respond::{self, Answer},
};
use crate::{
    app::App,
    auth::accounts::Visitor,
    export,
    report::{self, REPORTS, contract::Report},
};

/// What says how an answer is written: `json` or `csv`.
const FORMAT: &str = "format";

/// Reports that tell of every site, and are there only for those who may see them all.
const OF_EVERY_SITE: [&str; 2] = ["alerts", "storage"];

/// The report called `slug`, or the list of all.
pub(super) async fn get(
    app: &App,
    visitor: &Visitor,
    slug: Option<&str>,
    request: &Request<Incoming>,
) -> Answer {
    let is_open = |report: &&Report| visitor.sees_all() || !OF_EVERY_SITE.contains(&report.slug);
    let root = app.registry.get().server.root().to_owned();
    let Some(slug) = slug else {
        let reports = REPORTS.iter().filter(is_open).map(|report| {
            json!({ "slug": report.slug, "title": report.title,
                    "href": format!("{root}/api/v1/reports/{}", report.slug) })
        });
        return respond::json(StatusCode::OK, &serde_json::Value::from_iter(reports));
    };
    let Some(report) = report::by_slug(slug).filter(is_open) else {
        let known: Vec<&str> = REPORTS.iter().filter(is_open).map(|report| report.slug).collect();
        let sentence = format!("there is no report {slug:?}; there are {}", known.join(", "));
        return respond::json(StatusCode::NOT_FOUND, &json!({ "error": sentence }));
    };
    let (wants_csv, query) = match format(request.uri().query().unwrap_or_default()) {
        Ok(found) => found,
        Err(sentence) => {
            let body = json!({ "error": sentence, "parameter": FORMAT });
            return respond::json(StatusCode::BAD_REQUEST, &body);
        }
    };
    let question = match read::question(app, Some(&query)) {
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
        Ok((answer, _)) if wants_csv => as_csv(report.slug, &answer),
        Ok((answer, _)) => as_json(app, visitor, &answer),
        Err(Unanswered) => {
            let sentence = "the figures can't be read at the moment; try again later";
            respond::json(StatusCode::SERVICE_UNAVAILABLE, &json!({ "error": sentence }))
        }
    }
}

/// The answer, and how many beacons it lacks if counting fails at the moment.
fn as_json(app: &App, visitor: &Visitor, answer: &impl Serialize) -> Answer {
    let Some(waiting) = app.metrics.put_off() else { return respond::json(StatusCode::OK, answer) };
    match serde_json::to_value(answer) {
        Ok(mut answer) => {
            if let Some(answer) = answer.as_object_mut() {
                // How many is of all sites together.
                let told = if visitor.sees_all() { waiting.into() } else { true.into() };
                answer.insert("not_counted_yet".to_owned(), told);
            }
            respond::json(StatusCode::OK, &answer)
        }
        Err(error) => {
            error!(%error, "an answer could not be written as JSON");
            respond::empty(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

/// Whether CSV is wanted, and the rest of the query.
fn format(query: &str) -> Result<(bool, String), String> {
    let mut wants_csv = false;
    let mut rest = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match (&*name, &*value) {
            (FORMAT, "csv") => wants_csv = true,
            (FORMAT, "json") => wants_csv = false,
            (FORMAT, other) => return Err(format!("format is json or csv, not {other:?}")),
            (name, value) => {
                rest.append_pair(name, value);
            }
        }
    }
    Ok((wants_csv, rest.finish()))
}

fn as_csv(slug: &str, answer: &impl Serialize) -> Answer {
    match serde_json::to_value(answer) {
        // A table without rows says that there was nothing.
        Ok(answer) if answer["not_told"].is_string() => {
            let body = json!({ "error": answer["not_told"] });
            respond::json(StatusCode::UNPROCESSABLE_ENTITY, &body)
        }
        Ok(answer) => {
            let text = export::as_csv(&answer);
            let mut answer = respond::with_body(StatusCode::OK, "text/csv; charset=utf-8", text);
            respond::set(&mut answer, header::CACHE_CONTROL, "no-store");
            let disposition = format!("attachment; filename=\"{slug}.csv\"");
            if let Ok(disposition) = HeaderValue::from_str(&disposition) {
                answer.headers_mut().insert(header::CONTENT_DISPOSITION, disposition);
            }
            answer
        }
        Err(error) => {
            error!(%error, "an answer could not be written as CSV");
            respond::empty(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}
