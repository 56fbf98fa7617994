//! Our answers: challenges, refusals, and the pages that people see.
pub(crate) mod answer;
pub(crate) mod answers;
pub(crate) mod brand;
pub(crate) mod headers;
pub(crate) mod language;
pub(crate) mod module;
pub(crate) mod page;
pub(crate) mod pages;
pub(crate) mod popup;
mod problem;
pub(crate) mod resume_form;
mod turbo;
