//! The Authsignal Server API over HTTP.
mod ids;
mod types;

pub use ids::{ActionCode, IdempotencyKey, InvalidId, UserId};
pub use types::{ActionState, ChallengeUrl, Timestamp, Token, VerificationMethod};
