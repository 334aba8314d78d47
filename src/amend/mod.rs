//! What people change after the fact: files merged, pages renamed or deleted, days and sites deleted,
//! and all of that undone.
//!
//! An edit is rows that leave and rows that come. They are written to the ledger first and carried out
//! from there, in one transaction, so that an edit is there as a whole or not at all, and can be undone.

mod delete;
pub mod note;
mod rename;
mod subtraction;
mod take;
mod visitors;

use std::{path::PathBuf, sync::Arc};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use crate::store::ledger::Source;
use crate::{
    config::registry::{EventType, Registry, Site},
    model::{
        period::{Granularity, date_at},
        tally::TextId,
        text::Names as _,
    },
    store::{
        self, Transaction,
        aging::has_pairs,
        deltas::{self, Aging},
        figures::{Bucket, Subject, first_bucket},
        gather::Gatherer,
        journal, ledger,
        names::{self, NameCache, StoredNames},
        parts,
        rows::Which,
        state,
    },
    writer::{Affects, changes::Changes},
};

/// The kind of what comes bit by bit, every few seconds: it is one edit a day, and can't be undone.
pub const FOLLOW: &str = "follow";

/// For how many days an edit can be undone.
pub const UNDO_DAYS: i64 = 90;

/// How many parts of edits are forgotten in one transaction.
const PARTS_AT_ONCE: u32 = 100;

/// What somebody wants to be changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Add all that another database holds.
    Take(Take),
    /// Undo the edit with this number.
    Undo(i64),
    /// Change what was counted for a site.
    Site {
        /// The site.
        site: String,
        /// How.
        change: Change,
    },
}

/// How what was counted for a site is changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// A page gets another name, or joins a page that has it.
    RenamePage {
        /// The page.
        from: String,
        /// Its new name.
        to: String,
    },
    /// A page goes, and what came through it.
    DeletePage(String),
    /// A source goes, and what came from there.
    DeleteSource(String),
    /// A day goes.
    DeleteDay(Date),
    /// Everything goes.
    Reset,
    /// What was counted for another site, which is not declared, is the site's from now on.
    Adopt(String),
}

/// A database whose rows are to be added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Take {
    /// The database: of the newest schema, with an empty journal, and nobody writes to it.
    pub database: PathBuf,
    /// `merge`, `import` or [`FOLLOW`].
    pub kind: String,
    /// What it is called, where it is taken in for its own sake and `sources` is empty.
    pub name: String,
    /// What the ledger shall say, in a sentence.
    pub what: String,
    /// What it was made of, by which it is known when it comes again. None: the database itself.
    pub sources: Vec<Source>,
    /// The digest of how far a log was taken in that is followed; empty at its beginning, and for what is
    /// taken in at once.
    #[serde(default)]
    pub before: Vec<u8>,
    /// The last import that it knew when it began: what came later may hold the same lines. Of a log that is
    /// followed, the [`ledger::changes`] when its visits began. `None` where that is no matter.
    #[serde(default)]
    pub since: Option<i64>,
}

/// Why an edit was not made. The file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file, or another one that was asked for, can't be read or written.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// It was done before.
    #[error("{0}")]
    Already(String),
    /// What it would change is not all there yet.
    #[error(
        "not all that was answered is counted yet, and would come back after this: do it again once a server has \
         counted everything; its log says what keeps it from that"
    )]
    Uncounted,
    /// There is nothing that it would change.
    #[error("{0}")]
    Nothing(String),
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The edit's number.
    pub edit: i64,
    /// What it did, in a sentence.
    pub what: String,
}

/// Makes the edit that `request` asks for, at `now` (UTC seconds).
///
/// Beacons that come meanwhile wait until it is done.
///
/// # Errors
/// When there is nothing to do, or the file can't be written; then it is as it was.
pub fn carry_out(
    file: &mut impl Changes,
    registry: &Registry,
    request: Request,
    now: i64,
) -> Result<Done, Error> {
    match request {
        Request::Take(take) => {
            let registry = registry.clone();
            file.change(Affects::Names, move |file| take::carry_out(file, &registry, &take, now))
        }
        Request::Undo(id) => {
            let registry = registry.clone();
            file.change(Affects::Names, move |file| undo(file, &registry, id, now))
        }
        Request::Site { site, change } => {
            let known = registry.sites.iter().find(|known| known.name == site);
            let site = known.ok_or_else(|| Error::Nothing(format!("there is no site {site}")))?;
            if let Change::Adopt(other) = &change
                && registry.site(other).is_some()
            {
                let why = format!(
                    "{other} is declared, so it goes on to count: take it out of beacons.toml first"
                );
                return Err(Error::Nothing(why));
            }
            let (site, events) = (Arc::clone(site), registry.events.clone());
            file.change(Affects::Names, move |file| {
                refuse_uncounted(file)?;
                // A visit that goes on would change rows that are gone.
                state::forget_visits(file)?;
                change_site(file, &site, &events, &change, now)
            })
        }
    }
}

