//! The layer, and the policy of its route.
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use authsignal_client::{ActionCode, CustomData};
use http::request::Parts;
use tower_layer::Layer;

use super::fallback::{Check, FALLBACK_TIMEOUT, FallbackRequest};
use super::guard::{Fallback, Guard, Names};
use super::particulars::Particulars;
use super::service::AuthsignalService;
use crate::action::{self, Action};
use crate::authsignal::Authsignal;
use crate::config::ConfigError;
use crate::domain::coverage::Coverage;
use crate::domain::failover::OnOutage;
use crate::domain::policy::{Policy, Unenrolled};
use crate::verdict::question::LayerId;

mod actor;
mod check;
mod extent;
mod proof;
mod review;
mod sign_in;
mod transaction;

/// The longest that an approval is remembered.
const MAX_REMEMBER: Duration = Duration::from_secs(24 * 60 * 60);

/// Guards a route: asks Authsignal about each request before its handler runs.
///
/// See the [module documentation](crate::middleware) for the rules and a complete example.
#[derive(Clone)]
pub struct AuthsignalLayer {
    pub(super) guard: Guard,
    /// What `covers` said, whatever `remember` says before or after it.
    coverage: Option<Coverage>,
    /// What `unenrolled` said, whatever `methods` says before or after it.
    unenrolled: Option<Unenrolled>,
}

impl AuthsignalLayer {
    /// Guards a route as `action`.
    ///
    /// Defaults: an approval covers this very request, once; a user with nothing enrolled passes where Authsignal says
    /// `ALLOW`.
    ///
    /// # Panics
    ///
    /// If `action` is no action code (`^[a-zA-Z0-9_-]{1,64}$`), as [`Router::route`](axum::Router::route) does for a path
    /// that is none. [`try_new`](Self::try_new) returns an error instead.
    #[must_use]
    #[track_caller]
    pub fn new(authsignal: &Authsignal, action: impl Into<String>) -> Self {
        // Not in a closure, which would be named in the place of the caller.
        match Self::try_new(authsignal, action) {
            Ok(layer) => layer,
            Err(error) => panic!("{error}"),
        }
    }

    /// Guards a route as the action `A`, whose code was checked when the program was compiled. Handlers behind it that take a
    /// [`VerdictFor`](crate::VerdictFor) the same action run behind no other.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "a code that is none does not build")]
    pub fn for_action<A: Action>(authsignal: &Authsignal) -> Self {
        let code = ActionCode::new(action::code::<A>()).expect("the code was checked when the program was compiled");
        Self::of(authsignal, code)
    }

    /// Guards a route as an `action` that is not known when the program is written.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Action`] if it is no action code.
    pub fn try_new(authsignal: &Authsignal, action: impl Into<String>) -> Result<Self, ConfigError> {
        let action = action.into();
        let code = ActionCode::new(action.clone()).map_err(|reason| ConfigError::Action { action, reason })?;
        Ok(Self::of(authsignal, code))
    }

    /// What it does, for a report.
    pub(crate) fn described(&self) -> (&ActionCode, &Policy) {
        (&self.guard.action, &self.guard.policy)
    }

    fn of(authsignal: &Authsignal, action: ActionCode) -> Self {
        let policy = Policy::default();
        let authsignal = Arc::clone(authsignal.inner());
        let id = LayerId::new();
        Self {
            guard: Guard {
                id,
                authsignal,
                action,
                names: Names::default(),
                policy,
                custom: None,
                reader: None,
                fallback: None,
                condition: None,
                scope: None,
                redirect_to_settings: false,
                particulars: Particulars::default(),
            },
            coverage: None,
            unenrolled: None,
        }
    }

