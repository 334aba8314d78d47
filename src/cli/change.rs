//! What commands change: in the file itself, or through the server that has it.

use super::{Failure, Place};
use crate::{
    clock,
    config::registry::Registry,
    control::{self, Answer, Request},
    store::{self, connection::open_writable},
    writer::changes::Stopped,
};

/// Carries out `request`, and says what came of it.
pub(super) fn make(place: &Place, request: Request) -> Result<String, Failure> {
    let registry = place.registry()?;
    let answer = match open_writable(&registry.server.database) {
        Ok(writable) => {
            let mut file = Stopped(writable);
            let answer = control::carry_out(&mut file, &registry, request, clock::now());
            file.0.close()?;
            answer
        }
        Err(store::Error::InUse(path)) => control::ask(&path, &request).map_err(|error| {
            Failure::Other(format!(
                "the server of {} can't be asked ({error}): stop it first, or run this as the user that \
                 runs it",
                path.display()
            ))
        })?,
        Err(error) => return Err(error.into()),
    };
    match answer {
        Answer::Done(what) => Ok(what),
        Answer::Failed(why) => Err(Failure::Other(why)),
    }
}

/// The site that was named, or the only one that there is.
pub(super) fn site(registry: &Registry, named: Option<&str>) -> Result<String, Failure> {
    match (named, registry.sites.as_slice()) {
        (Some(site), _) => Ok(site.to_owned()),
        (None, [site]) => Ok(site.name.clone()),
        (None, sites) => {
            let names: Vec<&str> = sites.iter().map(|site| site.name.as_str()).collect();
            let all = names.join(", ");
            Err(Failure::Other(format!("there are several sites: --site one of {all}")))
        }
    }
}
