//! From what the service answered to what we do with the request: a pure function, closed by default.
use authsignal_client::ActionState;

use crate::domain::policy::Unenrolled;

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
}
