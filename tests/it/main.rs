//! Guarded applications against the emulator: what passes, what does not, and what everybody is told.
//!
//! Tests that prove the defence against a threat are named after its number.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "clippy lets tests do so, but not what they share")]

mod actions;
mod anew;
mod answers;
mod bindings;
mod budgets;
mod callback;
mod canaries;
mod challenge_hosts;
mod deploys;
mod docs;
mod dropped;
mod edges;
mod every_binding;
mod failure;
mod first_visit;
mod flows;
mod foreign;
mod forged;
mod house;
mod in_process;
mod layers;
mod logs;
mod mistakes;
mod outages;
mod pages;
mod pending;
mod places;
mod prefetch;
mod preflight;
mod programs;
mod random_forms;
mod readings;
mod report;
mod requirement;
mod resume;
mod revocation;
mod rewrites;
mod routing;
mod scripts;
mod secrets;
mod settings;
mod shapes;
mod slow_store;
mod sockets;
mod store_contract;
mod store_gone;
mod store_retries;
mod stores;
mod support;
mod surroundings;
mod tenants;
mod tokens;
mod wire;
