//! What a user does on the challenge page, without a browser.
use thiserror::Error;
use url::Url;

use crate::client::{ActionState, Token, VerificationMethod};
use crate::emulator::Emulator;
use crate::emulator::challenge_page::way_back;
use crate::emulator::credentials::tokens::TokenFault;
use crate::emulator::db::action::{ActionId, RecordedAction, Scope};
use crate::emulator::db::challenge::Challenge;
use crate::emulator::db::proof::Attempt;
use crate::emulator::db::proof::{Aim, Proof};
use crate::emulator::db::user::Kind;
use crate::emulator::lifecycle::Ask;
use crate::emulator::state::Shared;
use crate::emulator::verification::Fault;

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
    /// A webhook of the tenant's, which sends its messages, didn't take one.
    #[error("a webhook of the tenant's didn't take the message")]
    NotSent,
}

impl From<TokenFault> for EmulatorError {
    fn from(fault: TokenFault) -> Self {
        match fault {
            TokenFault::Invalid => Self::InvalidToken,
            TokenFault::Expired => Self::ExpiredToken,
        }
    }
}

/// Where somebody goes from the challenge page.
#[derive(Debug)]
pub(crate) struct Departure {
    /// The action's `redirectUrl`, with the token, if it has one.
    pub(crate) url: Option<String>,
    pub(crate) token: String,
}

impl Departure {
    fn into_url(self) -> Result<String, EmulatorError> {
        let Self { url, token } = self;
        url.ok_or_else(|| EmulatorError::NoRedirectUrl { token: Token::new(token) })
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
        self.shared.succeed(url)?.into_url()
    }

    /// Quits the challenge page and returns the URL that the browser is sent to: with a token, whose action is still
    /// what it was.
    ///
    /// # Errors
    ///
    /// When the URL isn't a challenge's, or the action has no `redirectUrl`.
    pub fn quit(&self, url: &str) -> Result<String, EmulatorError> {
        self.shared.quit(url)?.into_url()
    }

    /// Refuses for good, which makes the action `CHALLENGE_FAILED`, and returns the URL that the browser is sent to.
    ///
    /// # Errors
    ///
    /// [`EmulatorError::NothingToDo`] when the action isn't `CHALLENGE_REQUIRED`, and the others by their names.
    pub fn decline(&self, url: &str) -> Result<String, EmulatorError> {
        self.shared.decline(url)?.into_url()
    }
}

/// What a challenge URL leads to.
struct Visit {
    id: ActionId,
    record: RecordedAction,
    /// How its user would prove it; nothing is left to prove otherwise.
    proof: Option<(Aim, VerificationMethod)>,
}

impl Shared {
    /// Does it at once, without telling webhooks.
    fn succeed(&self, url: &str) -> Result<Departure, EmulatorError> {
        let Visit { id, record, proof } = self.visit_to_prove(url)?;
        let Some((aim, method)) = proof else { return Ok(self.leave(&record)) };
        let nothing = || EmulatorError::NothingToDo { state: record.state.clone() };
        let (scope, now) = (Scope::default(), self.clock.now());
        let attempt = Attempt::new(&id, scope, aim, &method);
        let mut world = self.world();
        let usable = world.usable(attempt, None).ok_or_else(nothing)?.id.clone();
        let form = world.policy.code;
        let sent = world.begin_message(&id, &method, &usable, form, now);
        if let Some(message) = sent.as_ref().and_then(|sent| self.message(sent, now)) {
            world.inbox.put(message);
        }
        let proof = sent.as_ref().and_then(Challenge::code).map_or(Proof::Seen, Proof::Code);
        world.prove(attempt, proof, now).map_err(|_| nothing())?;
        drop(world);
        Ok(self.leave(&record))
    }

    /// Does it as users do, and webhooks are asked and told. A message that its user may not be sent any more is not.
    pub(crate) async fn succeed_and_tell(&self, url: &str) -> Result<Departure, EmulatorError> {
        let Visit { id, record, proof } = self.visit_to_prove(url)?;
        let Some((aim, method)) = proof else { return Ok(self.leave(&record)) };
        let attempt = Attempt { id: &id, scope: Scope::default(), aim, method: &method };
        let is_sent = self.world().policy.code.waiting(&method).is_some();
        let sent = match self.send(attempt, None).await {
            Err(_) if !is_sent => None,
            Err(Fault::TooManyMessages(_)) => self.begin(attempt),
            sent => Some(sent.map_err(|fault| not_done(&fault, &record))?),
        };
        let proof = sent.as_ref().and_then(Challenge::code).map_or(Proof::Seen, Proof::Code);
        self.prove(attempt, proof).await.map_err(|fault| not_done(&fault, &record))?;
        Ok(self.leave(&record))
    }

    fn begin(&self, attempt: Attempt<'_>) -> Option<Challenge> {
        let Attempt { id, method, .. } = attempt;
        let mut world = self.world();
        let usable = world.usable(attempt, None)?.id.clone();
        let form = world.policy.code;
        world.begin_message(id, method, &usable, form, self.clock.now())
    }

    /// Opens the page to prove what it asks for. A user with nothing enrolled begins with an address.
    fn visit_to_prove(&self, url: &str) -> Result<Visit, EmulatorError> {
        let (id, record) = self.visit(url)?;
        let mut world = self.world();
        let proof = match world.ask(&id) {
            Some(Ask::Nothing) if record.state == ActionState::ChallengeSucceeded => None,
            Some(Ask::Proof) => world.provable(&id).into_iter().next().map(|method| (Aim::Prove, method)),
            Some(Ask::Enrolment) => {
                let user = world.user_mut(id.user.as_str(), self.clock.now());
                let email = user.email.clone().unwrap_or_else(|| "user@example.com".to_owned());
                user.begin(Kind::EmailOtp(email), self.clock.now());
                Some((Aim::Enrol, VerificationMethod::EmailOtp))
            }
            _ => return Err(EmulatorError::NothingToDo { state: record.state }),
        };
        if proof.is_none() && record.state != ActionState::ChallengeSucceeded {
            return Err(EmulatorError::NothingToDo { state: record.state });
        }
        drop(world);
        Ok(Visit { id, record, proof })
    }

    pub(crate) fn quit(&self, url: &str) -> Result<Departure, EmulatorError> {
        let (_, record) = self.visit(url)?;
        Ok(self.leave(&record))
    }

    pub(crate) fn decline(&self, url: &str) -> Result<Departure, EmulatorError> {
        let (id, record) = self.visit(url)?;
        if !self.world().decline(&id, self.clock.now()) {
            return Err(EmulatorError::NothingToDo { state: record.state });
        }
        Ok(self.leave(&record))
    }

    fn visit(&self, url: &str) -> Result<(ActionId, RecordedAction), EmulatorError> {
        let url = Url::parse(url).map_err(|_| EmulatorError::NotAChallenge)?;
        let token = url.query_pairs().find(|(name, _)| name == "token").ok_or(EmulatorError::NotAChallenge)?.1;
        let record = self.action_of(&token)?;
        Ok((ActionId::from(&record), record))
    }

    fn leave(&self, record: &RecordedAction) -> Departure {
        let token = self.token(record);
        Departure { url: record.redirect_url.as_deref().map(|url| way_back(url, &token)), token }
    }
}

fn not_done(fault: &Fault, record: &RecordedAction) -> EmulatorError {
    match fault {
        Fault::NotSent => EmulatorError::NotSent,
        Fault::Vetoed => EmulatorError::Vetoed,
        _ => EmulatorError::NothingToDo { state: record.state.clone() },
    }
}
