//! Removes what is older than the registry keeps it, notes how the file grows, and now and then removes
//! names that nothing uses any more.

use std::{
    sync::atomic::{AtomicI64, Ordering::Relaxed},
    time::Duration,
};

use tracing::{info, warn};

use super::contract::Job;
use crate::{
    amend,
    app::App,
    clock,
    config::registry::Registry,
    prune,
    store::{chronicle, upkeep},
    writer::{
        Affects,
        changes::{Changes as _, Served},
    },
};

/// The job.
pub(super) const JOB: Job = Job { name: "retention", every: Duration::from_secs(300), run };

/// How often names are looked through, in seconds: every row is read for it.
const NAMES_EVERY: i64 = 86_400;

/// How long ago a name must have been new before it may go, in seconds.
const NAMES_AGE: i64 = 7 * 86_400;

/// When names were last looked through, UTC seconds: a day after the start at the earliest.
static NAMES_AT: AtomicI64 = AtomicI64::new(0);

fn run(app: &App) {
    let mut file = app.file();
    let (registry, now) = (app.registry.get(), clock::now());
    match file.read(move |file| chronicle::is_settled(file, now)) {
        Ok(true) => remove_old(&mut file, &registry, now),
        Ok(false) => warn!(
            "the clock is more than a year ahead of when the server was last up: nothing is removed for its \
             age until the server has been up for a day"
        ),
        Err(error) => warn!(%error, "whether the clock can be believed could not be read"),
    }
    let noted = file.change(Affects::Nothing, move |file| upkeep::note_size(file, now));
    if let Err(error) = noted {
        warn!(%error, "the size of the file could not be noted");
    }
}

fn remove_old(file: &mut Served, registry: &Registry, now: i64) {
    match prune::carry_out(file, registry, now) {
        Ok(gone) => {
            for (due, rows) in gone {
                let event = due.event.map_or(String::new(), |event| event.name.clone());
                info!(
                    event,
                    what = due.what.words(),
                    rows,
                    "removed what is older than it is kept"
                );
            }
        }
        Err(error) => warn!(%error, "not all that is older than it is kept could be removed yet"),
    }
    if let Err(error) = amend::forget_old(file, now) {
        warn!(%error, "how old edits are undone could not be forgotten yet");
    }
    remove_names(file, now);
}

fn remove_names(file: &mut Served, now: i64) {
    let last = NAMES_AT.load(Relaxed);
    if last == 0 {
        NAMES_AT.store(now, Relaxed);
    }
    if last == 0 || now - last < NAMES_EVERY {
        return;
    }
    NAMES_AT.store(now, Relaxed);
    match prune::remove_unused_names(file, now - NAMES_AGE) {
        Ok(0) => {}
        Ok(names) => info!(names, "removed names that nothing uses any more"),
        Err(error) => warn!(%error, "names that nothing uses could not be removed yet"),
    }
}
