//! Moving the write-ahead log into the file. The writer does so only with what little is left: the rest is
//! moved beside it, so that no beacon waits for that.

use std::{
    path::Path,
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tracing::warn;

use crate::{
    metrics::Metrics,
    store::{Connection, Error, connection, upkeep},
};

/// How often it is looked how long the log is.
const SEEN_EVERY: Duration = Duration::from_millis(20);

/// From how many pages on the log is moved: 16 MB. Fewer, and what is written again and again is moved more often.
const PAGES_MOVED: i64 = 4_000;

/// Up to how many pages the writer moves itself. Only when all of them are in the file does the log begin anew,
/// and while beacons come there are always more, except between two commits.
const PAGES_LAST: i64 = 250;

/// From how many pages on the writer moves them, however long that takes: the log must not outgrow the disk.
const PAGES_MAX: i64 = 16_384;

/// Who moves the log beside the writer.
enum Beside {
    Idle(Connection),
    Moving(JoinHandle<Connection>),
    /// It has ended where it must not, or none could be started: all is left to the writer.
    Gone,
}

/// What keeps the log short.
pub(super) struct Checkpoints {
    metrics: Arc<Metrics>,
    beside: Beside,
    /// Whether a part of the log was moved, and it must begin anew.
    is_begun: bool,
    seen_at: Instant,
}

impl Checkpoints {
    /// Those of the file at `database`, which the writer has open.
    ///
    /// # Errors
    /// When the file can't be opened once more.
    pub(super) fn new(database: &Path, metrics: Arc<Metrics>) -> Result<Self, Error> {
        let beside = Beside::Idle(connection::open_beside(database)?);
        Ok(Self { metrics, beside, is_begun: false, seen_at: Instant::now() })
    }

    /// Has the log moved if it is long. `writer` is between two transactions.
    pub(super) fn look(&mut self, writer: &Connection) {
        if self.seen_at.elapsed() < SEEN_EVERY {
            return;
        }
        self.seen_at = Instant::now();
        if let Err(error) = self.move_on(writer) {
            warn!(%error, "{NOT_YET}");
        }
    }

    fn move_on(&mut self, writer: &Connection) -> Result<(), Error> {
        let idle = match std::mem::replace(&mut self.beside, Beside::Gone) {
            Beside::Moving(moving) if !moving.is_finished() => {
                self.beside = Beside::Moving(moving);
                return Ok(());
            }
            // A panic has told of itself.
            Beside::Moving(moving) => moving.join().ok(),
            Beside::Idle(connection) => Some(connection),
            Beside::Gone => None,
        };
        let pages = upkeep::wal_pages(writer)?;
        if pages < PAGES_MOVED && !self.is_begun {
            self.beside = idle.map_or(Beside::Gone, Beside::Idle);
            return Ok(());
        }
        self.metrics.checkpoints.add(1);
        match idle {
            Some(connection) if pages > PAGES_LAST && pages < PAGES_MAX => {
                self.is_begun = true;
                self.beside = moving(connection);
            }
            idle => {
                self.beside = idle.map_or(Beside::Gone, Beside::Idle);
                self.is_begun = false;
                upkeep::checkpoint(writer)?;
            }
        }
        Ok(())
    }

    /// Ends what goes on, and closes what is open of the file.
    pub(super) fn end(self) {
        if let Beside::Moving(moving) = self.beside {
            // A panic has told of itself, and the writer moves what is left.
            let _ended = moving.join();
        }
    }
}

const NOT_YET: &str = "the write-ahead log could not be moved into the file yet";

/// Starts moving the log with `connection`.
fn moving(connection: Connection) -> Beside {
    let moved = move || {
        if let Err(error) = upkeep::checkpoint(&connection) {
            warn!(%error, "{NOT_YET}");
        }
        connection
    };
    match thread::Builder::new().name("checkpoint".to_owned()).spawn(moved) {
        Ok(moving) => Beside::Moving(moving),
        Err(error) => {
            warn!(%error, "no thread could be started");
            Beside::Gone
        }
    }
}
