//! What a user does on the challenge page, without a browser.
use thiserror::Error;
use url::Url;

use super::lifecycle::Ask;
use super::page::way_back;
use super::tokens::TokenFault;
use super::world::{ActionId, Aim, Challenge, Kind, Proof, RecordedAction, Scope};
use super::{Emulator, Shared};
use crate::client::{ActionState, Token, VerificationMethod};

/// Why the emulator could not do what a test asked for.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EmulatorError {
    /// The URL has no token.
    #[error("this is no challenge URL: it has no token")]
    NotAChallenge,
    /// The token isn't one of this emulator's, or its action is gone.
    #[error("the token in the URL is not one of this emulator's")]
    InvalidToken,
    /// The token has expired: ten minutes have gone by on the emulator's clock.
    #[error("the token in the URL has expired")]
    ExpiredToken,
    /// The page has no such button for an action in this state.
    #[error("there is nothing to prove or decline: the action is {state}")]
    NothingToDo {
        /// The state of the action.
        state: ActionState,
    },
    /// What was asked for is done, but there is no `redirectUrl` to go to. A popup would now be told the token.
    #[error("done, but the action was tracked without a redirectUrl")]
    NoRedirectUrl {
        /// The token that would have gone there.
        token: Token,
    },
    /// No such action was tracked.
    #[error("no such action was tracked")]
    UnknownAction,
    /// No such challenge waits for a button, or not for this user's.
    #[error("no such challenge waits for a button on a phone of this user")]
    UnknownChallenge,
    /// The verification webhook said no. The button can be pressed again.
    #[error("the verification webhook refused the proof")]
    Vetoed,
}

impl From<TokenFault> for EmulatorError {
    fn from(fault: TokenFault) -> Self {
        match fault {
            TokenFault::Invalid => Self::InvalidToken,
            TokenFault::Expired => Self::ExpiredToken,
        }
    }
}

impl Emulator {
    /// Does what a user does on the challenge page, successfully, and returns the URL that the browser is sent to.
    ///
    /// Uses the user's default method. One who has nothing enrolled enrols e-mail, with the address from `track` or
    /// one made up. For an action that is proved already this is "Continue".
    ///
    /// # Errors
    ///
    /// [`EmulatorError::NothingToDo`] when the action asks for no proof, and the others by their names.
    pub fn succeed(&self, url: &str) -> Result<String, EmulatorError> {
        let (id, record) = self.visit(url)?;
        let now = self.shared.clock.now();
        let nothing = || EmulatorError::NothingToDo { state: record.state.clone() };
        let mut world = self.shared.world();
        let (aim, method) = match world.ask(&id) {
            Some(Ask::Nothing) if record.state == ActionState::ChallengeSucceeded => {
                drop(world);
                return self.leave(&record);
            }
            Some(Ask::Proof) => (Aim::Prove, world.provable(&id).into_iter().next().ok_or_else(nothing)?),
            Some(Ask::Enrolment) => {
                let user = world.user_mut(id.user.as_str(), now);
                let email = user.email.clone().unwrap_or_else(|| "user@example.com".to_owned());
                user.begin(Kind::EmailOtp(email), now);
                (Aim::Enrol, VerificationMethod::EmailOtp)
            }
            _ => return Err(nothing()),
        };
        let scope = Scope::default();
        let usable = world.usable(&id, scope, aim, &method, None).ok_or_else(nothing)?.id.clone();
        let form = world.policy.code;
        let sent = world.begin_message(&id, &method, &usable, form, now);
        if let Some(message) = sent.as_ref().and_then(|sent| self.shared.message(sent, now)) {
            world.inbox.put(message);
        }
        let proof = sent.as_ref().and_then(Challenge::code).map_or(Proof::Seen, Proof::Code);
        world.prove(&id, scope, aim, &method, proof, now).map_err(|_| nothing())?;
        drop(world);
        self.leave(&record)
    }

    /// Quits the challenge page and returns the URL that the browser is sent to: with a token, whose action is still
    /// what it was.
    ///
    /// # Errors
    ///
    /// When the URL isn't a challenge's, or the action has no `redirectUrl`.
    pub fn quit(&self, url: &str) -> Result<String, EmulatorError> {
        let (_, record) = self.visit(url)?;
        self.leave(&record)
    }

    /// Refuses for good, which makes the action `CHALLENGE_FAILED`, and returns the URL that the browser is sent to.
    ///
    /// # Errors
    ///
    /// [`EmulatorError::NothingToDo`] when the action isn't `CHALLENGE_REQUIRED`, and the others by their names.
    pub fn decline(&self, url: &str) -> Result<String, EmulatorError> {
        let (id, record) = self.visit(url)?;
        if !self.shared.world().decline(&id, self.shared.clock.now()) {
            return Err(EmulatorError::NothingToDo { state: record.state });
        }
        self.leave(&record)
    }

    fn visit(&self, url: &str) -> Result<(ActionId, RecordedAction), EmulatorError> {
        let url = Url::parse(url).map_err(|_| EmulatorError::NotAChallenge)?;
        let token = url.query_pairs().find(|(name, _)| name == "token").ok_or(EmulatorError::NotAChallenge)?.1;
        let record = self.shared.action_of(&token)?;
        Ok((ActionId::from(&record), record))
    }

    fn leave(&self, record: &RecordedAction) -> Result<String, EmulatorError> {
        let shared: &Shared = &self.shared;
        let token = shared.token(record);
        match &record.redirect_url {
            Some(url) => Ok(way_back(url, &token)),
            None => Err(EmulatorError::NoRedirectUrl { token: Token::new(token) }),
        }
    }
}
