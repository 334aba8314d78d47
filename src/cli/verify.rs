//! `verify`: whether the file is what was counted, and mending what can be.

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::{Failure, Place, say};
use crate::{
    clock,
    config::registry::Registry,
    store::{
        self, Transaction,
        connection::{open_writable, read_one},
    },
    verify::{self, FINDINGS_MAX, Report, Step},
    writer::changes::{Changes as _, Stopped},
};

/// What `verify` takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    place: Place,
    /// Rebuild what the rest of the file still tells; the server must be stopped
    #[arg(long)]
    repair: bool,
}

pub(super) fn run(options: &Options) -> Result<(), Failure> {
    let registry = options.place.registry()?;
    let database = &registry.server.database;
    let report = read_one(database, |file| look(file, &registry))?;
    tell(&report)?;
    if report.is_sound() {
        return say(&format!("{} is what was counted", database.display()));
    }
    if !options.repair {
        return Err(Failure::Other(format!(
            "{} is not what was counted: {}; --repair rebuilds what can be",
            database.display(),
            wrong(&report)
        )));
    }
    repair(&registry, report)
}

fn look(file: &Transaction<'_>, registry: &Registry) -> Result<Report, store::Error> {
    let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})");
    let progress = ProgressBar::no_length();
    if let Ok(style) = style {
        progress.set_style(style);
    }
    progress.enable_steady_tick(std::time::Duration::from_millis(200));
    let report = verify::verify(file, registry, clock::now(), &mut |step: Step| {
        progress.set_message(step.words());
    });
    progress.finish_and_clear();
    report
}

fn tell(report: &Report) -> Result<(), Failure> {
    report.findings.iter().try_for_each(|finding| say(&format!("wrong: {finding}")))?;
    if report.wrong > FINDINGS_MAX as u64 {
        say(&format!("… and {} more", report.wrong - FINDINGS_MAX as u64))?;
    }
    report.notes.iter().try_for_each(|note| say(&format!("note: {note}")))?;
    say(&format!("{} rows compared, {} seals looked at", report.compared, report.seals))
}

fn repair(registry: &Registry, report: Report) -> Result<(), Failure> {
    let mut file = Stopped(open_writable(&registry.server.database)?);
    let of = registry.clone();
    let outcomes = file.change(crate::writer::Affects::Names, move |file| {
        verify::repair(file, &of, &report.broken, clock::now())
    })?;
    for (mended, outcome) in &outcomes {
        say(&format!("{}: {outcome}", if *mended { "mended" } else { "not mended" }))?;
    }
    let of = registry.clone();
    let left = file.read(move |file| look(file, &of))?;
    file.0.close()?;
    tell(&left)?;
    if left.is_sound() {
        return say("Everything is what was counted again");
    }
    Err(Failure::Other(format!("after that, {}: go back to a backup", wrong(&left))))
}

fn wrong(report: &Report) -> String {
    match report.wrong {
        1 => "one thing is wrong".to_owned(),
        many => format!("{many} things are wrong"),
    }
}
