//! Step-up flows under test: a browser over any router, and Authsignal in the same process.
//!
#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod act;
mod assert;
mod authsignal;
mod browser;
mod encode;
mod html;
mod jar;
mod navigate;
mod page;
mod request;
pub mod words;

pub use axum_authsignal::testing::{Outcome, Script, Witness};

pub use authsignal::{ORIGIN, TestAuthsignal};
pub use browser::Browser;
pub use page::Page;
