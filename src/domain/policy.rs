//! PURE: what a route asks for, which settings go together, and when one route's pass is enough for another's.
use std::time::Duration;

use crate::domain::actor::{Actor, NoPerson};
use crate::domain::coverage::Coverage;
use crate::domain::extent::Extent;
use crate::domain::failover::OnOutage;
use crate::domain::proof_policy::ProofPolicy;
use crate::domain::sign_in::AcceptedSignIn;

/// What happens to a user who has nothing enrolled, where the service would let them pass or challenge them.
///
/// The service never challenges such a user: an action that would be challenged is allowed instead (Authsignal docs, FAQ
/// and "Getting started with actions"). An answer that does not say whether anything is enrolled counts as "nothing".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unenrolled {
    /// They pass, as the service says. The verdict says so, and a warning is logged once per action. The default.
    #[default]
    Allow,
    /// They are sent to enrol, and pass once they have. Whoever holds the session can do that, a thief of it as well.
    Enrol,
    /// They are refused, also where the service asks for a challenge, and have to enrol where the application asks for
    /// more than a session, such as a fresh login.
    Deny,
}

impl Unenrolled {
    /// A short name, for logs and for what an approval is bound to.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Enrol => "enrol",
            Self::Deny => "deny",
        }
    }
}

/// What a route asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(crate) coverage: Coverage,
    pub(crate) unenrolled: Unenrolled,
    pub(crate) remember: Option<Duration>,
    pub(crate) on_outage: OnOutage,
    /// Which requests it is asked of.
    pub(crate) extent: Extent,
    /// What it asks of a proof.
    pub(crate) proof: ProofPolicy,
    /// What becomes of requests that nobody is behind, and of those where somebody acts as another.
    pub(crate) machines: NoPerson,
    pub(crate) impersonation: NoPerson,
    /// The sign-in that stands in the place of a challenge.
    pub(crate) sign_in: Option<AcceptedSignIn>,
    /// How long a request waits that somebody has to look at, where it does.
    pub(crate) review: Option<Duration>,
    /// Whether its bodies are read as a value that an approval is bound to.
    pub(crate) transaction: bool,
}

/// How long a review may take. Revocations are kept for longer than a flow that waits for it.
const MIN_REVIEW: Duration = Duration::from_secs(60);
const MAX_REVIEW: Duration = Duration::from_secs(24 * 60 * 60);

impl Policy {
    /// Whether its settings go together, and none is out of a range beyond which the route would be guarded less than it says.
    ///
    /// # Errors
    ///
    /// What does not, as a sentence for whoever set it up: the two settings by the names of their setters, and what to do.
    // Every field is named, so that who adds one says here what it goes together with.
    pub(crate) fn check(&self) -> Result<(), String> {
        let Self {
            coverage,
            unenrolled,
            remember,
            on_outage: _,
            extent,
            proof,
            machines: _,
            impersonation: _,
            sign_in,
            review,
            transaction,
        } = self;
        if let Some(sign_in) = sign_in {
            sign_in.check(*coverage)?;
        }
        extent.check().map_err(str::to_owned)?;
        proof.check()?;
        if proof.methods.is_some() && *unenrolled == Unenrolled::Allow {
            return Err("`methods` and `unenrolled(Unenrolled::Allow)` do not go together: a user with nothing enrolled would \
                        pass without a proof, where one with another method is refused; leave `unenrolled` out, so that they are \
                        refused, or choose `Enrol` or `Deny`"
                .to_owned());
        }
        if *transaction && remember.is_some() {
            return Err("`remember` and a transaction do not go together: an approval is for one value, once; leave `remember` out"
                .to_owned());
        }
        if *transaction && sign_in.is_some() {
            return Err(
                "a sign-in that counts and a transaction do not go together: whoever signed in was shown no value; use another \
                 action"
                    .to_owned(),
            );
        }
        let Some(time) = review else { return Ok(()) };
        if !(MIN_REVIEW..=MAX_REVIEW).contains(time) {
            return Err(format!("`review` waits for {time:?}: between {MIN_REVIEW:?} and {MAX_REVIEW:?} is asked for"));
        }
        if remember.is_some() {
            return Err(
                "`review` and `remember` do not go together: what somebody has looked at is one request; use another \
                        action for routes that remember"
                    .to_owned(),
            );
        }
        if *coverage != Coverage::Request {
            return Err(format!(
                "`review` and `covers(Coverage::{coverage:?})` do not go together: what somebody has looked at is one request; \
                 leave `covers` out"
            ));
        }
        Ok(())
    }

