//! Room for many connections of the process that tests or measures.

use std::io::stderr;

use rustix::{
    io::fcntl_dupfd_cloexec,
    process::{Resource, Rlimit, getrlimit, setrlimit},
};

/// What is open beside the connections.
const RESERVE: usize = 500;

/// As many open files as the system allows. Its table of them grows now: growing with the `connections`, it
/// would make this process wait, and the server would seem slow.
pub(crate) fn make_room(connections: usize) {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
    fcntl_dupfd_cloexec(stderr(), i32::try_from(connections + RESERVE).unwrap()).unwrap();
}
