//! The suite: the house's rules, a recount of what is counted, a server that is put to the test, and what
//! becomes of its promises when machines fail.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a test may say what it has seen")]

mod fault;
mod recount;
mod server;
mod support;
mod tidy;
