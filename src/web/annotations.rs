//! `/api/v1/annotations`: what is said about moments, read and written by programs and by the form of
//! the dashboard.

use hyper::{Request, StatusCode, body::Incoming, header, http::request::Parts};
use serde_json::json;
use tracing::error;

use super::{
    access, read,
    respond::{self, Answer},
    sign_in,
};
use crate::{
    amend::note::{self, Note},
    app::App,
    clock,
    report::chronicle,
    store::{self, chronicle::remove_note},
    writer::Affects,
};

/// The annotations of the dates asked about, or of all.
pub(super) async fn get(app: &App, request: &Request<Incoming>) -> Answer {
    let question = match read::question(app, request.uri().query()) {
        Ok(question) => question,
        Err(wrong) => return failed(StatusCode::BAD_REQUEST, &wrong.to_string()),
    };
    match read::answer(app, move |file| chronicle::annotations(&question, file)).await {
        Ok((found, _)) => respond::json(StatusCode::OK, &json!({ "annotations": found })),
        Err(read::Unanswered) => failed(
            StatusCode::SERVICE_UNAVAILABLE,
            "the file can't be read at the moment; try again later",
        ),
    }
}

/// Writes one, from JSON or from the dashboard's form, or removes the one that the form names.
pub(super) async fn post(app: &App, head: &Parts, bytes: &[u8]) -> Answer {
    let is_form = head
        .headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    if is_form { post_form(app, bytes).await } else { post_json(app, bytes).await }
}

async fn post_json(app: &App, bytes: &[u8]) -> Answer {
    let note: Note = match serde_json::from_slice(bytes) {
        Ok(note) => note,
        Err(error) => {
            return failed(StatusCode::BAD_REQUEST, &format!("this is no annotation: {error}"));
        }
    };
    match write(app, note).await {
        Ok(id) => respond::json(StatusCode::CREATED, &json!({ "id": id })),
        Err((status, sentence)) => failed(status, &sentence),
    }
}

async fn post_form(app: &App, bytes: &[u8]) -> Answer {
    let field = |name: &str| access::field(bytes, name);
    let done = match field("remove") {
        Some(id) => remove(app, &id).await,
        None => {
            let text = field("text").unwrap_or_default();
            let note = Note { text, at: field("at"), site: field("site") };
            write(app, note).await.map(drop)
        }
    };
    match done {
        Ok(()) => respond::see_other(&sign_in::next(app, field("back"))),
        Err((status, sentence)) => failed(status, &sentence),
    }
}

async fn write(app: &App, note: Note) -> Result<i64, (StatusCode, String)> {
    let app = app.clone();
    let written = tokio::task::spawn_blocking(move || {
        note.write(&app.registry.get(), clock::now(), &mut app.file())
    });
    match written.await {
        Ok(Ok(id)) => Ok(id),
        Ok(Err(note::Error::Wrong(why))) => Err((StatusCode::BAD_REQUEST, why)),
        Ok(Err(note::Error::Store(cause))) => Err(not_stored(&cause)),
        Err(cause) => Err(not_stored(&cause)),
    }
}

async fn remove(app: &App, id: &str) -> Result<(), (StatusCode, String)> {
    let unknown = || (StatusCode::NOT_FOUND, "there is no such annotation of a person".to_owned());
    let id: i64 = id.parse().map_err(|_| unknown())?;
    let removed = app.writer.change(Affects::Nothing, move |file| remove_note(file, id)).await;
    match removed {
        Ok(true) => Ok(()),
        Ok(false) => Err(unknown()),
        Err(cause) => {
            let cause: store::Error = cause;
            Err(not_stored(&cause))
        }
    }
}

fn not_stored(cause: &dyn std::fmt::Display) -> (StatusCode, String) {
    error!(%cause, "an annotation could not be stored");
    (
        StatusCode::SERVICE_UNAVAILABLE,
        "the annotation could not be stored; try again later".to_owned(),
    )
}

fn failed(status: StatusCode, sentence: &str) -> Answer {
    respond::json(status, &json!({ "error": sentence }))
}
