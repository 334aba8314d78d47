//! Looks whether what the owner wants to be told of begins to be so, or is over.

use std::time::Duration;

use tokio::runtime::Handle;
use tracing::{info, warn};

use super::contract::Job;
use crate::{
    alert::{self, Disk},
    app::App,
    clock,
    store::{self, alerts},
    writer::Affects,
};

/// The job.
pub(super) const JOB: Job = Job { name: "alerts", every: Duration::from_secs(10), run };

fn run(app: &App) {
    if let Err(error) = look(app) {
        warn!(%error, "alerts could not be looked after yet");
    }
}

fn look(app: &App) -> Result<(), store::Error> {
    let (registry, now) = (app.registry.get(), clock::now());
    let disk = Disk { free: app.disk_free() };
    let changes = app.readers.snapshot(|file| {
        Ok(alert::changes(alerts::open(file)?, alert::watch(&registry, file, disk, now)?))
    })?;
    if changes.is_empty() {
        return Ok(());
    }
    let (noted, rules) = (changes.clone(), registry);
    let change =
        app.writer.change(Affects::Nothing, move |file| alert::note(file, &rules, &noted, now));
    Handle::current().block_on(change)?;
    for notice in changes.begun {
        info!(alert = notice.alert, site = notice.site, "an alert begins");
    }
    for incident in changes.ended {
        info!(alert = incident.notice.alert, site = incident.notice.site, "an alert is over");
    }
    Ok(())
}
