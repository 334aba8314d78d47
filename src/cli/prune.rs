//! `prune`: removes what is older than the registry keeps it, or says what would go.

use clap::Args;

use super::{Failure, Place, say};
use crate::{
    amend, clock,
    config::registry::Registry,
    prune::{self, Due},
    store::{self, Readers, connection::open_writable},
    writer::changes::Stopped,
};

/// What `prune` takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    place: Place,
    /// Only say what would go; also beside a running server
    #[arg(long)]
    dry_run: bool,
}

/// How long ago a name must have been new before it may go, in seconds.
const NAMES_AGE: i64 = 7 * 86_400;

pub(super) fn run(options: &Options) -> Result<(), Failure> {
    let registry = options.place.registry()?;
    if options.dry_run { dry_run(&registry) } else { in_earnest(&registry) }
}

fn dry_run(registry: &Registry) -> Result<(), Failure> {
    let readers = Readers::new(&registry.server.database)?;
    let found = readers.snapshot(|file| {
        prune::due(file, registry, clock::now())?
            .into_iter()
            .map(|due| Ok((due.rows(file)?, due)))
            .collect::<Result<Vec<_>, store::Error>>()
    })?;
    let found = found.into_iter().filter(|(rows, _)| *rows > 0).map(|(rows, due)| (due, rows));
    report(&found.collect::<Vec<_>>(), "would go")
}

fn in_earnest(registry: &Registry) -> Result<(), Failure> {
    let writable = match open_writable(&registry.server.database) {
        Ok(writable) => writable,
        Err(error @ store::Error::InUse(_)) => {
            let sentence = format!("{error}; it removes by itself what is older than it is kept");
            return Err(Failure::Other(sentence));
        }
        Err(error) => return Err(error.into()),
    };
    let mut file = Stopped(writable);
    let gone = prune::carry_out(&mut file, registry, clock::now())
        .map_err(|error| Failure::Other(error.to_string()))?;
    let names = prune::remove_unused_names(&mut file, clock::now() - NAMES_AGE)
        .map_err(|error| Failure::Other(error.to_string()))?;
    amend::forget_old(&mut file, clock::now())?;
    file.0.close()?;
    if names > 0 {
        say(&format!("Names that nothing used any more: {names} went"))?;
    }
    report(&gone, "went")
}

fn report(found: &[(Due, i64)], what_happened: &str) -> Result<(), Failure> {
    for (due, rows) in found {
        let site = due.site.as_ref().map_or("all sites", |site| &site.name);
        let event = due.event.as_ref().map_or("", |event| &event.name);
        say(&format!("{site}\t{event}\t{}\t{rows} rows", due.what.words()))?;
    }
    let rows: i64 = found.iter().map(|(_, rows)| rows).sum();
    say(&format!("{rows} rows {what_happened}"))
}
