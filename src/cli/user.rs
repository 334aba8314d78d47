//! `user`: who may look, also beside a running server.

use clap::{Args, Subcommand};
use jiff::tz::TimeZone;

use super::{Failure, Place, change, read_password, say};
use crate::{
    auth::{self, Request},
    control,
    model::period::date_at,
    store::{
        self,
        accounts::{Account, Role},
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
    /// Let somebody look; the password is read from the first line of the input
    Add {
        /// The name: letters, digits and . _ - + @
        name: String,
        #[command(flatten)]
        what: What,
        #[command(flatten)]
        place: Place,
    },
    /// List who may look
    List(Place),
    /// Let somebody look no more
    Remove {
        /// The name
        name: String,
        #[command(flatten)]
        place: Place,
    },
    /// Give somebody another password, read from the first line of the input
    Password {
        /// The name
        name: String,
        #[command(flatten)]
        place: Place,
    },
    /// Change what somebody may
    Role {
        /// The name
        name: String,
        #[command(flatten)]
        what: What,
        #[command(flatten)]
        place: Place,
    },
    /// End every session of somebody
    SignOut {
        /// The name
        name: String,
        #[command(flatten)]
        place: Place,
    },
}

/// What somebody may.
#[derive(Debug, Args)]
struct What {
    /// "owner" may do everything, "viewer" reads the figures of the sites that are named
    #[arg(long, default_value = "owner", value_parser = role)]
    role: Role,
    /// A site that a viewer sees; may be given several times
    #[arg(long, value_name = "SITE")]
    site: Vec<String>,
}

fn role(word: &str) -> Result<Role, String> {
    Role::from_word(word).ok_or_else(|| "write owner or viewer".to_owned())
}

pub(super) fn run(options: &Options) -> Result<(), Failure> {
    let password = || read_password("The password, then Enter:");
    let (place, request) = match &options.action {
        Action::List(place) => return list(place),
        Action::Add { name, what, place } => {
            let (role, sites, password) = (what.role, what.site.clone(), password()?);
            (place, Request::AddPerson { name: name.clone(), password, role, sites })
        }
        Action::Remove { name, place } => (place, Request::RemovePerson(name.clone())),
        Action::Password { name, place } => {
            (place, Request::Password { name: name.clone(), password: password()? })
        }
        Action::Role { name, what, place } => {
            let (role, sites) = (what.role, what.site.clone());
            (place, Request::Role { name: name.clone(), role, sites })
        }
        Action::SignOut { name, place } => (place, Request::SignOut(name.clone())),
    };
    say(&change::make(place, control::Request::Access(request))?)
}

pub(super) fn setup_link(place: &Place) -> Result<(), Failure> {
    say(&change::make(place, control::Request::SetupLink)?)
}

fn list(place: &Place) -> Result<(), Failure> {
    let accounts = place.read(|file| store::accounts::all(file))?;
    if accounts.is_empty() {
        return say("Nobody has an account.");
    }
    accounts.iter().try_for_each(|account: &Account| {
        let since = date_at(account.created_at, &TimeZone::UTC);
        say(&format!("{}\t{}\tsince {since}", account.name, auth::described(account)))
    })
}
