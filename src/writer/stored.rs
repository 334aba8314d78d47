//! What counting has come to, written into the file, and what it must remember, read back.

use std::{collections::HashMap, mem};

use tracing::warn;

use super::queue::Refusal;
use crate::{
    clock,
    config::registry::Registry,
    fold::{Fold, KEPT_SECONDS, SeenDay, Tallies, Written},
    model::{
        period::{Granularity, Period},
        rejection::{Reason, RefusalKey},
        tally::{AggregateKey, TextId},
    },
    store::{
        Error, Transaction,
        connection::Writable,
        errors,
        figures::Subject,
        names::{self, NameCache, StoredNames},
        parts::{self, Part},
        rejected, seals, state, tallies,
    },
};

/// No day is shorter, in seconds: 22 hours.
const DAY_SECONDS_MIN: i64 = 79_200;

/// The state of counting as the file has it.
///
/// # Errors
/// When the file can't be read.
pub fn restored(writable: &Writable) -> Result<Fold, Error> {
    let seen = state::seen(&writable.connection)?.into_iter();
    let mut written = Written {
        seen: seen
            .map(|row| SeenDay { site: row.site, day: row.day, hashes: row.hashes })
            .collect(),
        visits: state::visits(&writable.connection)?,
        repeatable: state::repeatable(&writable.connection)?,
    };
    Ok(Fold::restore(&written).unwrap_or_else(|error| {
        // Live visits only bridge a restart. Without them, visits begin anew; counts stay right.
        warn!(%error, "the live visits are lost");
        written.visits.clear();
        Fold::restore(&written).unwrap_or_default()
    }))
}

/// Whether `counted` adds to a day that is over, as a visit does that goes on over midnight.
///
/// # Errors
/// When the file can't be read.
pub(super) fn is_of_the_past(
    transaction: &Transaction<'_>,
    counted: &Tallies,
    registry: &Registry,
) -> Result<bool, Error> {
    let now = clock::now();
    let keys = counted.aggregates.iter().map(|(key, _)| key);
    // No day is shorter, so that most slices are told by this alone.
    let is_earlier = |key: &&AggregateKey| {
        key.granularity == Granularity::Day && key.period_start < now - DAY_SECONDS_MIN
    };
    let earlier: Vec<&AggregateKey> = keys.filter(is_earlier).collect();
    if earlier.is_empty() {
        return Ok(false);
    }
    for site in &registry.sites {
        let Some(id) = names::find(transaction, &site.name)? else { continue };
        let today = Period::containing(Granularity::Day, now, &site.zone).start;
        if earlier.iter().any(|key| key.site == id && key.period_start < today) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Adds what was counted to the file, and what the next count must remember.
///
/// # Errors
/// When the file can't be written.
pub fn write(transaction: &Transaction<'_>, mut counted: Tallies) -> Result<(), Error> {
    unseal(transaction, &counted)?;
    part_of(&mut counted).add(transaction)?;
    write_rest(transaction, &counted)
}

/// The same, but that what is too long for one transaction waits in the file, part by part. Says whether
/// anything does.
///
/// # Errors
/// When the file can't be written.
pub(super) fn begin_to_write(
    transaction: &Transaction<'_>,
    mut counted: Tallies,
) -> Result<bool, Error> {
    unseal(transaction, &counted)?;
    let all = part_of(&mut counted);
    let split = all.split();
    write_rest(transaction, &counted)?;
    if let [only] = split.as_slice() {
        only.add(transaction)?;
        return Ok(false);
    }
    split.iter().try_for_each(|part| parts::put_off(transaction, part))?;
    Ok(true)
}

/// What of `counted` may be added later than the rest.
fn part_of(counted: &mut Tallies) -> Part<'static> {
    Part {
        aggregates: mem::take(&mut counted.aggregates).into(),
        titles: mem::take(&mut counted.titles).into(),
        breakdowns: mem::take(&mut counted.breakdowns).into(),
        kept: mem::take(&mut counted.kept).into(),
    }
}

fn unseal(transaction: &Transaction<'_>, counted: &Tallies) -> Result<(), Error> {
    let mut last = None;
    for (key, _) in &counted.aggregates {
        let bucket = (key.granularity, key.period_start, key.site);
        // They are sorted, so the few buckets of a slice come one after the other.
        if last.replace(bucket) != Some(bucket) {
            seals::remove(transaction, key.granularity, key.period_start, key.site)?;
        }
    }
    Ok(())
}

fn write_rest(transaction: &Transaction<'_>, counted: &Tallies) -> Result<(), Error> {
    for (key, bar) in &counted.histograms {
        tallies::add_bar(transaction, key, bar)?;
    }
    for ([site, event_type, identifier], met) in &counted.errors {
        let subject = Subject { site: *site, event_type: *event_type };
        errors::note(transaction, subject, *identifier, *met)?;
    }
    for seen in &counted.seen {
        state::append_seen(transaction, seen.site, seen.day, &seen.hashes)?;
    }
    for &((site, hour), count) in &counted.repeats {
        let key = RefusalKey { hour, site, reason: Reason::Repeat, agent: TextId::TOTAL };
        rejected::add(transaction, &key, count)?;
    }
    if counted.latest > 0 {
        let over_before = counted.latest - KEPT_SECONDS;
        state::append_visits(transaction, counted.latest, &counted.visits, over_before)?;
        let (repeatable, until) = (&counted.repeatable, counted.repeatable_until);
        state::append_repeatable(transaction, counted.latest, repeatable, until)?;
    }
    Ok(())
}

pub(super) fn write_refusals(
    transaction: &Transaction<'_>,
    cache: &mut NameCache,
    refusals: &HashMap<Refusal, i64>,
) -> Result<(), Error> {
    use crate::model::text::Names as _;
    let mut names = StoredNames::new(transaction, cache);
    for (refusal, count) in refusals {
        let mut id = |name: &Option<String>| match name {
            Some(name) => names.intern(name),
            None => Ok(TextId::TOTAL),
        };
        let (site, agent) = (id(&refusal.site)?, id(&refusal.agent)?);
        let key = RefusalKey { hour: refusal.hour, site, reason: refusal.reason, agent };
        rejected::add(transaction, &key, *count)?;
    }
    Ok(())
}