/// Forgets how old edits are undone, at `now` (UTC seconds).
///
/// # Errors
/// When the file can't be written.
pub fn forget_old(file: &mut impl Changes, now: i64) -> Result<(), store::Error> {
    let before = now - UNDO_DAYS * 86_400;
    let forget = move |file: &Transaction<'_>| ledger::forget_before(file, before, PARTS_AT_ONCE);
    // Most often there is nothing, and then the writer need not be asked.
    while file.read(move |file| ledger::has_before(file, before))? {
        file.change(Affects::Nothing, forget)?;
    }
    Ok(())
}

fn change_site(
    file: &Transaction<'_>,
    site: &Site,
    events: &[Arc<EventType>],
    change: &Change,
    now: i64,
) -> Result<Done, Error> {
    let nothing = || Error::Nothing(format!("nothing was counted for {} yet", site.name));
    let id = match change {
        Change::Adopt(_) => StoredNames::new(file, &mut NameCache::default()).intern(&site.name)?,
        _ => names::find(file, &site.name)?.ok_or_else(nothing)?,
    };
    let place = Place { file, site, id, events, now };
    match change {
        Change::RenamePage { from, to } => rename::page(&place, from, to),
        Change::DeletePage(page) => delete::page(&place, page),
        Change::DeleteSource(source) => delete::source(&place, source),
        Change::DeleteDay(date) => delete::day(&place, *date),
        Change::Reset => delete::site(&place),
        Change::Adopt(other) => rename::site(&place, other),
    }
}

/// Where something is changed.
struct Place<'a> {
    file: &'a Transaction<'a>,
    site: &'a Site,
    /// The number of the site's name.
    id: TextId,
    events: &'a [Arc<EventType>],
    /// UTC seconds.
    now: i64,
}

impl Place<'_> {
    /// All buckets of the site.
    fn everything(&self) -> Which {
        Which { site: Some(self.id), ..Which::default() }
    }

    /// The event types that are declared and that the file knows.
    fn events(&self) -> Result<Vec<(Arc<EventType>, TextId)>, store::Error> {
        let mut known = Vec::new();
        for event in self.events {
            let id = names::find(self.file, &event.name)?;
            known.extend(id.map(|id| (Arc::clone(event), id)));
        }
        Ok(known)
    }

    fn find(&self, text: &str) -> Result<Option<TextId>, store::Error> {
        names::find(self.file, text)
    }

    /// The number of a name that must be there.
    fn name(&self, text: &str) -> Result<TextId, Error> {
        self.find(text)?.ok_or_else(|| Error::Nothing(format!("nothing is called {text:?}")))
    }
}

