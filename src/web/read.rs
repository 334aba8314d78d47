//! Reading for pages and figures: the question of an address, and one snapshot that answers it.

use tracing::error;
use url::form_urlencoded;

use crate::{
    app::App,
    clock,
    report::question::{Question, Wrong},
    store::{self, Transaction},
    writer::Live,
};

/// The figures can't be read; the log says why.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unanswered;

/// The question that the query of an address asks.
pub(super) fn question(app: &App, query: Option<&str>) -> Result<Question, Wrong> {
    let parameters = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    Question::parse(parameters, &app.registry.get(), clock::now())
}

/// Runs `read` on one snapshot of the file, in which everything is counted that was answered before.
pub(super) async fn answer<T: Send + 'static>(
    app: &App,
    read: impl FnOnce(&Transaction<'_>) -> Result<T, store::Error> + Send + 'static,
) -> Result<(T, Live), Unanswered> {
    answer_beside(app, move |file, _| read(file)).await
}

/// The same for what must know of what the writer knows.
pub(super) async fn answer_beside<T: Send + 'static>(
    app: &App,
    read: impl FnOnce(&Transaction<'_>, &Live) -> Result<T, store::Error> + Send + 'static,
) -> Result<(T, Live), Unanswered> {
    // A writer that is too busy to wait for leaves the page a little behind, not empty.
    let live = app.writer.up_to_date().await.unwrap_or_default();
    let readers = app.readers.clone();
    let known = live.clone();
    let reading = tokio::task::spawn_blocking(move || readers.snapshot(|file| read(file, &known)));
    match reading.await {
        Ok(Ok(answer)) => Ok((answer, live)),
        Ok(Err(error)) => {
            error!(%error, "a page could not be read");
            Err(Unanswered)
        }
        Err(error) => {
            error!(%error, "reading a page broke off");
            Err(Unanswered)
        }
    }
}
