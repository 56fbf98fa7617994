//! The events that are sent, member by member as the docs have them (webhooks, one page for each event).
//!
//! They are not written by the types that [`webhook`](authsignal_client::webhook) reads them with: so a slip in either is found by the
//! tests that put the two together.
use std::time::SystemTime;

use authsignal_client::webhook::ChallengeLogType;
use authsignal_client::{Timestamp, VerificationMethod};
use serde_json::{Map, Value, json};

use crate::db::action::RecordedAction;
use crate::db::challenge::Challenge;
use crate::db::user::{Authenticator, User};
use crate::lifecycle::Outcome;

/// What happened, ready to be put into an envelope.
#[derive(Debug, Clone)]
pub(crate) struct WebhookEvent {
    pub(super) kind: &'static str,
    pub(super) data: Value,
    /// The action whose own URL it goes to.
    pub(super) action: Option<String>,
}

/// Which attempt of whom an event is about. A challenge of the Server API may belong to nobody yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct EventSubject {
    pub(crate) user_id: Option<String>,
    pub(crate) action_code: Option<String>,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) ip_address: Option<String>,
    pub(crate) locale: Option<String>,
    pub(crate) custom: Map<String, Value>,
}

impl From<&RecordedAction> for EventSubject {
    fn from(action: &RecordedAction) -> Self {
        Self {
            user_id: Some(action.user_id.to_string()),
            action_code: Some(action.action.to_string()),
            idempotency_key: Some(action.idempotency_key.to_string()),
            user_agent: action.user_agent.clone(),
            ip_address: action.ip_address.clone(),
            locale: action.locale.clone(),
            custom: action.custom.clone(),
        }
    }
}

impl From<&Challenge> for EventSubject {
    fn from(challenge: &Challenge) -> Self {
        let context = challenge.context.clone();
        Self {
            user_id: challenge.user.as_ref().map(ToString::to_string),
            action_code: challenge.action.as_ref().map(ToString::to_string),
            idempotency_key: challenge.key.as_ref().map(ToString::to_string),
            user_agent: context.user_agent,
            ip_address: context.ip_address,
            locale: context.locale,
            custom: context.custom,
        }
    }
}

impl WebhookEvent {
    fn new(kind: &'static str, data: Value) -> Self {
        let mut event = Self { kind, data: json!({}), action: None };
        if let Value::Object(members) = data {
            members.into_iter().for_each(|(name, value)| event.set(&name, value));
        }
        event
    }

    /// What is absent is left out, and neither null nor empty.
    fn set(&mut self, name: &str, value: Value) {
        let is_absent = match &value {
            Value::Null => true,
            Value::Array(values) => values.is_empty(),
            Value::Object(members) => members.is_empty(),
            _ => false,
        };
        if !is_absent {
            self.data[name] = value;
        }
    }

