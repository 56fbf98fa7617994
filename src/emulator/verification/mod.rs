//! What users do, whichever door they come through: the page, the Client API, the Server API, a test.
pub(crate) mod enrol;
pub(crate) mod magic_link;
pub(crate) mod phones;
pub(crate) mod visit;
pub(crate) mod webauthn;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use authsignal_client::webhook::ChallengeLogType;

use crate::client::{SmsChannel, UserId, VerificationMethod};
use crate::emulator::db::World;
use crate::emulator::db::action::{ActionId, RecordedAction};
use crate::emulator::db::challenge::{Challenge, NewChallenge, Waiting};
use crate::emulator::db::claim::{Claimed, Unclaimable};
use crate::emulator::db::inbox::{Channel, Message};
use crate::emulator::db::limits::Deed;
use crate::emulator::db::proof::{Attempt, Proof, Proved, Verdict};
use crate::emulator::db::user::Authenticator;
use crate::emulator::error::EmulatorError;
use crate::emulator::state::Shared;
use crate::emulator::webhooks::event::{HookEvent, Occasion};

/// Why something that a user wanted was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The action doesn't ask for this, or the user has no such method.
    NotAsked,
    /// A wrong code, or one that has expired.
    Wrong,
    /// Too many wrong codes.
    TooManyGuesses,
    /// Too many messages; the next one may be sent after so long.
    TooManyMessages(Duration),
    /// The tenant's webhook, which sends its messages, didn't take this one.
    NotSent,
    /// The tenant's webhook said no to a proof that was right.
    Vetoed,
}

impl From<Verdict> for Fault {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Wrong => Self::Wrong,
            Verdict::TooMany => Self::TooManyGuesses,
            Verdict::NotAsked | Verdict::Right => Self::NotAsked,
        }
    }
}

impl Shared {
    /// Sends a message to the user's method (`wanted`, or the one that serves best). The one before is void.
    pub(crate) async fn send(&self, attempt: Attempt<'_>, wanted: Option<&str>) -> Result<Challenge, Fault> {
        self.send_by(attempt, wanted, SmsChannel::Default).await
    }

    /// The same, with a text message by `channel`.
    pub(crate) async fn send_by(
        &self,
        attempt: Attempt<'_>,
        wanted: Option<&str>,
        channel: SmsChannel,
    ) -> Result<Challenge, Fault> {
        let now = self.clock.now();
        let challenge = {
            let mut world = self.world();
            let Attempt { id, method, .. } = attempt;
            let usable = world.usable(attempt, wanted).ok_or(Fault::NotAsked)?.id.clone();
            world.may_send(method, id.user.as_str(), now)?;
            let form = world.policy.code;
            let mut challenge = world.begin_message(id, method, &usable, form, now).ok_or(Fault::NotAsked)?;
            if *method == VerificationMethod::Sms {
                challenge.sms_channel = Some(channel);
                world.challenges.insert(challenge.clone());
            }
            challenge
        };
        self.deliver(&challenge, now).await?;
        Ok(challenge)
    }

    /// Sends the message of a challenge that was begun for nobody in particular, or for an address.
    pub(crate) async fn send_new(&self, new: NewChallenge) -> Result<Challenge, Fault> {
        let now = self.clock.now();
        let challenge = {
            let mut world = self.world();
            let who = new.user.as_ref().map(AsRef::as_ref).or(new.to.as_deref()).unwrap_or_default().to_owned();
            world.may_send(&new.method, &who, now)?;
            world.open(new, now)
        };
        self.deliver(&challenge, now).await?;
        Ok(challenge)
    }

    /// Puts the message of a challenge into the inbox, once whoever has to be asked agrees.
    async fn deliver(&self, challenge: &Challenge, now: SystemTime) -> Result<(), Fault> {
        let Some(message) = self.message(challenge, now) else { return Ok(()) };
        let about = self.occasion(challenge);
        let asked = match (&challenge.method, &message.code, &message.link) {
            (VerificationMethod::EmailOtp, Some(code), _) => Some(HookEvent::email_code(&about, &message.to, code)),
            (VerificationMethod::EmailMagicLink, _, Some(link)) => {
                Some(HookEvent::email_link(&about, &message.to, link))
            }
            (VerificationMethod::Sms | VerificationMethod::Whatsapp, Some(code), _) => {
                let event = HookEvent::sms(&about, &message.to, code);
                Some(event.with("verificationMethod", challenge.method.as_str()))
            }
            (VerificationMethod::Push, ..) => Some(HookEvent::push(&about, &challenge.id)),
            _ => None,
        };
        self.world().limits.count(Deed::Send, &challenge.method, challenge.counted_as(), now);
        if let Some(event) = asked
            && self.hooks.ask(event).await.is_err()
        {
            self.world().void(&challenge.id);
            self.note(&about, &challenge.method, Noted::NotSent);
            return Err(Fault::NotSent);
        }
        self.world().inbox.put(message);
        self.world().note_channel(challenge);
        self.note(&about, &challenge.method, Noted::Sent);
        Ok(())
    }

