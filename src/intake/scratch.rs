//! The database of an import, beside the real one, until it joins that one.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Asked, Error, Summary};
use crate::{
    config::registry::{Entrance, Registry},
    import::contract::Logged,
    ingest::{
        Ingest, Rejected, Request,
        location::Locations,
        payload::{Fact, Payload},
        salt::Salts,
    },
    model::{beacon::Beacon, rejection::Reason},
    store,
    writer::bulk::Bulk,
};

/// How many beacons wait until they are counted in the order of their times: servers write a request
/// when it ends, not when it began.
const WAITING_MAX: usize = 8192;

/// What the name of such a file begins and ends with, after that of the database.
const INFIX: &str = ".import-";
const SUFFIX: &str = ".partial";

/// The files of a database. Its own goes last: by that the others are found.
const FILES: [&str; 4] = ["-wal", "-shm", "-journal", ""];

/// A database that is being filled. It goes when this goes.
pub struct Scratch {
    bulk: Option<Bulk>,
    partial: Partial,
    registry: Arc<Registry>,
    ingest: Ingest,
    pub(super) asked: Asked,
    waiting: BinaryHeap<Reverse<InOrder>>,
    taken: u64,
    now_ms: i64,
    /// What has become of every line so far.
    pub summary: Summary,
}

/// The file, and what lies beside it.
#[derive(Debug)]
struct Partial(PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

/// A beacon that waits, ordered by its time, and of one moment by when it was read.
struct InOrder {
    at: (i64, u64),
    beacon: Beacon<'static>,
}

impl PartialEq for InOrder {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for InOrder {}

impl PartialOrd for InOrder {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for InOrder {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at.cmp(&other.at)
    }
}

impl Scratch {
    /// An empty database beside that of `registry`, for what `asked` tells; `now_ms` is the time of the
    /// import. What an import that was killed has left is removed.
    ///
    /// # Errors
    /// When it can't be made, or the country database not be read.
    pub fn new(registry: &Arc<Registry>, asked: Asked, now_ms: i64) -> Result<Self, Error> {
        let database = &registry.server.database;
        remove_abandoned(database);
        let name = format!("{INFIX}{}{SUFFIX}", std::process::id());
        let partial = Partial(with_suffix(database, &name));
        remove(&partial.0);
        let locations = Locations::open(registry.server.country_database.as_deref())?;
        let bulk = Bulk::open(&partial.0, Arc::clone(registry))?;
        Ok(Self {
            bulk: Some(bulk),
            partial,
            registry: Arc::clone(registry),
            ingest: Ingest { salts: Salts::of_one_run(database), locations },
            asked,
            waiting: BinaryHeap::new(),
            taken: 0,
            now_ms,
            summary: Summary::default(),
        })
    }

    /// Begins anew, as if nothing had been counted.
    pub(super) fn begin_anew(&mut self) -> Result<(), Error> {
        self.bulk = None;
        remove(&self.partial.0);
        self.bulk = Some(Bulk::open(&self.partial.0, Arc::clone(&self.registry))?);
        self.waiting.clear();
        self.summary = Summary::default();
        Ok(())
    }

    /// Whether a request at `at_ms` (UTC milliseconds) can have been.
    pub(super) const fn can_have_been(&self, at_ms: i64) -> bool {
        // Clocks of servers differ a little, and their zones are told wrongly now and then.
        0 <= at_ms && at_ms <= self.now_ms + 86_400_000
    }

    /// Counts the page view that `logged` tells of.
    pub(super) fn count(&mut self, logged: &Logged<'_>) -> Result<(), Error> {
        match self.accept(logged) {
            Ok(beacon) => {
                self.summary.count(beacon.received_at);
                self.taken += 1;
                let at = (beacon.received_at, self.taken);
                self.waiting.push(Reverse(InOrder { at, beacon }));
                if self.waiting.len() > WAITING_MAX {
                    self.count_first()?
                }
            }
            Err(rejected) => {
                self.summary.refuse(&rejected);
                if let Some(bulk) = &mut self.bulk {
                    bulk.refuse(&rejected, logged.at_ms.div_euclid(1000))?;
                }
            }
        }
        Ok(())
    }

    fn accept(&self, logged: &Logged<'_>) -> Result<Beacon<'static>, Rejected> {
        let host = self.asked.host(logged.host.as_deref(), &self.registry);
        let Some(host) = host else {
            let sentence = "the log does not tell the host".to_owned();
            return Err(Rejected::new(Reason::UnknownSite, sentence));
        };
        let mut payload = Payload::of_type("page_view");
        payload.site = self.asked.site.as_deref().map(Into::into);
        let url = format!("https://{host}{}", logged.target);
        let malformed = |sentence| Rejected::new(Reason::Malformed, sentence);
        payload.meta.add("url".into(), Fact::Text(url.into())).map_err(malformed)?;
        let request = Request {
            received_at: logged.at_ms,
            arrived_at: self.now_ms,
            client: logged.client,
            // Nobody is judged by a user agent that the log does not tell.
            is_local: logged.user_agent.is_none(),
            entrance: Entrance::Beacon,
            host: Some(&host),
            origin: None,
            referer: logged.referrer.as_deref(),
            user_agent: logged.user_agent.as_deref().unwrap_or_default(),
            languages: logged.languages.as_deref(),
            country: None,
            asks_for_privacy: false,
            is_prefetch: false,
        };
        let mut beacon = self.ingest.accept(&payload, &request, &self.registry)?;
        // Single beacons are kept for days; what is imported is older, most often by far.
        beacon.raw = None;
        Ok(beacon)
    }

    fn count_first(&mut self) -> Result<(), store::Error> {
        match (self.waiting.pop(), &mut self.bulk) {
            (Some(Reverse(first)), Some(bulk)) => bulk.count(first.beacon),
            _ => Ok(()),
        }
    }

    /// Writes what is left, and closes the file: it may be read from now on.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn finish(&mut self) -> Result<(), Error> {
        while !self.waiting.is_empty() {
            self.count_first()?;
        }
        if let Some(bulk) = self.bulk.take() {
            bulk.finish()?;
        }
        Ok(())
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.partial.0
    }
}

/// Removes the files of imports that were killed: nobody holds their lock.
fn remove_abandoned(database: &Path) {
    let folder = database.parent().filter(|folder| !folder.as_os_str().is_empty());
    let name = database.file_name().unwrap_or_default().to_string_lossy().into_owned() + INFIX;
    let Ok(entries) = fs::read_dir(folder.unwrap_or(Path::new("."))) else { return };
    for entry in entries.flatten() {
        let own = entry.file_name().to_string_lossy().into_owned();
        let is_scratch = own.starts_with(&name) && own.ends_with(SUFFIX);
        let lock = is_scratch.then(|| File::open(entry.path()).ok()).flatten();
        if lock.is_some_and(|file| file.try_lock().is_ok()) {
            remove(&entry.path());
        }
    }
}

fn remove(path: &Path) {
    for suffix in FILES {
        // Most often there is none; one that can't be removed is told when it is made anew.
        let _none = fs::remove_file(with_suffix(path, suffix));
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
