//! What a request says of whoever sent it: the user, the browser, the kind of caller, and the signals for Authsignal.
pub(crate) mod accept_language;
pub(crate) mod caller;
pub(crate) mod cookie;
pub(crate) mod header_list;
pub(crate) mod identify;
pub(crate) mod prefetch;
pub(crate) mod signals;
