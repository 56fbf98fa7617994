//! Which requests of a route are asked about: all, unless one of these says otherwise.
use std::sync::Arc;
use std::time::Duration;

use super::AuthsignalLayer;
use crate::middleware::when::{Condition, IntoAsk, WHEN_TIMEOUT, WhenRequest};

impl AuthsignalLayer {
    /// Switches step-up off on this route, for a reason: nobody is asked, neither Authsignal nor the user, and no request is
    /// stopped but for want of a user. Whatever else the layer was given stays and says nothing meanwhile.
    ///
    /// It is said in the log at start, and of each request: [`Grounds::Skipped`](crate::Grounds::Skipped) with the reason. Who
    /// is not signed in gets 401 as before. Default: on.
    ///
    /// # Examples
    ///
    /// ```
    /// # use axum_authsignal::{Authsignal, AuthsignalLayer};
    /// # fn example(authsignal: &Authsignal) {
    /// let mut layer = AuthsignalLayer::new(authsignal, "export");
    /// if let Ok(reason) = std::env::var("STEP_UP_OFF") {
    ///     layer = layer.off(reason);
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn off(mut self, reason: impl Into<String>) -> Self {
        let reason: Arc<str> = reason.into().into();
        tracing::warn!(
            action = %self.guard.action,
            ?reason,
            setter = "AuthsignalLayer::off",
            "step-up is switched off on a route: no request is asked about"
        );
        self.guard.policy.extent.off = Some(reason);
        self
    }

    /// Asks about this many users in a hundred, 1 to 100: to begin with a few. The others pass with
    /// [`SkipReason::Share`](crate::SkipReason::Share). Default: about all.
    ///
    /// Who is asked is drawn by a keyed hash of user and action: the same users each time, after restarts and on all nodes
    /// that have the same [secret](crate::AuthsignalBuilder::secret), other users at other actions, and nobody can choose an
    /// account for it. A raise keeps everybody in who was in before. A new secret draws anew.
    ///
    /// # Examples
    ///
    /// ```
    /// # use axum_authsignal::{Authsignal, AuthsignalLayer};
    /// # fn example(authsignal: &Authsignal) {
    /// let layer = AuthsignalLayer::new(authsignal, "export").share(10);
    /// # }
    /// ```
    #[must_use]
    pub fn share(mut self, percent: u8) -> Self {
        self.guard.policy.extent.share = Some(percent);
        self
    }

    /// Asks about a request only where `condition` says so. A request that it skips passes with the reason that it gives, in
    /// the log and in [`Grounds::Skipped`](crate::Grounds::Skipped). Default: each is asked about.
    ///
    /// An error, a panic and a condition that takes [too long](Self::when_timeout) mean: ask. It is asked each time, also when
    /// a request comes back with its proof.
    ///
    /// The condition sees who asks and the request's parts, and no body: what one parser reads in a body, the handler's may
    /// read otherwise (`{"amount": 1, "amount": 9999}`). An amount belongs into
    /// the value that the route names as its transaction, where what is decided and what the handler gets are one.
    /// Neither is a header that the client writes, or a parameter that the handler does not read the same way, anything
    /// to decide by.
    ///
    /// # Examples
    ///
    /// ```
    /// # use axum_authsignal::{Authsignal, AuthsignalLayer};
    /// use std::convert::Infallible;
    /// use axum_authsignal::{Ask, UserId, WhenRequest};
    ///
    /// async fn is_trusted_partner(_user: &UserId) -> Result<bool, Infallible> { Ok(false) }
    ///
    /// # fn example(authsignal: &Authsignal) {
    /// let layer = AuthsignalLayer::new(authsignal, "export").when(|request: WhenRequest| async move {
    ///     let is_partner = is_trusted_partner(request.user_id()).await?;
    ///     Ok::<_, Infallible>(if is_partner { Ask::No("a partner under contract") } else { Ask::Yes })
    /// });
    /// # }
    /// ```
    #[must_use]
    pub fn when<F, Fut>(mut self, condition: F) -> Self
    where
        F: Fn(WhenRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: IntoAsk> + Send + 'static,
    {
        let timeout = self.guard.condition.map_or(WHEN_TIMEOUT, |condition| condition.timeout);
        let closure = Arc::new(move |request| {
            let asking = condition(request);
            Box::pin(async move { asking.await.into_ask() }) as _
        });
        self.guard.condition = Some(Condition { closure, timeout });
        self.guard.policy.extent.has_condition = true;
        self
    }

    /// How long the condition of [`when`](Self::when), given before, may take: between 10 milliseconds and 30 seconds. What is
    /// outside counts as the nearer end. Default: 1 second.
    #[must_use]
    pub fn when_timeout(mut self, timeout: Duration) -> Self {
        if let Some(condition) = &mut self.guard.condition {
            condition.timeout = timeout.clamp(Duration::from_millis(10), Duration::from_secs(30));
        }
        self
    }

    /// Only watches: each request goes on at once, Authsignal is told of it after the fact, and what it would have come to
    /// stands in the log. For the weeks before a route is guarded; whatever else the layer was given is what it will do then.
    ///
    /// Nothing stops a request but the want of a user: a body that breaks off, or is none that the route reads, does so for the handler
    /// (an [`Approved`](crate::Approved) that it takes answers as the layer would), and what the layer would have said is recorded. The
    /// handler's verdict is
    /// [`Grounds::Observed`](crate::Grounds::Observed); nobody is challenged, and nothing is sent to the user: Authsignal sends
    /// its codes when a challenge's page is opened, and no address of one is handed out. Its record of the action keeps the state
    /// that it answered with. Default: off.
    ///
    /// Events wait in [a queue](crate::AuthsignalBuilder::max_observed) in memory and are sent by up to 32 at once. In an outage
    /// each is tried again for five minutes. What is lost is counted ([`Authsignal::observed`](crate::Authsignal::observed)) and
    /// an error in the log. At the end of a process
    /// [`Authsignal::drain`](crate::Authsignal::drain) waits until all is sent; without it, and where a process is killed, what
    /// waits is gone.
    ///
    /// # Examples
    ///
    /// ```
    /// # use axum_authsignal::{Authsignal, AuthsignalLayer};
    /// # fn example(authsignal: &Authsignal) {
    /// let layer = AuthsignalLayer::new(authsignal, "export").observe();
    /// # }
    /// ```
    #[must_use]
    pub fn observe(mut self) -> Self {
        tracing::warn!(
            action = %self.guard.action,
            setter = "AuthsignalLayer::observe",
            "a route is only observed: no request is stopped"
        );
        self.guard.policy.extent.is_observed = true;
        self
    }
}
