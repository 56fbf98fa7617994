//! What tests of an application need of the inside of this crate (feature `testing`).
//!
//! Most tests are better off with [`axum-authsignal-testing`](https://docs.rs/axum-authsignal-testing), a crate for
//! dev-dependencies that has a browser, an emulator and assertions on top of this.
//!
//! - [`Verdict::for_test`](crate::Verdict::for_test) and [`VerdictFor::for_test`](crate::VerdictFor::for_test): a handler
//!   alone, called as the function that it is.
//! - [`Script`] and [`Authsignal::scripted`](crate::Authsignal::scripted): a handle that allows, challenges or blocks by
//!   action, with nothing behind it. Release builds refuse it.
//! - [`Witness`]: on what grounds requests passed.
//! - [`store_contract!`](crate::store_contract): what every store has to do, as tests of your own store.
pub mod contract;
mod script;
mod verdict;

pub use crate::verdict::witness::Witness;
pub use script::{Outcome, Script, TrackedAction};
