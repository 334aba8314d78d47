//! Trim Beacons: self-hosted web analytics in one binary and one SQLite file.

pub mod config;
pub mod model;
pub mod page;
pub mod report;
