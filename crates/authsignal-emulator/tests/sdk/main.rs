//! The emulator against clients that others wrote: Authsignal's own SDKs for Node, Python and the browser. And the client
//! against Authsignal's: for each of its calls, what ours sends is compared with what the SDK for Node sends.
//!
//! The SDKs are the newest that the registries served when they were pinned: `@authsignal/node` 2.21.0, `authsignal` 4.1.0
//! (of its sources, 4.3.0 was read too, which has webhooks and `query_users`) and `@authsignal/browser` 1.16.0 (1.21.1,
//! which also sends a passkey's `displayName` and lists the user's passkeys after each success).
//!
//! Needs `node`, `chromium`, `chromedriver`, what `npm ci` installs, and the Python environment that `test.sh` makes.
//! How many tests of each SDK's suite have run: `cargo test -p authsignal-emulator --test sdk -- --nocapture`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "what is unexpected fails the test, which says what it counted"
)]

mod browser;
mod hello;
mod receiver;
mod runner;
mod suites;
mod wire;
