//! Seals days, months and years once they are over.

use std::time::Duration;

use tracing::{debug, warn};

use super::contract::Job;
use crate::{
    app::App,
    clock,
    store::Error,
    verify::seal,
    writer::{Affects, changes::Changes as _},
};

/// The job.
pub(super) const JOB: Job = Job { name: "seals", every: Duration::from_secs(600), run };

/// How many spans are looked for at once.
const SPANS_AT_ONCE: usize = 100;

/// How many spans one run seals at most; the rest waits for the next.
const SPANS_MAX: usize = 5_000;

fn run(app: &App) {
    match all(app) {
        Ok(0) => {}
        Ok(sealed) => debug!(sealed, "sealed what is over"),
        Err(error) => warn!(%error, "not all that is over could be sealed yet"),
    }
}

fn all(app: &App) -> Result<usize, Error> {
    let (mut file, registry, now) = (app.file(), app.registry.get(), clock::now());
    let mut sealed = 0;
    while sealed < SPANS_MAX {
        let asked = registry.clone();
        let spans = file.read(move |file| seal::unsealed(file, &asked, now, SPANS_AT_ONCE))?;
        if spans.is_empty() {
            break;
        }
        for span in spans {
            // Read by the writer itself, so that no late beacon comes between reading and sealing.
            file.change(Affects::Nothing, move |file| seal::seal(file, &span))?;
            sealed += 1;
        }
    }
    Ok(sealed)
}
