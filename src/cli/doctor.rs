//! `doctor`: what is amiss with the server and its file, and what to do.

use std::io;

use clap::Args;

use super::{Failure, Place, say};
use crate::{
    clock,
    control::{self, Answer, Request},
    doctor::{self, Finding, Patient, State},
};

/// What the command takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Tell it as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(options: &Options) -> Result<(), Failure> {
    let registry = options.place.registry()?;
    let findings = match control::ask(&registry.server.database, &Request::Doctor) {
        Ok(Answer::Done(told)) => serde_json::from_str(&told).map_err(|error| {
            Failure::Other(format!(
                "the server’s answer can't be read, is it of another release? {error}"
            ))
        })?,
        Ok(Answer::Failed(why)) => return Err(Failure::Other(why)),
        // No server, or one that this user may not ask: what can be told without one is told.
        Err(_) => {
            let now = clock::now();
            let (readers, seen, put_off, in_force) = (None, None, None, None);
            doctor::examine(&Patient { registry: &registry, readers, seen, put_off, in_force, now })
        }
    };
    if options.json {
        let told = serde_json::to_string_pretty(&findings).map_err(io::Error::other);
        say(&told.map_err(|error| Failure::Other(format!("can't write: {error}")))?)?;
    } else {
        findings.iter().try_for_each(|finding| say(&in_words(finding)))?;
    }
    match findings.iter().filter(|finding| finding.state == State::Wrong).count() {
        0 => Ok(()),
        1 => Err(Failure::Other("one thing is wrong".to_owned())),
        many => Err(Failure::Other(format!("{many} things are wrong"))),
    }
}

fn in_words(finding: &Finding) -> String {
    let Finding { about, state, why, to_do } = finding;
    let state = state.as_str();
    let to_do = if to_do.is_empty() { String::new() } else { format!("\n        {to_do}") };
    format!("{state:<7} {about}: {why}{to_do}")
}
