//! The record of decisions: one event each, chained, so that what was dropped, changed, swapped or put in is found.
//!
//! Each event has its number, the MAC of the one before, and its own MAC by a key that whoever writes the file need not have. A plain
//! hash would show an accident and no more: whoever can change an event can hash all that follow anew.
pub(crate) mod chain;
pub(crate) mod event;
pub(crate) mod json_lines;
pub(crate) mod queue;
pub(crate) mod sink;
#[cfg(test)]
mod stalled;
#[cfg(test)]
mod tests;
