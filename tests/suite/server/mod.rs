//! The server as its clients see it, over HTTP, and as its owner does, in the file.

mod access;
mod alerts;
pub(crate) mod backup;
mod beacon;
mod chronicle;
mod clients;
mod dates;
mod edits;
mod exports;
mod filters;
mod flood;
mod goals;
mod guests;
mod imports;
mod lists;
mod live;
mod load;
mod messages;
mod privacy;
mod refusals;
mod repeats;
mod retention;
mod shared;
mod signals;
mod size;
pub(crate) mod upgrades;
mod verify;
