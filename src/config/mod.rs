//! `beacons.toml`, in two steps: as written, then as meant.

pub mod registry;
