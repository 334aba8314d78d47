//! Opening the file: one connection that writes, a few that read.

use std::{
    fs::{File, OpenOptions, TryLockError},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior, config::DbConfig};

use super::{
    Error,
    migrate::{self, Before},
    partial::put_in_place,
    parts,
};
use crate::files::{FileId, with_suffix};

/// What the file says it is: `TBcn` in ASCII.
pub const APPLICATION_ID: i64 = 0x5442_636e;

/// How long a statement waits for a lock.
const BUSY: Duration = Duration::from_secs(5);

/// What the name of a file ends with that is just being made, after the one that it will have.
pub const NOT_YET_MADE: &str = ".new";

/// How long the file's last owner may take to end, and how often it is looked whether it has.
const LOCK_WAIT: Duration = Duration::from_secs(1);
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// How long a file is waited for whose server is just adding up what it has counted.
const SETTLING: Duration = Duration::from_secs(10);

/// Prepared statements that a connection keeps.
const STATEMENTS_MAX: usize = 64;

/// The first bytes of every SQLite file.
const SQLITE_HEADER: &[u8; 16] = b"SQLite format 3\0";

/// The only connection that writes, and the lock that keeps every other process from it.
#[derive(Debug)]
pub struct Writable {
    /// The connection.
    pub connection: Connection,
    /// Whether the file was made just now.
    pub created: bool,
    /// Whether a commit waits until the disk has it.
    waits_for_disk: bool,
    /// Where the file is, whatever links led there.
    path: PathBuf,
    /// Which file its log is, once there is one.
    log: Option<FileId>,
    // It is a lock of another kind than SQLite's, on the same file: closing it
    // would drop SQLite's locks as well, so it must be dropped after the connection.
    lock: File,
}

impl Writable {
    /// Begins a transaction that writes. Once its commit returns, it survives a power cut.
    ///
    /// # Errors
    /// When the file can't be locked for writing.
    pub fn transaction(&mut self) -> Result<Transaction<'_>, Error> {
        self.check_place()?;
        self.wait_for_disk(true)?;
        begin(&mut self.connection)
    }

    /// Begins a transaction that writes, whose commit does not wait for the disk: a power cut may undo it
    /// whole, and all that came after it, but for what a durable commit has taken to the disk along with it.
    /// Only for what is made again from what is durable, as counting is from the journal.
    ///
    /// # Errors
    /// When the file can't be locked for writing.
    pub fn repeatable(&mut self) -> Result<Transaction<'_>, Error> {
        self.wait_for_disk(false)?;
        begin(&mut self.connection)
    }

    /// The connection, for a statement that is a transaction of its own. Once it returns, it survives a power
    /// cut.
    ///
    /// # Errors
    /// When that can't be had.
    pub fn durable(&mut self) -> Result<&Connection, Error> {
        self.check_place()?;
        self.wait_for_disk(true)?;
        Ok(&self.connection)
    }

    /// What is written to a file, or into a log, that no longer has its name is gone with the process.
    fn check_place(&mut self) -> Result<(), Error> {
        let own = self.lock.metadata().map(|found| FileId::of(&found)).ok();
        let log = FileId::at(&with_suffix(&self.path, "-wal")).ok();
        if own.is_none()
            || FileId::at(&self.path).ok() != own
            || (self.log.is_some() && log != self.log)
        {
            return Err(Error::Removed(self.path.clone()));
        }
        self.log = log;
        Ok(())
    }

    fn wait_for_disk(&mut self, wait: bool) -> Result<(), Error> {
        if self.waits_for_disk != wait {
            set_synchronous(&self.connection, wait)?;
            self.waits_for_disk = wait;
        }
        Ok(())
    }

    /// Closes the file. With no reader left, only the `.db` file stays on the disk.
    ///
    /// # Errors
    /// When SQLite can't close it.
    pub fn close(self) -> Result<(), Error> {
        Ok(self.connection.close().map_err(|(_, error)| error)?)
    }
}

