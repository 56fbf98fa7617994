//! The life of an action, as plain functions: no clock, no store, no I/O.
use authsignal_client::ActionState;
use serde::{Deserialize, Serialize};

/// What the tenant has decided about an action: every `track` of it begins from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[non_exhaustive]
pub enum Outcome {
    /// Carry on.
    Allow,
    /// Ask for more proof; a user with nothing enrolled is let through, as the service does.
    #[default]
    Challenge,
    /// Wait for an operator.
    Review,
    /// Refuse.
    Block,
}

/// The state of a new action.
///
/// `Challenge` becomes `ALLOW` for a user who has nothing to prove it with (docs, "Getting started with actions").
pub(crate) fn initial(outcome: Outcome, enrolled: bool) -> ActionState {
    match outcome {
        Outcome::Challenge if enrolled => ActionState::ChallengeRequired,
        Outcome::Allow | Outcome::Challenge => ActionState::Allow,
        Outcome::Review => ActionState::ReviewRequired,
        Outcome::Block => ActionState::Block,
    }
}

/// What the challenge page has to ask the user for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    /// A proof with one of the enrolled methods.
    Proof,
    /// A first method, which proves it as well.
    Enrolment,
    /// Nothing: there is only a way on.
    Nothing,
    /// Nothing: and there is no way on either.
    Closed,
}

/// What an action in `state` asks of a user who has something enrolled, or hasn't.
pub(crate) fn ask(state: &ActionState, enrolled: bool) -> Ask {
    match (state, enrolled) {
        (ActionState::ChallengeRequired, true) => Ask::Proof,
        (ActionState::ChallengeRequired | ActionState::Allow, false) => Ask::Enrolment,
        (ActionState::Allow, true) | (ActionState::ChallengeSucceeded | ActionState::ReviewSucceeded, _) => {
            Ask::Nothing
        }
        _ => Ask::Closed,
    }
}

/// Whether a proof would count. One for an action that is allowed anyway does (an assumption): a client asks for it.
pub(crate) fn is_open_to_proof(state: &ActionState) -> bool {
    matches!(state, ActionState::ChallengeRequired | ActionState::Allow)
}

/// Whether methods may be enrolled under an action: not under one that was refused.
pub(crate) fn is_open_to_enrolment(state: &ActionState) -> bool {
    is_open_to_proof(state) || matches!(state, ActionState::ChallengeSucceeded | ActionState::ReviewSucceeded)
}

/// Where an action goes when the user refuses for good, if it can go anywhere.
pub(crate) fn declined(state: &ActionState) -> Option<ActionState> {
    matches!(state, ActionState::ChallengeRequired).then_some(ActionState::ChallengeFailed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_state() {
        for (outcome, enrolled, state) in [
            (Outcome::Allow, false, ActionState::Allow),
            (Outcome::Allow, true, ActionState::Allow),
            (Outcome::Challenge, false, ActionState::Allow),
            (Outcome::Challenge, true, ActionState::ChallengeRequired),
            (Outcome::Review, true, ActionState::ReviewRequired),
            (Outcome::Review, false, ActionState::ReviewRequired),
            (Outcome::Block, true, ActionState::Block),
            (Outcome::Block, false, ActionState::Block),
        ] {
            assert_eq!(initial(outcome, enrolled), state, "{outcome:?}, enrolled: {enrolled}");
        }
    }

    #[test]
    fn what_the_page_asks() {
        for (state, enrolled, expected) in [
            (ActionState::ChallengeRequired, true, Ask::Proof),
            (ActionState::ChallengeRequired, false, Ask::Enrolment),
            (ActionState::Allow, false, Ask::Enrolment),
            (ActionState::Allow, true, Ask::Nothing),
            (ActionState::ChallengeSucceeded, true, Ask::Nothing),
            (ActionState::ChallengeSucceeded, false, Ask::Nothing),
            (ActionState::ReviewSucceeded, true, Ask::Nothing),
            (ActionState::ReviewRequired, true, Ask::Closed),
            (ActionState::ReviewRequired, false, Ask::Closed),
            (ActionState::ReviewFailed, true, Ask::Closed),
            (ActionState::ChallengeFailed, true, Ask::Closed),
            (ActionState::ChallengeFailed, false, Ask::Closed),
            (ActionState::Block, false, Ask::Closed),
            (ActionState::Unknown("NEW".into()), true, Ask::Closed),
        ] {
            assert_eq!(ask(&state, enrolled), expected, "{state}, enrolled: {enrolled}");
        }
    }

    #[test]
    fn what_proofs_and_enrolments_count_for() {
        for (state, proof, enrolment) in [
            (ActionState::ChallengeRequired, true, true),
            (ActionState::Allow, true, true),
            (ActionState::ChallengeSucceeded, false, true),
            (ActionState::ReviewSucceeded, false, true),
            (ActionState::ReviewRequired, false, false),
            (ActionState::ReviewFailed, false, false),
            (ActionState::ChallengeFailed, false, false),
            (ActionState::Block, false, false),
            (ActionState::Unknown("NEW".into()), false, false),
        ] {
            assert_eq!((is_open_to_proof(&state), is_open_to_enrolment(&state)), (proof, enrolment), "{state}");
        }
    }

    #[test]
    fn only_an_open_challenge_can_be_declined() {
        assert_eq!(declined(&ActionState::ChallengeRequired), Some(ActionState::ChallengeFailed));
        for state in
            [ActionState::Allow, ActionState::ChallengeSucceeded, ActionState::Block, ActionState::ReviewRequired]
        {
            assert_eq!(declined(&state), None, "{state}");
        }
    }
}
