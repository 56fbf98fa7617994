//! What the service answers about a token, as far as a flow is concerned, and why that may prove nothing.
use authsignal_client::{ActionCode, ActionState, IdempotencyKey, UserId, Validated, VerificationMethod};

use crate::domain::moment::Moment;
use crate::domain::proof_policy::{Shortfall, is_method_name};

/// Why an answer of the service proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unproven {
    /// The service does not know the token, or it has run out.
    Token,
    /// The token belongs to another user.
    User,
    /// The token belongs to another action.
    Action,
    /// The token belongs to another attempt at this action.
    Attempt,
    /// `isValid` and the state contradict each other.
    Contradiction,
    /// The flow had run out, or ended, before the answer came.
    Expired,
    /// It was proved, by a method that does not count on this route, or by one that Authsignal did not name
    /// ([`methods`](crate::AuthsignalLayer::methods)).
    Method,
    /// It was proved longer ago than counts on this route ([`max_age`](crate::AuthsignalLayer::max_age)).
    Age,
}

impl From<Shortfall> for Unproven {
    fn from(shortfall: Shortfall) -> Self {
        match shortfall {
            Shortfall::Method => Self::Method,
            Shortfall::Age => Self::Age,
        }
    }
}

/// What `validate` said, as far as a flow is concerned.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Validation {
    pub(crate) is_valid: bool,
    pub(crate) state: Option<ActionState>,
    pub(crate) user: Option<String>,
    pub(crate) action: Option<String>,
    pub(crate) attempt: Option<String>,
    pub(crate) method: Option<VerificationMethod>,
    /// When the state became what it is.
    pub(crate) at: Option<Moment>,
}

impl From<Validated> for Validation {
    fn from(validated: Validated) -> Self {
        Self {
            is_valid: validated.is_valid,
            state: validated.state,
            user: validated.user_id,
            action: validated.action,
            attempt: validated.idempotency_key,
            // A record grows by what it is proved with, so a name that is not one is not taken down.
            method: validated.verification_method.filter(|method| is_method_name(method.as_str())),
            at: validated.state_updated_at.and_then(|at| at.to_system_time()).map(Moment::from),
        }
    }
}

impl Validation {
    /// What the service says of an attempt itself, where no token is brought: it is proved if it is `CHALLENGE_SUCCEEDED`.
    pub(crate) fn of_attempt(
        (user, action, attempt): (&UserId, &ActionCode, &IdempotencyKey),
        state: ActionState,
        method: Option<VerificationMethod>,
        at: Option<Moment>,
    ) -> Self {
        Self {
            is_valid: state == ActionState::ChallengeSucceeded,
            state: Some(state),
            user: Some(user.as_str().to_owned()),
            action: Some(action.as_str().to_owned()),
            attempt: Some(attempt.as_str().to_owned()),
            method: method.filter(|method| is_method_name(method.as_str())),
            at,
        }
    }
}
