//! The envelope around every event, and what is in it.
use std::fmt;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::data::{ActionVerify, AuthenticatorChange, EmailCreated, PushCreated, SmsCreated};
use super::error::Error;
use super::logs::{ActionLog, ChallengeLog};
use crate::other::OtherMembers;
use crate::transport::json::without_lone_surrogates;
use crate::types::Timestamp;

/// What one webhook brings: an event, or a batch of log records, which have the same envelope.
///
/// It iterates over its events, so that a handler needs not ask which of the two it is. With the `axum` feature it is the
/// extractor of webhooks; see the [module](super).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Delivery {
    /// One event.
    Event(Box<Event>),
    /// Log records, up to 500 of them (docs, log events).
    Batch(Vec<Event>),
}

impl Delivery {
    /// What it brings, in the order of the payload. The service promises no order.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        match self {
            Self::Event(event) => std::slice::from_ref(event),
            Self::Batch(events) => events,
        }
    }

    /// Reads a payload whose signature was right.
    pub(super) fn parse(payload: &[u8]) -> Result<Self, Error> {
        // The parser's own message names a place, and no value: what it reads into takes every value.
        let payload = without_lone_surrogates(payload);
        let payload = serde_json::from_slice(&payload).map_err(|error| Error::payload(format!("no json: {error}")))?;
        let Value::Object(mut members) = payload else { return Err(Error::payload("it is no object")) };
        match members.remove("records") {
            None => Ok(Self::Event(Box::new(Event::single(Value::Object(members))?))),
            Some(Value::Array(records)) => {
                Ok(Self::Batch(records.into_iter().enumerate().map(|(at, record)| Event::record(at, record)).collect()))
            }
            Some(_) => Err(Error::payload("`records` is no list")),
        }
    }
}

impl IntoIterator for Delivery {
    type Item = Event;
    type IntoIter = std::vec::IntoIter<Event>;

    fn into_iter(self) -> Self::IntoIter {
        match self {
            Self::Event(event) => vec![*event].into_iter(),
            Self::Batch(events) => events.into_iter(),
        }
    }
}

/// One event in its envelope (docs, webhooks, event types).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event {
    /// The version of the event's form; 1 so far.
    pub version: u32,
    /// The event's id. Deliveries are repeated: one whose id was handled before is answered with 200 and not handled again. Empty
    /// where an event that cannot be read has none, which is then no id to know it by.
    pub id: String,
    /// The sender: `https://authsignal.com`.
    pub source: String,
    /// The time of the event; events arrive in any order.
    pub time: Timestamp,
    /// The tenant's id.
    pub tenant_id: String,
    /// What happened.
    pub data: EventData,
    /// Members of the envelope that this version does not know.
    pub other: OtherMembers,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    version: u32,
    #[serde(rename = "type")]
    kind: String,
    id: String,
    source: String,
    time: Timestamp,
    tenant_id: String,
    #[serde(flatten)]
    other: OtherMembers,
}

impl Event {
    /// What says of what type it is is an event. It is taken, known or not and whole or not: it is Authsignal's, and a
    /// member that is left out one day must not make all events of its type fail.
    fn single(payload: Value) -> Result<Self, Error> {
        if !payload.get("type").is_some_and(Value::is_string) {
            return Err(Error::payload("at `type` in the payload: it is no text, or missing"));
        }
        Ok(Self::open("data", payload, "the payload"))
    }

    /// A record is taken, whatever it is: the service repeats a batch until it is taken, and would hold up all others for
    /// one.
    fn record(at: usize, record: Value) -> Self {
        Self::open("record", record, &format!("`records[{at}]`"))
    }

    /// Takes what stands under `member` out of an envelope. What cannot be read is kept as an event that nobody knows.
    fn open(member: &'static str, payload: Value, place: &str) -> Self {
        let mut envelope = match object::<Envelope>(payload.clone(), place) {
            Ok(envelope) => envelope,
            Err(fault) => return Self::unreadable(payload, &fault),
        };
        let Some(data) = envelope.other.remove(member) else {
            return Self::unreadable(payload, &Error::payload(format!("at {place}: missing field `{member}`")));
        };
        let known = EventData::parse(&envelope.kind, data.clone());
        let data = known.unwrap_or_else(|fault| EventData::unknown(&envelope.kind, data, Some(&fault)));
        let Envelope { version, id, source, time, tenant_id, other, .. } = envelope;
        Self { version, id, source, time, tenant_id, data, other }
    }

