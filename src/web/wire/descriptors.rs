//! How many connections the system lets this process have open.

use std::io::stderr;

use rustix::{
    io::fcntl_dupfd_cloexec,
    process::{Resource, Rlimit, getrlimit, setrlimit},
};
use tracing::{debug, warn};

/// What is kept for the database, its readers, backups and pages of the owner.
const RESERVE: u64 = 256;

/// How many of the `wanted` connections there can be, and makes the system ready for them. To be asked
/// before the process has a second thread.
pub(in crate::web) fn room(wanted: usize) -> usize {
    let room = allowed(wanted);
    widen_table(room);
    room
}

/// Lets the system's table of this process's open files grow to its full size now. Later it would grow by
/// doubling, and each time whoever comes next waits for it for some tens of milliseconds, if there is a
/// second thread.
fn widen_table(room: usize) {
    let last = i32::try_from(room).unwrap_or(i32::MAX);
    if let Err(error) = fcntl_dupfd_cloexec(stderr(), last) {
        debug!(%error, "the table of open files grows by and by");
    }
}

/// The soft limit of the process is raised for the connections as far as the hard one allows.
fn allowed(wanted: usize) -> usize {
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
