//! Stand-in for the crate's map while the data-backed modules are written apart.

pub mod ingest;
pub mod model;
