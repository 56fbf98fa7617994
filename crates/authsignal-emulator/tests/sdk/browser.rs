//! `@authsignal/browser`, as it is published, in Chromium, on a page of a shop that uses it.
mod codes;
mod console;
mod dashboard;
mod dashboard_looks;
mod launch;
mod passkeys;
mod public_url;
mod shop;
mod waiting;
