//! What the handler is told.
use std::sync::Arc;
use std::time::SystemTime;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse, Response};
use http::request::Parts;

use crate::client::{ActionCode, ActionState, IdempotencyKey, UserId, VerificationMethod};
use crate::decision::Policy;
use crate::flow::RequestId;
use crate::refusal::{Refusal, RefusalReason};
use crate::respond::seal;
use crate::tenant::Tenant;

/// Why this request was let through: an extractor for the handlers of guarded routes.
///
/// On a route that no [`AuthsignalLayer`](crate::AuthsignalLayer) guards, extracting it fails with 500, so a handler that
/// takes a `Verdict` cannot run unguarded by mistake. Where two layers guard one route, it is the inner one's.
///
/// # Examples
///
/// ```
/// use axum_authsignal::{Grounds, Verdict};
///
/// async fn withdraw(verdict: Verdict) -> String {
///     match verdict.grounds() {
///         Grounds::Verified { method: Some(method), .. } => format!("confirmed by {method}"),
///         _ => "allowed".to_owned(),
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Verdict(Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) user: UserId,
    pub(crate) action: ActionCode,
    pub(crate) attempt: IdempotencyKey,
    pub(crate) grounds: Grounds,
    pub(crate) tenant: Tenant,
    pub(crate) policy: Policy,
    pub(crate) request: RequestId,
}

/// On what grounds a request was let through.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Grounds {
    /// Authsignal said `ALLOW`, for a user who could have been challenged.
    Allowed,
    /// Authsignal said `ALLOW` because the user has nothing enrolled: nobody was asked for a proof, and nobody could be.
    Unenrolled,
    /// Authsignal answered that this attempt is settled already (`CHALLENGE_SUCCEEDED` or `REVIEW_SUCCEEDED`).
    Settled(ActionState),
    /// The user proved it.
    #[non_exhaustive]
    Verified {
        /// How, where the service said so.
        method: Option<VerificationMethod>,
        /// When, by the clock of the node that took the proof.
        at: SystemTime,
    },
}

impl Verdict {
    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }

    /// The user whom the request was decided for.
    #[must_use]
    pub fn user_id(&self) -> &UserId {
        &self.0.user
    }

    /// The action that the request was decided as.
    #[must_use]
    pub fn action(&self) -> &ActionCode {
        &self.0.action
    }

    /// The key of the attempt, for finding the action at the service.
    #[must_use]
    pub fn idempotency_key(&self) -> &IdempotencyKey {
        &self.0.attempt
    }

    /// Why the request was let through.
    #[must_use]
    pub fn grounds(&self) -> &Grounds {
        &self.0.grounds
    }

    /// Whether the user proved it, for this request or, on a route that remembers, a while ago.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        matches!(self.0.grounds, Grounds::Verified { .. })
    }
}

/// The rejection of [`Verdict`] on a route that no layer guards.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct MissingVerdict;

impl MissingVerdict {
    const TEXT: &str = "axum-authsignal: this handler takes a `Verdict`, but no `AuthsignalLayer` guards its route; add \
                        one with `.route_layer(AuthsignalLayer::new(&authsignal, \"the-action\"))`";
}

impl std::fmt::Display for MissingVerdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(Self::TEXT)
    }
}

impl std::error::Error for MissingVerdict {}

impl IntoResponse for MissingVerdict {
    fn into_response(self) -> Response {
        tracing::error!("{self}");
        let refusal = Refusal::new(RefusalReason::Unguarded, None);
        seal((refusal.reason().status(), Self::TEXT).into_response(), refusal)
    }
}

impl<S: Sync> FromRequestParts<S> for Verdict {
    type Rejection = MissingVerdict;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        parts.extensions.get::<Self>().cloned().ok_or(MissingVerdict)
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Verdict {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}
