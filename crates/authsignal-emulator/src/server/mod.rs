//! The server: its listener, and what happens around every request.
pub(crate) mod fallback;
pub(crate) mod gateway;
pub(crate) mod in_process;
pub(crate) mod listener;
pub(crate) mod router;
