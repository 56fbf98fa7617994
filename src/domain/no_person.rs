//! PURE: what the service's decision means where no person is behind a request, or another one.
use crate::domain::actor::NoPerson;
use crate::domain::decision::{Decision, Proving, Refused};

impl NoPerson {
    /// What the service's decision means where no person is behind the request.
    pub(crate) fn decides(self, decision: Decision) -> Decision {
        match (self, decision) {
            (_, Decision::Refuse(why)) => Decision::Refuse(why),
            (Self::AllowedOnly, Decision::Pass(passed)) => Decision::Pass(passed),
            // Who reviews it is not the person that is to be asked.
            (Self::AskPerson, Decision::Challenge(proving)) if proving != Proving::Review => {
                Decision::Challenge(proving)
            }
            (Self::Refuse, _) | (Self::AllowedOnly, Decision::Challenge(_)) | (Self::AskPerson, _) => {
                Decision::Refuse(Refused::NoPerson)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use authsignal_client::ActionState;

    use super::*;
    use crate::domain::decision::Passed;

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
            Challenge(Proving::Review),
            Refuse(Refused::State(ActionState::Block)),
            Refuse(Refused::Unenrolled),
        ];
        let mut cells = 0;
        for policy in [NoPerson::Refuse, NoPerson::AllowedOnly, NoPerson::AskPerson] {
            for decision in &decisions {
                let got = policy.decides(decision.clone());
                let want = match (policy, decision) {
                    (_, Challenge(Proving::Review)) => Refuse(Refused::NoPerson),
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
        assert_eq!(cells, 3 * 8);
    }
}
