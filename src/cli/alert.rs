//! `alert test NAME`: a message as the alert would send it, to each of its receivers.

use clap::{Args, Subcommand};

use super::{Failure, Place, say};
use crate::{
    alert::{self, Sent},
    store::alerts::Notice,
};

/// What `alert` takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Send a message as the alert would, and say what each receiver answers
    Test {
        /// The alert's name in beacons.toml
        name: String,
        #[command(flatten)]
        place: Place,
    },
}

pub(super) fn run(options: &Options) -> Result<(), Failure> {
    let What::Test { name, place } = &options.what;
    let registry = place.registry()?;
    let known: Vec<&str> = registry.alerts.iter().map(|alert| &*alert.name).collect();
    let Some(alert) = registry.alerts.iter().find(|alert| alert.name == *name) else {
        let known = match known.as_slice() {
            [] => "none is declared in beacons.toml".to_owned(),
            known => format!("there are {}", known.join(", ")),
        };
        return Err(Failure::Other(format!("no alert is called {name:?}; {known}")));
    };
    if alert.send_to.is_empty() {
        let sentence = format!("{name} is sent to nobody: give it send_to = [\"…\"]");
        return Err(Failure::Other(sentence));
    }
    let notice = Notice {
        alert: alert.name.clone(),
        site: alert.site.clone().unwrap_or_default(),
        subject: String::new(),
        what: "This is a test: nothing has happened.".to_owned(),
    };
    let mut failed = 0;
    for receiver in registry.receivers.iter().filter(|one| alert.send_to.contains(&one.name)) {
        match alert::send(receiver, &notice, false) {
            Sent::Taken => say(&format!("{} has taken it", receiver.name))?,
            Sent::Failed(why) => {
                failed += 1;
                say(&format!("{} has not taken it: {why}", receiver.name))?;
            }
        }
    }
    if failed == 0 { Ok(()) } else { Err(Failure::Other(format!("{failed} receivers failed"))) }
}
