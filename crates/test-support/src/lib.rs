//! What several test suites share: somebody at a browser, and the processes that they need.
//!
//! Needs `chromium` and `chromedriver`, and the databases of `servers` where they are used.
#![allow(
    missing_docs,
    missing_debug_implementations,
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "for tests alone, where what is unexpected fails the test"
)]

pub mod processes;
pub mod servers;
pub mod visitor;
pub mod waiting;

use std::time::Duration;

/// How long a page or a process may take before a test fails. Nothing waits for it that has what it needs.
pub const PATIENCE: Duration = Duration::from_secs(15);
