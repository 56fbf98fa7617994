//! PURE: the name of a flow in our own callback URL.
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The name of a flow in our own callback URL.
///
/// The record of a flow is named after what the flow covers, and that may need the body, which is read only once the
/// service has asked for a challenge. The callback's address is told to the service before that. So the address carries
/// a random ticket, and a second, immutable record says which flow the ticket is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket([u8; 32]);

impl Ticket {
    #[cfg(test)]
    pub(crate) fn random() -> Self {
        Self(crate::random::random())
    }

    /// Of bytes that nobody can guess.
    pub(crate) fn from_random(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The characters that it is written with.
    pub(crate) const LENGTH: usize = 43;

    /// Writes it as [`parse`](Self::parse) reads it.
    pub(crate) fn write_to(self, text: &mut String) {
        URL_SAFE_NO_PAD.encode_string(self.0, text);
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}
