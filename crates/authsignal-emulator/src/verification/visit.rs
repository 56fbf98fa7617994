//! What a user does on the challenge page, without a browser.
use authsignal_client::{ActionState, VerificationMethod};
use url::Url;

use crate::credentials::tokens::TokenError;
use crate::db::action::{ActionId, RecordedAction, Scope};
use crate::db::challenge::Challenge;
use crate::db::proof::{Aim, Attempt, Proof};
use crate::db::user::AuthenticatorKind;
use crate::error::EmulatorError;
use crate::http::redirect::way_back;
use crate::lifecycle::Ask;
use crate::state::AppState;
use crate::verification::VerificationError;

impl From<TokenError> for EmulatorError {
    fn from(fault: TokenError) -> Self {
        match fault {
            TokenError::Invalid => Self::InvalidToken,
            TokenError::Expired => Self::ExpiredToken,
        }
    }
}

/// Where somebody goes from the challenge page.
#[derive(Debug)]
pub(crate) struct Redirect {
    /// The action's `redirectUrl`, with the token, if it has one.
    pub(crate) url: Option<String>,
    pub(crate) token: String,
}

/// What a challenge URL leads to.
struct OpenChallenge {
    id: ActionId,
    record: RecordedAction,
    /// How its user would prove it; nothing is left to prove otherwise.
    proof: Option<(Aim, VerificationMethod)>,
}

impl AppState {
    /// Does it at once, without telling webhooks.
    pub(crate) fn succeed(&self, url: &str, by: Option<&VerificationMethod>) -> Result<Redirect, EmulatorError> {
        let OpenChallenge { id, record, proof } = self.visit_to_prove(url, by)?;
        let Some((aim, method)) = proof else { return Ok(self.leave(&record)) };
        let nothing = || EmulatorError::NothingToDo { state: record.state.clone() };
        let (scope, now) = (Scope::default(), self.clock.now());
        let attempt = Attempt::new(&id, scope, aim, &method);
        let mut db = self.db();
        let usable = db.usable(attempt, None).ok_or_else(nothing)?.id.clone();
        let form = db.policy.code;
        let sent = db.begin_message(&id, &method, &usable, form, now);
        if let Some(message) = sent.as_ref().and_then(|sent| self.message(sent, now)) {
            db.inbox.put(message);
        }
        let proof = sent.as_ref().and_then(Challenge::code).map_or(Proof::RequestLog, Proof::Code);
        db.prove(attempt, proof, now).map_err(|_| nothing())?;
        drop(db);
        Ok(self.leave(&record))
    }

    /// Does it as users do, and webhooks are asked and told. A message that its user may not be sent any more is not.
    pub(crate) async fn succeed_and_tell(&self, url: &str) -> Result<Redirect, EmulatorError> {
        let OpenChallenge { id, record, proof } = self.visit_to_prove(url, None)?;
        let Some((aim, method)) = proof else { return Ok(self.leave(&record)) };
        let attempt = Attempt { id: &id, scope: Scope::default(), aim, method: &method };
        let is_sent = self.db().policy.code.waiting(&method).is_some();
        let sent = match self.send(attempt, None).await {
            Err(_) if !is_sent => None,
            Err(VerificationError::TooManyMessages(_)) => self.begin(attempt),
            sent => Some(sent.map_err(|fault| not_done(&fault, &record))?),
        };
        let proof = sent.as_ref().and_then(Challenge::code).map_or(Proof::RequestLog, Proof::Code);
        self.prove(attempt, proof).await.map_err(|fault| not_done(&fault, &record))?;
        Ok(self.leave(&record))
    }

    fn begin(&self, attempt: Attempt<'_>) -> Option<Challenge> {
        let Attempt { id, method, .. } = attempt;
        let mut db = self.db();
        let usable = db.usable(attempt, None)?.id.clone();
        let form = db.policy.code;
        db.begin_message(id, method, &usable, form, self.clock.now())
    }

    /// Opens the page to prove what it asks for, by this method or else by the first that it offers. A user with nothing enrolled begins with an address.
    fn visit_to_prove(&self, url: &str, by: Option<&VerificationMethod>) -> Result<OpenChallenge, EmulatorError> {
        let (id, record) = self.visit(url)?;
        let mut db = self.db();
        let proof = match db.ask(&id) {
            Some(Ask::Nothing) if record.state == ActionState::ChallengeSucceeded => None,
            Some(Ask::Proof) => {
                let mut offered = db.provable(&id).into_iter();
                let method = offered.find(|method| by.is_none_or(|by| by == method));
                method.map(|method| (Aim::Prove, method))
            }
            Some(Ask::Enrolment) => {
                let user = db.user_mut(id.user.as_str(), self.clock.now());
                let email = user.email.clone().unwrap_or_else(|| "user@example.com".to_owned());
                user.begin(AuthenticatorKind::EmailOtp(email), self.clock.now());
                Some((Aim::Enrol, VerificationMethod::EmailOtp))
            }
            _ => return Err(EmulatorError::NothingToDo { state: record.state }),
        };
        if proof.is_none() && record.state != ActionState::ChallengeSucceeded {
            return Err(EmulatorError::NothingToDo { state: record.state });
        }
        drop(db);
        Ok(OpenChallenge { id, record, proof })
    }

    pub(crate) fn quit(&self, url: &str) -> Result<Redirect, EmulatorError> {
        let (_, record) = self.visit(url)?;
        Ok(self.leave(&record))
    }

    pub(crate) fn decline(&self, url: &str) -> Result<Redirect, EmulatorError> {
        let (id, record) = self.visit(url)?;
        if !self.db().decline(&id, self.clock.now()) {
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

    fn leave(&self, record: &RecordedAction) -> Redirect {
        let token = self.token(record);
        Redirect { url: record.redirect_url.as_deref().map(|url| way_back(url, &token)), token }
    }
}

fn not_done(fault: &VerificationError, record: &RecordedAction) -> EmulatorError {
    match fault {
        VerificationError::NotSent => EmulatorError::NotSent,
        VerificationError::Vetoed => EmulatorError::Vetoed,
        _ => EmulatorError::NothingToDo { state: record.state.clone() },
    }
}
