//! What a job is: something that is done again and again while the server runs.

use std::time::Duration;

use crate::app::App;

/// A job.
#[derive(Debug)]
pub struct Job {
    /// Its name in logs.
    pub name: &'static str,
    /// How long it rests in between.
    pub every: Duration,
    /// Does it once. It may block for a moment.
    pub run: fn(&App),
}
