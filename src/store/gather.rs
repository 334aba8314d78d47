//! Gathering rows into deltas: the numbers of this file become strings that every file understands.

use std::{collections::HashMap, mem};

use rusqlite::Connection;

use super::{Error, events, names, rows, rows::Which};
use crate::model::{
    delta::{Changed, Delta, KeptName, KnownName, Rows},
    kept::{KeptBeacon, KeptStep},
    rejection::RefusalKey,
    tally::{AggregateKey, Bar, BreakdownKey, Counters, HistogramKey, TextId},
    text::NameScope,
};

/// How many rows a delta has at most, about.
const DELTA_ROWS_MAX: usize = 20_000;

/// How many single beacons are changed by one row of the ledger.
const CHANGED_AT_ONCE: usize = 1000;

/// Whether rows come or leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// They leave.
    Taken,
    /// They come.
    Added,
}

/// Gathers rows, and hands them on delta by delta.
pub struct Gatherer<'a> {
    connection: &'a Connection,
    numbers: HashMap<TextId, TextId>,
    /// The site for which rows come that are of another one.
    moves: Option<(TextId, TextId)>,
    delta: Delta,
    each: &'a mut dyn FnMut(Delta) -> Result<(), Error>,
}

impl<'a> Gatherer<'a> {
    /// Gathers rows in the numbers of the file behind `connection`. `each` is told every delta.
    pub fn new(
        connection: &'a Connection,
        each: &'a mut dyn FnMut(Delta) -> Result<(), Error>,
    ) -> Self {
        Self { connection, numbers: HashMap::new(), moves: None, delta: Delta::default(), each }
    }

    /// From now on, what comes of the site `from` comes for the site `to`.
    pub const fn move_sites(&mut self, from: TextId, to: TextId) {
        self.moves = Some((from, to));
    }

    /// Hands on what is left.
    ///
    /// # Errors
    /// When `each` fails.
    pub fn finish(mut self) -> Result<(), Error> {
        self.hand_on()
    }

    /// Takes or adds an aggregate.
    ///
    /// # Errors
    /// When the file can't be read, or `each` fails.
    pub fn aggregate(
        &mut self,
        side: Side,
        key: AggregateKey,
        counters: Counters,
    ) -> Result<(), Error> {
        self.make_room()?;
        let key = self.key(side, key)?;
        self.rows(side).aggregates.push((key, counters));
        Ok(())
    }

    /// Takes or adds a row of a breakdown.
    ///
    /// # Errors
    /// When the file can't be read, or `each` fails.
    pub fn breakdown(
        &mut self,
        side: Side,
        key: BreakdownKey,
        counters: Counters,
    ) -> Result<(), Error> {
        self.make_room()?;
        let aggregate = self.key(side, key.aggregate)?;
        let (dimension, value) = (self.number(key.dimension)?, self.number(key.value)?);
        let key = BreakdownKey { aggregate, dimension, value };
        self.rows(side).breakdowns.push((key, counters));
        Ok(())
    }

    /// Takes or adds a bar of a histogram.
    ///
    /// # Errors
    /// When the file can't be read, or `each` fails.
    pub fn bar(&mut self, side: Side, key: HistogramKey, bar: Bar) -> Result<(), Error> {
        self.make_room()?;
        let (aggregate, measure) = (self.key(side, key.aggregate)?, self.number(key.measure)?);
        let key = HistogramKey { aggregate, measure, bound: key.bound };
        self.rows(side).bars.push((key, bar));
        Ok(())
    }

    /// Adds a title.
    ///
    /// # Errors
    /// When the file can't be read, or `each` fails.
    pub fn title(&mut self, side: Side, key: AggregateKey, title: String) -> Result<(), Error> {
        self.make_room()?;
        let key = self.key(side, key)?;
        self.rows(side).titles.push((key, title));
        Ok(())
    }

    /// Takes or adds since which day (its first instant, UTC seconds) a name is known.
    ///
    /// # Errors
    /// When the file can't be read, or `each` fails.
    pub fn known(&mut self, side: Side, known: KnownName, day: i64) -> Result<(), Error> {
        self.make_room()?;
        let KnownName { scope, value } = known;
        let (site, event_type) = (self.site(side, scope.site)?, self.number(scope.event_type)?);
        let scope = NameScope { site, event_type, dimension: self.number(scope.dimension)? };
        let value = self.number(value)?;
        self.rows(side).known.push((KnownName { scope, value }, day));
        Ok(())
    }

    /// Takes the single beacon with this number, for good.
    ///
    /// # Errors
    /// When `each` fails.
    pub fn take_kept(&mut self, id: i64) -> Result<(), Error> {
        self.make_room()?;
        self.delta.taken.kept_ids.push(id);
        Ok(())
    }

