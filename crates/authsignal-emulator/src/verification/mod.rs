//! What users do, whichever door they come through: the page, the Client API, the Server API, a test.
pub(crate) mod enrol;
pub(crate) mod magic_link;
pub(crate) mod phones;
pub(crate) mod visit;
pub(crate) mod webauthn;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use authsignal_client::webhook::ChallengeLogType;
use authsignal_client::{SmsChannel, UserId, VerificationMethod};

use crate::db::Db;
use crate::db::action::{ActionId, RecordedAction};
use crate::db::challenge::{Challenge, NewChallenge, Waiting};
use crate::db::claim::{Claimed, Unclaimable};
use crate::db::inbox::{Channel, Message};
use crate::db::limits::Counted;
use crate::db::proof::{Attempt, Proof, Proved, Verdict};
use crate::db::user::Authenticator;
use crate::error::EmulatorError;
use crate::state::AppState;
use crate::webhooks::event::{EventSubject, WebhookEvent};

/// Why something that a user wanted was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum VerificationError {
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

impl From<Verdict> for VerificationError {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Wrong => Self::Wrong,
            Verdict::TooMany => Self::TooManyGuesses,
            Verdict::NotAsked | Verdict::Right => Self::NotAsked,
        }
    }
}

impl AppState {
    /// Sends a message to the user's method (`wanted`, or the one that serves best). The one before is void.
    pub(crate) async fn send(
        &self,
        attempt: Attempt<'_>,
        wanted: Option<&str>,
    ) -> Result<Challenge, VerificationError> {
        self.send_by(attempt, wanted, SmsChannel::Default).await
    }

    /// The same, with a text message by `channel`.
    pub(crate) async fn send_by(
        &self,
        attempt: Attempt<'_>,
        wanted: Option<&str>,
        channel: SmsChannel,
    ) -> Result<Challenge, VerificationError> {
        let now = self.clock.now();
        let challenge = {
            let mut db = self.db();
            let Attempt { id, method, .. } = attempt;
            let usable = db.usable(attempt, wanted).ok_or(VerificationError::NotAsked)?.id.clone();
            db.may_send(method, id.user.as_str(), now)?;
            let form = db.policy.code;
            let mut challenge = db.begin_message(id, method, &usable, form, now).ok_or(VerificationError::NotAsked)?;
            if *method == VerificationMethod::Sms {
                challenge.sms_channel = Some(channel);
                db.challenges.insert(challenge.clone());
            }
            challenge
        };
        self.deliver(&challenge, now).await?;
        Ok(challenge)
    }

    /// Sends the message of a challenge that was begun for nobody in particular, or for an address.
    pub(crate) async fn send_new(&self, new: NewChallenge) -> Result<Challenge, VerificationError> {
        let now = self.clock.now();
        let challenge = {
            let mut db = self.db();
            let who = new.user.as_ref().map(AsRef::as_ref).or(new.to.as_deref()).unwrap_or_default().to_owned();
            db.may_send(&new.method, &who, now)?;
            db.open(new, now)
        };
        self.deliver(&challenge, now).await?;
        Ok(challenge)
    }

    /// Puts the message of a challenge into the inbox, once whoever has to be asked agrees.
    async fn deliver(&self, challenge: &Challenge, now: SystemTime) -> Result<(), VerificationError> {
        let Some(message) = self.message(challenge, now) else { return Ok(()) };
        let about = self.subject(challenge);
        let asked = match (&challenge.method, &message.code, &message.link) {
            (VerificationMethod::EmailOtp, Some(code), _) => Some(WebhookEvent::email_code(&about, &message.to, code)),
            (VerificationMethod::EmailMagicLink, _, Some(link)) => {
                Some(WebhookEvent::email_link(&about, &message.to, link))
            }
            (VerificationMethod::Sms | VerificationMethod::Whatsapp, Some(code), _) => {
                let event = WebhookEvent::sms(&about, &message.to, code);
                Some(event.with("verificationMethod", challenge.method.as_str()))
            }
            (VerificationMethod::Push, ..) => Some(WebhookEvent::push(&about, &challenge.id)),
            _ => None,
        };
        self.db().limits.count(Counted::Send, &challenge.method, challenge.counted_as(), now);
        if let Some(event) = asked
            && self.webhooks.ask(event).await.is_err()
        {
            self.db().void(&challenge.id);
            self.note(&about, &challenge.method, ChallengeLogEntry::NotSent);
            return Err(VerificationError::NotSent);
        }
        self.db().inbox.put(message);
        self.db().note_channel(challenge);
        self.note(&about, &challenge.method, ChallengeLogEntry::Sent);
        Ok(())
    }