    /// Whether a pass that an outer layer gave this request, for the same action, answers this policy too, so that one
    /// request is not decided twice (threat T61).
    ///
    /// It does where the outer layer asked for as much: an approval no wider and no longer than this policy takes, and
    /// no user let through unenrolled whom this policy would not. What it would have done in an outage is none of that, nor
    /// whom it does not ask: a pass that is a failover, was skipped or only observed is told apart by its grounds.
    // Every field is named, so that who adds one says here when an outer layer asked for as much.
    pub(crate) fn is_met_by(&self, outer: &Self) -> bool {
        // Whether it is the same value is asked beside this.
        let Self {
            coverage,
            unenrolled,
            remember,
            on_outage: _,
            extent: _,
            proof,
            machines,
            impersonation,
            sign_in,
            review,
            transaction: _,
        } = self;
        // `None` is the shortest: an approval that is good for one request.
        let as_narrow = outer.coverage.width() <= coverage.width() && outer.remember <= *remember;
        let as_strict = *unenrolled == Unenrolled::Allow || *unenrolled == outer.unenrolled;
        let of_no_person = outer.machines.is_enough_for(*machines) && outer.impersonation.is_enough_for(*impersonation);
        let by_sign_in = AcceptedSignIn::is_met_by(sign_in.as_ref(), outer.sign_in.as_ref());
        // What somebody else may let pass is none of this policy's, unless it may as well.
        let as_reviewed = match (review, outer.review) {
            (_, None) => true,
            (Some(time), Some(outer)) => outer <= *time,
            (None, Some(_)) => false,
        };
        as_narrow && as_strict && of_no_person && by_sign_in && proof.is_met_by(&outer.proof) && as_reviewed
    }

    /// What becomes of a request of this actor's; `None` for the account's own user, for whom all else is.
    pub(crate) fn no_person(&self, actor: &Actor) -> Option<NoPerson> {
        match actor {
            Actor::Person => None,
            Actor::Machine => Some(self.machines),
            Actor::Impersonator(_) => Some(self.impersonation),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An approval of one value is spent on it: to remember it would be to do the same again unasked.
    #[test]
    fn a_transaction_is_not_remembered() {
        for (remember, transaction, fits) in
            [(false, false, true), (false, true, true), (true, false, true), (true, true, false)]
        {
            let remember = remember.then_some(Duration::from_secs(60));
            let policy = Policy { remember, transaction, ..Policy::default() };
            assert_eq!(policy.check().is_ok(), fits, "{policy:?}");
        }
    }

    /// T61: an outer pass never answers for an inner layer that asks for more.
    #[test]
    fn t61_an_outer_pass_counts_only_if_it_asked_for_as_much() {
        let policy = |coverage, unenrolled, minutes: u64| {
            let remember = (minutes > 0).then(|| Duration::from_secs(minutes * 60));
            Policy { coverage, unenrolled, remember, ..Policy::default() }
        };
        let plain = policy(Coverage::Request, Unenrolled::Allow, 0);
        let remembering = policy(Coverage::Action, Unenrolled::Allow, 10);
        let enrolled = policy(Coverage::Request, Unenrolled::Deny, 0);
        assert!(plain.is_met_by(&plain));
        assert!(remembering.is_met_by(&plain));
        assert!(plain.is_met_by(&enrolled));
        assert!(!plain.is_met_by(&remembering));
        assert!(!enrolled.is_met_by(&plain));
        assert!(!enrolled.is_met_by(&policy(Coverage::Request, Unenrolled::Enrol, 0)));
        assert!(!policy(Coverage::Action, Unenrolled::Allow, 0).is_met_by(&remembering));
        assert!(!policy(Coverage::Action, Unenrolled::Allow, 5).is_met_by(&remembering));
        assert!(policy(Coverage::Action, Unenrolled::Allow, 20).is_met_by(&remembering));
    }
}
