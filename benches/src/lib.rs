//! What the measurements are made of; `main.rs` says how to run them.
pub mod app;
pub mod check;
pub mod duel;
pub mod http2;
pub mod instructions;
pub mod load;
pub mod memory;
pub mod plot;
pub mod process;
pub mod slow;
pub mod start;
pub mod store;
pub mod stub;
pub mod timing;
