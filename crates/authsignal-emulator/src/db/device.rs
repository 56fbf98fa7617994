//! The devices of a user: one appears when a track, or the proof by a passkey, names it.
use std::time::SystemTime;

use authsignal_client::VerificationMethod;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Device {
    pub(crate) created_at: SystemTime,
    pub(crate) authenticated_at: Option<SystemTime>,
    pub(crate) invalidated_at: Option<SystemTime>,
    pub(crate) remembered_until: Option<SystemTime>,
    pub(crate) last_verification_method: Option<VerificationMethod>,
}

impl Device {
    pub(crate) fn new(now: SystemTime) -> Self {
        Self {
            created_at: now,
            authenticated_at: None,
            invalidated_at: None,
            remembered_until: None,
            last_verification_method: None,
        }
    }

    /// What rules call remembered.
    pub(crate) fn is_remembered(&self, now: SystemTime) -> bool {
        self.invalidated_at.is_none() && self.remembered_until.is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn remembered_until_then_and_unless_invalidated() {
        let hour = Duration::from_secs(3600);
        let mut device = Device::new(UNIX_EPOCH);
        assert!(!device.is_remembered(UNIX_EPOCH));
        device.remembered_until = Some(UNIX_EPOCH + hour);
        for (at, remembered) in [(Duration::ZERO, true), (hour - Duration::from_secs(1), true), (hour, false)] {
            assert_eq!(device.is_remembered(UNIX_EPOCH + at), remembered, "{at:?}");
        }
        device.invalidated_at = Some(UNIX_EPOCH);
        assert!(!device.is_remembered(UNIX_EPOCH));
    }
}