    /// What a webhook is told about a challenge: of its action, where that was tracked.
    fn subject(&self, challenge: &Challenge) -> EventSubject {
        let id = challenge.action_id();
        match id.and_then(|id| self.db().actions.get(&id).map(|action| EventSubject::from(&action.record))) {
            Some(about) => about,
            None => challenge.into(),
        }
    }

    /// Writes something down in the log of challenges.
    fn note(&self, about: &EventSubject, method: &VerificationMethod, entry: ChallengeLogEntry) {
        let Some(kind) = entry.of(method) else { return };
        let event = WebhookEvent::challenge_log(about, &kind, self.clock.now());
        self.webhooks.log(event.with("verificationMethod", method.as_str()));
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
    pub(crate) async fn prove(&self, attempt: Attempt<'_>, proof: Proof<'_>) -> Result<Proved, VerificationError> {
        let Attempt { id, method, .. } = attempt;
        let now = self.clock.now();
        let (verdict, record, proves) = {
            let mut db = self.db();
            let verdict = db.check(attempt, proof, now);
            let record = db.actions.get(id).map(|action| action.record.clone()).ok_or(VerificationError::NotAsked)?;
            (verdict, record, db.would_succeed(attempt, proof, now))
        };
        let about = EventSubject::from(&record);
        if verdict != Verdict::Right {
            self.note(
                &about,
                method,
                if verdict == Verdict::TooMany { ChallengeLogEntry::TooMany } else { ChallengeLogEntry::Wrong },
            );
            return Err(verdict.into());
        }
        if let Some(authenticator) = proves {
            let event = WebhookEvent::action_verify(&about, method, authenticator.as_deref(), now);
            self.webhooks.ask(event).await.map_err(|_| VerificationError::Vetoed)?;
        }
        let proved = self.db().prove(attempt, proof, now)?;
        self.note(&about, method, ChallengeLogEntry::Right);
        self.tell_enrolled(&id.user, proved.enrolled.as_ref());
        Ok(proved)
    }

    /// Logs an attempt, as it stands when the log is sent.
    pub(crate) fn log_action(self: &Arc<Self>, id: &ActionId) {
        let (shared, id) = (Arc::downgrade(self), id.clone());
        self.webhooks.log_later(move || {
            let shared = shared.upgrade()?;
            let db = shared.db();
            let record = &db.actions.get(&id)?.record;
            Some(WebhookEvent::action_log(record, db.users.get(id.user.as_str())))
        });
    }

    /// Sends the next code of a pending challenge; the one before is void.
    pub(crate) async fn send_again(&self, challenge: &str) -> Result<Challenge, VerificationError> {
        let now = self.clock.now();
        let again = {
            let mut db = self.db();
            let form = db.policy.code;
            let known =
                db.challenges.get(challenge).filter(|known| known.is_open(now)).ok_or(VerificationError::NotAsked)?;
            let waiting = form.waiting(&known.method).ok_or(VerificationError::NotAsked)?;
            db.may_send(&known.method, known.counted_as(), now)?;
            let known = db.challenges.get_mut(challenge).ok_or(VerificationError::NotAsked)?;
            known.waiting = waiting;
            known.guesses = 0;
            known.expires_at = now.checked_add(form.ttl).unwrap_or(now);
            known.clone()
        };
        self.deliver(&again, now).await?;
        Ok(again)
    }

    /// Looks at a code for a challenge of the Server API, and proves the action of one that is claimed already.
    pub(crate) async fn verify_challenge(&self, challenge: &str, code: &str) -> Verdict {
        let now = self.clock.now();
        let verdict = self.db().verify_challenge(challenge, code, now);
        if let Some(known) = self.db().challenges.get(challenge).cloned() {
            let entry = match verdict {
                Verdict::Right => ChallengeLogEntry::Right,
                Verdict::TooMany => ChallengeLogEntry::TooMany,
                Verdict::Wrong | Verdict::NotAsked => ChallengeLogEntry::Wrong,
            };
            self.note(&EventSubject::from(&known), &known.method, entry);
        }
        if verdict == Verdict::Right {
            let claimed_by = self.db().challenges.get(challenge).and_then(|known| known.claimed_by.clone());
            if let Some(user) = claimed_by
                && self.is_agreed_to(challenge, None).await
            {
                let enrolled = self.db().settle(challenge, now);
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
        let verified = self.db().claimable(challenge, user, needs_proof, now)?.verified_at.is_some();
        if verified && !self.is_agreed_to(challenge, Some(user)).await {
            return Err(Unclaimable::Vetoed);
        }
        let claimed = self.db().claim(challenge, user, needs_proof, now)?;
        self.tell_enrolled(user, claimed.enrolled.as_ref());
        Ok(claimed)
    }

    /// Asks whoever wants to be asked before the action of a challenge succeeds.
    async fn is_agreed_to(&self, challenge: &str, user: Option<&UserId>) -> bool {
        let Some(known) = self.db().challenges.get(challenge).cloned() else { return false };
        let mut about = EventSubject::from(&known);
        about.user_id = user.map(ToString::to_string).or(about.user_id);
        let event = WebhookEvent::action_verify(&about, &known.method, None, self.clock.now());
        self.webhooks.ask(event).await.is_ok()
    }

    fn tell_enrolled(&self, user: &UserId, enrolled: Option<&Authenticator>) {
        if let Some(method) = enrolled {
            self.webhooks.tell(&WebhookEvent::authenticator_created(user.as_str(), method));
        }
    }

    /// Gives a challenge to the user of an action that was tracked with it.
    pub(crate) async fn claim_for(&self, challenge: &str, id: &ActionId) -> Result<RecordedAction, Unclaimable> {
        let now = self.clock.now();
        let verified = self.db().claimable(challenge, &id.user, false, now)?.verified_at.is_some();
        let agreed = verified && self.is_agreed_to(challenge, Some(&id.user)).await;
        let enrolled = {
            let mut db = self.db();
            db.claimable(challenge, &id.user, false, now)?;
            db.bind(challenge, id);
            if agreed { db.settle(challenge, now) } else { None }
        };
        self.tell_enrolled(&id.user, enrolled.as_ref());
        self.db().actions.get(id).map(|action| action.record.clone()).ok_or(Unclaimable::Unknown)
    }

    /// The link in the mail of a magic link.
    pub(crate) fn magic_link(&self, challenge: &str, secret: &str) -> String {
        format!("{}/api/verify-magic-link?token={challenge}.{secret}", self.origin)
    }
}

/// What happened to a challenge, for its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ChallengeLogEntry {
    Sent,
    NotSent,
    Right,
    Wrong,
    TooMany,
}

impl ChallengeLogEntry {
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

impl Db {
    /// Writes down how the last text message went.
    fn note_channel(&mut self, challenge: &Challenge) {
        let (Some(user), Some(method)) = (&challenge.user, &challenge.authenticator) else { return };
        let method = self.users.get_mut(user.as_str()).and_then(|user| user.authenticator_mut(method));
        if let (Some(method), Some(channel)) = (method, &challenge.sms_channel) {
            method.previous_sms_channel = Some(channel.clone());
        }
    }

    fn may_send(&self, method: &VerificationMethod, who: &str, now: SystemTime) -> Result<(), VerificationError> {
        match self.limits.wait(Counted::Send, method, who, now) {
            Some(wait) => Err(VerificationError::TooManyMessages(wait)),
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

impl From<VerificationError> for EmulatorError {
    fn from(fault: VerificationError) -> Self {
        if fault == VerificationError::Vetoed { Self::Vetoed } else { Self::UnknownChallenge }
    }
}
