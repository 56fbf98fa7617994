//! The whole table: policy by state by enrolment by method by age, each cell against what is written down here once more.
use std::time::Duration;

use authsignal_client::{ActionCode, ActionState as S, ChallengeUrl, IdempotencyKey, UserId, VerificationMethod};

use super::*;
use crate::domain::flow::{
    Admission, Challenge, Flow, Moment, Opening, RequestId, Resolution, Reviewed, Stage, Validation,
};
use crate::domain::proof_policy::ProofPolicy;
use crate::domain::saved_request::SavedRequest;

const NOW: Moment = Moment(1_800_000_000_000);
const STATES: [&str; 12] = [
    "ALLOW",
    "BLOCK",
    "CHALLENGE_REQUIRED",
    "CHALLENGE_SUCCEEDED",
    "CHALLENGE_FAILED",
    "REVIEW_REQUIRED",
    "REVIEW_SUCCEEDED",
    "REVIEW_FAILED",
    "",
    "allow",
    "ALLOW ",
    "REVIEW",
];
const ENROLMENTS: [Option<bool>; 3] = [Some(true), Some(false), None];

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

/// Every policy that can be set up, as far as it decides.
fn policies() -> Vec<Policy> {
    let mut all = Vec::new();
    for unenrolled in [Unenrolled::Allow, Unenrolled::Enrol, Unenrolled::Deny] {
        for methods in [None, Some(vec![VerificationMethod::Passkey])] {
            for max_age in [None, Some(minutes(1))] {
                for review in [None, Some(minutes(60))] {
                    let proof = ProofPolicy { methods: methods.clone(), max_age };
                    all.push(Policy { unenrolled, proof, review, ..Policy::default() });
                }
            }
        }
    }
    all
}

/// What becomes of a request at once, in one word. Written as the documents say it, in their order.
fn expected(policy: &Policy, state: &str, is_enrolled: Option<bool>, has: &str, offers: &str) -> &'static str {
    let named = policy.proof.methods.is_some();
    // Who has none of the methods that are named has nothing, here.
    let (enrolled, unknown) = match (named && has == "others", is_enrolled) {
        (true, _) => (false, false),
        (false, Some(yes)) => (yes, false),
        (false, None) => (false, true),
    };
    let deny = policy.unenrolled == Unenrolled::Deny || (named && policy.unenrolled == Unenrolled::Allow);
    match state {
        "REVIEW_SUCCEEDED" => "pass: settled",
        "CHALLENGE_SUCCEEDED" if named => "refuse: method",
        "CHALLENGE_SUCCEEDED" if policy.proof.max_age.is_some() => "refuse: age",
        "CHALLENGE_SUCCEEDED" => "pass: settled",
        "CHALLENGE_REQUIRED" if named && offers == "others" => "refuse: not offered",
        "CHALLENGE_REQUIRED" if !enrolled && deny => "refuse: unenrolled",
        "CHALLENGE_REQUIRED" if !enrolled && !unknown && policy.unenrolled == Unenrolled::Enrol => "enrol",
        "CHALLENGE_REQUIRED" => "challenge",
        "ALLOW" if enrolled => "pass: allowed",
        "ALLOW" if deny => "refuse: unenrolled",
        "ALLOW" if policy.unenrolled == Unenrolled::Enrol => "enrol",
        "ALLOW" => "pass: unenrolled",
        "REVIEW_REQUIRED" if policy.review.is_some() && !enrolled && deny => "refuse: unenrolled",
        "REVIEW_REQUIRED" if policy.review.is_some() => "review",
        _ => "refuse: state",
    }
}

fn word(decision: &Decision) -> &'static str {
    match decision {
        Decision::Pass(Passed::Allowed) => "pass: allowed",
        Decision::Pass(Passed::Unenrolled) => "pass: unenrolled",
        Decision::Pass(Passed::Settled) => "pass: settled",
        Decision::Challenge(Proving::Challenge) => "challenge",
        Decision::Challenge(Proving::Enrol) => "enrol",
        Decision::Challenge(Proving::Review) => "review",
        Decision::Refuse(Refused::State(_)) => "refuse: state",
        Decision::Refuse(Refused::Unenrolled) => "refuse: unenrolled",
        // What becomes of requests without a person has a table of its own, above this one.
        Decision::Refuse(Refused::NoPerson) => "refuse: no person",
        Decision::Refuse(Refused::MethodsNotOffered) => "refuse: not offered",
        Decision::Refuse(Refused::Insufficient(Shortfall::Method)) => "refuse: method",
        Decision::Refuse(Refused::Insufficient(Shortfall::Age)) => "refuse: age",
    }
}

fn listed(which: &str) -> &'static [VerificationMethod] {
    match which {
        "one that counts" => &[VerificationMethod::EmailOtp, VerificationMethod::Passkey],
        "others" => &[VerificationMethod::EmailOtp, VerificationMethod::Sms],
        _ => &[],
    }
}