    /// Lets the single beacons with these numbers, which have one name, have another instead.
    ///
    /// # Errors
    /// When the file can't be read, or `each` fails.
    pub fn change_kept(
        &mut self,
        ids: &[i64],
        name: KeptName,
        [from, to]: [TextId; 2],
    ) -> Result<(), Error> {
        for ids in ids.chunks(CHANGED_AT_ONCE) {
            self.make_room()?;
            let (from, to) = (self.number(from)?, self.number(to)?);
            self.delta.changed.push(Changed { ids: ids.to_vec(), name, from, to });
        }
        Ok(())
    }

    fn add_kept(&mut self, beacon: KeptBeacon) -> Result<(), Error> {
        self.make_room()?;
        let optional =
            |gatherer: &mut Self, id: Option<TextId>| id.map(|id| gatherer.number(id)).transpose();
        let mut values = Vec::with_capacity(beacon.values.len());
        for (dimension, value) in beacon.values {
            values.push((dimension, self.number(value)?));
        }
        let beacon = KeptBeacon {
            site: self.number(beacon.site)?,
            event_type: self.number(beacon.event_type)?,
            identifier: optional(self, beacon.identifier)?,
            entry_page: optional(self, beacon.entry_page)?,
            step: match beacon.step {
                Some(step) => Some(KeptStep { left: self.number(step.left)?, ..step }),
                None => None,
            },
            values,
            ..beacon
        };
        self.delta.added.kept.push(beacon);
        Ok(())
    }

    /// Takes or adds everything in buckets that `which` wants.
    ///
    /// # Errors
    /// When the file can't be read, or `each` fails.
    pub fn buckets(&mut self, side: Side, which: &Which) -> Result<(), Error> {
        let connection = self.connection;
        rows::aggregates(connection, which, |key, counters, title| {
            self.aggregate(side, key, counters)?;
            title.map_or(Ok(()), |title| self.title(side, key, title))
        })?;
        rows::breakdowns(connection, which, |key, counters| self.breakdown(side, key, counters))?;
        rows::bars(connection, which, |key, bar| self.bar(side, key, bar))
    }

    /// Takes or adds the single beacons of `site` or of all.
    ///
    /// # Errors
    /// When the file can't be read, or `each` fails.
    pub fn kept(&mut self, side: Side, site: Option<TextId>) -> Result<(), Error> {
        events::each(self.connection, site, |id, beacon| match side {
            Side::Taken => self.take_kept(id),
            Side::Added => self.add_kept(beacon),
        })
    }

    /// Takes or adds everything else that is in no bucket, of `site` or of all: refusals, names and errors.
    ///
    /// # Errors
    /// When the file can't be read, or `each` fails.
    pub fn rest(&mut self, side: Side, site: Option<TextId>) -> Result<(), Error> {
        let connection = self.connection;
        rows::refusals(connection, site, |key, count| {
            self.make_room()?;
            let (site, agent) = (self.site(side, key.site)?, self.number(key.agent)?);
            self.rows(side).refusals.push((RefusalKey { site, agent, ..key }, count));
            Ok(())
        })?;
        rows::known_names(connection, site, |known, day| self.known(side, known, day))?;
        rows::errors(connection, site, |[site, event_type, identifier], met| {
            self.make_room()?;
            let site = self.site(side, site)?;
            let key = [site, self.number(event_type)?, self.number(identifier)?];
            self.rows(side).errors.push((key, met));
            Ok(())
        })
    }

    const fn rows(&mut self, side: Side) -> &mut Rows {
        match side {
            Side::Taken => &mut self.delta.taken,
            Side::Added => &mut self.delta.added,
        }
    }

    /// Called before the first name of a row is numbered, so that no row is torn from its names.
    fn make_room(&mut self) -> Result<(), Error> {
        if self.delta.len() >= DELTA_ROWS_MAX { self.hand_on() } else { Ok(()) }
    }

    fn key(&mut self, side: Side, key: AggregateKey) -> Result<AggregateKey, Error> {
        Ok(AggregateKey {
            site: self.site(side, key.site)?,
            event_type: self.number(key.event_type)?,
            identifier: self.number(key.identifier)?,
            ..key
        })
    }

    fn site(&mut self, side: Side, site: TextId) -> Result<TextId, Error> {
        let moved = self.moves.filter(|(from, _)| side == Side::Added && *from == site);
        self.number(moved.map_or(site, |(_, to)| to))
    }

    fn number(&mut self, id: TextId) -> Result<TextId, Error> {
        if id == TextId::TOTAL {
            return Ok(id);
        }
        if let Some(number) = self.numbers.get(&id) {
            return Ok(*number);
        }
        let name = names::text(self.connection, id)?;
        let name = name.ok_or_else(|| Error::Damaged(format!("name {} is missing", id.0)))?;
        self.delta.names.push(name);
        let number = u32::try_from(self.delta.names.len()).map_err(|_| Error::NamesFull)?;
        self.numbers.insert(id, TextId(number));
        Ok(TextId(number))
    }

    fn hand_on(&mut self) -> Result<(), Error> {
        self.numbers.clear();
        let delta = mem::take(&mut self.delta);
        if delta.is_empty() { Ok(()) } else { (self.each)(delta) }
    }
}
