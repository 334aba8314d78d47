//! Notes that the server is up, and what began to be otherwise: another release, another configuration.

use std::time::Duration;

use tracing::warn;

use super::contract::Job;
use crate::{
    app::App,
    clock,
    store::{
        self, Transaction,
        chronicle::{self, Kind, Ran},
    },
    writer::{Affects, changes::Changes as _},
};

/// The job.
pub(super) const JOB: Job = Job { name: "chronicle", every: Duration::from_secs(60), run };

/// Notes it now; a clean stop does so once more.
pub(super) fn run(app: &App) {
    let runs = Ran {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        registry: app.registry.get().meaning().to_vec(),
    };
    let now = clock::now();
    let noted = app.file().change(Affects::Nothing, move |file| note(file, &runs, now));
    if let Err(error) = noted {
        let error: store::Error = error;
        warn!(%error, "that the server is up could not be noted yet");
    }
}

fn note(file: &Transaction<'_>, runs: &Ran, now: i64) -> Result<(), store::Error> {
    chronicle::note_up(file, now)?;
    let ran = chronicle::ran(file)?;
    if ran.as_ref() == Some(runs) {
        return Ok(());
    }
    // Another release may mean the same file otherwise, which is no change of the file.
    if let Some(ran) = ran {
        let (kind, text) = if ran.version == runs.version {
            (Kind::Configuration, "beacons.toml was changed".to_owned())
        } else {
            (Kind::Upgrade, format!("Trim Beacons {} instead of {}", runs.version, ran.version))
        };
        chronicle::annotate(file, now, "", kind, &text)?;
    }
    chronicle::note_running(file, runs)
}
