//! PURE: a proof that was given at a sign-in: what a route takes of it, and what the service's answer about its token means.
use std::time::Duration;

use authsignal_client::{ActionCode, ActionState, IdempotencyKey, UserId};

use crate::domain::coverage::Coverage;
use crate::domain::flow::{Kind, Moment, Opening, Proof, Resolution, Stage, Unproven, Validation};
use crate::domain::proof_policy::ProofPolicy;

/// The longest that a sign-in counts.
pub(crate) const MAX_SIGN_IN_AGE: Duration = Duration::from_secs(24 * 60 * 60);
/// A shorter age would be over before the first page is there.
const MIN_SIGN_IN_AGE: Duration = Duration::from_secs(1);

/// The sign-in that a route takes in the place of a challenge.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AcceptedSignIn {
    /// The code of its action, as it was given.
    pub(crate) action: String,
    /// From this age on it does not count.
    pub(crate) max_age: Duration,
}

impl AcceptedSignIn {
    /// Whether it goes together with what one approval covers.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong, and what to do.
    pub(crate) fn check(&self, coverage: Coverage) -> Result<(), String> {
        let Self { action, max_age } = self;
        if let Err(reason) = ActionCode::new(action.as_str()) {
            return Err(format!("`accepts_sign_in` names `{action}`, which is no action: {reason}"));
        }
        if !(MIN_SIGN_IN_AGE..=MAX_SIGN_IN_AGE).contains(max_age) {
            return Err(format!(
                "`accepts_sign_in` takes a sign-in up to an age of {max_age:?}: between {MIN_SIGN_IN_AGE:?} and \
                 {MAX_SIGN_IN_AGE:?} is possible"
            ));
        }
        if coverage == Coverage::Request {
            return Err("`accepts_sign_in` and `Coverage::Request` do not go together: who signed in has not seen what this \
                        request is about; let an approval cover the route or the action (`covers`, `remember`), or leave it out"
                .to_owned());
        }
        Ok(())
    }

    /// Whether whoever came by what `outer` takes comes in here.
    pub(crate) fn is_met_by(ours: Option<&Self>, outer: Option<&Self>) -> bool {
        match (ours, outer) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(ours), Some(outer)) => ours.action == outer.action && outer.max_age <= ours.max_age,
        }
    }

    /// Whether a proof counts at `now`, by its age and by what the route asks of each.
    pub(crate) fn takes(&self, proof: &Proof, asked: &ProofPolicy, now: Moment) -> bool {
        now.after(proof.given) < self.max_age && proof.shortfall(asked, now).is_none()
    }
}

/// Why a token is no fresh proof of a sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoSignIn {
    Unproven(Unproven),
    /// The state that the attempt has.
    State(ActionState),
    /// It was given longer ago than any route takes, or nobody says when.
    TooOld,
}

/// What an answer about the token of a sign-in proves: of this user, at this action, by whatever attempt.
pub(crate) fn sign_in_of(
    answer: &Validation,
    (user, session, action): (UserId, &str, ActionCode),
    now: Moment,
) -> Result<(Opening, Proof), NoSignIn> {
    // Which attempt it was nobody knows before; one that is not named could be any.
    let attempt = answer.attempt.as_deref().and_then(|attempt| IdempotencyKey::new(attempt).ok());
    let opening = Opening {
        attempt: attempt.ok_or_else(|| NoSignIn::Unproven(missing_attempt(answer)))?,
        user,
        on_behalf_of: None,
        is_machine: false,
        session: Some(session.to_owned()),
        action,
        name: None,
        summary: Vec::new(),
        remember: Some(MAX_SIGN_IN_AGE),
        proof: ProofPolicy::default(),
        is_review: false,
    };
    // As of a challenge that was begun as long ago as one can count; what does not say when is as old.
    let begun = Moment(now.0.saturating_sub(u64::try_from(MAX_SIGN_IN_AGE.as_millis()).unwrap_or(u64::MAX)));
    let stage = Stage::pending(begun, MAX_SIGN_IN_AGE * 2);
    match opening.answer(&stage, answer, now) {
        Resolution::Approve(Stage { kind: Kind::Approved(proof), .. }) if proof.given > begun => Ok((opening, proof)),
        Resolution::Approve(_) => Err(NoSignIn::TooOld),
        Resolution::Fail(Stage { kind: Kind::Failed(state), .. }) => Err(NoSignIn::State(state)),
        Resolution::Unproven(why) => Err(NoSignIn::Unproven(why)),
        Resolution::Left | Resolution::Already | Resolution::Fail(_) => {
            Err(NoSignIn::State(ActionState::ChallengeRequired))
        }
    }
}

/// What to call an answer without an attempt: the service names none where it does not know the token.
fn missing_attempt(answer: &Validation) -> Unproven {
    if answer.state.is_none() { Unproven::Token } else { Unproven::Attempt }
}

