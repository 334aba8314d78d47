//! Adding another database: every row of it is a sum, so it joins the rows that are there.

use jiff::tz::TimeZone;

use super::{Done, Error, Take, record};
use crate::{
    model::period::date_at,
    store::{
        Transaction,
        connection::read_one,
        gather::Side,
        ledger::{self, Source},
        migrate,
        rows::Which,
    },
};

pub(super) fn carry_out(file: &Transaction<'_>, take: &Take, now: i64) -> Result<Done, Error> {
    read_one(&take.database, |other| {
        if migrate::version(other)? != migrate::LATEST {
            let name = take.database.display();
            let why = format!("{name} has the schema of an older release: make a backup of it");
            return Err(Error::Nothing(why));
        }
        let sources = sources(other, take)?;
        refuse_known(file, take, &sources)?;
        let of = (now, take.kind.as_str(), take.what.as_str());
        let done = record(file, other, of, |gatherer| {
            gatherer.buckets(Side::Added, &Which::default())?;
            gatherer.rest(Side::Added, None)
        })?;
        for source in &sources {
            ledger::add_source(file, done.edit, source)?;
        }
        Ok(done)
    })
}

fn sources(other: &Transaction<'_>, take: &Take) -> Result<Vec<Source>, Error> {
    if take.sources.is_empty() {
        let name = take.database.file_name().unwrap_or_default().to_string_lossy().into_owned();
        return Ok(vec![Source { name, digest: ledger::origin(other)?, bytes: 0 }]);
    }
    let sources = take.sources.iter().cloned();
    Ok(sources
        .map(|super::Source { name, digest, bytes }| Source { name, digest, bytes })
        .collect())
}

fn refuse_known(file: &Transaction<'_>, take: &Take, sources: &[Source]) -> Result<(), Error> {
    let own = ledger::origin(file)?;
    if take.sources.is_empty() && sources.iter().any(|source| source.digest == own) {
        let why = "this is a copy of the database itself: what it holds is counted already";
        return Err(Error::Already(why.to_owned()));
    }
    for (edit, known) in ledger::sources(file, &take.kind)? {
        if sources.iter().any(|source| source.digest == known.digest) {
            let (day, id) = (date_at(edit.at, &TimeZone::UTC), edit.id);
            return Err(Error::Already(format!(
                "{} was taken in on {day} already, as edit {id}: undo that first to take it in anew",
                known.name
            )));
        }
    }
    Ok(())
}
