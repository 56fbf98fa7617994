//! From what the service answered to what we do with the request: a pure function, closed by default.
use authsignal_client::{ActionState, VerificationMethod};

use crate::domain::policy::{Policy, Unenrolled};
use crate::domain::proof_policy::Shortfall;

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
    /// Wait until somebody has looked at it.
    Review,
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The state is not one that passes.
    State(ActionState),
    /// Nothing is enrolled that counts on the route, and it asks for that.
    Unenrolled,
    /// The service offers no method that counts on the route, so whatever the user did would be in vain.
    MethodsNotOffered,
    /// It was proved, as far as the service says, but it does not say how, or when, and the route asks for that.
    Insufficient(Shortfall),
    /// No person is behind the request, or not the account's own, and the route does not take that.
    NoPerson,
}

/// What the service answered about an attempt, as far as it decides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answered<'a> {
    pub(crate) state: &'a ActionState,
    pub(crate) is_enrolled: Option<bool>,
    /// The methods that the user may prove it with; empty where the service does not say.
    pub(crate) allowed: &'a [VerificationMethod],
    /// Those that the user has; empty where the service does not say.
    pub(crate) enrolled: &'a [VerificationMethod],
}

/// The state table. `CHALLENGE_SUCCEEDED`, `REVIEW_SUCCEEDED` and `ALLOW` pass, `CHALLENGE_REQUIRED` challenges, and
/// everything else, known or new, is refused; `REVIEW_REQUIRED` too, unless the route lets requests wait for that. Under [`Unenrolled::Deny`] nobody is challenged who has nothing enrolled,
/// since that would be a first enrolment (threat T81).
///
/// Where the route names methods, whoever has none of them counts as one who has nothing, and who may prove it by none of
/// them is not sent to do so. `ALLOW` is the service's own decision that no proof is needed, and a review is its people's:
/// both pass as they do elsewhere. That an attempt is proved already says neither how nor when, so it passes only where the
/// route asks for neither.
pub(crate) fn decide(answered: &Answered<'_>, policy: &Policy) -> Decision {
    let Answered { state, is_enrolled, allowed, enrolled } = *answered;
    let Policy { unenrolled, proof, review, .. } = policy;
    let is_enrolled = if proof.counts_none_of(enrolled) { Some(false) } else { is_enrolled };
    // Nobody passes for want of a method where methods are named; `check` refuses to set that up.
    let unenrolled =
        if proof.methods.is_some() && *unenrolled == Unenrolled::Allow { Unenrolled::Deny } else { *unenrolled };
    match state {
        ActionState::ReviewSucceeded => Decision::Pass(Passed::Settled),
        ActionState::ChallengeSucceeded if proof.methods.is_some() => {
            Decision::Refuse(Refused::Insufficient(Shortfall::Method))
        }
        ActionState::ChallengeSucceeded if proof.max_age.is_some() => {
            Decision::Refuse(Refused::Insufficient(Shortfall::Age))
        }
        ActionState::ChallengeSucceeded => Decision::Pass(Passed::Settled),
        ActionState::ChallengeRequired if proof.counts_none_of(allowed) => Decision::Refuse(Refused::MethodsNotOffered),
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
        ActionState::ReviewRequired if review.is_some() => match (is_enrolled, unenrolled) {
            (Some(false) | None, Unenrolled::Deny) => Decision::Refuse(Refused::Unenrolled),
            _ => Decision::Challenge(Proving::Review),
        },
        other => Decision::Refuse(Refused::State(other.clone())),
    }
}

#[cfg(test)]
mod table;
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
                    let policy = Policy { unenrolled, ..Policy::default() };
                    let answered = Answered { state: &state, is_enrolled, allowed: &[], enrolled: &[] };
                    let got = decide(&answered, &policy);
                    assert_eq!(got, want, "{state} {is_enrolled:?} {unenrolled:?}");
                    cells += 1;
                }
            }
        }
        println!("{cells} cells of the decision table");
        assert_eq!(cells, 23 * 3 * 3);
    }
}
