//! How many connections the system lets this process have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

/// What is kept for the database, its readers, backups and pages of the owner.
const RESERVE: u64 = 256;

/// How many of the `wanted` connections there can be. The soft limit of the process is raised for them
/// as far as the hard one allows.
pub(in crate::web) fn room(wanted: usize) -> usize {
    let needed = u64::try_from(wanted).unwrap_or(u64::MAX).saturating_add(RESERVE);
    let Rlimit { mut current, maximum } = getrlimit(Resource::Nofile);
    if current.is_some_and(|current| current < needed) {
        let raised = maximum.map_or(needed, |maximum| needed.min(maximum));
        match setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum }) {
            Ok(()) => current = Some(raised),
            Err(error) => warn!(%error, "the limit of open files could not be raised"),
        }
    }
    let Some(current) = current.filter(|current| *current < needed) else { return wanted };
    let room = usize::try_from(current.saturating_sub(RESERVE).max(current / 4)).unwrap_or(wanted);
    warn!(
        room,
        "the system allows fewer open files than [server.limits] connections needs: LimitNOFILE= or \
         ulimit -n raise that"
    );
    room.min(wanted)
}
