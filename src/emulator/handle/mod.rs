//! What a test holds: the running emulator, its builder, its users.
pub(crate) mod builder;
pub(crate) mod operate;
pub(crate) mod pending;
pub(crate) mod user;
