//! The stores against their databases: the contract of stores, a PostgreSQL that goes away, and its standby.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "clippy lets tests do so, but not what they share")]

mod failover;
mod postgres;
mod sqlite;
