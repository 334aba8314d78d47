//! `beacons.toml`, in two steps: as written, then as meant.

pub mod current;
pub mod registry;
