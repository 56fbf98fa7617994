//! PURE: a flow that waits until somebody has looked at its request, and how often Authsignal is asked whether they have
//! (threat T107).
use std::time::Duration;

use authsignal_client::ActionState;

use super::{APPROVED, ENDED, Flow, Kind, Moment, Proof, SKEW, Stage};

/// How long is waited until Authsignal is asked again, whoever looks: at first, and at most. In between, a tenth of the time
/// that the review has taken, so that a review of a day is asked about some 1,500 times, and no more often.
const MIN_PAUSE: Duration = Duration::from_secs(5);
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// Whether Authsignal is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Looking {
    /// It is, once this has been written.
    Ask(Stage),
    /// It is not for so long: somebody has just looked.
    Wait(Duration),
    /// There is nothing to ask about: the flow says what came of it.
    Over,
}

/// What Authsignal's word about an attempt under review makes of its flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reviewed {
    /// They let it pass: write this.
    Approve(Stage),
    /// They did not, or it is no review any more: write this.
    Fail(Stage),
    /// Nobody has looked at it yet.
    Waits,
    /// The flow had its answer, or ran out. Nothing changes.
    Over,
}

impl Stage {
    /// The stage that a flow begins in whose request somebody has to look at.
    pub(crate) fn under_review(now: Moment, life: Duration) -> Self {
        Self::new(Kind::UnderReview { asked: now }, now, life)
    }

    /// How long is waited between two looks at it.
    fn pause(&self, now: Moment) -> Duration {
        (now.after(self.since) / 10).clamp(MIN_PAUSE, MAX_PAUSE)
    }

    /// Whether Authsignal is asked about it.
    pub(crate) fn look(&self, now: Moment) -> Looking {
        let Kind::UnderReview { asked } = self.kind else { return Looking::Over };
        if !self.is_live(now) {
            return Looking::Over;
        }
        let pause = self.pause(now);
        // What was asked by a clock far ahead of ours would keep everybody waiting for who knows how long.
        if asked <= now.plus(SKEW) && now < asked.plus(pause) {
            return Looking::Wait(asked.plus(pause).after(now).min(pause));
        }
        Looking::Ask(Self { kind: Kind::UnderReview { asked: now }, ..self.clone() })
    }

    /// How long until it is worth looking again.
    pub(crate) fn wait(&self, now: Moment) -> Duration {
        match self.look(now) {
            Looking::Wait(wait) => wait,
            Looking::Ask(_) | Looking::Over => Duration::ZERO,
        }
    }

    /// What Authsignal's word makes of it. `REVIEW_SUCCEEDED` approves, `REVIEW_REQUIRED` waits, and everything else, known or
    /// new, ends it.
    pub(crate) fn reviewed(&self, state: &ActionState, now: Moment) -> Reviewed {
        if !matches!(self.kind, Kind::UnderReview { .. }) || !self.is_live(now) {
            return Reviewed::Over;
        }
        match state {
            ActionState::ReviewRequired => Reviewed::Waits,
            ActionState::ReviewSucceeded => {
                let proof = Proof { method: None, at: now, given: now };
                // Nobody has to look at it twice because its user came back late.
                let left = self.until.after(now).max(APPROVED);
                Reviewed::Approve(Self::new(Kind::Approved(proof), now, left))
            }
            other => Reviewed::Fail(Self::new(Kind::Failed(other.clone()), now, ENDED)),
        }
    }
}

impl Flow {
    /// How long until it is worth looking again.
    pub(crate) fn wait(&self, now: Moment) -> Duration {
        self.stage.wait(now)
    }
}

#[cfg(test)]
mod tests {
    use authsignal_client::ActionState as S;

    use super::*;
    use crate::domain::flow::tests::{answer, opening, page};
    use crate::domain::flow::{Admission, RequestId, Resolution};

    const NOW: Moment = Moment(1_800_000_000_000);
    const HOUR: Duration = Duration::from_secs(60 * 60);

    fn later(seconds: u64) -> Moment {
        NOW.plus(Duration::from_secs(seconds))
    }

    fn every_state() -> Vec<S> {
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
        let new = ["", "REVIEW", "review_succeeded", "REVIEW_SUCCEEDED ", "ALLOWED", "null"].map(S::from);
        known.into_iter().chain(new).collect()
    }

    fn flow(stage: Stage) -> Flow {
        let mut opening = opening("ada", "pay", "attempt-1", None);
        opening.is_review = true;
        Flow::under_review(opening, page(), stage)
    }

