//! `GET /health`, `/health/live`, `/health/ready`: whether the server lives, and whether beacons can be
//! stored. Numbers are for who runs it.

use hyper::StatusCode;
use serde_json::json;

use super::respond::{self, Answer};
use crate::app::{App, VERSION};

/// With less than that, in bytes, the disk is too full for beacons to be sure of a place.
const DISK_FREE_MIN: i64 = 64 * 1024 * 1024;

/// Which question is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Probe {
    /// Both, and for who runs it the numbers.
    All,
    /// Whether the process answers: if not, start it anew.
    Live,
    /// Whether it can store beacons: if not, send them elsewhere.
    Ready,
}

/// The answer; 503 with the reasons when beacons can't be stored.
pub(super) fn get(app: &App, probe: Probe, is_operator: bool) -> Answer {
    if probe == Probe::Live {
        return respond::json(StatusCode::OK, &json!({ "live": true }));
    }
    let why = reasons(app);
    let ready = why.is_empty();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut body = json!({ "live": true, "ready": ready, "why": why });
    if app.metrics.put_off().is_some() {
        // Beacons are stored all the same, so it stays ready.
        body["counting_put_off"] = true.into();
    }
    if probe == Probe::All && is_operator {
        let numbers = numbers(app);
        if let (Some(body), Some(numbers)) = (body.as_object_mut(), numbers.as_object()) {
            body.extend(numbers.clone());
        }
    }
    respond::json(status, &body)
}

/// Why beacons can't be stored; none when they can.
fn reasons(app: &App) -> Vec<&'static str> {
    let (beacons, bytes) = app.writer.waiting();
    let limits = app.registry.get().server.limits;
    let is_full = |waiting: usize, most: usize| waiting > most - most / 10;
    let checks = [
        (!app.writer.is_alive(), "the thread that writes has ended: start the server anew"),
        (app.metrics.failing.get() > 0, "the last beacons could not be stored: the log says why"),
        (
            is_full(beacons, limits.queue_beacons) || is_full(bytes, limits.queue_bytes),
            "more beacons arrive than can be stored",
        ),
        (
            app.disk_free().is_some_and(|free| free < DISK_FREE_MIN),
            "the disk of the database has less than 64 MiB free",
        ),
    ];
    checks.into_iter().filter_map(|(applies, why)| applies.then_some(why)).collect()
}

fn numbers(app: &App) -> serde_json::Value {
    let metrics = &app.metrics;
    json!({
        "durability": "commit",
        "version": VERSION,
        "uptime_seconds": app.started.elapsed().as_secs(),
        "beacons": {
            "stored": metrics.stored.get(),
            "rejected": metrics.rejected.get(),
            "unavailable": metrics.unavailable.get(),
            "folded": metrics.folded.get(),
            "not_kept": metrics.not_kept.get(),
        },
        "queue_beacons": app.writer.waiting().0,
        "last_commit": metrics.last_commit.get(),
        "disk_free_bytes": app.disk_free(),
        "journal_commits": metrics.journal_commits.get(),
        "folds": metrics.folds.get(),
        "fold_failures": metrics.fold_failures.get(),
        "counting_put_off": metrics.put_off().is_some(),
        "uncounted": metrics.uncounted.get(),
        "checkpoints": metrics.checkpoints.get(),
    })
}
