//! Makes the backup of the day, and lets old ones go.

use std::{fs, time::Duration};

use tracing::{error, info};

use super::contract::Job;
use crate::{
    app::App,
    backup::{self, schedule},
    clock,
    config::registry::BackupRule,
    model::period::date_at,
    store,
};

/// The job.
pub(super) const JOB: Job = Job { name: "backups", every: Duration::from_secs(600), run };

fn run(app: &App) {
    let registry = app.registry.get();
    let Some(rule) = &registry.server.backup else { return };
    // Days begin where the first site's do.
    let zone = registry.sites.first().map_or(jiff::tz::TimeZone::UTC, |site| site.zone.clone());
    let Some(target) = schedule::due(rule, date_at(clock::now(), &zone)) else { return };
    let made =
        prepare(rule).map_err(backup::Error::from).and_then(|()| backup::make(&registry, &target));
    match made {
        Ok(bytes) => info!(file = %target.display(), bytes, "made the backup of the day"),
        Err(error) => {
            error!(%error, "the backup of the day could not be made; it is tried again in ten minutes");
            return;
        }
    }
    match schedule::rotate(rule) {
        Ok(removed) if removed.is_empty() => {}
        Ok(removed) => info!(backups = removed.len(), "old backups went"),
        Err(error) => error!(%error, "not all old backups could be removed"),
    }
}

fn prepare(rule: &BackupRule) -> Result<(), store::Error> {
    fs::create_dir_all(&rule.folder)
        .map_err(|source| store::Error::Write { path: rule.folder.clone(), source })
}
