//! Jobs: what the server does by the clock. A job is one file and one line here.

mod alerts;
mod backups;
mod certificates;
mod chronicle;
pub mod contract;
mod messages;
mod rankings;
mod retention;
mod salt;
mod seals;

use tokio::{task::JoinSet, time};
use tracing::error;

use self::contract::Job;
use crate::app::App;

/// Every job.
static JOBS: [Job; 9] = [
    chronicle::JOB,
    salt::JOB,
    retention::JOB,
    seals::JOB,
    alerts::JOB,
    messages::JOB,
    backups::JOB,
    certificates::JOB,
    rankings::JOB,
];

/// Does every job when it is due, and at once when another registry comes into force, for ever.
pub async fn run(app: App) {
    let mut running = JoinSet::new();
    for job in &JOBS {
        running.spawn(repeat(job, app.clone()));
    }
    while running.join_next().await.is_some() {}
}

/// Does what is left to do at a clean stop.
pub async fn close(app: &App) {
    let app = app.clone();
    if let Err(error) = tokio::task::spawn_blocking(move || chronicle::run(&app)).await {
        error!(%error, "the last note broke off");
    }
}

async fn repeat(job: &'static Job, app: App) {
    let mut due = time::interval(job.every);
    due.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    let mut changes = app.registry.changes();
    loop {
        tokio::select! {
            _ = due.tick() => {}
            Ok(()) = changes.changed() => due.reset(),
        }
        let app = app.clone();
        if let Err(error) = tokio::task::spawn_blocking(move || (job.run)(&app)).await {
            error!(job = job.name, %error, "a job broke off; it is tried again when it is due");
        }
    }
}
