//! The server as its clients see it, over HTTP, and as its owner does, in the file.

mod access;
mod alerts;
pub(crate) mod backup;
mod beacon;
mod chronicle;
mod clients;
mod dates;
mod doctor;
mod edits;
mod exports;
mod filters;
mod flood;
mod goals;
mod guests;
mod hostile;
mod imports;
mod limits;
mod lists;
mod live;
mod load;
mod messages;
mod operations;
mod privacy;
mod proxies;
mod rates;
mod refusals;
mod repeats;
mod retention;
mod shared;
mod signals;
mod size;
mod strangers;
#[cfg(feature = "tls")]
mod tls;
pub(crate) mod upgrades;
mod verdicts;
mod verify;