#[cfg(test)]
mod tests {
    use authsignal_client::VerificationMethod;

    use super::*;

    const NOW: Moment = Moment(1_768_471_200_000);

    fn good() -> Validation {
        Validation {
            is_valid: true,
            state: Some(ActionState::ChallengeSucceeded),
            user: Some("ada".into()),
            action: Some("signIn".into()),
            attempt: Some("a-1".into()),
            method: Some(VerificationMethod::Passkey),
            at: Some(Moment(NOW.0 - 60_000)),
        }
    }

    fn taken(answer: &Validation) -> Result<Proof, NoSignIn> {
        let whose = (UserId::new("ada").unwrap(), "s", ActionCode::new("signIn").unwrap());
        sign_in_of(answer, whose, NOW).map(|(_, proof)| proof)
    }

    /// T2, T3, T4, T72: every combination of what an answer may say and not say: one passes.
    #[test]
    fn t2_t3_t4_t72_one_answer_is_a_sign_in() {
        let proof = taken(&good()).unwrap();
        assert_eq!((proof.at, proof.given), (NOW, Moment(NOW.0 - 60_000)));
        let states = [
            None,
            Some(ActionState::ChallengeSucceeded),
            Some(ActionState::ChallengeRequired),
            Some(ActionState::ChallengeFailed),
            Some(ActionState::Allow),
            Some(ActionState::Block),
            Some(ActionState::ReviewSucceeded),
            Some(ActionState::from("challenge_succeeded")),
        ];
        let texts = |right: &str| [None, Some(right.to_owned()), Some("other".to_owned()), Some(String::new())];
        let day = 24 * 60 * 60 * 1000;
        let times = [None, Some(NOW.0 - 60_000), Some(NOW.0 - day), Some(NOW.0 - day * 30), Some(0)];
        let (mut tried, mut passed) = (0, 0);
        for is_valid in [true, false] {
            for state in &states {
                for user in texts("ada") {
                    for action in texts("signIn") {
                        for attempt in [None, Some("a-1".to_owned()), Some(String::new()), Some("\n".to_owned())] {
                            for at in times {
                                let (user, action, state) = (user.clone(), action.clone(), state.clone());
                                let at = at.map(Moment);
                                let answer = Validation {
                                    is_valid,
                                    state,
                                    user,
                                    action,
                                    attempt: attempt.clone(),
                                    at,
                                    ..good()
                                };
                                tried += 1;
                                passed += usize::from(taken(&answer).is_ok());
                            }
                        }
                    }
                }
            }
        }
        println!("{tried} answers about a sign-in, {passed} taken");
        assert_eq!((tried, passed), (2 * 8 * 4 * 4 * 4 * 5, 1));
        // A clock that is ahead of ours makes no proof younger than it is.
        let ahead = taken(&Validation { at: Some(Moment(u64::MAX)), ..good() }).unwrap();
        assert_eq!(ahead.given, NOW);
    }

    #[test]
    fn what_cannot_go_together_is_refused() {
        let accepted =
            |action: &str, seconds| AcceptedSignIn { action: action.into(), max_age: Duration::from_secs(seconds) };
        assert!(accepted("signIn", 300).check(Coverage::Action).is_ok());
        assert!(accepted("signIn", 300).check(Coverage::Route).is_ok());
        for (action, seconds, coverage, word) in [
            ("signIn", 300, Coverage::Request, "Coverage::Request"),
            ("sign in", 300, Coverage::Action, "no action"),
            ("signIn", 0, Coverage::Action, "age"),
            ("signIn", 24 * 60 * 60 + 1, Coverage::Action, "age"),
        ] {
            let refused = accepted(action, seconds).check(coverage).unwrap_err();
            assert!(refused.contains("`accepts_sign_in`") && refused.contains(word), "{refused}");
        }
    }

    /// T61: who came in by a sign-in comes in where as much is asked of it.
    #[test]
    fn t61_a_sign_in_counts_for_an_inner_layer_that_takes_it() {
        let accepted =
            |action: &str, seconds| AcceptedSignIn { action: action.into(), max_age: Duration::from_secs(seconds) };
        let [short, long, other] = [accepted("signIn", 60), accepted("signIn", 600), accepted("login", 60)];
        for (ours, outer, is_met) in [
            (None, None, true),
            (Some(&short), None, true),
            (None, Some(&short), false),
            (Some(&short), Some(&short), true),
            (Some(&long), Some(&short), true),
            (Some(&short), Some(&long), false),
            (Some(&short), Some(&other), false),
        ] {
            assert_eq!(AcceptedSignIn::is_met_by(ours, outer), is_met, "{ours:?} {outer:?}");
        }
    }
}
