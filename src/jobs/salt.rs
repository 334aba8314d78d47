//! Erases the keys of days that are over.

use std::time::Duration;

use super::contract::Job;
use crate::clock;

/// The job. A key outlives its day by this rest at most, and the grace that late beacons have.
pub(super) const JOB: Job = Job {
    name: "salt",
    every: Duration::from_secs(20),
    run: |app| app.ingest.salts.erase_past(clock::now()),
};
