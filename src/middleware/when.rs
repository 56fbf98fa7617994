//! The application's own say in whether a request is asked about: what it is shown, and how a closure that fails means yes.
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use authsignal_client::{ActionCode, UserId};
use http::request::Parts;

use super::careful::{self, Broken, Later};
use crate::domain::actor::Actor;

/// How long a condition may take, unless told otherwise.
pub(super) const WHEN_TIMEOUT: Duration = Duration::from_secs(1);

/// A request that may have to be asked about, for [`AuthsignalLayer::when`](crate::AuthsignalLayer::when).
///
/// It is a copy without the body: what a condition changes does not reach the handler.
#[derive(Clone)]
pub struct WhenRequest {
    pub(super) parts: Parts,
    pub(super) user: UserId,
    pub(super) actor: Actor,
    pub(super) session: Option<String>,
    pub(super) action: ActionCode,
}

impl WhenRequest {
    /// The method, the address, the headers and the extensions.
    #[must_use]
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// The user who asks.
    #[must_use]
    pub fn user_id(&self) -> &UserId {
        &self.user
    }

    /// Who is behind it.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
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
}

impl fmt::Debug for WhenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut request = f.debug_struct("WhenRequest");
        request.field("user", &self.user).field("action", &self.action).finish_non_exhaustive()
    }
}

/// What a condition says of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third answer")]
pub enum Ask {
    /// It is asked about, as if there were no condition.
    Yes,
    /// It is not, for this reason, which stands in the log and in the handler's [`Verdict`](crate::Verdict): a few words of
    /// the program's own. An empty one counts as [`Yes`](Self::Yes).
    No(&'static str),
}

/// What a closure of [`AuthsignalLayer::when`](crate::AuthsignalLayer::when) may give: an [`Ask`], or a `Result` of one whose
/// error means that it is asked.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say whether to ask",
    label = "a closure of `when` gives `Ask`, or a `Result<Ask, E>`",
    note = "`Ask::Yes`, or `Ask::No(\"below 100 EUR\")` with the reason"
)]
pub trait IntoAsk: sealed::Answer {
    /// Whether to ask, or what kept the closure from finding out, in words for the log.
    ///
    /// # Errors
    ///
    /// The words.
    fn into_ask(self) -> Result<Ask, String>;
}

mod sealed {
    /// Keeps [`IntoAsk`](super::IntoAsk) to the types that it is written for.
    #[expect(unnameable_types, reason = "it is there to be out of reach")]
    pub trait Answer {}
    impl Answer for super::Ask {}
    impl<E> Answer for Result<super::Ask, E> {}
}

impl IntoAsk for Ask {
    fn into_ask(self) -> Result<Self, String> {
        Ok(self)
    }
}

impl<E: fmt::Display> IntoAsk for Result<Ask, E> {
    fn into_ask(self) -> Result<Ask, String> {
        self.map_err(|error| error.to_string())
    }
}

/// A condition of the application's, and how long it may take.
#[derive(Clone)]
pub(super) struct Condition {
    pub(super) closure: Arc<dyn Fn(WhenRequest) -> Later<Result<Ask, String>> + Send + Sync>,
    pub(super) timeout: Duration,
}

impl Condition {
    /// Why a request is not asked about. Whatever goes wrong, it is.
    pub(super) async fn skips(&self, request: WhenRequest) -> Option<&'static str> {
        let action = request.action.clone();
        let setter = "AuthsignalLayer::when";
        match careful::run(|| (self.closure)(request), self.timeout).await {
            Ok(Ok(Ask::Yes)) => {}
            Ok(Ok(Ask::No(""))) => {
                tracing::error!(%action, setter, "a condition said no without a reason, so it is asked: give one to `Ask::No`");
            }
            Ok(Ok(Ask::No(reason))) => return Some(reason),
            Ok(Err(error)) => tracing::error!(%action, setter, error, "a condition failed, so it is asked"),
            Err(Broken::Panic) => tracing::error!(%action, setter, "a condition panicked, so it is asked"),
            Err(Broken::TooSlow) => tracing::error!(
                %action,
                setter = "AuthsignalLayer::when_timeout",
                timeout = ?self.timeout,
                "a condition took too long, so it is asked"
            ),
        }
        None
    }
}
