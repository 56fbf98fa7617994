//! Requests that wait until somebody has looked at them.
use std::time::Duration;

use super::AuthsignalLayer;

impl AuthsignalLayer {
    /// Has requests wait, for up to this long, that Authsignal's rules hold for a review (`REVIEW_REQUIRED`): somebody looks at
    /// them in its portal, or by its API. Between one minute and 24 hours. Default: off, and such requests are refused with
    /// 403.
    ///
    /// Until then such a request is answered with 202 and [`RefusalReason::UnderReview`](crate::RefusalReason::UnderReview): a
    /// page that says so and has a way to look again, or a problem document with `Retry-After`. The very same request, sent
    /// again by the same client, says how it stands; once `REVIEW_SUCCEEDED` is there it passes, once, with
    /// [`Grounds::Settled`](crate::Grounds::Settled). It waits for that as long as the review would have. What was not let pass
    /// is refused with [`RefusalReason::State`](crate::RefusalReason::State), for ten minutes whenever it is sent again; then it
    /// is another attempt. A page that sent a form has it kept, and posts it again with a click.
    ///
    /// Authsignal is asked every five seconds at most, and less often the longer it takes, on all nodes together, however often
    /// somebody looks. It can also tell the people of the application, by the webhook `action.log_created`: that is for
    /// messages to the user, and passes nothing here.
    ///
    /// No token passes such a request, and no proof is asked for besides; [`methods`](Self::methods) and
    /// [`max_age`](Self::max_age) are about proofs. A client without a cookie that repeats the request needs no token: it is known by its
    /// user and session, and by the request. An approval covers this very request, so this does not go together
    /// with [`remember`](Self::remember) and wider [coverage](Self::covers). Challenges and reviews that wait are counted together
    /// ([`challenge_budget`](crate::AuthsignalBuilder::challenge_budget),
    /// [`pending_flow_budget`](crate::AuthsignalBuilder::pending_flow_budget)).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # use axum_authsignal::{Authsignal, AuthsignalLayer};
    /// # fn example(authsignal: &Authsignal) {
    /// let layer = AuthsignalLayer::new(authsignal, "withdrawal").review(Duration::from_secs(4 * 60 * 60));
    /// # }
    /// ```
    #[must_use]
    pub fn review(mut self, time: Duration) -> Self {
        self.guard.policy.review = Some(time);
        self
    }
}
