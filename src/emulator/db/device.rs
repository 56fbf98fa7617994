//! The devices of a user: one appears when a track, or the proof by a passkey, names it.
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::client::VerificationMethod;
use crate::emulator::db::World;

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

impl World {
    /// Writes down that a user was seen with a device.
    pub(crate) fn see_device(&mut self, user: &str, device: &str, now: SystemTime) {
        let Some(user) = self.users.get_mut(user) else { return };
        user.devices.entry(device.to_owned()).or_insert_with(|| Device::new(now));
    }

    /// Writes down that a user proved themselves on a device. One that was invalidated is as good as new then.
    pub(crate) fn prove_device(&mut self, user: &str, device: &str, method: &VerificationMethod, now: SystemTime) {
        let Some(user) = self.users.get_mut(user) else { return };
        let device = user.devices.entry(device.to_owned()).or_insert_with(|| Device::new(now));
        device.authenticated_at = Some(now);
        device.invalidated_at = None;
        device.last_verification_method = Some(method.clone());
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

    #[test]
    fn a_device_appears_once_and_is_new_again_after_a_proof() {
        let mut world = World::default();
        world.see_device("nobody", "d", UNIX_EPOCH);
        assert!(world.users.is_empty(), "a device makes no user");
        world.users.entry("ada".into()).or_default();
        world.see_device("ada", "d", UNIX_EPOCH);
        let later = UNIX_EPOCH + Duration::from_secs(1);
        world.see_device("ada", "d", later);
        world.users.get_mut("ada").unwrap().devices.get_mut("d").unwrap().invalidated_at = Some(later);
        world.prove_device("ada", "d", &VerificationMethod::Sms, later);
        let device = &world.users["ada"].devices["d"];
        assert_eq!((device.created_at, device.authenticated_at), (UNIX_EPOCH, Some(later)));
        assert_eq!((device.invalidated_at, &device.last_verification_method), (None, &Some(VerificationMethod::Sms)));
    }
}
