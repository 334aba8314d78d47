//! `annotate`: says something about a moment, which charts show; also beside a running server.

use clap::Args;

use super::{Failure, Place, change, say};
use crate::{amend::note::Note, control};

/// What `annotate` takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// What happened, in a line: "Version 2 of the shop"
    text: String,
    /// When: 2026-11-24, 2026-11-24T14:00 in the site's time zone, or with an offset [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// The site [default: all of them]
    #[arg(long)]
    site: Option<String>,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(options: &Options) -> Result<(), Failure> {
    let note =
        Note { text: options.text.clone(), at: options.at.clone(), site: options.site.clone() };
    say(&change::make(&options.place, control::Request::Annotate(note))?)
}
