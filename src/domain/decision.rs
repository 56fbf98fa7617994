//! From what the service answered to what we do with the request: a pure function, closed by default.
use std::time::Duration;

use authsignal_client::ActionState;

use crate::domain::coverage::Coverage;
use crate::domain::failover::OnOutage;

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

/// What we do with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It goes on to the handler.
    Pass(Passed),
    /// The user has to prove more first.
    Challenge(Proving),
    /// It does not go on.
    Refuse(Refused),
}

/// Why a request passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passed {
    /// The service allowed it, for a user who could have been challenged.
    Allowed,
    /// The service allowed it for want of anything enrolled.
    Unenrolled,
    /// The service says that this very attempt has been proved or reviewed already.
    Settled,
}

/// What a challenged user has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proving {
    /// Prove it with something enrolled.
    Challenge,
    /// Enrol something, with no way to skip that.
    Enrol,
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The state is not one that passes.
    State(ActionState),
    /// Nothing is enrolled, and the route asks for that.
    Unenrolled,
}

/// The state table. `CHALLENGE_SUCCEEDED`, `REVIEW_SUCCEEDED` and `ALLOW` pass, `CHALLENGE_REQUIRED` challenges, and
/// everything else, known or new, is refused. Under [`Unenrolled::Deny`] nobody is challenged who has nothing enrolled,
/// since that would be a first enrolment (threat T81).
pub(crate) fn decide(state: &ActionState, is_enrolled: Option<bool>, unenrolled: Unenrolled) -> Decision {
    match state {
        ActionState::ChallengeSucceeded | ActionState::ReviewSucceeded => Decision::Pass(Passed::Settled),
        ActionState::ChallengeRequired => match (is_enrolled, unenrolled) {
            // The service says that it never challenges such a user. If it does, its page would have them enrol.
            (Some(false) | None, Unenrolled::Deny) => Decision::Refuse(Refused::Unenrolled),
            (Some(false), Unenrolled::Enrol) => Decision::Challenge(Proving::Enrol),
            _ => Decision::Challenge(Proving::Challenge),
        },
        ActionState::Allow => match (is_enrolled, unenrolled) {
            (Some(true), _) => Decision::Pass(Passed::Allowed),
            (Some(false) | None, Unenrolled::Allow) => Decision::Pass(Passed::Unenrolled),
            (Some(false) | None, Unenrolled::Enrol) => Decision::Challenge(Proving::Enrol),
            (Some(false) | None, Unenrolled::Deny) => Decision::Refuse(Refused::Unenrolled),
        },
        other => Decision::Refuse(Refused::State(other.clone())),
    }
}

/// What a route asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(crate) coverage: Coverage,
    pub(crate) unenrolled: Unenrolled,
    pub(crate) remember: Option<Duration>,
    pub(crate) on_outage: OnOutage,
}

impl Policy {
    /// Whether a pass that an outer layer gave this request, for the same action, answers this policy too, so that one
    /// request is not decided twice (threat T61).
    ///
    /// It does where the outer layer asked for as much: an approval no wider and no longer than this policy takes, and
    /// no user let through unenrolled whom this policy would not. What it would have done in an outage is none of that: a pass
    /// that is a failover is told apart by its grounds.
    pub(crate) fn is_met_by(&self, outer: &Self) -> bool {
        // `None` is the shortest: an approval that is good for one request.
        let as_narrow = outer.coverage.width() <= self.coverage.width() && outer.remember <= self.remember;
        let as_strict = self.unenrolled == Unenrolled::Allow || self.unenrolled == outer.unenrolled;
        as_narrow && as_strict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T73, T80, T81 and the table of design: every state, known, unknown and misspelt, by every enrolment and policy.
    #[test]
    fn t73_t80_the_decision_table_cell_by_cell() {
        use ActionState as S;
        use Decision::{Challenge, Pass, Refuse};
        let known = [
            S::Allow,
            S::Block,
            S::ChallengeRequired,
            S::ChallengeSucceeded,
            S::ChallengeFailed,
            S::ReviewRequired,
            S::ReviewSucceeded,
            S::ReviewFailed,
        ];
        let unknown = [
            "",
            "allow",
            "Allow",
            " ALLOW",
            "ALLOW ",
            "ALLOWED",
            "REVIEW",
            "PASS",
            "CHALLENGE",
            "CHALLENGE_SUCCEEDED2",
            "challenge_succeeded",
            "true",
            "null",
            "0",
            "\u{410}LLOW",
        ];
        let mut cells = 0;
        for state in known.into_iter().chain(unknown.map(S::from)) {
            for is_enrolled in [Some(true), Some(false), None] {
                for unenrolled in [Unenrolled::Allow, Unenrolled::Enrol, Unenrolled::Deny] {
                    let want = match (state.as_str(), is_enrolled == Some(true), unenrolled) {
                        ("ALLOW", true, _) => Pass(Passed::Allowed),
                        ("ALLOW", false, Unenrolled::Allow) => Pass(Passed::Unenrolled),
                        ("ALLOW", false, Unenrolled::Enrol) => Challenge(Proving::Enrol),
                        ("ALLOW", false, Unenrolled::Deny) => Refuse(Refused::Unenrolled),
                        ("CHALLENGE_SUCCEEDED" | "REVIEW_SUCCEEDED", ..) => Pass(Passed::Settled),
                        ("CHALLENGE_REQUIRED", false, Unenrolled::Deny) => Refuse(Refused::Unenrolled),
                        ("CHALLENGE_REQUIRED", _, Unenrolled::Enrol) if is_enrolled == Some(false) => {
                            Challenge(Proving::Enrol)
                        }
                        ("CHALLENGE_REQUIRED", ..) => Challenge(Proving::Challenge),
                        _ => Refuse(Refused::State(state.clone())),
                    };
                    let got = decide(&state, is_enrolled, unenrolled);
                    assert_eq!(got, want, "{state} {is_enrolled:?} {unenrolled:?}");
                    cells += 1;
                }
            }
        }
        println!("{cells} cells of the decision table");
        assert_eq!(cells, 23 * 3 * 3);
    }

    /// T61: an outer pass never answers for an inner layer that asks for more.
    #[test]
    fn t61_an_outer_pass_counts_only_if_it_asked_for_as_much() {
        let policy = |coverage, unenrolled, minutes: u64| {
            let remember = (minutes > 0).then(|| Duration::from_secs(minutes * 60));
            Policy { coverage, unenrolled, remember, on_outage: OnOutage::Refuse }
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
