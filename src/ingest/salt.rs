//! The keys that visitors are hashed with: one for each site and day, random, and erased when the
//! day is over.
//!
//! They stand in a file beside the database and never in it, because people copy the database. When
//! a day is over its key is overwritten on the disk before the file is replaced, and from then on
//! nobody can tell who a hash of that day was.

use std::{
    collections::HashMap,
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock, PoisonError, RwLock, RwLockWriteGuard},
};

use tracing::warn;

use super::{Rejected, visitor::DayKey};
use crate::{
    files::{replace, with_suffix},
    model::{period::Period, rejection::Reason},
};

/// How long after its day a key is kept, in seconds: beacons that were received just before are still
/// counted, and some of them are sent again.
pub const GRACE_SECONDS: i64 = 60;

/// How many days of a site have keys at most; more only when the clock jumps about.
const DAYS_MAX: usize = 3;

/// A day and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Day {
    start: i64,
    end: i64,
    key: DayKey,
}

type Days = HashMap<String, Vec<Day>>;

/// The keys in force, and the files that outlive a restart.
#[derive(Debug)]
pub struct Salts {
    days: RwLock<Days>,
    /// `None` if no key may outlive the process.
    file: Option<PathBuf>,
    secret: OnceLock<[u8; 32]>,
    secret_file: PathBuf,
    secret_being_made: Mutex<()>,
}

impl Salts {
    /// The keys beside `database`: those that an earlier process has left there, else none.
    ///
    /// A file that is missing or can't be read costs nothing but that today's visitors may be
    /// counted a second time; the log says so.
    pub fn beside(database: &Path) -> Self {
        let file = with_suffix(database, "-salt");
        let days = match fs::read_to_string(&file) {
            Ok(text) => parse(&text).unwrap_or_else(|| {
                warn!(file = %file.display(), "the salt file is damaged: today's visitors may count twice");
                Days::new()
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Days::new(),
            Err(error) => {
                warn!(file = %file.display(), %error, "the salt file can't be read: today's visitors may count twice");
                Days::new()
            }
        };
        Self { days: RwLock::new(days), file: Some(file), ..Self::of_one_run(database) }
    }

    /// Keys that never leave the memory, for beacons of `database` that an import makes: whoever is
    /// hashed with them can't be told again by anybody, not even by the next import.
    pub fn of_one_run(database: &Path) -> Self {
        Self {
            days: RwLock::default(),
            file: None,
            secret: OnceLock::new(),
            secret_file: with_suffix(database, "-secret"),
            secret_being_made: Mutex::new(()),
        }
    }

    /// The key of `site` for the day `day`, which is made if there is none.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn of_day(&self, site: &str, day: Period) -> Result<DayKey, Rejected> {
        if let Some(key) =
            key_of(&self.days.read().unwrap_or_else(PoisonError::into_inner), site, day)
        {
            return Ok(key);
        }
        let mut days = self.write();
        if let Some(key) = key_of(&days, site, day) {
            return Ok(key);
        }
        let key = DayKey(random()?);
        let of_site = days.entry(site.to_owned()).or_default();
        of_site.push(Day { start: day.start, end: day.end, key: key.clone() });
        if of_site.len() > DAYS_MAX {
            of_site.remove(0);
        }
        self.save_or_warn(&days);
        Ok(key)
    }

    /// The key of `site` for the day `day`, if there was one and it is not erased yet.
    pub fn kept(&self, site: &str, day: Period) -> Option<DayKey> {
        key_of(&self.days.read().unwrap_or_else(PoisonError::into_inner), site, day)
    }

    /// The key of `site` for the day that ends where `day` begins, if it is not erased yet.
    pub fn of_day_before(&self, site: &str, day: Period) -> Option<DayKey> {
        let days = self.days.read().unwrap_or_else(PoisonError::into_inner);
        days.get(site)?.iter().find(|own| own.end == day.start).map(|own| own.key.clone())
    }

    /// Erases the keys of days that are over at `now` (UTC seconds).
    pub fn erase_past(&self, now: i64) {
        let mut days = self.write();
        let before: usize = days.values().map(Vec::len).sum();
        for of_site in days.values_mut() {
            of_site.retain(|day| day.end + GRACE_SECONDS > now);
        }
        days.retain(|_, of_site| !of_site.is_empty());
        if before != days.values().map(Vec::len).sum::<usize>() {
            self.save_or_warn(&days);
        }
    }

    /// A name for `id` that only who has the secret beside the database can make: 32 hex digits.
    ///
    /// # Errors
    /// When the secret can be neither read nor written.
    pub fn pseudonym(&self, id: &str) -> Result<String, Rejected> {
        let secret = self.secret().map_err(|error| {
            let sentence = format!("the secret beside the database can't be had: {error}");
            Rejected::new(Reason::NotStored, sentence)
        })?;
        let hash = blake3::keyed_hash(secret, id.as_bytes());
        Ok(hash.to_hex().get(..32).unwrap_or_default().to_owned())
    }

    fn secret(&self) -> io::Result<&[u8; 32]> {
        if let Some(secret) = self.secret.get() {
            return Ok(secret);
        }
        let _only_one = self.secret_being_made.lock().unwrap_or_else(PoisonError::into_inner);
        let secret = match fs::read_to_string(&self.secret_file) {
            Ok(text) => from_hex(text.trim()).ok_or(io::ErrorKind::InvalidData)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut secret = [0; 32];
                getrandom::fill(&mut secret).map_err(io::Error::other)?;
                replace(&self.secret_file, format!("{}\n", to_hex(&secret)).as_bytes())?;
                secret
            }
            Err(error) => return Err(error),
        };
        Ok(self.secret.get_or_init(|| secret))
    }

