//! The emulator over real sockets, asked by a client that knows nothing of this crate's own; and its program.
#![allow(clippy::unwrap_used, reason = "clippy lets tests unwrap, but not what they share")]

mod api;
mod challenges;
mod client_api;
mod control;
mod dashboard;
mod faults;
mod handle;
mod hostile;
mod in_process;
mod keep;
mod page;
mod popup;
#[cfg(unix)]
mod program;
mod rules;
mod sessions;
mod support;
mod users;
mod validate;
mod webhooks;
