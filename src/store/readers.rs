//! Reading beside the writer: a few connections, which may be stopped, and held back for a moment.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use r2d2::ManageConnection;
use rusqlite::{Connection, InterruptHandle, Transaction};

use super::{
    Error,
    connection::{connect_readable, open_readable},
    migrate,
};

/// How many snapshots may be read at once.
const READERS_MAX: u32 = 4;

/// How long a page waits for a connection.
const READER_WAIT: Duration = Duration::from_secs(5);

/// How long nobody begins to read at most, so that the log can begin anew.
pub const PAUSE_MAX: Duration = Duration::from_secs(8);

/// A few read-only connections for pages.
#[derive(Debug, Clone)]
pub struct Readers {
    pool: r2d2::Pool<Reading>,
    pause: Pause,
}

impl Readers {
    /// A pool of connections to `path`, none of which is opened before it is needed.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn new(path: &Path) -> Result<Self, Error> {
        Self::held_back_by(path, Pause::default())
    }

    /// The same, of which none begins to read during a `pause`.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn held_back_by(path: &Path, pause: Pause) -> Result<Self, Error> {
        migrate::check_latest(&open_readable(path)?, path)?;
        let threads = r2d2_threads();
        let pool = r2d2::Pool::builder()
            .max_size(READERS_MAX)
            .min_idle(Some(0))
            .connection_timeout(READER_WAIT)
            .thread_pool(threads)
            .build(Reading { path: path.to_owned() })?;
        Ok(Self { pool, pause })
    }

    /// Runs `read` within one snapshot of the file: what it reads is of one moment.
    ///
    /// # Errors
    /// When no connection becomes free within 5 seconds, or `read` fails.
    pub fn snapshot<T>(
        &self,
        read: impl FnOnce(&Transaction<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.snapshot_until(&Stop::default(), read)
    }

    /// The same, which ends when `stop` says so.
    ///
    /// # Errors
    /// When no connection becomes free within 5 seconds, `read` fails, or it is stopped.
    pub fn snapshot_until<T>(
        &self,
        stop: &Stop,
        read: impl FnOnce(&Transaction<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.pause.wait();
        let mut connection = self.pool.get()?;
        let _reading = stop.begin(&connection)?;
        let transaction = connection.transaction()?;
        let answer = read(&transaction)?;
        transaction.finish()?;
        Ok(answer)
    }
}

/// Ends what is read, from another thread.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<Mutex<Progress>>);

#[derive(Default)]
enum Progress {
    /// Nothing is being read.
    #[default]
    Idle,
    Reading(InterruptHandle),
    Stopped,
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Idle => "Idle",
            Self::Reading(_) => "Reading",
            Self::Stopped => "Stopped",
        })
    }
}

impl Stop {
    /// Ends what is being read, or will be.
    pub fn stop(&self) {
        let mut progress = self.lock();
        if let Progress::Reading(handle) = &*progress {
            handle.interrupt();
        }
        *progress = Progress::Stopped;
    }

    fn begin(&self, connection: &Connection) -> Result<WhileReading<'_>, Error> {
        let mut progress = self.lock();
        if matches!(*progress, Progress::Stopped) {
            return Err(Error::Stopped);
        }
        *progress = Progress::Reading(connection.get_interrupt_handle());
        Ok(WhileReading(self))
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// From its end on the connection may read for somebody else, and must not be interrupted.
struct WhileReading<'a>(&'a Stop);

impl Drop for WhileReading<'_> {
    fn drop(&mut self) {
        let mut progress = self.0.lock();
        if matches!(*progress, Progress::Reading(_)) {
            *progress = Progress::Idle;
        }
    }
}

/// Keeps whoever wants to begin to read waiting. While somebody reads, the write-ahead log can't begin anew.
#[derive(Debug, Clone, Default)]
pub struct Pause(Arc<(Mutex<bool>, Condvar)>);

impl Pause {
    /// Begins it.
    pub fn begin(&self) {
        *self.lock() = true;
    }

    /// Ends it.
    pub fn end(&self) {
        *self.lock() = false;
        self.0.1.notify_all();
    }

    fn wait(&self) {
        let is_held = |held: &mut bool| *held;
        // Who has waited for so long reads all the same.
        let _waited = self.0.1.wait_timeout_while(self.lock(), PAUSE_MAX, is_held);
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One thread opens connections; the pool's own default would keep three.
fn r2d2_threads() -> Arc<scheduled_thread_pool::ScheduledThreadPool> {
    Arc::new(scheduled_thread_pool::ScheduledThreadPool::new(1))
}

/// How the pool opens and checks a connection.
#[derive(Debug)]
struct Reading {
    path: PathBuf,
}

impl ManageConnection for Reading {
    type Connection = Connection;
    type Error = rusqlite::Error;

    fn connect(&self) -> Result<Connection, rusqlite::Error> {
        connect_readable(&self.path)
    }

    fn is_valid(&self, connection: &mut Connection) -> Result<(), rusqlite::Error> {
        connection.execute_batch("")
    }

    fn has_broken(&self, _: &mut Connection) -> bool {
        false
    }
}
