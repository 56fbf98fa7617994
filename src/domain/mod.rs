//! PURE: what is decided, without asking anybody: no network, no store, no clock, no task.
pub(crate) mod breaker;
pub(crate) mod challenge_url;
pub(crate) mod coverage;
pub(crate) mod decision;
pub(crate) mod failover;
pub(crate) mod fields;
pub(crate) mod flow;
pub(crate) mod form;
pub(crate) mod moment;
pub(crate) mod page_origin;
pub(crate) mod place;
pub(crate) mod return_to;
pub(crate) mod revocation;
pub(crate) mod saved_request;
pub(crate) mod tenant;
pub(crate) mod ticket;
pub(crate) mod waiting;