    /// What a webhook is told about a challenge: of its action, where that was tracked.
    fn occasion(&self, challenge: &Challenge) -> Occasion {
        let id = challenge.action_id();
        match id.and_then(|id| self.world().actions.get(&id).map(|action| Occasion::from(&action.record))) {
            Some(about) => about,
            None => challenge.into(),
        }
    }

    /// Writes something down in the log of challenges.
    fn note(&self, about: &Occasion, method: &VerificationMethod, noted: Noted) {
        let Some(kind) = noted.of(method) else { return };
        let event = HookEvent::challenge_log(about, &kind, self.clock.now());
        self.hooks.log(event.with("verificationMethod", method.as_str()));
    }

    /// The message of a challenge, if its method has one.
    pub(crate) fn message(&self, challenge: &Challenge, now: SystemTime) -> Option<Message> {
        Some(Message {
            channel: channel(challenge)?,
            to: challenge.to.clone().unwrap_or_default(),
            user_id: challenge.user.clone(),
            challenge_id: challenge.id.clone(),
            action: challenge.action.clone(),
            code: challenge.code().map(str::to_owned),
            link: match &challenge.waiting {
                Waiting::Link { secret, .. } => Some(self.magic_link(&challenge.id, secret)),
                _ => None,
            },
            at: now,
        })
    }

    /// Takes a proof, and does what follows from one that is right.
    pub(crate) async fn prove(&self, attempt: Attempt<'_>, proof: Proof<'_>) -> Result<Proved, Fault> {
        let Attempt { id, method, .. } = attempt;
        let now = self.clock.now();
        let (verdict, record, proves) = {
            let mut world = self.world();
            let verdict = world.check(attempt, proof, now);
            let record = world.actions.get(id).map(|action| action.record.clone()).ok_or(Fault::NotAsked)?;
            (verdict, record, world.would_succeed(attempt, proof, now))
        };
        let about = Occasion::from(&record);
        if verdict != Verdict::Right {
            self.note(&about, method, if verdict == Verdict::TooMany { Noted::TooMany } else { Noted::Wrong });
            return Err(verdict.into());
        }
        if let Some(authenticator) = proves {
            let event = HookEvent::action_verify(&about, method, authenticator.as_deref(), now);
            self.hooks.ask(event).await.map_err(|_| Fault::Vetoed)?;
        }
        let proved = self.world().prove(attempt, proof, now)?;
        self.note(&about, method, Noted::Right);
        self.tell_enrolled(&id.user, proved.enrolled.as_ref());
        Ok(proved)
    }

    /// Logs an attempt, as it stands when the log is sent.
    pub(crate) fn log_action(self: &Arc<Self>, id: &ActionId) {
        let (shared, id) = (Arc::downgrade(self), id.clone());
        self.hooks.log_later(move || {
            let shared = shared.upgrade()?;
            let world = shared.world();
            let record = &world.actions.get(&id)?.record;
            Some(HookEvent::action_log(record, world.users.get(id.user.as_str())))
        });
    }

    /// Sends the next code of a pending challenge; the one before is void.
    pub(crate) async fn send_again(&self, challenge: &str) -> Result<Challenge, Fault> {
        let now = self.clock.now();
        let again = {
            let mut world = self.world();
            let form = world.policy.code;
            let known = world.challenges.get(challenge).filter(|known| known.is_open(now)).ok_or(Fault::NotAsked)?;
            let waiting = form.waiting(&known.method).ok_or(Fault::NotAsked)?;
            world.may_send(&known.method, known.counted_as(), now)?;
            let known = world.challenges.get_mut(challenge).ok_or(Fault::NotAsked)?;
            known.waiting = waiting;
            known.guesses = 0;
            known.expires_at = now.checked_add(form.life).unwrap_or(now);
            known.clone()
        };
        self.deliver(&again, now).await?;
        Ok(again)
    }

    /// Looks at a code for a challenge of the Server API, and proves the action of one that is claimed already.
    pub(crate) async fn verify_challenge(&self, challenge: &str, code: &str) -> Verdict {
        let now = self.clock.now();
        let verdict = self.world().verify_challenge(challenge, code, now);
        if let Some(known) = self.world().challenges.get(challenge).cloned() {
            let noted = match verdict {
                Verdict::Right => Noted::Right,
                Verdict::TooMany => Noted::TooMany,
                Verdict::Wrong | Verdict::NotAsked => Noted::Wrong,
            };
            self.note(&Occasion::from(&known), &known.method, noted);
        }
        if verdict == Verdict::Right {
            let claimed_by = self.world().challenges.get(challenge).and_then(|known| known.claimed_by.clone());
            if let Some(user) = claimed_by
                && self.is_agreed_to(challenge, None).await
            {
                let enrolled = self.world().settle(challenge, now);
                self.tell_enrolled(&user, enrolled.as_ref());
            }
        }
        verdict
    }