/// Opens `path` for writing, makes it if there is none, and brings its schema up to date. What an older
/// one was before is kept beside it.
///
/// # Errors
/// When it is no file of ours, in use, too new, or can't be opened or written.
pub fn open_writable(path: &Path) -> Result<Writable, Error> {
    add_parts(open(path, Before::Kept)?, path)
}

/// The same for whoever counts, which begins with adding the parts that wait in the file: one that can't be added
/// must keep nobody from storing.
///
/// # Errors
/// When it is no file of ours, in use, too new, or can't be opened or written.
pub fn open_to_count(path: &Path) -> Result<Writable, Error> {
    open(path, Before::Kept)
}

/// Opens a copy for writing, and brings its schema up to date without keeping what it was before.
///
/// # Errors
/// When it is no file of ours, in use, too new, or can't be opened or written.
pub fn open_copy(path: &Path) -> Result<Writable, Error> {
    add_parts(open(path, Before::Forgotten)?, path)
}

fn add_parts(mut writable: Writable, path: &Path) -> Result<Writable, Error> {
    parts::add_all(&mut writable.connection).map_err(|error| error.of_opening(path))?;
    Ok(writable)
}

fn open(path: &Path, before: Before) -> Result<Writable, Error> {
    let made = if path.exists() { None } else { make(path)? };
    let created = made.is_some();
    if !created {
        check_header(path)?;
    }
    let lock = match made {
        Some(lock) => lock,
        None => lock_or_wait(path, path)?,
    };
    let connection = connect(path, before).map_err(|error| error.of_opening(path))?;
    let path =
        path.canonicalize().map_err(|source| Error::Open { path: path.to_owned(), source })?;
    Ok(Writable { connection, created, waits_for_disk: true, path, log: None, lock })
}

fn begin(connection: &mut Connection) -> Result<Transaction<'_>, Error> {
    Ok(connection.transaction_with_behavior(TransactionBehavior::Immediate)?)
}

/// EXTRA makes an answered beacon survive a power cut. NORMAL does not, but never leaves half of a transaction,
/// nor a later one without those before it.
fn set_synchronous(connection: &Connection, wait_for_disk: bool) -> Result<(), Error> {
    let synchronous = if wait_for_disk { "EXTRA" } else { "NORMAL" };
    Ok(connection.pragma_update(None, "synchronous", synchronous)?)
}

fn connect(path: &Path, before: Before) -> Result<Connection, Error> {
    let mut connection = connect_to_write(path)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    // What is not ours stays as it is.
    migrate::check_version(&connection, path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    set_synchronous(&connection, true)?;
    connection.pragma_update(None, "cache_size", -4096)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    migrate::to_latest(&mut connection, path, before)?;
    Ok(connection)
}

fn connect_to_write(path: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    harden(&connection)?;
    // The writer says when; see `upkeep`.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    Ok(connection)
}

/// Opens the file at `path` beside its writer, in the same process, to move its write-ahead log into it. Must be
/// closed before the writer is, which would leave the log on the disk otherwise.
///
/// # Errors
/// When it can't be opened.
pub fn open_beside(path: &Path) -> Result<Connection, Error> {
    let connection = connect_to_write(path)?;
    set_synchronous(&connection, true)?;
    Ok(connection)
}

/// Makes a new file, which takes its name when it is whole and on the disk: whatever stops this, there is
/// either none or one that can be used. Returns its lock, or `None` if somebody else was faster.
fn make(path: &Path) -> Result<Option<File>, Error> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty())
        && !folder.exists()
    {
        return Err(Error::NoFolder { path: path.to_owned(), folder: folder.to_owned() });
    }
    let new = with_suffix(path, NOT_YET_MADE);
    let lock = lock_or_wait(&new, path)?;
    // Whoever held the lock before may have given the file its name, or left half of one.
    if path.exists() {
        // Most often it has that name already, and there is none to remove.
        let _none = std::fs::remove_file(&new);
        return Ok(None);
    }
    lock.set_len(0).map_err(|source| Error::Write { path: path.to_owned(), source })?;
    fill(&new).map_err(|error| error.of_opening(path))?;
    put_in_place(&new, path)?;
    Ok(Some(lock))
}

