//! The suite: the house's rules, a recount of what is counted, and a server that is put to the test.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod recount;
mod server;
mod support;
mod tidy;
