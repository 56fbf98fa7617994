//! Challenges that the application carries out itself, and the validation of those that the service did.
mod pending;
mod send;
mod validate;
mod verify;

pub use pending::{GetChallenge, PendingChallenge};
pub use send::{Challenge, Challenged};
pub use validate::{Validate, Validated};
pub use verify::{Claim, Claimed, FailureReason, Verified, Verify};
