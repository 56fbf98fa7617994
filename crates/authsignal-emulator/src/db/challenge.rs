//! What a user is asked to prove something by: a code that was sent, a link, a button on a phone.
use std::time::{Duration, SystemTime};

use authsignal_client::{ActionCode, IdempotencyKey, SmsChannel, UserId, VerificationMethod};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::db::action::ActionId;
use crate::db::table::{FoundBy, Record};

/// One challenge. Who has proved it need not be known: the Server API can ask first and name the user afterwards.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Challenge {
    pub(crate) id: String,
    pub(crate) method: VerificationMethod,
    pub(crate) user: Option<UserId>,
    /// None for a sign-in that names no action.
    pub(crate) action: Option<ActionCode>,
    pub(crate) key: Option<IdempotencyKey>,
    /// Which of the user's methods is asked for.
    pub(crate) authenticator: Option<String>,
    /// Where the message went.
    pub(crate) to: Option<String>,
    pub(crate) sms_channel: Option<SmsChannel>,
    pub(crate) waiting: Waiting,
    pub(crate) context: Context,
    pub(crate) created_at: SystemTime,
    pub(crate) expires_at: SystemTime,
    pub(crate) verified_at: Option<SystemTime>,
    pub(crate) claimed_by: Option<UserId>,
    pub(crate) sequence: usize,
    /// How many wrong codes were given.
    #[serde(skip)]
    pub(crate) guesses: u32,
}

/// What would prove it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Waiting {
    /// These digits.
    Code(String),
    /// Opening the link with this secret.
    Link { secret: String, opened: bool },
    /// A button on a phone. The page that shows a QR code asks for its answer with the device code.
    Button { approved: Option<bool>, device_code: Option<String> },
    /// The signature of a passkey or security key; the text is the state of that ceremony.
    Signature { state: String, registers: bool },
}

/// What was told when it was begun, for whoever claims it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Context {
    pub(crate) scope: Option<String>,
    pub(crate) locale: Option<String>,
    pub(crate) device_id: Option<String>,
    pub(crate) ip_address: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) custom: Map<String, Value>,
}

/// What a new challenge is about.
#[derive(Debug, Clone)]
pub(crate) struct NewChallenge {
    pub(crate) method: VerificationMethod,
    pub(crate) user: Option<UserId>,
    pub(crate) action: Option<ActionCode>,
    pub(crate) key: Option<IdempotencyKey>,
    pub(crate) authenticator: Option<String>,
    pub(crate) to: Option<String>,
    pub(crate) sms_channel: Option<SmsChannel>,
    pub(crate) waiting: Waiting,
    pub(crate) context: Context,
    pub(crate) ttl: Duration,
}

impl NewChallenge {
    /// One for an action of a known user.
    pub(crate) fn of(id: &ActionId, method: VerificationMethod, waiting: Waiting, ttl: Duration) -> Self {
        Self {
            method,
            user: Some(id.user.clone()),
            action: Some(id.action.clone()),
            key: Some(id.key.clone()),
            authenticator: None,
            to: None,
            sms_channel: None,
            waiting,
            context: Context::default(),
            ttl,
        }
    }
}

impl Challenge {
    pub(crate) fn is_live(&self, now: SystemTime) -> bool {
        now < self.expires_at
    }

    /// Whether it still waits for its user.
    pub(crate) fn is_open(&self, now: SystemTime) -> bool {
        self.is_live(now) && self.verified_at.is_none() && self.approved().is_none()
    }

    /// The action that it is for, if its user is known.
    pub(crate) fn action_id(&self) -> Option<ActionId> {
        Some(ActionId { user: self.user.clone()?, action: self.action.clone()?, key: self.key.clone()? })
    }

    pub(crate) fn code(&self) -> Option<&str> {
        if let Waiting::Code(code) = &self.waiting { Some(code) } else { None }
    }

    /// What was answered on a phone.
    pub(crate) fn approved(&self) -> Option<bool> {
        if let Waiting::Button { approved, .. } = self.waiting { approved } else { None }
    }

    /// Takes an answer given on a phone, if it waits for one.
    pub(crate) fn answer(&mut self, answer: bool) {
        if let Waiting::Button { approved, .. } = &mut self.waiting {
            approved.get_or_insert(answer);
        }
    }

    /// Whose sending of messages is counted: the user's, else the address's.
    pub(crate) fn counted_as(&self) -> &str {
        self.user.as_ref().map(UserId::as_str).or(self.to.as_deref()).unwrap_or_default()
    }
}

impl Record for Challenge {
    fn id(&self) -> &str {
        &self.id
    }

    fn found_by(&self) -> Vec<FoundBy> {
        self.user.iter().map(FoundBy::user).collect()
    }
}
