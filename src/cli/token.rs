//! `token`: what programs show in the place of a password, made and revoked, also beside a running server.

use clap::{Args, Subcommand};
use jiff::tz::TimeZone;

use super::{Failure, Place, change, say};
use crate::{
    auth::Request,
    control,
    model::period::date_at,
    store::{
        self,
        accounts::{ApiToken, Scope},
    },
};

/// What the command takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a token, and tell it once
    Create {
        /// "read" reads figures, "ingest" tells addresses and times of visitors, "admin" does what an
        /// owner may
        #[arg(long, value_parser = scope)]
        scope: Scope,
        /// The one site that is read; every one if left out
        #[arg(long)]
        site: Option<String>,
        /// What it is for, to tell the tokens apart
        #[arg(long, default_value = "")]
        label: String,
        #[command(flatten)]
        place: Place,
    },
    /// List the tokens
    List(Place),
    /// Take a token back by its number
    Revoke {
        /// Its number, as in the list
        id: i64,
        #[command(flatten)]
        place: Place,
    },
}

fn scope(word: &str) -> Result<Scope, String> {
    Scope::from_word(word).ok_or_else(|| "write read, ingest or admin".to_owned())
}

pub(super) fn run(options: &Options) -> Result<(), Failure> {
    let (place, request) = match &options.action {
        Action::List(place) => return list(place),
        Action::Revoke { id, place } => (place, Request::RevokeToken(*id)),
        Action::Create { scope, site, label, place } => {
            let (site, label) = (site.clone(), label.clone());
            (place, Request::CreateToken { scope: *scope, site, label })
        }
    };
    say(&change::make(place, control::Request::Access(request))?)
}

fn list(place: &Place) -> Result<(), Failure> {
    let tokens = place.read(|file| store::accounts::tokens(file))?;
    if tokens.is_empty() {
        return say("No program has a token.");
    }
    let day = |at| date_at(at, &TimeZone::UTC);
    tokens.iter().try_for_each(|token: &ApiToken| {
        let site = token.site.as_deref().unwrap_or("every site");
        let used = token.used_on.map_or("never used".to_owned(), |at| format!("used {}", day(at)));
        say(&format!(
            "{}\t{}\t{site}\tsince {}\t{used}\t{}",
            token.id,
            token.scope.as_str(),
            day(token.created_at),
            token.label
        ))
    })
}
