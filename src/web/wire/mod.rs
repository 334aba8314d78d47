//! Between the socket and hyper: what of a connection is let through, how long it may take, how often
//! a network may come, and who goes when too many have come.

pub(super) mod allowance;
mod chunks;
pub(super) mod crowd;
pub(super) mod descriptors;
pub(super) mod exchange;
pub(super) mod gate;
pub(super) mod patience;
mod target;
pub(super) mod verdict;
