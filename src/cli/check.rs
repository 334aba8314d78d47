//! `check`: whether the configuration and the database are sound. It changes neither.

use super::{Failure, Place, say};
use crate::{
    clock, config,
    ingest::location::Locations,
    store::{self, connection::open_readable, upkeep},
    tls::{self, Grade, Remark},
    web,
};

pub(super) fn run(place: &Place) -> Result<(), Failure> {
    let registry = place.registry()?;
    match place.config() {
        Some(path) => say(&format!(
            "{} is sound: {} sites, {} event types",
            path.display(),
            registry.sites.len(),
            registry.events.len()
        ))?,
        None => say("There is no beacons.toml here; the built-in one is used")?,
    }
    for note in config::left_out(&registry)? {
        say(&format!("note: {note}"))?;
    }
    if let Some(why) = web::shadowed(&registry) {
        return Err(Failure::Other(why));
    }
    if let Some(path) = &registry.server.country_database {
        Locations::open(Some(path)).map_err(|error| Failure::Other(error.to_string()))?;
        say(&format!("{} is sound", path.display()))?;
    }
    for Remark { grade, why, to_do } in tls::examine(&registry.server, None, clock::now()) {
        match grade {
            Grade::Wrong => return Err(Failure::Other(format!("The certificate: {why} {to_do}"))),
            Grade::Advice | Grade::Well => {
                say(format!("The certificate: {why} {to_do}").trim_end())?
            }
        }
    }
    let database = &registry.server.database;
    match open_readable(database) {
        Ok(connection) => {
            upkeep::check(&connection)?;
            say(&format!("{} is sound", database.display()))
        }
        Err(store::Error::Missing(_)) if place.database.is_none() => {
            say(&format!("There is no {} yet; serve makes it", database.display()))
        }
        Err(error) => Err(error.into()),
    }
}
