//! What the handler is told.
pub(crate) mod question;
#[cfg(feature = "testing")]
pub(crate) mod witness;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use authsignal_client::{ActionCode, ActionState, IdempotencyKey, UserId, VerificationMethod};
use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse, Response};
use http::request::Parts;

use crate::decided::outcome::Outcome;
use crate::domain::actor::Actor;
use crate::domain::extent::SkipReason;
use crate::outage::Outage;
use crate::response::headers::unguarded;
use crate::verdict::question::{LayerId, Question, Run};

/// Why this request was let through: an extractor for the handlers of guarded routes.
///
/// On a route that no [`AuthsignalLayer`](crate::AuthsignalLayer) guards, extracting it fails with 500. That some layer does
/// is all that it shows: one around a whole router will do, whatever its action. A handler that has to be guarded as one
/// action takes a [`VerdictFor`](crate::VerdictFor) it. Where two layers guard one route, it is the inner one's.
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
#[derive(Clone)]
pub struct Verdict(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) attempt: IdempotencyKey,
    pub(crate) grounds: Grounds,
    pub(crate) question: Question,
    pub(crate) run: Run,
    /// Whether a layer further in has gone by it: another that comes with it is another run.
    pub(crate) is_taken: AtomicBool,
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
    /// Authsignal could not be asked, and the route lets requests pass for all that
    /// ([`OnOutage`](crate::OnOutage)): nobody decided. What can wait should wait, and the rest be looked at afterwards.
    #[non_exhaustive]
    Failover {
        /// Why Authsignal could not be asked.
        outage: Outage,
        /// Whether the application's own proof was shown
        /// ([`AuthsignalLayer::fallback`](crate::AuthsignalLayer::fallback)).
        is_proven: bool,
    },
    /// Step-up is switched off for this request: nobody was asked, neither Authsignal nor the user.
    #[non_exhaustive]
    Skipped {
        /// Why.
        reason: SkipReason,
    },
    /// The route is only [observed](crate::AuthsignalLayer::observe): the request went on before anything was decided.
    Observed,
    /// The user proved it.
    #[non_exhaustive]
    Verified {
        /// How, where the service said so.
        method: Option<VerificationMethod>,
        /// When, by the clock of the node that took the proof.
        at: SystemTime,
    },
}

impl Grounds {
    /// As what such a pass is told.
    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::Allowed => Outcome::Allowed,
            Self::Unenrolled => Outcome::Unenrolled,
            Self::Settled(_) => Outcome::Settled,
            Self::Failover { is_proven: false, .. } => Outcome::Admitted,
            Self::Failover { is_proven: true, .. } => Outcome::Fallback,
            Self::Verified { .. } => Outcome::Verified,
            Self::Skipped { .. } => Outcome::Skipped,
            Self::Observed => Outcome::Observed,
        }
    }

    /// Why nobody was asked.
    pub(crate) fn skipped(&self) -> Option<&SkipReason> {
        match self {
            Self::Skipped { reason } => Some(reason),
            _ => None,
        }
    }

    /// Why Authsignal could not be asked.
    pub(crate) fn outage(&self) -> Option<Outage> {
        match self {
            Self::Failover { outage, .. } => Some(*outage),
            _ => None,
        }
    }

    /// With what it was proved.
    pub(crate) fn method(&self) -> Option<&VerificationMethod> {
        match self {
            Self::Verified { method, .. } => method.as_ref(),
            _ => None,
        }
    }
}

impl fmt::Debug for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut verdict = f.debug_struct("Verdict");
        verdict.field("user_id", self.user_id()).field("action", self.action());
        verdict
            .field("idempotency_key", self.idempotency_key())
            .field("grounds", self.grounds())
            .field("actor", self.actor())
            .finish_non_exhaustive()
    }
}

