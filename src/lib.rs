//! Trim Beacons: self-hosted web analytics in one binary and one SQLite file.

pub mod app;
pub mod assets;
pub mod cli;
pub mod clock;
pub mod config;
pub mod fold;
pub mod ingest;
pub mod jobs;
pub mod metrics;
pub mod model;
pub mod page;
pub mod report;
pub mod store;
pub mod web;
pub mod writer;
