//! A local Authsignal.