/// Writes down what `gather` gathers from `origin`, and does it to `file`. Says the edit's number.
fn record(
    file: &Transaction<'_>,
    origin: &Transaction<'_>,
    (now, kind, what): (i64, &str, &str),
    gather: impl FnOnce(&mut Gatherer<'_>) -> Result<(), store::Error>,
) -> Result<Done, store::Error> {
    let edit = ledger::begin(file, now, kind, what)?;
    record_in(file, origin, edit, gather)?;
    Ok(Done { edit, what: what.to_owned() })
}

/// The same, for an edit that there is already and that has no parts.
fn record_in(
    file: &Transaction<'_>,
    origin: &Transaction<'_>,
    edit: i64,
    gather: impl FnOnce(&mut Gatherer<'_>) -> Result<(), store::Error>,
) -> Result<(), store::Error> {
    let mut parts = 0;
    let mut keep = |delta| {
        ledger::keep(file, edit, parts, &delta)?;
        parts += 1;
        Ok(())
    };
    let mut gatherer = Gatherer::new(origin, &mut keep);
    gather(&mut gatherer)?;
    gatherer.finish()?;
    do_parts(file, edit, parts)
}

/// Carries out the first `parts` parts that the ledger has of `edit`.
fn do_parts(file: &Transaction<'_>, edit: i64, parts: i64) -> Result<(), store::Error> {
    let mut cache = NameCache::default();
    for number in 0..parts {
        let Some(mut delta) = ledger::part(file, edit, number)? else { break };
        // What it takes was read from the same file.
        let gone = |_, _, _| Ok(false);
        deltas::apply(file, &mut StoredNames::new(file, &mut cache), &mut delta, &gone)?;
        // What single beacons tell stays in their own rows alone, which go by their age.
        ledger::keep(file, edit, number, &delta)?;
    }
    Ok(())
}

/// What waits to be counted would not be changed.
fn refuse_uncounted(file: &Transaction<'_>) -> Result<(), Error> {
    if journal::next(file, 0)?.is_some() || parts::any(file)? {
        return Err(Error::Uncounted);
    }
    Ok(())
}

fn undo(file: &Transaction<'_>, registry: &Registry, id: i64, now: i64) -> Result<Done, Error> {
    refuse_uncounted(file)?;
    let Some(edit) = ledger::find(file, id)? else {
        return Err(Error::Nothing(format!("there is no edit {id}")));
    };
    if edit.undone_at.is_some() {
        return Err(Error::Already(format!("edit {id} is undone already")));
    }
    if !edit.is_undoable {
        return Err(Error::Nothing(format!(
            "edit {id} can't be undone any more: what it changed is kept for {UNDO_DAYS} days, and \
             not in backups"
        )));
    }
    let known = subjects(file, registry, now)?;
    let gone = |subject, bucket: Bucket, aging| {
        let Some(known) = known.iter().find(|known| known.subject == subject) else {
            return Ok(false);
        };
        Ok(known.has_aged(bucket)
            || (aging == Aging::Pairs
                && bucket.granularity == Granularity::Day
                && known.pairs_from.is_some_and(|from| bucket.start < from)
                && !has_pairs(file, subject, bucket)?))
    };
    let mut cache = NameCache::default();
    let mut number = 0;
    while let Some(delta) = ledger::part(file, id, number)? {
        let mut names = StoredNames::new(file, &mut cache);
        deltas::apply(file, &mut names, &mut delta.inverse(), &gone)?;
        number += 1;
    }
    state::forget_visits(file)?;
    ledger::note_undone(file, id, now)?;
    Ok(Done { edit: id, what: format!("undone: {}", edit.what) })
}

/// A site and an event type that are declared and that the file knows.
struct Known {
    subject: Subject,
    /// Of each granularity that does not stay for ever: what begins before this instant (UTC seconds) has gone.
    gone_before: Vec<(Granularity, i64)>,
    /// From this instant on (UTC seconds) days have pairs, if these leave them earlier than the days go.
    pairs_from: Option<i64>,
}

impl Known {
    /// Whether what was in `bucket` has gone by its age.
    fn has_aged(&self, bucket: Bucket) -> bool {
        let mut of_granularities = self.gone_before.iter();
        of_granularities.any(|(of, before)| *of == bucket.granularity && bucket.start < *before)
    }
}

/// The sites and event types that are declared and that the file knows, and what of them has gone at `now` (UTC
/// seconds).
fn subjects(
    file: &Transaction<'_>,
    registry: &Registry,
    now: i64,
) -> Result<Vec<Known>, store::Error> {
    let mut known = Vec::new();
    for site in &registry.sites {
        let Some(site_id) = names::find(file, &site.name)? else { continue };
        let today = date_at(now, &site.zone);
        for event in &registry.events {
            let Some(event_type) = names::find(file, &event.name)? else { continue };
            let subject = Subject { site: site_id, event_type };
            let mut gone_before = Vec::new();
            // Where there is an archive, whole months go.
            let by_month = registry.server.archive.is_some();
            for (granularity, due) in event.buckets_due(today, &site.zone, by_month) {
                // The oldest go first, so that what is after one which is there has not gone by its age.
                let left = first_bucket(file, subject, granularity, i64::MIN, due)?;
                gone_before.push((granularity, left.unwrap_or(due)));
            }
            let pairs_from = event.pairs_by_day_from(today, &site.zone);
            known.push(Known { subject, gone_before, pairs_from });
        }
    }
    Ok(known)
}