    /// T107: every stage of a flow by every state that the service may tell, in time and out of it: one cell approves.
    #[test]
    fn t107_one_cell_of_all_transitions_of_a_review_approves() {
        let proof = Proof { method: None, at: NOW, given: NOW };
        let spent = Kind::Spent { proof: proof.clone(), by: RequestId([1; 16]), approved_until: later(300) };
        let stages = [
            Kind::UnderReview { asked: NOW },
            Kind::Pending,
            Kind::Approved(proof),
            spent,
            Kind::Failed(S::ReviewFailed),
            Kind::Insufficient(crate::domain::proof_policy::Shortfall::Method),
        ];
        let (mut cells, mut approved) = (0, 0);
        for (index, kind) in stages.into_iter().enumerate() {
            let stage = Stage::new(kind, NOW, HOUR);
            for state in every_state() {
                for (seconds, in_time) in [(1, true), (3_599, true), (3_600, false), (1 << 30, false)] {
                    let got = stage.reviewed(&state, later(seconds));
                    let want = match (index, in_time, state.as_str()) {
                        (0, true, "REVIEW_SUCCEEDED") => "approve",
                        (0, true, "REVIEW_REQUIRED") => "waits",
                        (0, true, _) => "fail",
                        _ => "over",
                    };
                    let got = match got {
                        Reviewed::Approve(stage) => {
                            let left = stage.until.after(later(seconds)).as_secs();
                            assert_eq!(left, (3_600 - seconds).max(300), "as long as it would have waited");
                            "approve"
                        }
                        Reviewed::Fail(stage) => {
                            assert_eq!(stage.kind, Kind::Failed(state.clone()));
                            "fail"
                        }
                        Reviewed::Waits => "waits",
                        Reviewed::Over => "over",
                    };
                    assert_eq!(got, want, "stage {index}, {state}, {seconds} s");
                    cells += 1;
                    approved += usize::from(got == "approve");
                }
            }
        }
        println!("{approved} of {cells} cells of reviews approve, both in time");
        assert_eq!((cells, approved), (6 * 14 * 4, 2));
    }

    /// T107: what a review lets pass passes one request once, and what it does not passes none and says so; until then nothing
    /// does, whatever token comes.
    #[test]
    fn t107_a_review_passes_one_request_once() {
        let (one, other) = (RequestId([1; 16]), RequestId([2; 16]));
        let waits = flow(Stage::under_review(NOW, HOUR));
        assert_eq!(waits.admit(one, later(1)), Admission::UnderReview);
        assert_eq!(waits.admit(one, later(3_600)), Admission::Nothing);
        // No token answers for those who look at it, not even one of this very attempt that the service calls proved.
        for state in every_state() {
            for is_valid in [true, false] {
                for stage in [waits.stage.clone(), Stage::new(approved(), NOW, HOUR)] {
                    let got = flow(stage).answer(&answer(is_valid, Some(state.clone())), later(1));
                    assert!(matches!(got, Resolution::Unproven(_)), "{state} {is_valid}: {got:?}");
                }
            }
        }
        let Reviewed::Approve(stage) = waits.stage.reviewed(&S::ReviewSucceeded, later(60)) else { panic!("approved") };
        let may_go = flow(stage);
        let Admission::Pass(_, Some(spent)) = may_go.admit(one, later(61)) else { panic!("it passes") };
        let gone = flow(spent);
        assert!(matches!(gone.admit(one, later(62)), Admission::Pass(_, None)), "the very same request");
        assert_eq!(gone.admit(other, later(62)), Admission::Repeated);
        assert_eq!(gone.admit(other, later(100)), Admission::Nothing);
        let Reviewed::Fail(stage) = waits.stage.reviewed(&S::ReviewFailed, later(60)) else { panic!("it fails") };
        assert_eq!(flow(stage.clone()).admit(one, later(61)), Admission::Refused(S::ReviewFailed));
        assert_eq!(flow(stage).admit(one, later(661)), Admission::Nothing, "after a while it may be tried anew");
    }

    fn approved() -> Kind {
        Kind::Approved(Proof { method: None, at: NOW, given: NOW })
    }

    /// T107, T118: whoever looks, and however often, Authsignal is asked so often and not more.
    #[test]
    fn t107_t118_a_review_is_asked_about_so_often() {
        for (hours, most) in [(1, 150), (24, 1_550)] {
            let mut stage = Stage::under_review(NOW, HOUR * hours);
            let (mut asked, mut last, mut shortest) = (0, NOW, Duration::MAX);
            for second in 0..u64::from(hours) * 3_600 {
                let now = later(second);
                match stage.look(now) {
                    Looking::Ask(next) => {
                        shortest = shortest.min(now.after(last));
                        (asked, last, stage) = (asked + 1, now, next);
                    }
                    Looking::Wait(wait) => assert!(wait > Duration::ZERO && wait <= MAX_PAUSE),
                    Looking::Over => panic!("it is in time"),
                }
            }
            println!("asked {asked} times in {hours} h of a look each second, {shortest:?} apart at least");
            assert!(asked <= most && shortest == MIN_PAUSE, "{asked} {shortest:?}");
            assert_eq!(stage.look(later(u64::from(hours) * 3_600)), Looking::Over);
        }
        // A clock that is set back keeps nobody waiting, nor does one that is half a minute ahead.
        let stage = Stage::new(Kind::UnderReview { asked: later(1_000) }, NOW, HOUR);
        assert!(matches!(stage.look(later(900)), Looking::Ask(_)));
        assert_eq!(stage.look(later(980)), Looking::Wait(MAX_PAUSE));
    }
}
