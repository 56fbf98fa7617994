//! What a layer asks of a proof: by which methods, and how fresh.
use std::time::Duration;

use authsignal_client::VerificationMethod;

use super::AuthsignalLayer;

impl AuthsignalLayer {
    /// Which verification methods count on this route. A proof by another, or by one that Authsignal does not name, passes
    /// nobody: neither on the way back, nor in a program's header, nor with an approval that another route remembers. Its user
    /// is told which ones count, on the way back and in the problem document (`methods`), and is challenged anew, as often as
    /// [`challenge_budget`](crate::AuthsignalBuilder::challenge_budget) allows. Default: every method counts.
    ///
    /// - Users who have none of these methods, as far as Authsignal says what they have, count as not enrolled. With methods
    ///   named, those are refused by default ([`Unenrolled::Deny`](crate::Unenrolled::Deny)), or sent to enrol where
    ///   [`unenrolled`](Self::unenrolled) says so; to let them pass ([`Unenrolled::Allow`](crate::Unenrolled::Allow)) does not go
    ///   together with this.
    /// - Where Authsignal offers none of them for the action, nobody could get through, and nobody is sent to try:
    ///   [`RefusalReason::MethodsNotOffered`](crate::RefusalReason::MethodsNotOffered). Let it offer for the action what counts
    ///   here, and nothing else, in its portal: then nobody proves it in vain.
    /// - `ALLOW` for a user who has one of them passes: it is Authsignal's decision that no proof is needed. So does what its
    ///   people let pass in a [review](Self::review). A route where everybody has to prove it needs an action whose outcome is
    ///   `CHALLENGE`.
    ///
    /// Named twice, the last list counts. An empty list and names that no method can have are
    /// [`ConfigError::Policies`](crate::ConfigError::Policies).
    ///
    /// # Examples
    ///
    /// ```
    /// use axum_authsignal::client::VerificationMethod;
    ///
    /// # use axum_authsignal::{Authsignal, AuthsignalLayer};
    /// # fn example(authsignal: &Authsignal) {
    /// let layer = AuthsignalLayer::new(authsignal, "delete-account")
    ///     .methods([VerificationMethod::Passkey, VerificationMethod::SecurityKey]);
    /// # }
    /// ```
    #[must_use]
    pub fn methods(mut self, methods: impl IntoIterator<Item = VerificationMethod>) -> Self {
        let mut methods: Vec<_> = methods.into_iter().collect();
        // In one order, so that the same methods are the same policy.
        methods.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
        methods.dedup();
        self.guard.policy.proof.methods = Some(methods);
        self.with_unenrolled()
    }

    /// From which age on a proof counts no more on this route, wherever it was given and however long it is
    /// [remembered](Self::remember): its user is challenged anew. At least 30 seconds; less is
    /// [`ConfigError::Policies`](crate::ConfigError::Policies). Default: as long as the approval is good.
    ///
    /// A route that remembers as long as another for the same action takes what was approved there, as long as it is young
    /// enough for both, and changes nothing of it. Where an approval is remembered for less than this, that counts.
    ///
    /// The age is counted from when Authsignal says that it was proved, never from before the challenge, nor from after we
    /// were told: so the clock of the service can make a proof older by no more than its challenge took, and no younger.
    /// Where it does not say, the proof counts as old as its challenge. The clocks of several nodes have to agree within
    /// some seconds.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # use axum_authsignal::{Authsignal, AuthsignalLayer};
    /// # fn example(authsignal: &Authsignal) {
    /// let account = AuthsignalLayer::new(authsignal, "account").remember(Duration::from_secs(30 * 60));
    /// let delete = account.clone().max_age(Duration::from_secs(2 * 60));
    /// # }
    /// ```
    #[must_use]
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.guard.policy.proof.max_age = Some(max_age);
        self
    }
}
