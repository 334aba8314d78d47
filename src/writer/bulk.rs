//! Counting many beacons of the past at once, into a file that nobody serves.
//!
//! There is no journal and nobody waits for an answer: what has not been written when the machine
//! stops is simply begun anew.

use std::{collections::HashMap, mem, path::Path, sync::Arc};

use super::{queue::Refusal, stored};
use crate::{
    config::registry::Registry,
    fold::Fold,
    ingest::{Rejected, salt::GRACE_SECONDS},
    model::{
        beacon::Beacon,
        day_sum::DaySum,
        period::{Granularity, Period},
    },
    store::{
        Error,
        connection::{self, Writable},
        copy,
        names::{self, NameCache, StoredNames},
        state, upkeep,
    },
};

/// How many beacons are counted in one transaction.
const SLICE_BEACONS: usize = 20_000;

/// How many different refusals wait to be written.
const REFUSALS_MAX: usize = 4096;

/// A file that is being filled.
#[derive(Debug)]
pub struct Bulk {
    writable: Writable,
    registry: Arc<Registry>,
    fold: Fold,
    names: NameCache,
    waiting: Vec<Beacon<'static>>,
    refusals: HashMap<Refusal, i64>,
}

impl Bulk {
    /// Opens the file at `database`, and makes it if there is none.
    ///
    /// # Errors
    /// When it can't be opened or is in use.
    pub fn open(database: &Path, registry: Arc<Registry>) -> Result<Self, Error> {
        let writable = connection::open_writable(database)?;
        let fold = stored::restored(&writable)?;
        Ok(Self {
            writable,
            registry,
            fold,
            names: NameCache::default(),
            waiting: Vec::new(),
            refusals: HashMap::new(),
        })
    }

    /// Counts a beacon. They must come in the order in which they were received.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn count(&mut self, beacon: Beacon<'static>) -> Result<(), Error> {
        self.waiting.push(beacon);
        if self.waiting.len() >= SLICE_BEACONS { self.write() } else { Ok(()) }
    }

    /// Adds sums of days that others have counted.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn add(&mut self, sums: &[DaySum]) -> Result<(), Error> {
        let transaction = self.writable.transaction()?;
        let mut names = StoredNames::new(&transaction, &mut self.names);
        let counted = self.fold.sums(sums, &self.registry, &mut names)?;
        stored::write(&transaction, counted)?;
        Ok(transaction.commit()?)
    }

    /// Notes that a beacon was refused at `now` (UTC seconds).
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn refuse(&mut self, rejected: &Rejected, now: i64) -> Result<(), Error> {
        let refusal = Refusal {
            hour: now - now.rem_euclid(3600),
            site: rejected.site.clone(),
            reason: rejected.reason,
            agent: rejected.agent.clone(),
        };
        *self.refusals.entry(refusal).or_default() += 1;
        if self.refusals.len() >= REFUSALS_MAX { self.write() } else { Ok(()) }
    }

    /// Writes what is left; the file may be read meanwhile.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.write()
    }

    /// Forgets what was counted so far, but not who was seen and whose visit goes on.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn forget_counted(&mut self) -> Result<(), Error> {
        let transaction = self.writable.transaction()?;
        copy::forget_counted(&transaction)?;
        Ok(transaction.commit()?)
    }

    /// Forgets whose visit goes on, so that visits begin anew, but not who was seen. What was counted must be
    /// written.
    ///
    /// # Errors
    /// When the file can't be written or read.
    pub fn forget_visits(&mut self) -> Result<(), Error> {
        let transaction = self.writable.transaction()?;
        state::forget_visits(&transaction)?;
        transaction.commit()?;
        self.fold = stored::restored(&self.writable)?;
        Ok(())
    }

    /// Writes what is left and closes the file.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn finish(mut self) -> Result<(), Error> {
        self.write()?;
        upkeep::checkpoint_fully(&self.writable.connection)?;
        self.writable.close()
    }

    fn write(&mut self) -> Result<(), Error> {
        let beacons = mem::take(&mut self.waiting);
        let transaction = self.writable.transaction()?;
        let mut names = StoredNames::new(&transaction, &mut self.names);
        let counted = self.fold.slice(&beacons, &self.registry, &mut names)?;
        stored::write(&transaction, counted)?;
        stored::write_refusals(&transaction, &mut self.names, &self.refusals)?;
        self.refusals.clear();
        if let Some(latest) = beacons.iter().map(Beacon::received_second).max() {
            for site in &self.registry.sites {
                let Some(id) = names::find(&transaction, &site.name)? else { continue };
                // What comes late is of the day before as long as that has its key.
                let over = latest - GRACE_SECONDS;
                let day = Period::containing(Granularity::Day, over, &site.zone).start;
                state::remove_seen_before(&transaction, Some(id), day)?;
                self.fold.forget_seen_before(Some(id), day);
            }
        }
        transaction.commit()?;
        upkeep::checkpoint(&self.writable.connection)
    }
}
