//! What is asked on a phone: a push message, or a QR code to read. The answer is a button there, which in an emulator is
//! one of the panel's, of a test's, or of an app with the mobile SDK.
use std::time::Duration;

use uuid::Uuid;

use crate::client::{ActionCode, IdempotencyKey, UserId, VerificationMethod};
use crate::emulator::db::action::{ActionId, Scope};
use crate::emulator::db::challenge::{Challenge, Context, NewChallenge, Waiting};
use crate::emulator::db::claim::Unclaimable;
use crate::emulator::db::proof::{Aim, Attempt, Proof};
use crate::emulator::state::Shared;
use crate::emulator::verification::Fault;

const PUSH: VerificationMethod = VerificationMethod::Push;
const QR_CODE: VerificationMethod = VerificationMethod::QrCode;
/// How long an answer is waited for (an assumption). The browser SDK shows another QR code after nine minutes
/// (`rest-qr-handler.ts`).
const LIFE: Duration = Duration::from_secs(600);

/// Who answers on a phone, as far as the challenge doesn't say it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Answerer<'a> {
    pub(crate) user: Option<&'a UserId>,
    /// Which of the user's methods is in their hand. Otherwise the one that was asked, or that serves best.
    pub(crate) authenticator: Option<&'a str>,
}

impl Shared {
    /// Asks the user's phones by a push message, or only the one that is `wanted`.
    pub(crate) async fn push(&self, id: &ActionId, wanted: Option<&str>) -> Result<Challenge, Fault> {
        let new = {
            let world = self.world();
            let phone =
                world.usable(Attempt::new(id, Scope::default(), Aim::Prove, &PUSH), wanted).ok_or(Fault::NotAsked)?;
            let waiting = Waiting::Button { approved: None, device_code: None };
            let record = &world.actions.get(id).ok_or(Fault::NotAsked)?.record;
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
                ..NewChallenge::of(id, PUSH, waiting, LIFE)
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
            life: LIFE,
        };
        self.world().open(new, self.clock.now())
    }

    /// Has a user read a QR code, which makes its action theirs.
    pub(crate) fn read_qr_code(&self, challenge: &str, user: &UserId) -> Result<Challenge, Fault> {
        let now = self.clock.now();
        let mut world = self.world();
        let read = world.asked(challenge, now).filter(|asked| asked.method == QR_CODE).ok_or(Fault::NotAsked)?;
        if read.claimed_by.as_ref() != Some(user) {
            world.claim(challenge, user, false, now)?;
        }
        world.challenges.get(challenge).cloned().ok_or(Fault::NotAsked)
    }

    /// Presses "Approve", which proves the action.
    pub(crate) async fn approve(&self, challenge: &str, by: Answerer<'_>) -> Result<(), Fault> {
        let (id, method, phone) = {
            let now = self.clock.now();
            let mut world = self.world();
            let asked = world.asked(challenge, now).ok_or(Fault::NotAsked)?;
            let (method, pinned) = (asked.method.clone(), asked.authenticator.clone());
            let user = by.user.or(asked.user.as_ref()).ok_or(Fault::NotAsked)?.clone();
            if asked.user.as_ref().is_some_and(|of| *of != user) || !world.has(&user, &method) {
                return Err(Fault::NotAsked);
            }
            if method == QR_CODE && asked.claimed_by.is_none() {
                world.claim(challenge, &user, false, now)?;
            }
            let id = world.challenges.get(challenge).and_then(Challenge::action_id).ok_or(Fault::NotAsked)?;
            let wanted = by.authenticator.or(pinned.as_deref());
            let phone = world
                .usable(Attempt::new(&id, Scope::default(), Aim::Prove, &method), wanted)
                .ok_or(Fault::NotAsked)?;
            let phone = phone.id.clone();
            (id, method, phone)
        };
        let attempt = Attempt { id: &id, scope: Scope::default(), aim: Aim::Prove, method: &method };
        self.prove(attempt, Proof::By(&phone)).await.map(|_| ())
    }

    /// Presses "Decline", which refuses the action for good.
    pub(crate) fn refuse(&self, challenge: &str, by: Answerer<'_>) -> Result<(), Fault> {
        let now = self.clock.now();
        let mut world = self.world();
        let asked = world.asked(challenge, now).ok_or(Fault::NotAsked)?;
        if by.user.is_some() && asked.user.is_some() && by.user != asked.user.as_ref() {
            return Err(Fault::NotAsked);
        }
        let id = asked.action_id();
        if let Some(asked) = world.challenges.get_mut(challenge) {
            asked.answer(false);
        }
        if let Some(id) = id {
            world.decline(&id, now);
        }
        Ok(())
    }
}

impl From<Unclaimable> for Fault {
    fn from(_: Unclaimable) -> Self {
        Self::NotAsked
    }
}
