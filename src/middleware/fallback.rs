//! The application's own proof in an outage: what it is asked about, and how a check that fails is none.
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use authsignal_client::{ActionCode, UserId};
use bytes::Bytes;
use http::request::Parts;

use super::careful::{self, Broken, Later};
use crate::domain::failover::NoFailover;
use crate::outage::Outage;

/// How long a check may take, unless told otherwise.
pub(super) const FALLBACK_TIMEOUT: Duration = Duration::from_secs(5);

/// A request in an outage, for the application's own check: [`AuthsignalLayer::fallback`](crate::AuthsignalLayer::fallback).
///
/// It is a copy: what a check changes does not reach the handler.
#[derive(Clone)]
pub struct FallbackRequest {
    pub(super) parts: Parts,
    pub(super) body: Bytes,
    pub(super) user: UserId,
    pub(super) session: Option<String>,
    pub(super) action: ActionCode,
    pub(super) digest: [u8; 32],
    pub(super) outage: Outage,
}

impl FallbackRequest {
    /// The method, the address, the headers and the extensions.
    #[must_use]
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// The body, whole.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The user whom the proof has to be of.
    #[must_use]
    pub fn user_id(&self) -> &UserId {
        &self.user
    }

    /// The user's session, where [`User::session`](crate::User::session) names one.
    #[must_use]
    pub fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// The action of the route.
    #[must_use]
    pub fn action(&self) -> &ActionCode {
        &self.action
    }

    /// A hash over user, session, action, method, address and body, the same on each node: what the proof is spent on. A proof
    /// that is signed can sign it.
    #[must_use]
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// Why Authsignal could not be asked.
    #[must_use]
    pub fn outage(&self) -> Outage {
        self.outage
    }
}

impl fmt::Debug for FallbackRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut request = f.debug_struct("FallbackRequest");
        request.field("user", &self.user).field("action", &self.action).field("outage", &self.outage);
        request.finish_non_exhaustive()
    }
}

/// What a check says: whether the proof is good, or what kept it from finding out, in words for the log.
type Checked = Result<bool, String>;

/// A check of the application's.
pub(super) type Check = Arc<dyn Fn(FallbackRequest) -> Later<Checked> + Send + Sync>;

/// Asks for the proof of a request; nothing but a plain yes in time is one.
pub(super) async fn check(check: &Check, request: FallbackRequest, timeout: Duration) -> Result<(), NoFailover> {
    let action = request.action.clone();
    let setter = "AuthsignalLayer::fallback";
    match careful::run(|| check(request), timeout).await {
        Ok(Ok(true)) => return Ok(()),
        Ok(Ok(false)) => return Err(NoFailover::Unproven),
        Ok(Err(error)) => {
            tracing::error!(%action, setter, error, "the check of a fallback proof failed: nothing passes by it");
        }
        Err(Broken::Panic) => {
            tracing::error!(%action, setter, "the check of a fallback proof panicked: nothing passes by it");
        }
        Err(Broken::TooSlow) => tracing::error!(
            %action,
            setter = "AuthsignalLayer::fallback_timeout",
            ?timeout,
            "the check of a fallback proof took too long: nothing passes by it"
        ),
    }
    Err(NoFailover::Broken)
}
