//! The database of an import, beside the real one, until it joins that one.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::civil::Date;

use super::{Asked, Error, Summary};
use crate::{
    config::registry::{Entrance, Registry},
    files::with_suffix,
    import::{
        contract::{Logged, stand_in},
        table::Hit,
    },
    ingest::{
        Ingest, Rejected, Request,
        agents::Agents,
        bots::OTHER_BOT,
        location::Locations,
        payload::{Fact, Payload},
        salt::Salts,
        undeclared::Undeclared,
    },
    model::{
        beacon::{Beacon, DimensionValue},
        day_sum::DaySum,
        rejection::Reason,
    },
    store::{self, connection::NOT_YET_MADE},
    writer::bulk::Bulk,
};

/// How many beacons wait until they are counted in the order of their times: servers write a request
/// when it ends, not when it began.
const WAITING_MAX: usize = 8192;

/// The same for exports, which need not be in any order.
const WAITING_OF_TABLE_MAX: usize = 65_536;

/// How many wait of a log that is followed until they are handed over.
const WAITING_OF_FOLLOWED_MAX: usize = 65_536;

/// As what an event counts whose name nobody has declared.
pub(super) const CUSTOM_EVENT: &str = "custom_event";

/// As what a hit counts that is no event.
pub(super) const PAGE_VIEW: &str = "page_view";

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
    waiting_max: usize,
    taken: u64,
    /// The time of the last beacon that waits no more, UTC milliseconds.
    counted_ms: i64,
    now_ms: i64,
    /// The last import that was known when this one began; 0 if there was none. Of a log that is followed,
    /// the changes that were made before the visits began that may go on.
    pub knows_through: i64,
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
            ingest: Ingest {
                salts: Salts::of_one_run(database),
                locations,
                agents: Agents::default(),
                undeclared: Undeclared::default(),
            },
            asked,
            waiting: BinaryHeap::new(),
            waiting_max: WAITING_MAX,
            taken: 0,
            counted_ms: 0,
            now_ms,
            knows_through: 0,
            summary: Summary::default(),
        })
    }

    /// Expects what comes in any order.
    pub(super) const fn expect_disorder(&mut self) {
        self.waiting_max = WAITING_OF_TABLE_MAX;
    }

    /// Counts nothing before [`Self::flush`], if that comes as soon as [`Self::is_full`].
    pub(super) const fn hold_back(&mut self) {
        self.waiting_max = WAITING_OF_FOLLOWED_MAX;
    }

    /// Whether one more beacon would make one of those count that wait.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= self.waiting_max
    }

    /// Begins anew, as if nothing had been counted.
    pub(super) fn begin_anew(&mut self) -> Result<(), Error> {
        self.bulk = None;
        remove(&self.partial.0);
        self.bulk = Some(Bulk::open(&self.partial.0, Arc::clone(&self.registry))?);
        self.waiting.clear();
        self.counted_ms = 0;
        self.summary = Summary::default();
        Ok(())
    }

    /// It is `now_ms`, UTC milliseconds. What goes on for days is told so before it counts, or it would take
    /// tomorrow for a time that can't have been.
    pub(super) fn it_is(&mut self, now_ms: i64) {
        self.now_ms = now_ms;
        self.ingest.salts.erase_past(now_ms.div_euclid(1000));
    }

    /// Whether a request at `at_ms` (UTC milliseconds) can have been.
    pub(super) const fn can_have_been(&self, at_ms: i64) -> bool {
        // Clocks of servers differ a little, and their zones are told wrongly now and then.
        0 <= at_ms && at_ms <= self.now_ms + 86_400_000
    }

    /// Whether `date` can have been.
    pub(super) fn can_have_begun(&self, date: Date) -> bool {
        let begins = date.duration_since(Date::constant(1970, 1, 1)).as_millis();
        i64::try_from(begins).is_ok_and(|at_ms| self.can_have_been(at_ms))
    }

    /// Counts the page view that `logged` tells of.
    pub(super) fn count_logged(&mut self, logged: &Logged<'_>) -> Result<(), Error> {
        // A word that is no address would be taken for the name of a source.
        let referrer = logged.referrer.as_deref().filter(|referrer| referrer.contains("://"));
        self.count(&Hit {
            at_ms: logged.at_ms,
            visitor: Some(logged.client),
            host: logged.host.as_deref().map(Into::into),
            target: (&*logged.target).into(),
            referrer: referrer.map(Into::into),
            user_agent: logged.user_agent.as_deref().map(Into::into),
            language: logged.languages.as_deref().map(Into::into),
            ..Hit::default()
        })
    }

    /// Counts a hit.
    pub(super) fn count(&mut self, hit: &Hit<'_>) -> Result<(), Error> {
        match self.accept(hit) {
            Ok(beacon) => {
                self.summary.count(beacon.received_at);
                self.summary.has_events |= hit.event.is_some();
                self.summary.late += u64::from(beacon.received_at < self.counted_ms);
                self.taken += 1;
                let at = (beacon.received_at, self.taken);
                self.waiting.push(Reverse(InOrder { at, beacon }));
                if self.waiting.len() > self.waiting_max {
                    self.count_first()?;
                }
            }
            Err(rejected) => {
                self.summary.refuse(&rejected);
                if let Some(bulk) = &mut self.bulk {
                    bulk.refuse(&rejected, hit.at_ms.div_euclid(1000))?;
                }
            }
        }
        Ok(())
    }

    /// Adds sums of days.
    pub(super) fn add(&mut self, sums: &[DaySum]) -> Result<(), Error> {
        if let Some(bulk) = &mut self.bulk {
            bulk.add(sums)?;
        }
        Ok(())
    }

    fn accept(&self, hit: &Hit<'_>) -> Result<Beacon<'static>, Rejected> {
        let Some(host) = self.asked.host(hit.host.as_deref(), &self.registry) else {
            let sentence = "the file does not tell the host".to_owned();
            return Err(Rejected::new(Reason::UnknownSite, sentence));
        };
        let payload = self
            .payload(hit, &host)
            .map_err(|sentence| Rejected::new(Reason::Malformed, sentence))?;
        let request = Request {
            received_at: hit.at_ms,
            // A clock that is a little ahead begins the day, or its first visitors would count twice.
            arrived_at: self.now_ms.max(hit.at_ms),
            client: hit.visitor.unwrap_or_else(|| stand_in("")),
            // Nobody is judged by a user agent that is not told.
            is_local: hit.user_agent.is_none(),
            entrance: Entrance::Beacon,
            host: Some(&host),
            origin: None,
            referer: None,
            user_agent: hit.user_agent.as_deref().unwrap_or_default(),
            languages: hit.language.as_deref(),
            country: hit.country.as_deref(),
            asks_for_privacy: false,
            is_prefetch: false,
        };
        let mut beacon = self.ingest.accept(&payload, &request, &self.registry)?;
        if hit.is_bot {
            let rejected = Rejected::new(Reason::Bot, "it was taken for a bot's".to_owned());
            return Err(rejected.at(&beacon.site).by(OTHER_BOT));
        }
        if hit.visitor.is_none() {
            (beacon.visitor, beacon.network) = (None, None);
        }
        if let Some(event) = self.registry.event(&beacon.event_type) {
            if hit.user_agent.is_none() {
                // Nothing is known of it, which is not the same as something that nobody knows.
                beacon.dimensions.retain(|own| !own.dimension.is_of_visitor());
            }
            for (dimension, value) in &hit.values {
                beacon.dimensions.retain(|own| own.dimension != *dimension);
                if event.dimensions.contains(dimension) || event.pairs.contains(dimension) {
                    let value = value.clone().into_owned().into();
                    beacon.dimensions.push(DimensionValue { dimension: dimension.clone(), value });
                }
            }
            let kept_ms = i64::from(event.raw_days) * 86_400_000;
            if beacon.received_at < self.now_ms - kept_ms {
                // It would go at once: single beacons are kept for days.
                beacon.raw = None;
            }
        }
        Ok(beacon)
    }

    /// What the script would have sent.
    fn payload<'h>(&'h self, hit: &'h Hit<'_>, host: &str) -> Result<Payload<'h>, String> {
        let declared = |name: &&str| self.registry.events.iter().any(|event| event.name == *name);
        let mut payload = match hit.event.as_deref() {
            None => Payload::of_type(PAGE_VIEW),
            Some(name) => Payload::of_type(Some(name).filter(declared).unwrap_or(CUSTOM_EVENT)),
        };
        if payload.event_type == CUSTOM_EVENT {
            payload.identifier = hit.event.as_deref().map(Into::into);
        }
        payload.site = self.asked.site.as_deref().map(Into::into);
        let mark = if hit.target.starts_with('/') { "" } else { "/" };
        let url = if hit.target.contains("://") {
            hit.target.clone().into_owned()
        } else {
            format!("https://{host}{mark}{}", hit.target)
        };
        payload.meta.add("url".into(), Fact::Text(url.into()))?;
        for (key, fact) in [("ref", &hit.referrer), ("title", &hit.title), ("width", &hit.width)] {
            if let Some(fact) = fact {
                payload.meta.add(key.into(), Fact::Text((&**fact).into()))?;
            }
        }
        Ok(payload)
    }

    fn count_first(&mut self) -> Result<(), store::Error> {
        match (self.waiting.pop(), &mut self.bulk) {
            (Some(Reverse(first)), Some(bulk)) => {
                self.counted_ms = self.counted_ms.max(first.beacon.received_at);
                bulk.count(first.beacon)
            }
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

    /// Writes what is left; the file may be read from now on, until more is counted.
    pub(super) fn flush(&mut self) -> Result<(), Error> {
        while !self.waiting.is_empty() {
            self.count_first()?;
        }
        self.bulk.as_mut().map_or(Ok(()), Bulk::flush)?;
        Ok(())
    }

    /// Forgets what was counted so far, but not who was seen and whose visit goes on.
    pub(super) fn go_on(&mut self) -> Result<(), Error> {
        self.bulk.as_mut().map_or(Ok(()), Bulk::forget_counted)?;
        self.summary = Summary::default();
        Ok(())
    }

    /// Forgets whose visit goes on, but not who was seen. What waits is counted after that.
    pub(super) fn forget_visits(&mut self) -> Result<(), Error> {
        self.bulk.as_mut().map_or(Ok(()), Bulk::forget_visits)?;
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
        let whole = own.strip_suffix(NOT_YET_MADE).unwrap_or(&own);
        let is_scratch = own.starts_with(&name) && whole.ends_with(SUFFIX);
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
