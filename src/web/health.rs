//! `GET /health`: whether the server lives, and whether beacons can be stored.

use hyper::StatusCode;
use serde_json::json;

use super::respond::{self, Answer};
use crate::app::App;

/// Ready while the writer runs; 503 with the reason when it does not.
pub(super) fn get(app: &App) -> Answer {
    let ready = app.writer.is_alive();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let metrics = &app.metrics;
    respond::json(
        status,
        &json!({
            "live": true,
            "ready": ready,
            "durability": "commit",
            "version": env!("CARGO_PKG_VERSION"),
            "uptime_seconds": app.started.elapsed().as_secs(),
            "beacons": {
                "stored": metrics.stored.get(),
                "rejected": metrics.rejected.get(),
                "unavailable": metrics.unavailable.get(),
                "folded": metrics.folded.get(),
                "not_kept": metrics.not_kept.get(),
            },
            "journal_commits": metrics.journal_commits.get(),
            "folds": metrics.folds.get(),
            "fold_failures": metrics.fold_failures.get(),
            "checkpoints": metrics.checkpoints.get(),
        }),
    )
}
