//! The data-backed modules of ingest.

pub mod bots;
mod channel;
pub mod country;
mod referrer;
mod sorted_text;
pub mod source;
pub mod user_agent;