impl Verdict {
    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// Goes on in a layer further in, if this request has not gone on already: what comes a second time, or to a layer that
    /// it came through, was made of copies.
    pub(crate) fn goes_on(&self, layer: LayerId) -> Option<Run> {
        let run = self.0.run.through(layer)?;
        (!self.0.is_taken.swap(true, Ordering::AcqRel)).then_some(run)
    }

    /// The same answer for a layer further in, if it is one to its question.
    pub(crate) fn answers(&self, question: &Question, run: &Run) -> Option<Self> {
        let is_enough = match self.0.grounds {
            Grounds::Failover { .. } => question.policy.on_outage.takes_anothers(),
            // Each layer says for itself whom it does not ask.
            Grounds::Skipped { .. } => false,
            Grounds::Observed => question.policy.extent.is_observed,
            _ => true,
        };
        (is_enough && question.is_answered_by(&self.0.question)).then(|| {
            Self::new(Inner {
                attempt: self.0.attempt.clone(),
                grounds: self.0.grounds.clone(),
                question: question.clone(),
                run: run.clone(),
                is_taken: AtomicBool::new(false),
            })
        })
    }

    /// The user whom the request was decided for.
    #[must_use]
    pub fn user_id(&self) -> &UserId {
        &self.0.question.account
    }

    /// Who was behind the request: the user, nobody, or somebody who acts as the user.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.0.question.actor
    }

    /// The action that the request was decided as.
    #[must_use]
    pub fn action(&self) -> &ActionCode {
        &self.0.question.action
    }

    /// The key of the attempt, for finding the action at the service.
    #[must_use]
    pub fn idempotency_key(&self) -> &IdempotencyKey {
        &self.0.attempt
    }

    /// The id of the decision: [`idempotency_key`](Self::idempotency_key) by the name that it has in logs and refusals.
    #[must_use]
    pub fn decision_id(&self) -> &IdempotencyKey {
        &self.0.attempt
    }

    /// Why the request was let through.
    #[must_use]
    pub fn grounds(&self) -> &Grounds {
        &self.0.grounds
    }

    /// Whether it passed without a decision, in an outage.
    #[must_use]
    pub fn is_failover(&self) -> bool {
        matches!(self.0.grounds, Grounds::Failover { .. })
    }

    /// Whether the user proved it, for this request or, on a route that remembers, a while ago.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        matches!(self.0.grounds, Grounds::Verified { .. })
    }
}

/// The rejection of [`Verdict`] on a route that no layer guards, and of
/// [`VerdictFor`](crate::VerdictFor) on one that is guarded as another action.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct MissingVerdict {
    /// The action that the handler asks for, if it names one, and the one that was decided, if any was.
    pub(crate) wanted: Option<&'static str>,
    pub(crate) found: Option<ActionCode>,
}

impl fmt::Display for MissingVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wanted = self.wanted.unwrap_or("the-action");
        match &self.found {
            Some(found) => write!(
                f,
                "axum-authsignal: this handler takes a `VerdictFor` the action `{wanted}`, and its request was decided as \
                 `{found}`: add a layer of its own with `.route_layer(AuthsignalLayer::for_action::<..>(&authsignal))`"
            ),
            None => write!(
                f,
                "axum-authsignal: this handler takes a `Verdict`, but no `AuthsignalLayer` guards its route; add one with \
                 `.route_layer(AuthsignalLayer::new(&authsignal, \"{wanted}\"))`"
            ),
        }
    }
}

impl std::error::Error for MissingVerdict {}

impl IntoResponse for MissingVerdict {
    fn into_response(self) -> Response {
        tracing::error!(wanted = self.wanted, found = self.found.as_ref().map(tracing::field::display), "{self}");
        unguarded(self.to_string())
    }
}

impl<S: Sync> FromRequestParts<S> for Verdict {
    type Rejection = MissingVerdict;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        parts.extensions.get::<Self>().cloned().ok_or_else(MissingVerdict::default)
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Verdict {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}
