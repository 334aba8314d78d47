//! Trim Beacons: self-hosted web analytics in one binary and one SQLite file.
//!
//! A beacon's way: [`web`] reads a request, [`ingest`] makes a [`model::beacon::Beacon`] of it and
//! takes the person out, [`writer`] commits it to the journal and answers, [`fold`] counts it, and
//! [`store`] adds the counts to the file. A page's way: [`web`] reads a question, [`report`] answers
//! it from the file, [`page`] draws the answer.
//!
//! | rank | rooms | what they know |
//! |---|---|---|
//! | 0 | [`model`], [`files`], [`network`] | the nouns: beacon, period, dimension, tally; files that are whole or not there; networks as numbers |
//! | 1 | [`config`], [`clock`], [`metrics`], [`recent`], [`observed`], [`turns`], [`assets`], [`csv`] | `beacons.toml`; the time; counters; the last beacons; the way that requests come; whose turn it is to read; embedded files; tables as text |
//! | 2 | [`ingest`], [`fold`], [`store`], [`import`], [`tls`] | people and payloads; counting; SQL; what files of others tell; certificates |
//! | 3 | [`writer`], [`report`], [`alert`], [`export`] | the thread that writes; questions and answers; what is told; tables written out |
//! | 4 | [`page`], [`backup`], [`prune`], [`amend`], [`auth`], [`verify`] | HTML; the file copied and brought back; what goes by age; what people change; who may look; whether the file is what was counted |
//! | 5 | [`app`], [`intake`], [`share`], [`doctor`] | what a running server shares; files of others, read and counted; links for others; what is amiss |
//! | 6 | [`web`], [`jobs`], [`control`] | HTTP; what is done by the clock; what commands ask of a running server |
//! | 7 | [`cli`] | the command line |
//!
//! What holds everywhere, and `tests/suite/tidy` checks as far as a machine can:
//!
//! - A module imports lower ranks only.
//! - An address and a full user agent never leave [`ingest`]: no type beyond it has a field for them.
//! - A beacon is answered after the commit that holds it, never before.
//! - Every queue, body, cache and result has a limit with a name.
//! - A released migration never changes.
//! - A page renders from literal answers: it asks no file, no clock and no socket.

pub mod alert;
pub mod amend;
pub mod app;
pub mod assets;
pub mod auth;
pub mod backup;
pub mod cli;
pub mod clock;
pub mod config;
pub mod control;
pub mod csv;
pub mod doctor;
pub mod export;
pub mod files;
pub mod fold;
pub mod import;
pub mod ingest;
pub mod intake;
pub mod jobs;
pub mod metrics;
pub mod model;
pub mod network;
pub mod observed;
pub mod page;
pub mod prune;
pub mod recent;
pub mod report;
pub mod share;
pub mod store;
pub mod tls;
pub mod turns;
pub mod verify;
pub mod web;
pub mod writer;
