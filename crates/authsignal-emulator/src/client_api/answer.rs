//! What a proof is answered with.
use authsignal_client::UserId;
use axum::Json;
use http::StatusCode;
use serde::Serialize;

use crate::db::action::{ActionId, Scope};
use crate::db::enrol::NotEnrollable;
use crate::db::proof::Proved;
use crate::http::authenticator::AuthenticatorAnswer;
use crate::http::error::ApiError;
use crate::state::AppState;
use crate::verification::VerificationError;
use crate::verification::webauthn::NotSigned;

pub(super) type ClientResult<T> = Result<Json<T>, ApiError>;

/// A method that was begun.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Begun {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) challenge_id: Option<String>,
    pub(super) user_authenticator_id: String,
    pub(super) user_id: UserId,
}

/// A challenge that was begun.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Challenged {
    pub(super) challenge_id: String,
}

/// What became of a proof: a wrong code is no HTTP error, the answer says so.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Verified {
    pub(super) is_verified: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) access_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) failure_reason: Option<&'static str>,
    /// The method that it enrolled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user_authenticator: Option<AuthenticatorAnswer>,
}

impl AppState {
    /// The token of a fresh proof, which may do everything (docs, "Scopes").
    pub(super) fn fresh_token(&self, id: &ActionId) -> Option<String> {
        let record = self.db().actions.get(id)?.record.clone();
        Some(self.token_with(&record, Scope::ALL))
    }

    /// The answer to a code, a link, or whatever else was to be right.
    pub(super) fn verified(
        &self,
        id: &ActionId,
        proof: Result<Proved, VerificationError>,
    ) -> Result<Verified, ApiError> {
        let failed = |reason| Ok(Verified { failure_reason: Some(reason), ..Verified::default() });
        match proof {
            Ok(proved) => Ok(Verified {
                is_verified: true,
                access_token: self.fresh_token(id),
                user_authenticator: proved.enrolled.as_ref().map(|known| AuthenticatorAnswer::of(None, known)),
                failure_reason: None,
            }),
            Err(VerificationError::Wrong) => failed("CODE_INVALID_OR_EXPIRED"),
            Err(VerificationError::TooManyGuesses) => failed("MAX_ATTEMPTS_EXCEEDED"),
            // Right, and yet not taken: it can be given again.
            Err(VerificationError::Vetoed) => Ok(Verified::default()),
            Err(fault) => Err(fault.into()),
        }
    }
}

impl From<VerificationError> for ApiError {
    fn from(fault: VerificationError) -> Self {
        match fault {
            VerificationError::TooManyMessages(wait) => Self::too_many_messages(wait),
            VerificationError::TooManyGuesses => Self::too_many_guesses(),
            VerificationError::NotAsked => {
                Self::invalid("The action does not ask for this, or the user has no such authenticator.")
            }
            VerificationError::Wrong => Self::invalid("This proves nothing."),
            VerificationError::NotSent => Self::not_sent(),
            VerificationError::Vetoed => Self::invalid("The verification webhook refused this."),
        }
    }
}

impl From<NotEnrollable> for ApiError {
    fn from(why: NotEnrollable) -> Self {
        let not_configured = |text| Self::of(StatusCode::BAD_REQUEST, "invalid_configuration", text);
        match why {
            NotEnrollable::Closed => Self::invalid("Nothing can be enrolled under an action in this state."),
            NotEnrollable::Scope => {
                Self::of(StatusCode::UNAUTHORIZED, "unauthorized", "The scope of the token does not permit this.")
            }
            NotEnrollable::Method => not_configured("The tenant does not offer this authenticator."),
            NotEnrollable::Action => not_configured("The action does not allow this authenticator."),
        }
    }
}

impl From<NotSigned> for ApiError {
    fn from(why: NotSigned) -> Self {
        match why {
            NotSigned::NotBegun => Self::invalid("The challenge was not found, or is over."),
            NotSigned::NotEnrollable(why) => why.into(),
            NotSigned::Refused(fault) => Self::of(StatusCode::BAD_REQUEST, fault.code(), fault.to_string()),
            NotSigned::NoProof(fault) => fault.into(),
        }
    }
}
