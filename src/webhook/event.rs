//! The envelope around every event, and what is in it.
use std::fmt;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::data::{ActionVerify, AuthenticatorChange, EmailCreated, PushCreated, SmsCreated};
use super::error::Error;
use super::logs::{ActionLog, ChallengeLog};
use crate::client::Timestamp;

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
        let payload = serde_json::from_slice(payload).map_err(|error| Error::payload(format!("no json: {error}")))?;
        let Value::Object(mut members) = payload else { return Err(Error::payload("it is no object")) };
        match members.remove("records") {
            None => Ok(Self::Event(Box::new(Event::single(Value::Object(members))?))),
            Some(Value::Array(records)) => {
                let records = records.into_iter().enumerate();
                records.map(|(at, record)| Event::record(at, record)).collect::<Result<_, _>>().map(Self::Batch)
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
    /// Its id. Deliveries are repeated: one whose id was handled before is answered with 200 and not handled again.
    pub id: String,
    /// Who sent it: `https://authsignal.com`.
    pub source: String,
    /// When it happened; events arrive in any order.
    pub time: Timestamp,
    /// The tenant that it happened in.
    pub tenant_id: String,
    /// What happened.
    pub data: EventData,
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
    data: Option<Value>,
    record: Option<Value>,
}

impl Event {
    fn single(payload: Value) -> Result<Self, Error> {
        let mut envelope: Envelope = object(payload, "the payload")?;
        let data = envelope.data.take().ok_or_else(|| Error::payload("at the payload: missing field `data`"))?;
        let data = EventData::parse(&envelope.kind, data)?;
        Ok(envelope.around(data))
    }

    /// A known record that doesn't fit its type is kept as one that nobody knows: the service repeats a batch until it is
    /// taken, and would hold up all others for it.
    fn record(at: usize, record: Value) -> Result<Self, Error> {
        let place = format!("`records[{at}]`");
        let mut envelope: Envelope = object(record, &place)?;
        let missing = || Error::payload(format!("at {place}: missing field `record`"));
        let record = envelope.record.take().ok_or_else(missing)?;
        let data = EventData::parse(&envelope.kind, record.clone());
        let data = data.unwrap_or_else(|_| EventData::unknown(&envelope.kind, record));
        Ok(envelope.around(data))
    }
}

impl Envelope {
    fn around(self, data: EventData) -> Event {
        let Self { version, id, source, time, tenant_id, .. } = self;
        Event { version, id, source, time, tenant_id, data }
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
            /// An event that this version does not know, or a log record of a form that it does not know. Answer it like
            /// one that was handled.
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
                    _ => Ok(Self::unknown(kind, data)),
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
    fn unknown(kind: &str, data: Value) -> Self {
        Self::Unknown(UnknownEvent { kind: kind.to_owned(), data })
    }
}

/// An event as it came. `Debug` shows its type alone: what is not known may be a secret.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct UnknownEvent {
    /// Its type.
    pub kind: String,
    /// What its envelope has as `data` or `record`.
    pub data: Value,
}

impl fmt::Debug for UnknownEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnknownEvent").field("kind", &self.kind).finish_non_exhaustive()
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
