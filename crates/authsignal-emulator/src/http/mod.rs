//! What the doors share of HTTP: reading requests, telling errors, and by which name somebody asks.
pub(crate) mod authenticator;
pub(crate) mod control_key;
pub(crate) mod error;
pub(crate) mod hosts;
pub(crate) mod input;
pub(crate) mod redirect;
pub(crate) mod user_agent;