/// T34, T73, T80, T81, T107: what becomes of a request at once.
#[test]
fn t34_t73_t80_t81_t107_the_policy_table_cell_by_cell() {
    let lists = ["not said", "one that counts", "others"];
    let (mut cells, mut passed) = (0, 0);
    for policy in policies() {
        for state in STATES.map(S::from) {
            for is_enrolled in ENROLMENTS {
                for has in lists {
                    for offers in lists {
                        let (allowed, enrolled) = (listed(offers), listed(has));
                        let got = decide(&Answered { state: &state, is_enrolled, allowed, enrolled }, &policy);
                        let want = expected(&policy, state.as_str(), is_enrolled, has, offers);
                        let cell = format!("{policy:?} {state} {is_enrolled:?} {has} {offers}");
                        assert_eq!(word(&got), want, "{cell}");
                        cells += 1;
                        passed += usize::from(matches!(got, Decision::Pass(_)));
                    }
                }
            }
        }
    }
    println!("{cells} cells of policy, state, enrolment and methods, {passed} pass at once");
    assert_eq!(cells, 24 * 12 * 3 * 3 * 3);
}

fn flow_of(policy: &Policy, proving: Proving) -> Flow {
    let opening = Opening {
        attempt: IdempotencyKey::new("attempt-1").unwrap(),
        user: UserId::new("ada").unwrap(),
        on_behalf_of: None,
        is_machine: false,
        session: None,
        action: ActionCode::new("pay").unwrap(),
        name: None,
        summary: Vec::new(),
        remember: policy.remember,
        proof: policy.proof.clone(),
        is_review: proving == Proving::Review,
    };
    let url = ChallengeUrl::new("https://mfa.authsignal.com/?token=x");
    let challenge = Challenge { url, token: None, state: S::ChallengeRequired };
    match policy.review {
        Some(time) if proving == Proving::Review => {
            Flow::under_review(opening, SavedRequest::Sent, Stage::under_review(NOW, time))
        }
        _ => Flow::new(opening, challenge, SavedRequest::Sent, Stage::pending(NOW, minutes(10))),
    }
}

/// T31, T34, T107: what becomes of a request in the end: each that is challenged is proved by each method, at each age, and each
/// that waits for a review is told each state.
#[test]
fn t31_t34_t107_what_is_proved_or_reviewed_passes_cell_by_cell() {
    use VerificationMethod::{EmailOtp, Passkey};
    let by = RequestId([1; 16]);
    let (mut cells, mut passed) = (0, 0);
    for policy in policies() {
        for state in STATES.map(S::from) {
            for is_enrolled in ENROLMENTS {
                let answered = Answered { state: &state, is_enrolled, allowed: &[], enrolled: &[] };
                let Decision::Challenge(proving) = decide(&answered, &policy) else { continue };
                let flow = flow_of(&policy, proving);
                // The proof's method; how long after the challenge it was given, and we were told, in seconds.
                for method in [Some(Passkey), Some(EmailOtp), Some("passkey".into()), None] {
                    for (given, told) in [(0_u64, 59_u64), (0, 60), (100, 159), (100, 160), (200, 100)] {
                        for told_state in STATES.map(S::from) {
                            let is_valid = told_state == S::ChallengeSucceeded;
                            let at = |seconds| NOW.plus(Duration::from_secs(seconds));
                            let validation = Validation {
                                is_valid,
                                state: Some(told_state.clone()),
                                user: Some("ada".into()),
                                action: Some("pay".into()),
                                attempt: Some("attempt-1".into()),
                                method: method.clone(),
                                at: Some(at(given)),
                            };
                            let is_right = policy.proof.methods.is_none() || method == Some(Passkey);
                            let age = told.saturating_sub(given);
                            let is_young = policy.proof.max_age.is_none() || age < 60;
                            let (stage, want) = if proving == Proving::Review {
                                assert!(
                                    matches!(flow.answer(&validation, at(told)), Resolution::Unproven(_)),
                                    "no token answers for who looks at it"
                                );
                                let stage = match flow.stage.reviewed(&told_state, at(told)) {
                                    Reviewed::Approve(stage) | Reviewed::Fail(stage) => stage,
                                    Reviewed::Waits | Reviewed::Over => flow.stage.clone(),
                                };
                                (stage, told_state == S::ReviewSucceeded)
                            } else {
                                let stage = match flow.answer(&validation, at(told)) {
                                    Resolution::Approve(stage) | Resolution::Fail(stage) => stage,
                                    _ => flow.stage.clone(),
                                };
                                (stage, is_valid && is_right && is_young)
                            };
                            let met = Flow { stage, ..flow.clone() }.admit(by, at(told));
                            let cell = format!("{policy:?} {proving:?} {method:?} {given} {told} {told_state}");
                            assert_eq!(matches!(met, Admission::Pass(..)), want, "{cell}: {met:?}");
                            cells += 1;
                            passed += usize::from(want);
                        }
                    }
                }
            }
        }
    }
    println!("{cells} cells of policy, state, enrolment, method and age, {passed} pass in the end");
    assert!(cells > 20_000 && passed > 100, "{cells} {passed}");
}
