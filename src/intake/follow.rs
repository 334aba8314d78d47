//! A log that is still written: read as it grows, over its rotations, and handed over every few seconds.
//!
//! Where it stands is in the ledger, with what was counted up to there: whenever this ends, the next one
//! goes on from there.

use std::{
    fs::{self, File, TryLockError},
    io::{self, ErrorKind, Read as _, Seek as _},
    mem,
    os::unix::fs::FileExt as _,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use super::{
    Error, Scratch, Watch,
    lines::{LineReader, is_packed},
    logs::{Known, count_line, known, known_in, look_at},
};
use crate::{
    amend::Source,
    clock,
    config::registry::Registry,
    files::FileId,
    import::contract::{Lines, LogFormat},
    store::{connection::read_one, ledger},
};

/// How often it is looked whether there is more.
const PAUSE: Duration = Duration::from_millis(250);

/// How long what was read waits until it is handed over.
const HAND_OVER_AFTER: Duration = Duration::from_secs(5);

/// How long nothing must have come to a log that was moved away until the new one is read: a server goes on
/// to write to it until it is told that there is a new one.
const MOVED_QUIET: Duration = Duration::from_secs(20);

/// What has become of the log that is open.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    /// It is where it was, and may have grown.
    Same,
    /// The path leads to another file.
    Moved,
    /// It was emptied and begins anew: what is there now is not what was read.
    Emptied,
}

/// The log as it is open. As long as it is, nobody else may follow it.
struct Open {
    which: FileId,
    /// When it was last where it was, or something came to it.
    in_use: Instant,
    /// The last line that was read, and how many bytes came before it.
    last: (u64, Vec<u8>),
    lines: LineReader,
    parser: Box<dyn Lines + Send>,
    /// How many bytes were handed over or known before.
    settled: u64,
    /// Their digest, as far as they were handed over.
    handed_over: Vec<u8>,
}

/// Reads the log at `path` for ever. `hand_over` adds to the database what `scratch` has counted; what it
/// is told to remember is how far that goes, and how far it went before.
///
/// # Errors
/// When the log can't be read, its format not be told, or what was counted not be handed over.
pub fn follow<E: From<Error>>(
    path: &Path,
    format: Option<LogFormat>,
    registry: &Registry,
    scratch: &mut Scratch,
    watch: &mut dyn Watch,
    mut hand_over: impl FnMut(&Scratch, Source, Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let format = first_look(path, format, registry, scratch)?;
    scratch.hold_back();
    scratch.knows_through = changes(registry)?;
    let mut log = begin(path, format, registry)?;
    let mut handed_over = Instant::now();
    loop {
        let fate = fate(path, &log).map_err(|source| unread(path, source))?;
        scratch.it_is(clock::now_ms());
        let has_more = fate != Fate::Emptied && read_on(path, &mut log, scratch, watch)?;
        if fate != Fate::Moved || has_more {
            log.in_use = Instant::now();
        }
        let is_over = fate == Fate::Emptied || log.in_use.elapsed() >= MOVED_QUIET;
        if is_over || scratch.is_full() || handed_over.elapsed() >= HAND_OVER_AFTER {
            let whole = log.lines.without_last();
            // What counts nothing may be read again.
            if whole.bytes > log.settled && scratch.summary.is_counted() {
                end_visits_if_edited(scratch, registry)?;
                scratch.flush()?;
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let bytes = i64::try_from(whole.bytes).unwrap_or(i64::MAX);
                let before = mem::replace(&mut log.handed_over, whole.digest.clone());
                hand_over(scratch, Source { name, digest: whole.digest, bytes }, before)?;
                scratch.go_on()?;
                log.settled = whole.bytes;
            }
            handed_over = Instant::now();
        }
        if is_over {
            // What was emptied is the same file, which can't be locked twice.
            drop(log);
            log = begin(path, format, registry)?;
        } else if !has_more {
            thread::sleep(PAUSE);
        }
    }
}

/// Ends the visits that may go on if what they have counted was edited since: it may be gone. Nothing of what
/// was read since the last hand-over is counted yet, so that all of it begins visits anew.
fn end_visits_if_edited(scratch: &mut Scratch, registry: &Registry) -> Result<(), Error> {
    let changes = changes(registry)?;
    if changes != scratch.knows_through {
        scratch.forget_visits()?;
        scratch.knows_through = changes;
    }
    Ok(())
}

/// [`ledger::changes`] of the database, if there is one yet.
fn changes(registry: &Registry) -> Result<i64, Error> {
    let database = &registry.server.database;
    if !database.exists() {
        return Ok(0);
    }
    read_one(database, |file| Ok(ledger::changes(file)?))
}

/// The format of the log, once there is a line in it.
fn first_look(
    path: &Path,
    format: Option<LogFormat>,
    registry: &Registry,
    scratch: &Scratch,
) -> Result<LogFormat, Error> {
    while fs::metadata(path).map_err(|source| unread(path, source))?.len() == 0 {
        thread::sleep(PAUSE);
    }
    if is_packed(path).map_err(|source| unread(path, source))? {
        let why = format!(
            "{} is packed, so nothing is added to it: import it without --follow",
            path.display()
        );
        return Err(Error::Unclear(why));
    }
    let log = look_at(path, format, &[])?;
    if !log.tells_host {
        scratch.asked.refuse_unknown(path, registry)?;
    }
    Ok(log.format)
}

/// Opens the log from its beginning, once there is one.
fn begin(path: &Path, format: LogFormat, registry: &Registry) -> Result<Open, Error> {
    let unread = |source| unread(path, source);
    let mut file = loop {
        match File::open(path) {
            Ok(file) => break file,
            Err(error) if error.kind() == ErrorKind::NotFound => thread::sleep(PAUSE),
            Err(source) => return Err(unread(source)),
        }
    };
    lock(path, &file)?;
    let which = FileId::of(&file.metadata().map_err(unread)?);
    let Known { prefixes, .. } = known(registry)?;
    let settled = known_in(Box::new(file.try_clone().map_err(unread)?), &prefixes);
    let settled = settled.map_err(unread)?;
    let handed_over = digest_of(&mut file, settled).map_err(unread)?;
    file.rewind().map_err(unread)?;
    let lines = LineReader::followed(Box::new(file), Vec::new());
    let (in_use, last) = (Instant::now(), (0, Vec::new()));
    Ok(Open { which, in_use, last, lines, parser: (format.reader)(), settled, handed_over })
}

/// The digest of the first `bytes` bytes, by which the ledger knows them; empty if there are none.
fn digest_of(file: &mut File, bytes: u64) -> io::Result<Vec<u8>> {
    if bytes == 0 {
        return Ok(Vec::new());
    }
    file.rewind()?;
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file.take(bytes))?;
    Ok(hasher.finalize().as_bytes().to_vec())
}

