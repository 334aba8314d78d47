//! Access logs: opened, put in order, and read line by line.

use std::{
    io::{self, Cursor, Read as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use super::{
    Error, Scratch, Watch,
    lines::{self, LineReader, Prefix, open},
};
use crate::{
    amend::{FOLLOW, Source},
    config::registry::Registry,
    import::{
        self,
        contract::{Kind, Line, Lines, LogFormat},
    },
    store::{connection::read_one, ledger},
};

/// How much of a log is looked at to find its format, in bytes.
const SAMPLE_BYTES: u64 = 64 * 1024;

/// How many logs are taken in at once.
pub(super) const FILES_MAX: usize = 10_000;

/// Why a line of more bytes than are read is passed over.
pub(super) const TOO_LONG: &str = "it is longer than 64 KiB";

/// How often it is told how much was read, in lines.
pub(super) const TOLD_EVERY: u64 = 1024;

/// What is to be imported.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The logs; `-` is stdin.
    pub files: Vec<PathBuf>,
    /// The format, where it is not to be found out.
    pub format: Option<LogFormat>,
}

/// A log, before it is read.
pub(super) struct Log {
    path: PathBuf,
    pub(super) format: LogFormat,
    first_ms: i64,
    pub(super) tells_host: bool,
    /// How many bytes of it were imported before.
    known: u64,
    /// Of stdin, what was read of it already, and the rest.
    begun: Option<Box<dyn io::Read>>,
}

/// Reads the logs of `plan` into `scratch`, the oldest first. Says what was read, by which it is known
/// when it comes again; nothing if there was nothing new.
///
/// # Errors
/// When a log can't be read, its format not be told, or the scratch not be written.
pub fn import(
    plan: &Plan,
    registry: &Registry,
    scratch: &mut Scratch,
    watch: &mut dyn Watch,
) -> Result<Vec<Source>, Error> {
    if plan.files.len() > FILES_MAX {
        return Err(Error::Unclear(format!("at most {FILES_MAX} logs are taken in at once")));
    }
    if plan.files.len() > 1 && plan.files.iter().any(|path| path.as_os_str() == "-") {
        return Err(Error::Unclear("stdin (-) must be the only log".to_owned()));
    }
    let Known { prefixes, last } = known(registry)?;
    scratch.knows_through = last;
    let read = Arc::new(AtomicU64::new(0));
    let logs = plan.files.iter().map(|path| look_at(path, plan.format, &prefixes));
    let mut logs = logs.collect::<Result<Vec<Log>, Error>>()?;
    if let Some(log) = logs.iter().find(|log| !log.tells_host) {
        scratch.asked.refuse_unknown(&log.path, registry)?;
    }
    logs.sort_by_key(|log| log.first_ms);
    let mut sources = Vec::new();
    for log in logs {
        let found = read_log(log, &prefixes, &read, scratch, watch)?;
        // The same log may be named twice.
        let is_new =
            |found: &Source| !sources.iter().any(|own: &Source| own.digest == found.digest);
        sources.extend(found.into_iter().filter(is_new).collect::<Vec<_>>());
    }
    Ok(sources)
}

/// What was imported before.
#[derive(Default)]
pub(super) struct Known {
    /// What of it is known again.
    pub(super) prefixes: Vec<Prefix>,
    /// The number of the last import; 0 if there was none.
    pub(super) last: i64,
}

/// What was imported before.
pub(super) fn known(registry: &Registry) -> Result<Known, Error> {
    let database = &registry.server.database;
    if !database.exists() {
        return Ok(Known::default());
    }
    let (imported, followed) = read_one(database, |file| {
        Ok::<_, Error>((ledger::sources(file, "import")?, ledger::sources(file, FOLLOW)?))
    })?;
    let last = imported.iter().map(|(edit, _)| edit.id).max().unwrap_or_default();
    let prefixes = imported.into_iter().chain(followed).map(|(_, source)| Prefix {
        bytes: u64::try_from(source.bytes).unwrap_or_default(),
        digest: source.digest,
    });
    Ok(Known { prefixes: prefixes.collect(), last })
}

/// Finds out what the log at `path` is, and how much of it is known.
pub(super) fn look_at(
    path: &Path,
    format: Option<LogFormat>,
    prefixes: &[Prefix],
) -> Result<Log, Error> {
    let unread = |source| Error::Read { path: path.to_owned(), source };
    let uncounted = Arc::new(AtomicU64::new(0));
    let mut reader = open(path, &uncounted).map_err(unread)?;
    let mut sample = Vec::new();
    reader.by_ref().take(SAMPLE_BYTES).read_to_end(&mut sample).map_err(unread)?;
    let text = String::from_utf8_lossy(&sample).into_owned();
    let found = format.or_else(|| import::detect(text.lines()));
    let format = found.ok_or_else(|| {
        let name = path.display();
        let names: Vec<&str> = import::LOG_FORMATS.iter().map(|format| format.name).collect();
        Error::Unclear(format!(
            "{name} has no line of a known format; say which it is with --format: {}",
            names.join(", ")
        ))
    })?;
    let mut lines = (format.reader)();
    let (mut first, mut tells_host) = (None, false);
    for line in text.lines() {
        if let Ok(Line::Request(logged)) = lines.read(line) {
            first = first.or(Some(logged.at_ms));
            tells_host |= logged.host.is_some();
        }
    }
    let begun = (path.as_os_str() == "-")
        .then(|| Box::new(Cursor::new(sample).chain(reader)) as Box<dyn io::Read>);
    let known = if begun.is_some() { 0 } else { known_of(path, prefixes)? };
    let first_ms = first.unwrap_or_default();
    Ok(Log { path: path.to_owned(), format, first_ms, tells_host, known, begun })
}

/// How many bytes of the log were imported before.
pub(super) fn known_of(path: &Path, prefixes: &[Prefix]) -> Result<u64, Error> {
    let known = open(path, &Arc::default()).and_then(|reader| known_in(reader, prefixes));
    known.map_err(|source| Error::Read { path: path.to_owned(), source })
}

/// The same, of what `reader` reads.
pub(super) fn known_in(reader: Box<dyn io::Read>, prefixes: &[Prefix]) -> io::Result<u64> {
    let Some(longest) = prefixes.iter().map(|prefix| prefix.bytes).max() else { return Ok(0) };
    let mut lines = LineReader::new(reader, prefixes.to_vec());
    while let Some(line) = lines.next()? {
        if line.begins >= longest {
            break;
        }
    }
    Ok(lines.known())
}

fn read_log(
    log: Log,
    prefixes: &[Prefix],
    read: &Arc<AtomicU64>,
    scratch: &mut Scratch,
    watch: &mut dyn Watch,
) -> Result<Option<Source>, Error> {
    let Log { path, format, begun, mut known, .. } = log;
    let unread = |source| Error::Read { path: path.clone(), source };
    let is_stdin = begun.is_some();
    let reader = begun.map_or_else(|| open(&path, read).map_err(unread), Ok)?;
    let mut lines = LineReader::new(reader, if is_stdin { prefixes.to_vec() } else { Vec::new() });
    let mut parser = (format.reader)();
    let mut is_cut_off = false;
    while let Some(line) = lines.next().map_err(unread)? {
        if line.known > known {
            // Stdin is read once: only now it turns out that all of this is counted already.
            known = line.known;
            scratch.begin_anew()?;
            scratch.summary.known = line.number - 1;
        }
        if line.number % TOLD_EVERY == 0 {
            watch.read(read.load(Relaxed));
        }
        let is_ended = line.is_ended;
        if !count_line(line, known, &mut *parser, &path, scratch, watch)? {
            is_cut_off = !is_ended;
        }
    }
    watch.read(read.load(Relaxed));
    // What is cut off is read when more of it is there.
    let whole = if is_cut_off { lines.without_last() } else { lines.so_far() };
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let bytes = i64::try_from(whole.bytes).unwrap_or(i64::MAX);
    Ok((whole.bytes > known).then_some(Source { name, digest: whole.digest, bytes }))
}

/// Counts what a line holds, unless it stands in the first `known` bytes. Says whether it can be read.
pub(super) fn count_line(
    line: lines::Line<'_>,
    known: u64,
    parser: &mut dyn Lines,
    path: &Path,
    scratch: &mut Scratch,
    watch: &mut dyn Watch,
) -> Result<bool, Error> {
    let text = String::from_utf8_lossy(line.bytes);
    let found = if line.is_too_long { Err(TOO_LONG) } else { parser.read(&text) };
    let why = match found {
        // What is known may still name the columns of what is not.
        _ if line.begins < known => {
            scratch.summary.known += 1;
            return Ok(true);
        }
        Ok(Line::Nothing) => {
            scratch.summary.empty += 1;
            return Ok(true);
        }
        Ok(Line::Request(logged)) if scratch.can_have_been(logged.at_ms) => {
            match logged.kind() {
                Kind::Page => scratch.count_logged(&logged)?,
                other => scratch.summary.pass(other),
            }
            return Ok(true);
        }
        Ok(Line::Request(_)) => "its time is not of the past",
        Err(why) => why,
    };
    scratch.summary.bad += 1;
    watch.bad(&format!("{}:{}: {why}", path.display(), line.number));
    Ok(false)
}