/// Makes an empty file a database without anything in it.
fn fill(new: &Path) -> Result<(), Error> {
    let mut connection = Connection::open_with_flags(new, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // Until it has its name, nothing of it is worth keeping.
    connection.pragma_update(None, "journal_mode", "OFF")?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    // Both must be set before the first table.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    migrate::to_latest(&mut connection, new, Before::Forgotten)?;
    Ok(connection.close().map_err(|(_, error)| error)?)
}

/// Opens `file` and locks it, `path` or what is to become it. Who holds it may just be ending, so it is waited
/// for, for a moment.
fn lock_or_wait(file: &Path, path: &Path) -> Result<File, Error> {
    let unopened = |source| Error::Open { path: path.to_owned(), source };
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let lock = options.open(file).map_err(unopened)?;
    let deadline = Instant::now() + LOCK_WAIT;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                thread::sleep(LOCK_PAUSE);
            }
            Err(TryLockError::WouldBlock) => return Err(Error::InUse(path.to_owned())),
            Err(TryLockError::Error(source)) => return Err(unopened(source)),
        }
    }
}

/// Opens `path` for reading alone.
///
/// # Errors
/// When there is none, it is no file of ours, too new, or can't be opened.
pub fn open_readable(path: &Path) -> Result<Connection, Error> {
    if !path.exists() {
        return Err(Error::Missing(path.to_owned()));
    }
    refuse_directory(path)?;
    // The file is not opened here beside SQLite: closing it would drop the locks of every connection
    // that this process has, and the next program to close the file would take its log away.
    let connection = connect_readable(path).map_err(|error| migrate::foreign(error, path))?;
    migrate::check_version(&connection, path)?;
    Ok(connection)
}

/// Reads the file at `path` as it is at one moment, at which all that was counted is added up.
///
/// # Errors
/// When it can't be opened or read, has the schema of an older release, there is no such moment for a
/// while, or `read` fails.
pub fn read_one<T, E: From<Error>>(
    path: &Path,
    read: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let mut connection = open_readable(path)?;
    migrate::check_latest(&connection, path)?;
    let deadline = Instant::now() + SETTLING;
    loop {
        let transaction = connection.transaction().map_err(Error::from)?;
        // Whether the file can be read right is for `read` to find.
        if !parts::any(&transaction).unwrap_or(false) {
            return read(&transaction);
        }
        transaction.finish().map_err(Error::from)?;
        match open_writable(path) {
            // A server was stopped in the middle of it; whoever opens its file goes on.
            Ok(writable) => writable.close()?,
            Err(Error::InUse(_)) if Instant::now() < deadline => thread::sleep(LOCK_PAUSE),
            Err(error) => return Err(error.into()),
        }
    }
}

pub(super) fn connect_readable(path: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    harden(&connection)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", -2048)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(connection)
}

/// A schema that somebody else has put into the file must not run code of its own.
fn harden(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    Ok(())
}

/// Refuses what can't be a database before SQLite would make one of it. Only for a file that this
/// process has not opened yet.
fn check_header(path: &Path) -> Result<(), Error> {
    use std::io::Read as _;
    refuse_directory(path)?;
    let foreign = |why: &str| Error::Foreign { path: path.to_owned(), why: why.to_owned() };
    let open = |source| Error::Open { path: path.to_owned(), source };
    let mut header = Vec::with_capacity(SQLITE_HEADER.len());
    let file = File::open(path).map_err(open)?;
    file.take(SQLITE_HEADER.len() as u64).read_to_end(&mut header).map_err(open)?;
    match header.as_slice() {
        [] => Err(foreign("it is empty; remove it to begin a new one")),
        found if found == SQLITE_HEADER => Ok(()),
        _ => Err(foreign("it is not an SQLite file")),
    }
}

fn refuse_directory(path: &Path) -> Result<(), Error> {
    if path.is_dir() {
        let why = "it is a directory".to_owned();
        return Err(Error::Foreign { path: path.to_owned(), why });
    }
    Ok(())
}
