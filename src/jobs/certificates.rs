//! Asks for the next certificate in time.

use std::time::Duration;

use tokio::runtime::Handle;

use super::contract::Job;
use crate::{app::App, clock};

/// The job.
pub(super) const JOB: Job = Job { name: "certificates", every: Duration::from_secs(5), run };

fn run(app: &App) {
    if let Some(keyring) = &app.tls {
        Handle::current().block_on(keyring.keep(&app.registry.get().server, clock::now()));
    }
}
