//! What is asked on a phone: a push message, or a QR code to read. The answer is a button there, which in an emulator is
//! one of the panel's, of a test's, or of an app with the mobile SDK.
use std::time::Duration;

use authsignal_client::{ActionCode, IdempotencyKey, UserId, VerificationMethod};
use uuid::Uuid;

use crate::db::action::{ActionId, Scope};
use crate::db::challenge::{Challenge, Context, NewChallenge, Waiting};
use crate::db::claim::Unclaimable;
use crate::db::proof::{Aim, Attempt, Proof};
use crate::state::AppState;
use crate::verification::VerificationError;

const PUSH: VerificationMethod = VerificationMethod::Push;
const QR_CODE: VerificationMethod = VerificationMethod::QrCode;
/// How long an answer is waited for (an assumption). The browser SDK shows another QR code after nine minutes
/// (`rest-qr-handler.ts`).
const ANSWER_TTL: Duration = Duration::from_secs(600);

/// Who answers on a phone, as far as the challenge doesn't say it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PhoneUser<'a> {
    pub(crate) user: Option<&'a UserId>,
    /// Which of the user's methods is in their hand. Otherwise the one that was asked, or that serves best.
    pub(crate) authenticator: Option<&'a str>,
}

impl AppState {
    /// Asks the user's phones by a push message, or only the one that is `wanted`.
    pub(crate) async fn push(&self, id: &ActionId, wanted: Option<&str>) -> Result<Challenge, VerificationError> {
        let new = {
            let db = self.db();
            let phone = db
                .usable(Attempt::new(id, Scope::default(), Aim::Prove, &PUSH), wanted)
                .ok_or(VerificationError::NotAsked)?;
            let waiting = Waiting::Button { approved: None, device_code: None };
            let record = &db.actions.get(id).ok_or(VerificationError::NotAsked)?.record;
            NewChallenge {
                authenticator: wanted.map(str::to_owned),
                to: phone.kind.phone().map(|phone| phone.name.clone()),
                context: Context {
                    device_id: record.device_id.clone(),
                    ip_address: record.ip_address.clone(),
                    user_agent: record.user_agent.clone(),
                    custom: record.custom.clone(),
                    ..Context::default()
                },
                ..NewChallenge::of(id, PUSH, waiting, ANSWER_TTL)
            }
        };
        self.send_new(new).await
    }

    /// Begins a QR code for an action, whose user is known or is whoever reads it.
    pub(crate) fn show_qr_code(
        &self,
        user: Option<&UserId>,
        action: &ActionCode,
        key: Option<&IdempotencyKey>,
        context: Context,
    ) -> Challenge {
        let device_code = Some(Uuid::new_v4().simple().to_string());
        let new = NewChallenge {
            method: QR_CODE,
            user: user.cloned(),
            action: Some(action.clone()),
            key: Some(key.cloned().unwrap_or_else(IdempotencyKey::random)),
            authenticator: None,
            to: None,
            sms_channel: None,
            waiting: Waiting::Button { approved: None, device_code },
            context,
            ttl: ANSWER_TTL,
        };
        self.db().open(new, self.clock.now())
    }

    /// Has a user read a QR code, which makes its action theirs.
    pub(crate) fn read_qr_code(&self, challenge: &str, user: &UserId) -> Result<Challenge, VerificationError> {
        let now = self.clock.now();
        let mut db = self.db();
        let read =
            db.asked(challenge, now).filter(|asked| asked.method == QR_CODE).ok_or(VerificationError::NotAsked)?;
        if read.claimed_by.as_ref() != Some(user) {
            db.claim(challenge, user, false, now)?;
        }
        db.challenges.get(challenge).cloned().ok_or(VerificationError::NotAsked)
    }

    /// Presses "Approve", which proves the action.
    pub(crate) async fn approve(&self, challenge: &str, by: PhoneUser<'_>) -> Result<(), VerificationError> {
        let (id, method, phone) = {
            let now = self.clock.now();
            let mut db = self.db();
            let asked = db.asked(challenge, now).ok_or(VerificationError::NotAsked)?;
            let (method, pinned) = (asked.method.clone(), asked.authenticator.clone());
            let user = by.user.or(asked.user.as_ref()).ok_or(VerificationError::NotAsked)?.clone();
            if asked.user.as_ref().is_some_and(|of| *of != user) || !db.has(&user, &method) {
                return Err(VerificationError::NotAsked);
            }
            if method == QR_CODE && asked.claimed_by.is_none() {
                db.claim(challenge, &user, false, now)?;
            }
            let id = db.challenges.get(challenge).and_then(Challenge::action_id).ok_or(VerificationError::NotAsked)?;
            let wanted = by.authenticator.or(pinned.as_deref());
            let phone = db
                .usable(Attempt::new(&id, Scope::default(), Aim::Prove, &method), wanted)
                .ok_or(VerificationError::NotAsked)?;
            let phone = phone.id.clone();
            (id, method, phone)
        };
        let attempt = Attempt { id: &id, scope: Scope::default(), aim: Aim::Prove, method: &method };
        self.prove(attempt, Proof::By(&phone)).await.map(|_| ())
    }

    /// Presses "Decline", which refuses the action for good.
    pub(crate) fn refuse(&self, challenge: &str, by: PhoneUser<'_>) -> Result<(), VerificationError> {
        let now = self.clock.now();
        let mut db = self.db();
        let asked = db.asked(challenge, now).ok_or(VerificationError::NotAsked)?;
        if by.user.is_some() && asked.user.is_some() && by.user != asked.user.as_ref() {
            return Err(VerificationError::NotAsked);
        }
        let id = asked.action_id();
        if let Some(asked) = db.challenges.get_mut(challenge) {
            asked.answer(false);
        }
        if let Some(id) = id {
            db.decline(&id, now);
        }
        Ok(())
    }
}

impl From<Unclaimable> for VerificationError {
    fn from(_: Unclaimable) -> Self {
        Self::NotAsked
    }
}