    /// The same with one more member, or another value for one; `None` leaves it as it is.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.set(name, value.into());
        self
    }

    /// A code has to be sent by e-mail.
    pub(crate) fn email_code(about: &EventSubject, to: &str, code: &str) -> Self {
        Self::email(about, to).with("code", code).with("verificationMethod", "EMAIL_OTP")
    }

    /// A link has to be sent by e-mail.
    pub(crate) fn email_link(about: &EventSubject, to: &str, url: &str) -> Self {
        Self::email(about, to).with("url", url).with("verificationMethod", "EMAIL_MAGIC_LINK")
    }

    fn email(about: &EventSubject, to: &str) -> Self {
        let data = json!({
            "to": to,
            "userAgent": about.user_agent,
            "ipAddress": about.ip_address,
            "locale": about.locale,
            "customVariables": about.custom,
        });
        Self::new("email.created", data).of(about)
    }

    /// A code has to be sent by SMS.
    pub(crate) fn sms(about: &EventSubject, to: &str, code: &str) -> Self {
        let data = json!({
            "to": to,
            "code": code,
            "locale": about.locale,
            "verificationMethod": "SMS",
            "customVariables": about.custom,
        });
        Self::new("sms.created", data).of(about)
    }

    /// A push message has to be sent.
    pub(crate) fn push(about: &EventSubject, challenge_id: &str) -> Self {
        let data = json!({
            "challengeId": challenge_id,
            "userAgent": about.user_agent,
            "ipAddress": about.ip_address,
        });
        Self::new("push.created", data).of(about)
    }

    fn of(self, about: &EventSubject) -> Self {
        self.with("userId", about.user_id.as_deref())
            .with("actionCode", about.action_code.as_deref())
            .with("idempotencyKey", about.idempotency_key.as_deref())
    }

    /// A user has a new method.
    pub(crate) fn authenticator_created(user: &str, method: &Authenticator) -> Self {
        Self::authenticator("authenticator.created", user, method)
    }

    /// A method of a user changed.
    pub(crate) fn authenticator_updated(user: &str, method: &Authenticator, at: SystemTime) -> Self {
        Self::authenticator("authenticator.updated", user, method).with("updatedAt", time(at))
    }

    /// A user has lost a method.
    pub(crate) fn authenticator_deleted(user: &str, method: &Authenticator, at: SystemTime) -> Self {
        Self::authenticator("authenticator.deleted", user, method).with("deletedAt", time(at))
    }

    fn authenticator(kind: &'static str, user: &str, method: &Authenticator) -> Self {
        let data = json!({
            "userId": user,
            "userAuthenticatorId": method.id,
            "verificationMethod": method.method(),
            "createdAt": time(method.created_at),
            "email": method.kind.email(),
            "phoneNumber": method.kind.phone_number(),
        });
        Self::new(kind, data)
    }

    /// A challenge is about to succeed by `method`; `authenticator` is the id of what it was proved with.
    pub(crate) fn action_verify(
        about: &EventSubject,
        method: &VerificationMethod,
        authenticator: Option<&str>,
        at: SystemTime,
    ) -> Self {
        let data = json!({
            "userId": about.user_id,
            "action": about.action_code,
            "idempotencyKey": about.idempotency_key,
            "verifiedAt": time(at),
            "state": "CHALLENGE_SUCCEEDED",
            "verificationMethod": method,
            "userAuthenticatorId": authenticator,
        });
        Self { action: about.action_code.clone(), ..Self::new("action.verify", data) }
    }

    /// An action of `user`'s has come to its end.
    pub(crate) fn action_log(action: &RecordedAction, user: Option<&User>) -> Self {
        let outcome = match action.outcome {
            Outcome::Allow => "ALLOW",
            Outcome::Challenge => "CHALLENGE",
            Outcome::Review => "REVIEW",
            Outcome::Block => "BLOCK",
        };
        let data = json!({
            "createdAt": time(action.created_at),
            "updatedAt": time(action.updated_at),
            "state": action.state,
            "stateUpdatedAt": time(action.state_updated_at),
            "outcome": outcome,
            "verificationMethod": action.verification_method,
            "allowedVerificationMethods": action.allowed_methods,
            "rules": action.rules,
            "priorityRuleId": action.priority_rule_id,
            "countryCode": action.country_code,
            "enrolledVerificationMethods": user.map(User::enrolled_methods),
            "ipAddress": action.ip_address,
            "deviceId": action.device_id,
            "email": user.and_then(|user| user.email.as_deref()),
            "phoneNumber": user.and_then(|user| user.phone_number.as_deref()),
            "customVariables": action.custom,
        });
        Self::new("action.log_created", data).of(&action.into())
    }

    /// Something happened to a challenge of an action.
    pub(crate) fn challenge_log(about: &EventSubject, kind: &ChallengeLogType, at: SystemTime) -> Self {
        let data = json!({ "createdAt": time(at), "type": kind });
        Self::new("challenge.log_created", data).of(about)
    }
}

pub(super) fn time(time: SystemTime) -> String {
    Timestamp::from(time).as_str().to_owned()
}
