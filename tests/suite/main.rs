//! The suite: the house's rules, a recount of what is counted, and a server that is put to the test.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a test may say what it has seen")]

mod recount;
mod server;
mod support;
mod tidy;
