//! Authsignal step-up decisions in front of axum routes.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod client;
mod clock;
mod config;

#[cfg(feature = "axum")]
mod authsignal;
#[cfg(feature = "axum")]
mod browser;
#[cfg(feature = "axum")]
mod callback;
#[cfg(feature = "axum")]
mod challenge_url;
#[cfg(feature = "axum")]
mod coverage;
#[cfg(feature = "axum")]
mod decision;
#[cfg(feature = "axum")]
mod facts;
#[cfg(feature = "axum")]
mod flow;
#[cfg(feature = "axum")]
mod form;
#[cfg(feature = "axum")]
mod identify;
#[cfg(feature = "axum")]
mod keeper;
#[cfg(feature = "axum")]
mod log;
#[cfg(feature = "axum")]
pub mod middleware;
#[cfg(feature = "axum")]
mod outage;
#[cfg(feature = "axum")]
mod pages;
#[cfg(feature = "axum")]
mod refusal;
#[cfg(feature = "axum")]
mod respond;
#[cfg(feature = "axum")]
mod return_to;
#[cfg(feature = "axum")]
mod seal;
#[cfg(feature = "axum")]
pub mod store;
#[cfg(feature = "axum")]
mod verdict;

#[cfg(feature = "emulator")]
pub mod emulator;

pub use client::{ActionCode, Client, IdempotencyKey, Region, UserId};
pub use clock::Clock;
pub use config::ConfigError;

#[cfg(feature = "axum")]
pub use authsignal::{Authsignal, AuthsignalBuilder};
#[cfg(feature = "axum")]
pub use coverage::Coverage;
#[cfg(feature = "axum")]
pub use decision::Unenrolled;
#[cfg(feature = "axum")]
pub use facts::IpSource;
#[cfg(feature = "axum")]
pub use flow::Unproven;
#[cfg(feature = "axum")]
pub use identify::{Identify, IdentifyFn, IntoIdentity, User};
#[cfg(feature = "axum")]
pub use middleware::AuthsignalLayer;
#[cfg(feature = "axum")]
pub use outage::Outage;
#[cfg(feature = "axum")]
pub use refusal::{Refusal, RefusalReason};
#[cfg(feature = "axum")]
pub use respond::{Answer, ChallengeAnswer, Responder};
#[cfg(feature = "axum")]
pub use verdict::{Grounds, MissingVerdict, Verdict};