    /// What people call the action, such as "Withdraw money": the page with which they go on after the challenge says what
    /// they are about to do. Default: made from the action's code, `withdraw-money` being "Withdraw money".
    ///
    /// It is kept with each challenge, and Authsignal is not told.
    ///
    /// # Examples
    ///
    /// ```
    /// # use axum_authsignal::{Authsignal, AuthsignalLayer};
    /// # fn example(authsignal: &Authsignal) {
    /// let layer = AuthsignalLayer::new(authsignal, "withdraw").named("Withdraw money").named_in("de", "Geld abheben");
    /// # }
    /// ```
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.guard.names.usual = Some(name.into());
        self
    }

    /// What people call the action in the language of this tag (BCP 47), such as `de`. May be given several times. Default:
    /// as [`named`](Self::named).
    #[must_use]
    pub fn named_in(mut self, language: impl Into<String>, name: impl Into<String>) -> Self {
        self.guard.names.other.push((language.into(), name.into()));
        self
    }

    /// What one approval covers. Default: [`Coverage::Request`], or [`Coverage::Action`] where it is
    /// [remembered](Self::remember).
    #[must_use]
    pub fn covers(mut self, coverage: Coverage) -> Self {
        self.coverage = Some(coverage);
        self.with_coverage()
    }

    /// Remembers an approval: it covers the action for `duration`, counted from the proof and never extended by use, at
    /// most 24 hours; a longer time counts as 24 hours, and zero as not remembering. Default: an approval is good for
    /// one request.
    ///
    /// Unless [`covers`](Self::covers) says something narrower, it covers the action on every route that guards it and
    /// remembers it for as long.
    #[must_use]
    pub fn remember(mut self, duration: Duration) -> Self {
        self.guard.policy.remember = (!duration.is_zero()).then(|| duration.min(MAX_REMEMBER));
        self.with_coverage()
    }

    fn with_coverage(mut self) -> Self {
        let usual = if self.guard.policy.remember.is_some() { Coverage::Action } else { Coverage::Request };
        self.guard.policy.coverage = self.coverage.unwrap_or(usual);
        self
    }

    /// What happens to users who have nothing enrolled, where Authsignal says `ALLOW`. Default: [`Unenrolled::Allow`], or
    /// [`Unenrolled::Deny`] where [`methods`](Self::methods) are named.
    #[must_use]
    pub fn unenrolled(mut self, policy: Unenrolled) -> Self {
        self.unenrolled = Some(policy);
        self.with_unenrolled()
    }

    fn with_unenrolled(mut self) -> Self {
        let usual = if self.guard.policy.proof.methods.is_some() { Unenrolled::Deny } else { Unenrolled::Allow };
        self.guard.policy.unenrolled = self.unenrolled.unwrap_or(usual);
        self
    }

    /// What becomes of requests while Authsignal is out: could not be reached, did not answer in time, or failed (5xx).
    /// Whatever else keeps it from deciding, a request is refused. Default: [`OnOutage::Refuse`].
    ///
    /// How many pass is bounded by [`failover_budget`](crate::AuthsignalBuilder::failover_budget). None passes undecided of a user
    /// and session that Authsignal refused at this action, or still waits for a proof of, within the last ten minutes
    /// ([`NoFailover::Unsettled`](crate::NoFailover::Unsettled)), and none with an unsafe method that a page of another site makes
    /// a browser send.
    /// What passes says so: [`Grounds::Failover`](crate::Grounds::Failover), and a warning with the field `failover`.
    ///
    /// A challenge that was begun before goes on to wait, and a way back with its token is never let through unasked.
    ///
    /// # Examples
    ///
    /// ```
    /// # use axum_authsignal::{Authsignal, AuthsignalLayer, OnOutage};
    /// # fn example(authsignal: &Authsignal) {
    /// let layer = AuthsignalLayer::new(authsignal, "view-statement").on_outage(OnOutage::Admit);
    /// # }
    /// ```
    #[must_use]
    pub fn on_outage(mut self, policy: OnOutage) -> Self {
        self.guard.policy.on_outage = policy;
        self
    }

    /// Lets a request pass while Authsignal is out if the application's own `check` says that the user has proved it: with a
    /// password, say, or a code that the application verifies itself. It takes the place of what
    /// [`on_outage`](Self::on_outage) said.
    ///
    /// `Ok(true)` is a proof; `Ok(false)`, an error, a panic and a check that takes too long are none. The check sees who asks
    /// and what for, the body too, which is read up to [`body_limit`](crate::AuthsignalBuilder::body_limit). A proof is good
    /// for this user, session, action and request, method, address and body, and is spent in the store: the very same
    /// request passes no second time within 24 hours (409), whatever it brings along. A code that is good once is for the check to
    /// use up. Tries and passes are bounded by [`failover_budget`](crate::AuthsignalBuilder::failover_budget); a request
    /// without a proof is refused with 503 and [`NoFailover::Unproven`](crate::NoFailover::Unproven), by which a
    /// [responder](crate::AuthsignalBuilder::respond) knows when to ask for one.
    ///
    /// # Examples
    ///
    /// ```
    /// # use axum_authsignal::{Authsignal, AuthsignalLayer, FallbackRequest};
    /// # use std::convert::Infallible;
    /// # async fn is_code_of(_user: &str, code: &str) -> Result<bool, Infallible> { Ok(code == "123456") }
    /// # fn example(authsignal: &Authsignal) {
    /// let layer = AuthsignalLayer::new(authsignal, "withdraw").fallback(|request: FallbackRequest| async move {
    ///     let code = request.parts().headers.get("x-code").and_then(|code| code.to_str().ok());
    ///     match code {
    ///         Some(code) => is_code_of(request.user_id().as_str(), code).await,
    ///         None => Ok(false),
    ///     }
    /// });
    /// # }
    /// ```
    #[must_use]
    pub fn fallback<F, Fut, E>(mut self, check: F) -> Self
    where
        F: Fn(FallbackRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<bool, E>> + Send + 'static,
        E: fmt::Display,
    {
        let check: Check = Arc::new(move |request| {
            let checking = check(request);
            Box::pin(async move { checking.await.map_err(|error| error.to_string()) })
        });
        let timeout = self.guard.fallback.map_or(FALLBACK_TIMEOUT, |fallback| fallback.timeout);
        self.guard.fallback = Some(Fallback { check, timeout });
        self.guard.policy.on_outage = OnOutage::Fallback;
        self
    }

    /// How long the check of [`fallback`](Self::fallback), given before, may take: between 10 milliseconds and 30 seconds. What is
    /// outside counts as the nearer end. One that waits for nothing (a hash over many rounds) belongs into
    /// `tokio::task::spawn_blocking`, or nobody can end it. Default: 5 seconds.
    #[must_use]
    pub fn fallback_timeout(mut self, timeout: Duration) -> Self {
        if let Some(fallback) = &mut self.guard.fallback {
            fallback.timeout = timeout.clamp(Duration::from_millis(10), Duration::from_secs(30));
        }
        self
    }

    /// Sends data points for Authsignal's rules with each request, from its parts. Default: none.
    ///
    /// # Examples
    ///
    /// ```
    /// # use axum_authsignal::{Authsignal, AuthsignalLayer};
    /// use axum_authsignal::client::CustomData;
    ///
    /// # fn example(authsignal: &Authsignal) {
    /// let layer = AuthsignalLayer::new(authsignal, "export")
    ///     .custom(|parts| CustomData::new().with("query", parts.uri.query().unwrap_or_default()));
    /// # }
    /// ```
    #[must_use]
    pub fn custom<F>(mut self, closure: F) -> Self
    where
        F: Fn(&Parts) -> CustomData + Send + Sync + 'static,
    {
        self.guard.custom = Some(Arc::new(closure));
        self
    }

    /// What the token of a challenge may do with the user's methods: a [`Scope`](authsignal_client::Scope), or several with a
    /// space between them. Clients are told the token, and can do as much with it. Default: the service's,
    /// `read:authenticators`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use axum_authsignal::{Authsignal, AuthsignalLayer};
    /// # fn example(authsignal: &Authsignal) {
    /// let layer = AuthsignalLayer::new(authsignal, "manage-methods").scope("add:authenticators").redirect_to_settings();
    /// # }
    /// ```
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.guard.scope = Some(scope.into());
        self
    }

    /// Shows users the list of their methods after the challenge, before they are sent back. Default: off.
    #[must_use]
    pub fn redirect_to_settings(mut self) -> Self {
        self.guard.redirect_to_settings = true;
        self
    }
}

impl<S> Layer<S> for AuthsignalLayer {
    type Service = AuthsignalService<S>;

    /// # Panics
    ///
    /// Where its settings do not go together, as [`Router::route`](axum::Router::route) does for a path that is none;
    /// [`checked`](AuthsignalLayer::checked) tells before.
    #[track_caller]
    fn layer(&self, inner: S) -> Self::Service {
        if let Err(error) = self.check() {
            panic!("{error}");
        }
        let guard = Guard { id: LayerId::new(), ..self.guard.clone() };
        AuthsignalService::new(inner, Arc::new(guard))
    }
}

impl fmt::Debug for AuthsignalLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.guard.fmt_as("AuthsignalLayer", f)
    }
}
