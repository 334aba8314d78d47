//! Reading for pages and figures: the question of an address, and one snapshot that answers it.

use std::time::Duration;

use tracing::{debug, error};
use url::form_urlencoded;

use crate::{
    app::App,
    clock,
    report::question::{Question, Wrong},
    store::{self, Transaction, readers::Stop},
    writer::Live,
};

/// How long a page may read.
const READING_TIME: Duration = Duration::from_secs(30);

/// The same for strangers, who may ask for as much as they like.
const STRANGERS_READING_TIME: Duration = Duration::from_secs(5);

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
    let Some(turn) = app.turns.next().await else {
        debug!("a page found no turn to read");
        return Err(Unanswered);
    };
    let (readers, known) = (app.readers.clone(), live.clone());
    // Whoever hangs up wants to know nothing any more.
    let hanging_up = HangingUp(Stop::default());
    let stop = hanging_up.0.clone();
    let reading = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        readers.snapshot_until(&stop, |file| read(file, &known))
    });
    let time = if app.turns.are_of_stranger() { STRANGERS_READING_TIME } else { READING_TIME };
    match tokio::time::timeout(time, reading).await {
        Ok(Ok(Ok(answer))) => Ok((answer, live)),
        Ok(Ok(Err(error))) => {
            error!(%error, "a page could not be read");
            Err(Unanswered)
        }
        Ok(Err(error)) => {
            error!(%error, "reading a page broke off");
            Err(Unanswered)
        }
        Err(_) if app.turns.are_of_stranger() => {
            debug!("a page took longer to read than strangers may");
            Err(Unanswered)
        }
        Err(_) => {
            let seconds = time.as_secs();
            error!(seconds, "a page took too long to read: fewer days or filters take less");
            Err(Unanswered)
        }
    }
}

/// Ends what is being read when nobody waits for it any more.
struct HangingUp(Stop);

impl Drop for HangingUp {
    fn drop(&mut self) {
        self.0.stop();
    }
}
