//! `share`: secret links to a site's figures, made and taken back, also beside a running server.

use clap::{Args, Subcommand};
use jiff::tz::TimeZone;

use super::{Failure, Place, change, read_password, say};
use crate::{control, model::period::date_at, share::Request, store};

/// What the command takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a link that shows one site, read only, to whoever has it
    Create {
        /// The site; may be left out where there is one
        #[arg(long)]
        site: Option<String>,
        /// For how many days it opens; for ever if left out
        #[arg(long, value_name = "N")]
        days: Option<u32>,
        /// Ask for a password too, which is read here from the first line of the input
        #[arg(long)]
        password: bool,
        /// Whom it is for, to tell the links apart
        #[arg(long, default_value = "")]
        label: String,
        #[command(flatten)]
        place: Place,
    },
    /// List the links
    List(Place),
    /// Take a link back by its number
    Revoke {
        /// Its number, as in the list
        id: i64,
        #[command(flatten)]
        place: Place,
    },
}

pub(super) fn run(options: &Options) -> Result<(), Failure> {
    match &options.action {
        Action::List(place) => list(place),
        Action::Revoke { id, place } => carry_out(place, Request::Revoke(*id)),
        Action::Create { site, days, password, label, place } => {
            let registry = place.registry()?;
            let site = change::site(&registry, site.as_deref())?;
            let password = password
                .then(|| read_password("The password for the link, then Enter:"))
                .transpose()?;
            let label = label.clone();
            carry_out(place, Request::Create { site, password, days: *days, label })
        }
    }
}

fn carry_out(place: &Place, request: Request) -> Result<(), Failure> {
    say(&change::make(place, control::Request::Share(request))?)
}

fn list(place: &Place) -> Result<(), Failure> {
    let links = place.read(|file| store::share::all(file))?;
    if links.is_empty() {
        return say("Nothing is shared by a link.");
    }
    let day = |at| date_at(at, &TimeZone::UTC);
    links.iter().try_for_each(|link| {
        let until =
            link.expires_at.map_or("for ever".to_owned(), |at| format!("until {}", day(at)));
        let password =
            if link.password.is_some() { "with a password" } else { "without a password" };
        say(&format!(
            "{}\t{}\tsince {}\t{until}\t{password}\t{}",
            link.id,
            link.site,
            day(link.created_at),
            link.label
        ))
    })
}
