//! The nouns of the house: plain values that every other room speaks in.
//!
//! Nothing here knows SQL, HTTP, TOML or a page, and nothing here asks the system for anything.

pub mod beacon;
pub mod country;
pub mod day_sum;
pub mod delta;
pub mod dimension;
pub mod filter;
pub mod interval;
pub mod kept;
pub mod period;
pub mod rejection;
pub mod tally;
pub mod text;
pub mod visitor;
