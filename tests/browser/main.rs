//! The quick start as people meet it: its own process, in a real browser, and by curl.
//!
//! Needs `chromium`, `chromedriver`, `curl`, `nginx` and what `npm ci` installs. With `SCREENSHOTS=docs/screenshots` in the environment, the pictures of
//! the walk are taken anew.
#![allow(clippy::unwrap_used, reason = "what is unexpected fails the test")]

mod ahead;
mod bearer;
mod curl;
mod first_visit;
mod forms;
mod frames;
mod handlers;
mod home;
mod htmx;
mod kept;
mod leaks;
#[path = "../it/logs.rs"]
mod logs;
mod looks;
mod names;
mod origins;
mod pages;
mod prefix;
mod requirement;
mod review_calls;
mod reviews;
mod sheets;
mod siblings;
mod sites;
mod step_up;
mod tabs;
mod transactions;
mod turbo;
mod users;