/// Holds the log for as long as `file` is open: two that follow it would count it twice.
fn lock(path: &Path, file: &File) -> Result<(), Error> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(Error::Unclear(format!(
            "{} is followed already: end the process that does so, or leave it to that one",
            path.display()
        ))),
        // Where files can't be locked, the ledger tells who is not the only one.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

/// Reads what is there, as far as there is room. Says whether there was anything.
fn read_on(
    path: &Path,
    log: &mut Open,
    scratch: &mut Scratch,
    watch: &mut dyn Watch,
) -> Result<bool, Error> {
    let mut has_more = false;
    let begun = Instant::now();
    while let Some(line) = log.lines.next().map_err(|source| unread(path, source))? {
        has_more = true;
        log.last.0 = line.begins;
        line.bytes.clone_into(&mut log.last.1);
        count_line(line, log.settled, &mut *log.parser, path, scratch, watch)?;
        if scratch.is_full() || begun.elapsed() >= HAND_OVER_AFTER {
            break;
        }
    }
    Ok(has_more)
}

/// What has become of the log. One that was emptied may be as long as it was by now, so the last line tells.
fn fate(path: &Path, log: &Open) -> io::Result<Fate> {
    let file = match File::open(path) {
        Ok(file) => file,
        // The new one is not there yet.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Fate::Same),
        Err(error) => return Err(error),
    };
    let found = file.metadata()?;
    if FileId::of(&found) != log.which {
        return Ok(Fate::Moved);
    }
    let (begins, last) = &log.last;
    let mut now = vec![0; last.len()];
    let is_same = match file.read_exact_at(&mut now, *begins) {
        Ok(()) => now == *last && found.len() >= log.lines.so_far().bytes,
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => false,
        Err(error) => return Err(error),
    };
    Ok(if is_same { Fate::Same } else { Fate::Emptied })
}

fn unread(path: &Path, source: io::Error) -> Error {
    Error::Read { path: path.to_owned(), source }
}
