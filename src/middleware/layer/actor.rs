//! What becomes of requests that the account's own user is not behind.
use super::AuthsignalLayer;
use crate::domain::actor::NoPerson;

impl AuthsignalLayer {
    /// What becomes of requests of [machines](crate::User::machine). Default: [`NoPerson::Refuse`].
    ///
    /// Nothing of theirs is [remembered](Self::remember), and none passes in an outage, whatever the route says of those. A
    /// person who is asked proves it for this very request, which the machine then repeats with the token of the proof (see
    /// [programs](crate::middleware#programs)). Authsignal is told `machine` as the data point `stepUpActor`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use axum_authsignal::{Authsignal, AuthsignalLayer, NoPerson};
    /// # fn example(authsignal: &Authsignal) {
    /// let layer = AuthsignalLayer::new(authsignal, "rotate-keys").machines(NoPerson::AskPerson);
    /// # }
    /// ```
    #[must_use]
    pub fn machines(mut self, policy: NoPerson) -> Self {
        self.guard.policy.machines = policy;
        self
    }

    /// What becomes of requests of people who act [as another user](crate::User::impersonated_by). Default:
    /// [`NoPerson::Refuse`].
    ///
    /// Whoever is asked is the impersonator, by methods of their own: they are the one who is there, and a user who reads a code
    /// to somebody of the support has learnt to do so for a thief as well. So Authsignal is asked about the impersonator's id; the
    /// user's is told as the data point `stepUpOnBehalfOf`, beside `impersonator` as `stepUpActor`, and no address of the
    /// user's goes along. An approval is for this impersonator and this user: neither the user nor the impersonator in their own
    /// name passes by it, nor the other way round, and [`revoke`](crate::Authsignal::revoke) ends it by the impersonator's id.
    /// Nothing is [remembered](Self::remember), and none passes in an outage.
    ///
    /// # Examples
    ///
    /// ```
    /// # use axum_authsignal::{Authsignal, AuthsignalLayer, NoPerson};
    /// # fn example(authsignal: &Authsignal) {
    /// let layer = AuthsignalLayer::new(authsignal, "change-address").impersonation(NoPerson::AskPerson);
    /// # }
    /// ```
    #[must_use]
    pub fn impersonation(mut self, policy: NoPerson) -> Self {
        self.guard.policy.impersonation = policy;
        self
    }
}
