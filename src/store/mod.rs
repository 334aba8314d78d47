//! The one file: everything that is SQL. Helpers take the transaction, callers own it.

pub mod accounts;
pub mod aging;
pub mod alerts;
mod buckets;
pub mod checkup;
pub mod chronicle;
pub mod connection;
pub mod copy;
pub mod deltas;
pub mod error;
pub mod errors;
pub mod events;
pub mod export;
pub mod figures;
pub mod gather;
pub mod journal;
mod keys;
pub mod ledger;
pub mod mend;
pub mod migrate;
pub mod names;
pub mod narrowed;
pub mod partial;
pub mod parts;
pub mod personal;
pub mod readers;
pub mod rejected;
pub mod rows;
pub mod seals;
pub mod share;
pub mod sizes;
pub mod state;
pub mod tallies;
pub mod upkeep;

pub use rusqlite::{Connection, Transaction};

pub use self::{error::Error, readers::Readers};
