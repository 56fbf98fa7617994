//! What a request gets instead of its handler, and who may change how that looks.
use std::time::SystemTime;

use authsignal_client::{ActionCode, ActionState, IdempotencyKey, Token};
use bytes::Bytes;
use http::Response;
use http::request::Parts;

use crate::domain::challenge_url::TrustedChallengeUrl;
use crate::domain::flow::Moment;
use crate::domain::return_to::ReturnTo;
use crate::refusal::Refusal;
use crate::response::page::Page;

/// What a request gets instead of its handler.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Answer<'a> {
    /// The user has to prove more first.
    Challenge(&'a ChallengeAnswer),
    /// It does not go on.
    Refusal(&'a Refusal),
    /// Somebody sees a page of ours instead. It is asked about last: of a refusal or a challenge, once the answer about that
    /// was `None`.
    Page(&'a Page),
}

/// A challenge as callers see it.
#[derive(Clone, Debug)]
pub struct ChallengeAnswer {
    pub(crate) action: ActionCode,
    pub(crate) state: ActionState,
    pub(crate) url: TrustedChallengeUrl,
    pub(crate) token: Option<Token>,
    pub(crate) attempt: IdempotencyKey,
    pub(crate) expires: Moment,
    /// The origin of the callback.
    pub(crate) callback_origin: String,
    /// The page that was asked for, where one was.
    pub(crate) page: Option<ReturnTo>,
}

impl ChallengeAnswer {
    /// The action that is to be proved.
    #[must_use]
    pub fn action(&self) -> &ActionCode {
        &self.action
    }

    /// What Authsignal said.
    #[must_use]
    pub fn state(&self) -> &ActionState {
        &self.state
    }

    /// The address of the challenge page. It carries a token: send the user there and keep it out of logs.
    #[must_use]
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// The token for Authsignal's client SDKs.
    #[must_use]
    pub fn token(&self) -> Option<&Token> {
        self.token.as_ref()
    }

    /// The key of the attempt.
    #[must_use]
    pub fn idempotency_key(&self) -> &IdempotencyKey {
        &self.attempt
    }

    /// Until when the challenge waits.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        self.expires.to_system_time()
    }
}

/// Decides how challenges, refusals and pages look.
pub trait Responder: Send + Sync + 'static {
    /// The response, or `None` for the usual one.
    fn respond(&self, parts: &Parts, answer: &Answer<'_>) -> Option<Response<Bytes>>;
}

impl<F> Responder for F
where
    F: Fn(&Parts, &Answer<'_>) -> Option<Response<Bytes>> + Send + Sync + 'static,
{
    fn respond(&self, parts: &Parts, answer: &Answer<'_>) -> Option<Response<Bytes>> {
        self(parts, answer)
    }
}
