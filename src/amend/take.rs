//! Adding another database: every row of it is a sum, so it joins the rows that are there.

use jiff::tz::TimeZone;

use super::{Done, Error, FOLLOW, Take, record, record_in};
use crate::{
    config::registry::Registry,
    model::period::{Granularity, Period, date_at},
    store::{
        self, Transaction,
        connection::read_one,
        figures::{self, Subject},
        gather::{Gatherer, Side},
        ledger::{self, Edit, Source},
        names,
        rows::Which,
    },
};

pub(super) fn carry_out(
    file: &Transaction<'_>,
    registry: &Registry,
    take: &Take,
    now: i64,
) -> Result<Done, Error> {
    read_one(&take.database, |other| {
        let sources = sources(other, take)?;
        refuse_known(file, take, &sources)?;
        let all = |gatherer: &mut Gatherer<'_>| {
            gatherer.buckets(Side::Added, &Which::default())?;
            gatherer.kept(Side::Added, None)?;
            gatherer.rest(Side::Added, None)
        };
        let done = if take.kind == FOLLOW {
            let edit = edit_of_today(file, take, now)?;
            record_in(file, other, edit, all)?;
            ledger::forget(file, edit)?;
            Done { edit, what: take.what.clone() }
        } else {
            record(file, other, (now, take.kind.as_str(), take.what.as_str()), all)?
        };
        if let Some(until) = coarse_until(other, registry)? {
            ledger::note_coarse(file, done.edit, until)?;
        }
        for source in &sources {
            ledger::add_source(file, done.edit, source)?;
        }
        Ok(done)
    })
}

/// The edit that takes in what was added to a log that is followed: that of the same day, also after the log
/// began anew. How far it was taken in before is not needed any more.
fn edit_of_today(file: &Transaction<'_>, take: &Take, now: i64) -> Result<i64, store::Error> {
    let day = |at| date_at(at, &TimeZone::UTC);
    let is_before = |source: &Source| match take.sources.first() {
        Some(log) if take.before.is_empty() => source.name == log.name,
        _ => source.digest == take.before,
    };
    let mut known = ledger::sources(file, FOLLOW)?.into_iter();
    let before = known.rfind(|(_, source)| is_before(source));
    ledger::remove_source(file, FOLLOW, &take.before)?;
    match before {
        Some((edit, _)) if day(edit.at) == day(now) => Ok(edit.id),
        _ => ledger::begin(file, now, FOLLOW, &take.what),
    }
}

fn sources(other: &Transaction<'_>, take: &Take) -> Result<Vec<Source>, Error> {
    if take.sources.is_empty() {
        return Ok(vec![Source {
            name: take.name.clone(),
            digest: ledger::origin(other)?,
            bytes: 0,
        }]);
    }
    Ok(take.sources.clone())
}

fn refuse_known(file: &Transaction<'_>, take: &Take, sources: &[Source]) -> Result<(), Error> {
    let own = ledger::origin(file)?;
    if take.sources.is_empty() && sources.iter().any(|source| source.digest == own) {
        let why = "this is a copy of the database itself: what it holds is counted already";
        return Err(Error::Already(why.to_owned()));
    }
    let all = ledger::sources(file, &take.kind)?;
    for (edit, known) in &all {
        if sources.iter().any(|source| source.digest == known.digest) {
            let (day, id) = (date_at(edit.at, &TimeZone::UTC), edit.id);
            return Err(Error::Already(format!(
                "{} was taken in on {day} already, as edit {id}: undo that first to take it in anew",
                known.name
            )));
        }
    }
    if take.kind == FOLLOW {
        return refuse_stale(file, take, &all);
    }
    // Of what grows, a longer part holds the lines of a shorter one, whose digest is another one.
    if let Some(since) = take.since
        && let Some((edit, other)) = all.iter().find(|(edit, _)| edit.id > since)
    {
        return Err(Error::Already(format!(
            "{} was imported meanwhile, as edit {}: start this import again, or what both hold would count twice",
            other.name, edit.id
        )));
    }
    Ok(())
}

/// What is added to a log that is followed goes on from what is there: the lines before it, and their visits.
fn refuse_stale(
    file: &Transaction<'_>,
    take: &Take,
    followed: &[(Edit, Source)],
) -> Result<(), Error> {
    // A log may have been imported before it was followed.
    let imported = ledger::sources(file, "import")?;
    let mut known = followed.iter().chain(&imported);
    if !take.before.is_empty() && !known.any(|(_, source)| source.digest == take.before) {
        let why = "how far the log was read is not known here any more, or another process has read on: start this \
                   again, and it goes on from what is known";
        return Err(Error::Already(why.to_owned()));
    }
    let changes = ledger::changes(file)?;
    if take.since.is_some_and(|since| since != changes) {
        let why = "what was counted was edited at this moment, and the visits that go on with it: start this \
                   again, and it goes on from where it was";
        return Err(Error::Already(why.to_owned()));
    }
    Ok(())
}

/// Up to which instant (UTC seconds) the other file has days without the hours that this registry keeps,
/// because it was made of a report by days.
fn coarse_until(other: &Transaction<'_>, registry: &Registry) -> Result<Option<i64>, store::Error> {
    let mut until = None;
    for (site, event) in registry
        .sites
        .iter()
        .flat_map(|site| registry.events.iter().map(move |event| (site, event)))
    {
        let finer = event.granularities.iter().copied().filter(|kept| *kept < Granularity::Day);
        let (Some(finer), Some(site_id), Some(event_type)) =
            (finer.max(), names::find(other, &site.name)?, names::find(other, &event.name)?)
        else {
            continue;
        };
        let subject = Subject { site: site_id, event_type };
        for bucket in figures::buckets(other, Granularity::Day, i64::MIN, i64::MAX)? {
            let day = Period::containing(Granularity::Day, bucket.start, &site.zone);
            if !figures::has_bucket(other, subject, bucket)? {
                continue;
            }
            let mut has_parts = false;
            for part in figures::buckets(other, finer, day.start, day.end)? {
                has_parts |= figures::has_bucket(other, subject, part)?;
            }
            if !has_parts {
                until = until.max(Some(day.end));
            }
        }
    }
    Ok(until)
}
