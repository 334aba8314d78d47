//! `inspect`: what of a person the file could hold, and what it holds.

use super::{Failure, Place, say};
use crate::store::{connection::open_readable, personal};

/// How many suspicious texts are shown of each kind.
const EXAMPLES_MAX: u32 = 5;

pub(super) fn run(place: &Place) -> Result<(), Failure> {
    let registry = place.registry()?;
    let database = &registry.server.database;
    let connection = open_readable(database)?;
    say(&format!("{}: everything in it that could be about a person\n", database.display()))?;
    for part in personal::parts(&connection)? {
        say(&format!("{:>10}  {}\n            {}", part.rows, part.name, part.explanation))?;
    }
    say("\nLooked for in every text that the file holds, which pages and their referrers choose:")?;
    let mut found = 0;
    for kind in personal::KINDS {
        let texts = personal::suspicious(&connection, kind, EXAMPLES_MAX)?;
        found += texts.in_all;
        say(&format!("{:>10}  {}", texts.in_all, kind.name))?;
        for example in texts.examples {
            say(&format!("            for example {example:?}"))?;
        }
    }
    say(match found {
        0 => "\nNothing of a person was found.",
        _ => {
            "\nThese are names that pages have sent. Find the page that sends them, or cut them with \
              \"identifiers\" in beacons.toml."
        }
    })
}