    /// Gives a challenge to a user, with an action of its own.
    pub(crate) async fn claim(
        &self,
        challenge: &str,
        user: &UserId,
        needs_proof: bool,
    ) -> Result<Claimed, Unclaimable> {
        let now = self.clock.now();
        let verified = self.world().claimable(challenge, user, needs_proof, now)?.verified_at.is_some();
        if verified && !self.is_agreed_to(challenge, Some(user)).await {
            return Err(Unclaimable::Vetoed);
        }
        let claimed = self.world().claim(challenge, user, needs_proof, now)?;
        self.tell_enrolled(user, claimed.enrolled.as_ref());
        Ok(claimed)
    }

    /// Asks whoever wants to be asked before the action of a challenge succeeds.
    async fn is_agreed_to(&self, challenge: &str, user: Option<&UserId>) -> bool {
        let Some(known) = self.world().challenges.get(challenge).cloned() else { return false };
        let mut about = Occasion::from(&known);
        about.user_id = user.map(ToString::to_string).or(about.user_id);
        let event = HookEvent::action_verify(&about, &known.method, None, self.clock.now());
        self.hooks.ask(event).await.is_ok()
    }

    fn tell_enrolled(&self, user: &UserId, enrolled: Option<&Authenticator>) {
        if let Some(method) = enrolled {
            self.hooks.tell(&HookEvent::authenticator_created(user.as_str(), method));
        }
    }

    /// Gives a challenge to the user of an action that was tracked with it.
    pub(crate) async fn claim_for(&self, challenge: &str, id: &ActionId) -> Result<RecordedAction, Unclaimable> {
        let now = self.clock.now();
        let verified = self.world().claimable(challenge, &id.user, false, now)?.verified_at.is_some();
        let agreed = verified && self.is_agreed_to(challenge, Some(&id.user)).await;
        let enrolled = {
            let mut world = self.world();
            world.claimable(challenge, &id.user, false, now)?;
            world.bind(challenge, id);
            if agreed { world.settle(challenge, now) } else { None }
        };
        self.tell_enrolled(&id.user, enrolled.as_ref());
        self.world().actions.get(id).map(|action| action.record.clone()).ok_or(Unclaimable::Unknown)
    }

    /// The link in the mail of a magic link.
    pub(crate) fn magic_link(&self, challenge: &str, secret: &str) -> String {
        format!("{}/api/verify-magic-link?token={challenge}.{secret}", self.origin)
    }
}

/// What happened to a challenge, for its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Noted {
    Sent,
    NotSent,
    Right,
    Wrong,
    TooMany,
}

impl Noted {
    /// Its name in the log, where the method has one (docs, "Log events").
    fn of(self, method: &VerificationMethod) -> Option<ChallengeLogType> {
        let (method, code) = match method {
            VerificationMethod::EmailOtp => ("EMAIL_OTP", ""),
            VerificationMethod::EmailMagicLink => ("EMAIL_MAGIC_LINK", ""),
            VerificationMethod::Sms => ("SMS", "CODE_"),
            VerificationMethod::Whatsapp => ("WHATSAPP", "CODE_"),
            _ => return None,
        };
        let what = match self {
            Self::Sent => "SENT".to_owned(),
            Self::NotSent => "SEND_DOWNSTREAM_FAILED".to_owned(),
            Self::Right => "CODE_VALID".to_owned(),
            Self::Wrong => format!("{code}INVALID_OR_EXPIRED"),
            Self::TooMany => "MAX_ATTEMPTS_EXCEEDED".to_owned(),
        };
        // A link has no code, and no number of attempts.
        match ChallengeLogType::from(format!("{method}_{what}").as_str()) {
            ChallengeLogType::Unknown(_) => None,
            known => Some(known),
        }
    }
}

impl World {
    /// Writes down how the last text message went.
    fn note_channel(&mut self, challenge: &Challenge) {
        let (Some(user), Some(method)) = (&challenge.user, &challenge.authenticator) else { return };
        let method = self.users.get_mut(user.as_str()).and_then(|user| user.authenticator_mut(method));
        if let (Some(method), Some(channel)) = (method, &challenge.sms_channel) {
            method.previous_sms_channel = Some(channel.clone());
        }
    }

    fn may_send(&self, method: &VerificationMethod, who: &str, now: SystemTime) -> Result<(), Fault> {
        match self.limits.wait(Deed::Send, method, who, now) {
            Some(wait) => Err(Fault::TooManyMessages(wait)),
            None => Ok(()),
        }
    }
}

/// How the message of a challenge travels, if it has one.
fn channel(challenge: &Challenge) -> Option<Channel> {
    match challenge.method {
        VerificationMethod::Sms if challenge.sms_channel == Some(SmsChannel::Whatsapp) => Some(Channel::Whatsapp),
        VerificationMethod::EmailOtp | VerificationMethod::EmailMagicLink => Some(Channel::Email),
        VerificationMethod::Sms => Some(Channel::Sms),
        VerificationMethod::Whatsapp => Some(Channel::Whatsapp),
        VerificationMethod::Push => Some(Channel::Push),
        _ => None,
    }
}

impl From<Fault> for EmulatorError {
    fn from(fault: Fault) -> Self {
        if fault == Fault::Vetoed { Self::Vetoed } else { Self::UnknownChallenge }
    }
}
