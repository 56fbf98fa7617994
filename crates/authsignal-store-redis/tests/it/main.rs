//! The store against Redis itself: the contract of stores over each kind of connection, and what is lost on the way.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "clippy lets tests do so, but not what they share")]

mod connections;
mod contract;
mod lost;
mod setup;
mod support;
mod tls;
