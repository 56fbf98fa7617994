//! PURE: what the service's decision means where no person is behind a request, or another one.
use crate::domain::actor::NoPerson;
use crate::domain::decision::{Decision, Refused};

impl NoPerson {
    /// What the service's decision means where no person is behind the request.
    pub(crate) fn decides(self, decision: Decision) -> Decision {
        match (self, decision) {
            (_, Decision::Refuse(why)) => Decision::Refuse(why),
            (Self::AllowedOnly, Decision::Pass(passed)) => Decision::Pass(passed),
            (Self::AskPerson, Decision::Challenge(proving)) => Decision::Challenge(proving),
            (Self::Refuse, _) | (Self::AllowedOnly, Decision::Challenge(_)) | (Self::AskPerson, Decision::Pass(_)) => {
                Decision::Refuse(Refused::NoPerson)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use authsignal_client::ActionState;

    use super::*;
    use crate::domain::decision::{Passed, Proving};

    /// Every decision, for each policy: no cell passes unproved that has to be proved, and none is asked where nobody is.
    #[test]
    fn requests_without_a_person_cell_by_cell() {
        use Decision::{Challenge, Pass, Refuse};
        let decisions = [
            Pass(Passed::Allowed),
            Pass(Passed::Unenrolled),
            Pass(Passed::Settled),
            Challenge(Proving::Challenge),
            Challenge(Proving::Enrol),
            Refuse(Refused::State(ActionState::Block)),
            Refuse(Refused::Unenrolled),
        ];
        let mut cells = 0;
        for policy in [NoPerson::Refuse, NoPerson::AllowedOnly, NoPerson::AskPerson] {
            for decision in &decisions {
                let got = policy.decides(decision.clone());
                let want = match (policy, decision) {
                    (_, Refuse(_)) | (NoPerson::AllowedOnly, Pass(_)) | (NoPerson::AskPerson, Challenge(_)) => {
                        decision.clone()
                    }
                    _ => Refuse(Refused::NoPerson),
                };
                assert_eq!(got, want, "{policy:?} {decision:?}");
                cells += 1;
            }
        }
        println!("{cells} cells of requests that no person is behind");
        assert_eq!(cells, 3 * 7);
    }
}
