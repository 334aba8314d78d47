//! Ranks what the overviews begin with as soon as a day is over, so that nobody has to wait for it.

use std::{sync::Arc, time::Duration};

use tokio::runtime::Handle;
use tracing::{debug, warn};

use super::contract::Job;
use crate::{
    app::App,
    clock,
    report::{past, question::Question},
    store::Error,
};

/// The job. What is remembered already costs next to nothing.
pub(super) const JOB: Job = Job { name: "rankings", every: Duration::from_secs(30), run };

/// How many sites are looked at: each takes a dozen of the rankings that are remembered.
const SITES_MAX: usize = 20;

fn run(app: &App) {
    // What is remembered holds for what had been changed before it was read.
    let live = Handle::current().block_on(app.writer.up_to_date());
    let Some(changes) = live.and_then(|live| live.past_changes) else {
        debug!("the writer is busy; rankings are read when they are asked for");
        return;
    };
    let (registry, now) = (app.registry.get(), clock::now());
    for site in registry.sites.iter().take(SITES_MAX) {
        let question = Question::about(Arc::clone(site), &registry, now);
        let read = app.readers.snapshot(|file| -> Result<(), Error> {
            past::remember(&app.past, &question, Some(changes), file)
        });
        if let Err(error) = read {
            warn!(site = site.name, %error, "the rankings of a site could not be read ahead");
        }
    }
}
