//! What links the events of one process: their numbers and their MACs.
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretSlice};
use sha2::Sha256;

use super::event::{AuditEvent, AuditHead, AuditKind};
use crate::hex::hexadecimal;
use crate::random::random;

/// The fewest bytes of its key.
pub(crate) const MIN_KEY: usize = 32;

/// A chain, and where it stands.
#[derive(Debug)]
pub(crate) struct Chain {
    key: SecretSlice<u8>,
    pub(super) name: String,
    /// The last event that was written.
    head: Option<AuditHead>,
    /// The last event that is known to be written of the chain that it was before.
    left: Option<AuditHead>,
}

impl Chain {
    pub(crate) fn new(key: SecretSlice<u8>) -> Self {
        Self { key, name: hexadecimal(&random::<16>()), head: None, left: None }
    }

    /// Where it stands.
    pub(crate) fn head(&self) -> Option<&AuditHead> {
        self.head.as_ref()
    }

    /// Becomes another chain: what became of this one's next event cannot be found out.
    pub(crate) fn leave(&mut self) {
        self.left = self.head.take().or(self.left.take());
        self.name = hexadecimal(&random::<16>());
    }

    /// The first event, which names what the sink had before.
    pub(crate) fn first(&self, at: String, after: Option<AuditHead>) -> AuditEvent {
        let after = after.or_else(|| self.left.clone());
        self.next(AuditEvent { kind: AuditKind::Begun, at, after, ..AuditEvent::default() })
    }

    /// An event as it follows on the last one that was written.
    pub(crate) fn next(&self, event: AuditEvent) -> AuditEvent {
        let (sequence, previous) =
            self.head.as_ref().map_or_else(|| (0, String::new()), |head| (head.sequence + 1, head.mac.clone()));
        let mut event = AuditEvent { chain: self.name.clone(), sequence, previous, mac: String::new(), ..event };
        let line = event.to_line();
        let covered = line.strip_suffix(r#","mac":""}"#).expect("the MAC is the last member");
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key.expose_secret()).expect("HMAC takes keys of any length");
        mac.update(covered.as_bytes());
        event.mac = hexadecimal(&mac.finalize().into_bytes());
        event
    }

    /// It was written. One that was not leaves the chain where it stands.
    pub(crate) fn wrote(&mut self, event_head: AuditHead) {
        self.head = Some(event_head);
    }
}

/// Where a chain stands once this is written.
pub(crate) fn head_of(event: &AuditEvent) -> AuditHead {
    AuditHead { chain: event.chain.clone(), sequence: event.sequence, mac: event.mac.clone() }
}