    fn save_or_warn(&self, days: &Days) {
        let Some(file) = &self.file else { return };
        if let Err(error) = erase(file).and_then(|()| replace(file, written(days).as_bytes())) {
            warn!(file = %file.display(), %error, "the salt file can't be written: after a restart, today's visitors may count twice");
        }
    }

    fn write(&self) -> RwLockWriteGuard<'_, Days> {
        self.days.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key_of(days: &Days, site: &str, day: Period) -> Option<DayKey> {
    let of_site = days.get(site)?;
    of_site.iter().find(|own| own.start == day.start).map(|own| own.key.clone())
}

/// One line a day: its first instant, the first after it, its key, its site.
fn written(days: &Days) -> String {
    let mut lines: Vec<String> = days
        .iter()
        .flat_map(|(site, days)| days.iter().map(move |day| (site, day)))
        .map(|(site, day)| format!("{} {} {} {site}\n", day.start, day.end, to_hex(&day.key.0)))
        .collect();
    lines.sort();
    lines.concat()
}

fn parse(text: &str) -> Option<Days> {
    let mut days = Days::new();
    for line in text.lines() {
        let mut parts = line.splitn(4, ' ');
        let mut part = || parts.next();
        let (start, end) = (part()?.parse().ok()?, part()?.parse().ok()?);
        let key = DayKey(from_hex(part()?)?);
        days.entry(part()?.to_owned()).or_default().push(Day { start, end, key });
    }
    Some(days)
}

/// Overwrites what `file` holds, so that its bytes are on the disk no more.
fn erase(file: &Path) -> io::Result<()> {
    let mut old = match OpenOptions::new().write(true).open(file) {
        Ok(old) => old,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let length = usize::try_from(old.metadata()?.len()).map_err(io::Error::other)?;
    old.write_all(&vec![b'0'; length])?;
    old.sync_all()
}

fn random() -> Result<[u8; 32], Rejected> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| {
        Rejected::new(Reason::NotStored, format!("the system gives no randomness: {error}"))
    })?;
    Ok(key)
}

fn to_hex(bytes: &[u8; 32]) -> String {
    blake3::Hash::from_bytes(*bytes).to_hex().to_string()
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    blake3::Hash::from_hex(text).ok().map(|hash| *hash.as_bytes())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;
    use crate::model::period::Granularity;

    fn day(start: i64) -> Period {
        Period { granularity: Granularity::Day, start, end: start + 86_400 }
    }

    #[test]
    fn a_key_lives_for_its_day_and_over_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("x.db");
        let salts = Salts::beside(&database);
        let key = salts.of_day("a.org", day(0)).unwrap();
        assert_ne!(salts.of_day("b.org", day(0)).unwrap(), key);
        assert_ne!(salts.of_day("a.org", day(86_400)).unwrap(), key);
        assert_eq!(Salts::beside(&database).of_day("a.org", day(0)).unwrap(), key);
    }

    #[test]
    fn nothing_on_the_disk_remembers_a_key_whose_day_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("x.db");
        let salts = Salts::beside(&database);
        let key = to_hex(&salts.of_day("a.org", day(0)).unwrap().0);
        salts.of_day("a.org", day(86_400)).unwrap();
        salts.erase_past(86_400 + GRACE_SECONDS);
        for file in fs::read_dir(folder.path()).unwrap() {
            let text = fs::read_to_string(file.unwrap().path()).unwrap();
            assert!(!text.contains(&key) && text.contains(" a.org"));
        }
    }

    #[test]
    fn keys_of_one_run_are_written_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("x.db");
        let salts = Salts::of_one_run(&database);
        let key = salts.of_day("a.org", day(0)).unwrap();
        assert_eq!(salts.of_day("a.org", day(0)).unwrap(), key);
        assert_ne!(Salts::of_one_run(&database).of_day("a.org", day(0)).unwrap(), key);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_damaged_file_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("x.db");
        fs::write(folder.path().join("x.db-salt"), "nonsense").unwrap();
        assert!(Salts::beside(&database).of_day("a.org", day(0)).is_ok());
    }

    #[test]
    fn a_pseudonym_stays_the_same_over_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("x.db");
        let name = Salts::beside(&database).pseudonym("user-1").unwrap();
        assert_eq!(Salts::beside(&database).pseudonym("user-1").unwrap(), name);
        assert_ne!(Salts::beside(&folder.path().join("y.db")).pseudonym("user-1").unwrap(), name);
        assert_eq!(name.len(), 32);
    }
}
