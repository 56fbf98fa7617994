//! What the emulator would have sent.
use std::time::SystemTime;

use crate::client::{ActionCode, UserId};

/// How a message would have travelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Channel {
    /// E-mail.
    Email,
    /// Text message.
    Sms,
}

/// A message that the emulator keeps instead of sending it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// How it would have travelled.
    pub channel: Channel,
    /// The address or number that it is for.
    pub to: String,
    /// The user that it is for.
    pub user_id: UserId,
    /// The challenge whose code it carries; every sending is a new one.
    pub challenge_id: String,
    /// The action that the user confirms with it.
    pub action: ActionCode,
    /// The code.
    pub code: String,
    /// When it was sent.
    pub at: SystemTime,
}

/// The messages, oldest first.
#[derive(Debug, Default)]
pub(super) struct Inbox(Vec<Message>);

impl Inbox {
    pub(super) fn put(&mut self, message: Message) {
        self.0.push(message);
    }

    /// All messages, newest first.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = &Message> {
        self.0.iter().rev()
    }
}
