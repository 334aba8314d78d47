//! The data-backed modules of model.

pub mod country;
