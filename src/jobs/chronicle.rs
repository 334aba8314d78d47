//! Notes that the server is up, and what began to be otherwise: another release, another configuration.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

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

/// From which leap on, in seconds, the clock counts as having been set.
const LEAP_SECONDS: i64 = 600;

/// When this was done last: by a clock that nobody sets, and in UTC seconds.
static LAST: Mutex<Option<(Instant, i64)>> = Mutex::new(None);

/// Whether it is noted that the clock is behind when the server was last up.
static IS_BEHIND: AtomicBool = AtomicBool::new(false);

/// Notes it now; a clean stop does so once more.
pub(super) fn run(app: &App) {
    let runs = Ran {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        registry: app.registry.get().meaning().to_vec(),
    };
    let now = clock::now();
    let leap = leap(now);
    let noted = app.file().change(Affects::Nothing, move |file| note(file, &runs, now, leap));
    if let Err(error) = noted {
        let error: store::Error = error;
        warn!(%error, "that the server is up could not be noted yet");
    }
}

/// By how many seconds the clock has leapt since this was asked last, with nothing of the kind in between.
fn leap(now: i64) -> i64 {
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    let before = last.replace((Instant::now(), now));
    let leap = before.map_or(0, |(at, then)| {
        let passed = i64::try_from(at.elapsed().as_secs()).unwrap_or(i64::MAX);
        now.saturating_sub(then).saturating_sub(passed)
    });
    if leap.abs() > LEAP_SECONDS { leap } else { 0 }
}

fn note(file: &Transaction<'_>, runs: &Ran, now: i64, leap: i64) -> Result<(), store::Error> {
    let last = chronicle::last_up(file)?.filter(|last| *last > now + LEAP_SECONDS);
    if leap != 0 || (last.is_some() && !IS_BEHIND.swap(true, Relaxed)) {
        // It stands where people look: at the moment that was right before.
        let at = if leap == 0 { last.unwrap_or(now) } else { now - leap };
        warn!(from = at, to = now, "the clock of the machine was set (UTC seconds)");
        let text = format!("The clock of the machine was set from {} to {}", utc(at), utc(now));
        chronicle::annotate(file, at, "", Kind::Configuration, &text)?;
    }
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

fn utc(at: i64) -> String {
    let moment = jiff::Timestamp::from_second(at).unwrap_or_default();
    moment.strftime("%Y-%m-%d %H:%M UTC").to_string()
}
