//! `merge` and `edit`: changing what was counted, in the file or through the server that runs.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::{civil::Date, tz::TimeZone};

use super::{Failure, Place, change, say};
use crate::{
    amend::{self, Change, Take},
    backup, control,
    model::period::date_at,
    store::ledger::{self, Edit},
};

/// How many edits are listed.
const EDITS_MAX: u32 = 1000;

/// What `merge` takes.
#[derive(Debug, Args)]
pub(super) struct MergeOptions {
    /// The other database, or a backup of it
    file: PathBuf,
    #[command(flatten)]
    place: Place,
}

/// What `edit` takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List what was changed: imports, merges, and the rest
    List(Place),
    /// Give a page another name; where there is a page of that name, the two become one
    RenamePage {
        /// The page as it is
        from: String,
        /// As it shall be
        to: String,
        #[command(flatten)]
        of: Of,
    },
    /// Delete a page, and what came through it from the site's sums
    DeletePage {
        /// The page
        page: String,
        #[command(flatten)]
        of: Of,
    },
    /// Delete a source, spam say, and what came from there
    DeleteSource {
        /// The source, as the list of sources names it
        source: String,
        #[command(flatten)]
        of: Of,
    },
    /// Delete a day
    DeleteDay {
        /// The day in the site's zone: 2026-03-14
        day: Date,
        #[command(flatten)]
        of: Of,
    },
    /// Delete everything that was counted for a site
    Reset {
        #[command(flatten)]
        of: Of,
    },
    /// Give all that was counted for a site that is not declared any more to one that is
    MoveSite {
        /// The site as it was called; "default" is what was counted before the first was declared
        from: String,
        /// The declared site
        to: String,
        #[command(flatten)]
        place: Place,
    },
    /// Undo an edit by its number
    Undo {
        /// Its number, as in the list
        id: i64,
        #[command(flatten)]
        place: Place,
    },
}

/// Of which site.
#[derive(Debug, Args)]
struct Of {
    /// The site; may be left out where there is one
    #[arg(long)]
    site: Option<String>,
    #[command(flatten)]
    place: Place,
}

impl Of {
    fn change(&self, change: Change) -> Result<(), Failure> {
        let registry = self.place.registry()?;
        let site = change::site(&registry, self.site.as_deref())?;
        carry_out(&self.place, amend::Request::Site { site, change })
    }
}

pub(super) fn merge(options: &MergeOptions) -> Result<(), Failure> {
    let registry = options.place.registry()?;
    let name = options.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    // A copy: the other one may be of an older release, or may hold beacons that are not counted yet.
    let copy = backup::Prepared::new(&registry, &options.file)?;
    let take = Take {
        database: std::path::absolute(copy.path()).map_err(|e| Failure::Other(e.to_string()))?,
        kind: "merge".to_owned(),
        what: format!("merged {name}"),
        name,
        sources: Vec::new(),
        before: Vec::new(),
        since: None,
    };
    carry_out(&options.place, amend::Request::Take(take))
}

pub(super) fn run(options: &Options) -> Result<(), Failure> {
    match &options.action {
        Action::List(place) => list(place),
        Action::RenamePage { from, to, of } => {
            of.change(Change::RenamePage { from: from.clone(), to: to.clone() })
        }
        Action::DeletePage { page, of } => of.change(Change::DeletePage(page.clone())),
        Action::DeleteSource { source, of } => of.change(Change::DeleteSource(source.clone())),
        Action::DeleteDay { day, of } => of.change(Change::DeleteDay(*day)),
        Action::Reset { of } => of.change(Change::Reset),
        Action::MoveSite { from, to, place } => {
            let site = change::site(&place.registry()?, Some(to))?;
            carry_out(place, amend::Request::Site { site, change: Change::Adopt(from.clone()) })
        }
        Action::Undo { id, place } => carry_out(place, amend::Request::Undo(*id)),
    }
}

/// Makes an edit, and says so.
pub(super) fn carry_out(place: &Place, request: amend::Request) -> Result<(), Failure> {
    say(&change::make(place, control::Request::Amend(request))?)
}

pub(super) fn list(place: &Place) -> Result<(), Failure> {
    let edits = place.read(|file| ledger::last(file, EDITS_MAX))?;
    if edits.is_empty() {
        return say("Nothing was changed by hand yet.");
    }
    edits.iter().try_for_each(|edit| say(&line(edit)))
}

fn line(edit: &Edit) -> String {
    let day = |at| date_at(at, &TimeZone::UTC);
    let state = match edit.undone_at {
        Some(at) => format!("undone on {}", day(at)),
        None if edit.is_undoable => "can be undone".to_owned(),
        None => "stays".to_owned(),
    };
    format!("{}\t{}\t{}\t{}\t{state}", edit.id, day(edit.at), edit.kind, edit.what)
}
