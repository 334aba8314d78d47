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
    store::{
        Connection, Error, connection,
        readers::{PAUSE_MAX, Pause},
        upkeep,
    },
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

/// From how many pages on nobody begins to read until all of the log is in the file, so that it begins anew, or
/// [`PAUSE_MAX`] is over: where there is always somebody who reads, it would grow without end.
const PAGES_LONG: i64 = 16_384;

/// How long pages are let in at least between two such pauses.
const PAUSE_EVERY: Duration = Duration::from_secs(20);

/// The same after pauses that came to nothing, because of somebody who reads and can't be held back: twice as long
/// each time, and at most this.
const PAUSE_SELDOM: Duration = Duration::from_secs(600);

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
    pause: Pause,
    /// When the last pause began.
    paused_at: Option<Instant>,
    is_paused: bool,
    /// How long after its beginning the next one may begin.
    pause_after: Duration,
}

impl Checkpoints {
    /// Those of the file at `database`, which the writer has open. `pause` holds back those who read it.
    ///
    /// # Errors
    /// When the file can't be opened once more.
    pub(super) fn new(database: &Path, metrics: Arc<Metrics>, pause: Pause) -> Result<Self, Error> {
        let beside = Beside::Idle(connection::open_beside(database)?);
        Ok(Self {
            metrics,
            beside,
            is_begun: false,
            seen_at: Instant::now(),
            pause,
            paused_at: None,
            is_paused: false,
            pause_after: PAUSE_EVERY,
        })
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
        let upkeep::Log { pages, left } = upkeep::log(writer)?;
        self.pause_or_go_on(pages, left);
        if left < PAGES_MOVED && !self.is_begun && !self.is_paused {
            self.beside = idle.map_or(Beside::Gone, Beside::Idle);
            return Ok(());
        }
        self.metrics.checkpoints.add(1);
        // What is waited for by readers may keep beacons waiting a little.
        let last = if self.is_paused { PAGES_MOVED } else { PAGES_LAST };
        match idle {
            Some(connection) if left > last && left < PAGES_MAX => {
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

    /// Holds readers back while a log of so many `pages` is too long, as long as some are `left` that are not in the
    /// file: if none are, it begins anew with the next commit.
    fn pause_or_go_on(&mut self, pages: i64, left: i64) {
        let is_long = pages >= PAGES_LONG && left > 0;
        let since = self.paused_at.map(|at| at.elapsed());
        if self.is_paused && !is_long {
            self.pause_after = PAUSE_EVERY;
            self.let_in();
        } else if self.is_paused && since.is_some_and(|since| since >= PAUSE_MAX) {
            self.pause_after = (self.pause_after * 2).min(PAUSE_SELDOM);
            self.let_in();
        } else if is_long && !self.is_paused && since.is_none_or(|since| since >= self.pause_after)
        {
            self.is_paused = true;
            self.paused_at = Some(Instant::now());
            self.pause.begin();
        }
    }

    /// Lets those read who were held back.
    pub(super) fn let_in(&mut self) {
        self.is_paused = false;
        self.pause.end();
    }

    /// How long until it is to be looked again, though nothing is written; `None` if that is no matter.
    pub(super) fn until_due(&self) -> Option<Duration> {
        self.is_paused.then_some(SEEN_EVERY)
    }

    /// Ends what goes on, and closes what is open of the file.
    pub(super) fn end(self) {
        self.pause.end();
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

    use super::*;
    use crate::store::{Readers, connection::open_to_count, journal, names};

    /// How many pages one transaction writes, about.
    const WRITTEN: usize = 50;
    const PAGE_BYTES: usize = 4_096;

    #[test]
    fn nobody_is_held_back_where_nothing_is_left_or_where_it_came_to_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("x.db");
        let _file = open_to_count(&database).unwrap();
        let mut checkpoints =
            Checkpoints::new(&database, Arc::default(), Pause::default()).unwrap();
        let ago = |time: Duration| Instant::now().checked_sub(time);
        checkpoints.pause_or_go_on(PAGES_LONG, 0);
        assert!(!checkpoints.is_paused);
        checkpoints.pause_or_go_on(PAGES_LONG, 1);
        assert!(checkpoints.is_paused);
        checkpoints.pause_or_go_on(2 * PAGES_LONG, 0);
        assert!(!checkpoints.is_paused);
        checkpoints.paused_at = ago(PAUSE_EVERY);
        checkpoints.pause_or_go_on(PAGES_LONG, 1);
        assert!(checkpoints.is_paused);
        checkpoints.paused_at = ago(PAUSE_MAX);
        checkpoints.pause_or_go_on(PAGES_LONG, 1);
        assert!(!checkpoints.is_paused);
        checkpoints.paused_at = ago(PAUSE_EVERY);
        checkpoints.pause_or_go_on(PAGES_LONG, 1);
        assert!(!checkpoints.is_paused, "the last one came to nothing");
        checkpoints.end();
    }

    #[test]
    fn the_log_begins_anew_though_there_is_always_somebody_who_reads() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("x.db");
        let mut file = open_to_count(&database).unwrap();
        let pause = Pause::default();
        let mut checkpoints = Checkpoints::new(&database, Arc::default(), pause.clone()).unwrap();
        let readers = Readers::held_back_by(&database, pause).unwrap();
        let is_over = AtomicBool::new(false);
        let read = |begins_after: Duration| {
            thread::sleep(begins_after);
            while !is_over.load(Relaxed) {
                let read = readers.snapshot(|file| {
                    names::find(file, "nobody")?;
                    thread::sleep(Duration::from_millis(50));
                    Ok(())
                });
                read.unwrap();
            }
        };
        let most = thread::scope(|scope| {
            for at in 0..3 {
                scope.spawn(move || read(Duration::from_millis(17 * at)));
            }
            let (batch, mut most) = (vec![7; WRITTEN * PAGE_BYTES], 0);
            for _ in 0..5 * usize::try_from(PAGES_LONG).unwrap() / (2 * WRITTEN) {
                let id = journal::append(&mut file, &batch).unwrap();
                let transaction = file.transaction().unwrap();
                journal::remove_through(&transaction, id).unwrap();
                transaction.commit().unwrap();
                thread::sleep(Duration::from_millis(5));
                checkpoints.look(&file.connection);
                most = most.max(upkeep::log(&file.connection).unwrap().pages);
            }
            is_over.store(true, Relaxed);
            most
        });
        assert!(most >= PAGES_LONG, "somebody has always read: {most} pages");
        assert!(most < 2 * PAGES_LONG, "{most} pages");
        checkpoints.end();
    }
}
