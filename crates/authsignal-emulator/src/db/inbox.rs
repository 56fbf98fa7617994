//! What the emulator would have sent.
use std::collections::VecDeque;
use std::time::SystemTime;

use authsignal_client::{ActionCode, Timestamp, UserId};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// How a message would have travelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[non_exhaustive]
pub enum Channel {
    /// E-mail.
    Email,
    /// Text message.
    Sms,
    /// WhatsApp.
    Whatsapp,
    /// Push message to a phone.
    Push,
}

/// A message that the emulator keeps instead of sending it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Message {
    /// The way that it would have travelled.
    pub channel: Channel,
    /// The address or number that it is for, or the name of the phone.
    pub to: String,
    /// The user that it is for, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// The challenge that it belongs to.
    pub challenge_id: String,
    /// The action that the user confirms with it, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<ActionCode>,
    /// The code, of a message that brings one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The link, of a message that brings one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// When it was sent.
    #[serde(rename = "time", serialize_with = "as_timestamp", deserialize_with = "from_timestamp")]
    pub at: SystemTime,
}

fn as_timestamp<S: Serializer>(at: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    Timestamp::from(*at).serialize(serializer)
}

fn from_timestamp<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SystemTime, D::Error> {
    let time = Timestamp::deserialize(deserializer)?;
    time.to_system_time().ok_or_else(|| de::Error::custom("no moment in ISO 8601"))
}

/// How many messages are kept; the oldest go first.
const MAX_MESSAGES: usize = 10_000;

/// The messages, oldest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Inbox(VecDeque<Message>);

impl Inbox {
    pub(crate) fn put(&mut self, message: Message) {
        if self.0.len() == MAX_MESSAGES {
            self.0.pop_front();
        }
        self.0.push_back(message);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// All messages, newest first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &Message> {
        self.0.iter().rev()
    }
}
