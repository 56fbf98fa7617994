//! What one user and session may take from others in a while.
use std::time::Duration;

use super::AuthsignalBuilder;
use crate::budget::Allowance;
use crate::domain::waiting::Room;

impl AuthsignalBuilder {
    /// How many challenges one user may begin in one session for one action within `per` without proving them. Over that,
    /// Authsignal is not asked, and the answer is 429 ([`Budget::Challenges`](crate::Budget::Challenges)). A challenge that
    /// still waits is handed out again without counting, and one that is proved gives its room back. Between 1 and 10,000,
    /// in between a second and a day; what is outside counts as the nearer end. Default: 5 in 10 minutes, which is less
    /// than the 6 text messages that Authsignal sends in that time.
    ///
    /// It is counted in the memory of this process, so that an allowed request needs no store: with several nodes each has
    /// a budget of its own. Requests that are under way at once each ask Authsignal before the first of them counts.
    /// Name the [session](crate::User::session): without one, whoever is signed in as the user shares the user's budget.
    pub fn challenge_budget(mut self, challenges: usize, per: Duration) -> Self {
        self.challenge_budget = Allowance::new(challenges, per);
        self
    }

    /// How many requests of one user in one session for one action Authsignal may refuse (`BLOCK`, a review, any state
    /// that does not pass) within `per`. Over that it is not asked until the first of them is that long ago, so that nobody
    /// tries until an `ALLOW` comes, and the answer is 429 ([`Budget::Refusals`](crate::Budget::Refusals)). Counted and
    /// limited as [`challenge_budget`](Self::challenge_budget) is. Default: 5 in 10 minutes.
    pub fn refusal_budget(mut self, refusals: usize, per: Duration) -> Self {
        self.refusal_budget = Allowance::new(refusals, per);
        self
    }

    /// How often Authsignal may be asked whether a way back from one challenge proves it. Over that it is not asked, and the
    /// answer is 429 until the challenge has run out ([`Budget::Validates`](crate::Budget::Validates)); where it was proved
    /// by then, that is the answer. Counted in the store, so that all nodes share it; a call that Authsignal did not answer
    /// is not counted, unless it asked to slow down. Between 1 and 1,000; what is outside counts as the nearer end.
    /// Default: 10. People come back once for each time that they leave the challenge's page.
    pub fn validate_budget(mut self, validates: u32) -> Self {
        self.validate_budget = validates.clamp(1, 1_000);
        self
    }

    /// How many challenges of one user in one session may wait for their proof at once, for all actions together, and how
    /// many bytes their records may have in the store, with the forms that are kept for them. Over that, the answer is 429
    /// until the first of them has run out ([`Budget::PendingFlows`](crate::Budget::PendingFlows)). One that is proved
    /// gives its room back, and always finds its own; one by itself is kept whatever its bytes. What pages of other sites
    /// make a browser ask for counts by itself. Between 1 and 1,000 challenges and between 16 KiB and 16 MiB; what is
    /// outside counts as the nearer end. Default: 32 challenges and 262,144 bytes (256 KiB).
    ///
    /// It is counted in the store, so that all nodes share it, whatever cookie the browser sends. A browser that was
    /// challenged before is refused before Authsignal is asked, also where it would have said `ALLOW`; any other once
    /// Authsignal asks for a challenge, so that an allowed request needs no store. A node that crashes leaves what it was
    /// about to write counted until it would have run out.
    ///
    /// Name the [session](crate::User::session): requests without one count together, so whoever is signed in as the user in some
    /// way that names none shares what they may take, and can use it up for the [life of a challenge](Self::challenge_ttl).
    pub fn pending_flow_budget(mut self, challenges: usize, bytes: u64) -> Self {
        self.pending_flow_budget = Room::new(challenges, bytes);
        self
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use authsignal_client::Client;

    use crate::Authsignal;
    use crate::budget::Allowance;
    use crate::domain::waiting::Room;

    /// T117, T118: a handle that sets no budget has those that the setters name.
    #[test]
    fn t117_t118_budgets_are_as_documented() {
        let builder = Authsignal::builder(Client::builder("secret").build().unwrap());
        let five = format!("{:?}", Allowance::new(5, Duration::from_secs(600)));
        assert_eq!(
            [builder.challenge_budget, builder.refusal_budget].map(|found| format!("{found:?}")),
            [five.clone(), five]
        );
        assert_eq!(builder.validate_budget, 10);
        assert_eq!(format!("{:?}", builder.pending_flow_budget), format!("{:?}", Room::new(32, 262_144)));
    }
}
