//! What a user does on the challenge page, without a browser.
use url::Url;

use crate::client::{ActionState, VerificationMethod};
use crate::emulator::credentials::tokens::TokenFault;
use crate::emulator::db::action::{ActionId, RecordedAction, Scope};
use crate::emulator::db::challenge::Challenge;
use crate::emulator::db::proof::{Aim, Attempt, Proof};
use crate::emulator::db::user::Kind;
use crate::emulator::error::EmulatorError;
use crate::emulator::http::redirect::way_back;
use crate::emulator::lifecycle::Ask;
use crate::emulator::state::Shared;
use crate::emulator::verification::Fault;

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

/// What a challenge URL leads to.
struct Visit {
    id: ActionId,
    record: RecordedAction,
    /// How its user would prove it; nothing is left to prove otherwise.
    proof: Option<(Aim, VerificationMethod)>,
}

impl Shared {
    /// Does it at once, without telling webhooks.
    pub(crate) fn succeed(&self, url: &str) -> Result<Departure, EmulatorError> {
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