    /// An event without an envelope that could be read: what there is of it, and all of it as it came.
    fn unreadable(payload: Value, fault: &Error) -> Self {
        let text = |name: &str| payload.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let version = payload.get("version").and_then(Value::as_u64).and_then(|version| version.try_into().ok());
        Self {
            version: version.unwrap_or_default(),
            id: text("id"),
            source: text("source"),
            time: Timestamp::new(text("time")),
            tenant_id: text("tenantId"),
            data: EventData::unknown(&text("type"), payload, Some(fault)),
            other: OtherMembers::default(),
        }
    }
}

/// An enum of events by the type that their envelope has.
macro_rules! event_data {
    ($($(#[$doc:meta])* $variant:ident($data:ty) = $kind:literal,)*) => {
        /// What happened, by the type of the event.
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub enum EventData {
            $($(#[$doc])* $variant($data),)*
            /// An event of a type that this version does not know, or of a form that it does not know. Answer it like one
            /// that was handled, unless it is one that waits for a decision: whoever vetoes with `action.verify` refuses
            /// what has this [`kind`](UnknownEvent::kind), since nobody has looked at it.
            Unknown(UnknownEvent),
        }

        impl EventData {
            /// The event's type, `email.created` for example.
            #[must_use]
            pub fn kind(&self) -> &str {
                match self {
                    $(Self::$variant(_) => $kind,)*
                    Self::Unknown(event) => &event.kind,
                }
            }

            fn parse(kind: &str, data: Value) -> Result<Self, Error> {
                match kind {
                    $($kind => object(data, "`data`").map(Self::$variant),)*
                    _ => Ok(Self::unknown(kind, data, None)),
                }
            }
        }
    };
}

event_data! {
    /// A code or a link has to be sent by e-mail.
    EmailCreated(EmailCreated) = "email.created",
    /// A code has to be sent by SMS.
    SmsCreated(SmsCreated) = "sms.created",
    /// A push message has to be sent.
    PushCreated(PushCreated) = "push.created",
    /// A user has a new method.
    AuthenticatorCreated(AuthenticatorChange) = "authenticator.created",
    /// A method of a user changed.
    AuthenticatorUpdated(AuthenticatorChange) = "authenticator.updated",
    /// A user has lost a method.
    AuthenticatorDeleted(AuthenticatorChange) = "authenticator.deleted",
    /// A challenge is about to succeed, unless the answer forbids it.
    ActionVerify(ActionVerify) = "action.verify",
    /// An action has come to its end; in batches.
    ActionLogCreated(ActionLog) = "action.log_created",
    /// Something happened to a challenge; in batches.
    ChallengeLogCreated(ChallengeLog) = "challenge.log_created",
}

impl EventData {
    fn unknown(kind: &str, data: Value, fault: Option<&Error>) -> Self {
        Self::Unknown(UnknownEvent { kind: kind.to_owned(), data, fault: fault.map(ToString::to_string) })
    }
}

/// An event as it came. `Debug` shows its type alone: what is not known may be a secret.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct UnknownEvent {
    /// The event's type; empty where a record of a batch says none.
    pub kind: String,
    /// What its envelope has as `data` or `record`. Where the envelope itself cannot be read, all of it.
    pub data: Value,
    /// What does not fit, where its type is known or its envelope cannot be read; it holds no value of the event.
    pub fault: Option<String>,
}

impl fmt::Debug for UnknownEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnknownEvent").field("kind", &self.kind).field("fault", &self.fault).finish_non_exhaustive()
    }
}

/// Reads an object; serde would also take a list of its members in their order.
fn object<T: DeserializeOwned>(value: Value, place: &str) -> Result<T, Error> {
    if !value.is_object() {
        return Err(Error::payload(format!("{place} is no object")));
    }
    serde_path_to_error::deserialize(value).map_err(|error| {
        // Paths are made of names that we know. The parser's message is quoted only where it holds one of those and no
        // value: a code must not end up in a log because it came as a number.
        let path = error.path().to_string();
        let place = if path == "." { place.to_owned() } else { format!("`{path}` in {place}") };
        let message = error.inner().to_string();
        let reason = if message.starts_with("missing field") { &message } else { "it is of another type" };
        Error::payload(format!("at {place}: {reason}"))
    })
}

#[cfg(test)]
mod tests;
