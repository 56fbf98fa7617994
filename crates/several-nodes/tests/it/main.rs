//! An application in several processes that share a store and no memory.
//!
//! The ordinary tests run a share of it. All of it, which takes minutes:
//! `APPROVALS=2000 cargo test -p several-nodes -- --nocapture --test-threads 1`
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "clippy lets tests do so, but not what they share")]

mod budgets;
mod canaries;
mod crashes;
mod failover;
mod observed;
mod race;
mod records;
mod support;
