//! Our answers: challenges, refusals, and the pages that people see.
pub(crate) mod answer;
pub(crate) mod answers;
pub(crate) mod headers;
pub(crate) mod module;
pub(crate) mod pages;
mod problem;
