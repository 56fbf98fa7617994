//! Authsignal step-up decisions in front of axum routes.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod client;
mod clock;
mod config;
#[cfg(feature = "emulator")]
pub mod emulator;

pub use client::{ActionCode, Client, IdempotencyKey, Region, UserId};
pub use clock::Clock;
pub use config::ConfigError;
