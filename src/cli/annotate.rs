//! `annotate`: says something about a moment, which charts show; also beside a running server.

use clap::Args;

use super::{Failure, Place, say};
use crate::{
    amend::note::Note,
    clock,
    control::{self, Answer},
    store::{self, connection::open_writable},
    writer::changes::Stopped,
};

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
    let registry = options.place.registry()?;
    let note =
        Note { text: options.text.clone(), at: options.at.clone(), site: options.site.clone() };
    let answer = match open_writable(&registry.server.database) {
        Ok(writable) => {
            let mut file = Stopped(writable);
            let written = note.write(&registry, clock::now(), &mut file);
            file.0.close()?;
            return match written {
                Ok(id) => say(&format!("Annotation {id} is in the file.")),
                Err(error) => Err(Failure::Other(error.to_string())),
            };
        }
        Err(store::Error::InUse(path)) => control::ask(&path, &control::Request::Annotate(note)),
        Err(error) => return Err(error.into()),
    };
    match answer {
        Ok(Answer::Done(what)) => say(&what),
        Ok(Answer::Failed(why)) => Err(Failure::Other(why)),
        Err(error) => Err(Failure::Other(format!(
            "the server can't be asked ({error}): stop it first, or run this as the user that runs it"
        ))),
    }
}
