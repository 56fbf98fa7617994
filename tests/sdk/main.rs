//! The emulator against clients that others wrote: Authsignal's own SDKs for Node, Python and the browser. And the client
//! against Authsignal's: for each of its calls, what ours sends is compared with what the SDK for Node sends.
//!
//! Needs `node`, `chromium`, `chromedriver`, what `npm ci` installs, and the Python environment that `test.sh` makes.
//! How many tests of each SDK's suite have run: `cargo test --test sdk -- --nocapture`.
#![cfg(feature = "emulator")]
#![allow(clippy::unwrap_used, reason = "what is unexpected fails the test")]

mod browser;
mod runner;
mod suites;
mod wire;

#[path = "../browser/processes.rs"]
#[allow(dead_code, reason = "the browser's tests use the rest")]
mod processes;
#[path = "../browser/visitor.rs"]
#[allow(dead_code, reason = "the browser's tests use the rest")]
mod visitor;
