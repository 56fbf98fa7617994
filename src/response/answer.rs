//! What a request gets instead of its handler, and who may change how that looks.
use std::time::SystemTime;

use authsignal_client::{ActionCode, ActionState, IdempotencyKey, Token, VerificationMethod};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Response, header};

use crate::domain::challenge_url::TrustedChallengeUrl;
use crate::domain::flow::{Moment, Unproven};
use crate::domain::return_to::ReturnTo;
use crate::refusal::{Refusal, RefusalReason};
use crate::request::caller::Caller;
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
    /// The methods that count, where the route names them.
    pub(crate) methods: Vec<VerificationMethod>,
    /// What an earlier proof for the same thing lacked.
    pub(crate) insufficient: Option<Unproven>,
    /// The page that was asked for, where one was.
    pub(crate) page: Option<ReturnTo>,
}

impl ChallengeAnswer {
    /// The action that is to be proved.
    #[must_use]
    pub fn action(&self) -> &ActionCode {
        &self.action
    }

    /// The same, as a reason why the request did not pass.
    pub(super) fn refusal(&self) -> Refusal {
        Refusal::new(RefusalReason::ChallengeRequired, Some(&self.action)).of_decision(Some(&self.attempt))
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

    /// The verification methods that count, where the route [names some](crate::AuthsignalLayer::methods); else empty.
    #[must_use]
    pub fn methods(&self) -> &[VerificationMethod] {
        &self.methods
    }

    /// What an earlier proof for the same thing lacked, where it is asked for again because of that:
    /// [`Unproven::Method`] or [`Unproven::Age`].
    #[must_use]
    pub fn insufficient(&self) -> Option<Unproven> {
        self.insufficient
    }

    /// The answer that has the client of a server function of Leptos leave for the challenge: 200 with `Location` and
    /// `serverfnredirect`, which is all that it follows; `None` for a browser that goes to a page or posts a form, which
    /// follows the usual one.
    ///
    /// Nothing that such a client sends says that it is one, and any other would take it for a success: answer so where
    /// server functions are, and nowhere else. From server_fn 0.8 on the client reads the body first, `null`, and follows
    /// only where the function returns `()` or an `Option`. (server_fn, `ServerFn::run_on_client_with_req`.)
    ///
    /// # Examples
    ///
    /// ```
    /// use axum_authsignal::{Answer, AuthsignalBuilder};
    ///
    /// fn for_leptos(builder: AuthsignalBuilder) -> AuthsignalBuilder {
    ///     builder.respond(|parts, answer| match answer {
    ///         Answer::Challenge(challenge) if parts.uri.path().starts_with("/api/") => challenge.server_fn_redirect(parts),
    ///         _ => None,
    ///     })
    /// }
    /// ```
    #[must_use]
    pub fn server_fn_redirect(&self, parts: &Parts) -> Option<Response<Bytes>> {
        let location = self.url.to_header().filter(|_| Caller::of(parts, true) == Caller::Client)?;
        let mut response = Response::new(Bytes::from_static(b"null"));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::LOCATION, location);
        headers.insert(HeaderName::from_static("serverfnredirect"), HeaderValue::from_static(""));
        Some(response)
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
