//! A browser over guarded routers: what it follows, and what its assertions say.
#![allow(clippy::unwrap_used, reason = "clippy lets tests do so, but not what they share")]

mod chromium;
mod messages;
mod support;
mod ways;
