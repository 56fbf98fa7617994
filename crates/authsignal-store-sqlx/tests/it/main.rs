//! The stores against their databases: the contract of stores, and a PostgreSQL that goes away.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "clippy lets tests do so, but not what they share")]

mod postgres;
mod sqlite;
