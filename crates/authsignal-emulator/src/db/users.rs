//! Users found by what they have, and what is written down of their devices.
use std::time::SystemTime;

use authsignal_client::{UserId, VerificationMethod};

use crate::db::Db;
use crate::db::device::Device;
use crate::db::user::{Authenticator, Phone};

impl Db {
    pub(crate) fn has(&self, user: &UserId, method: &VerificationMethod) -> bool {
        self.users.get(user.as_str()).is_some_and(|user| user.enrolled_methods().contains(method))
    }

    /// The verified passkey or security key of this credential, and whose it is.
    pub(crate) fn key(&self, credential: &str) -> Option<(&str, &Authenticator)> {
        self.verified(|known| known.kind.is_key(credential))
    }

    /// The verified method of this kind whose phone has this key, and whose it is.
    pub(crate) fn phone(&self, method: &VerificationMethod, key: &str) -> Option<(&str, &Authenticator)> {
        let has_key = |phone: &Phone| phone.public_key.as_deref() == Some(key);
        self.verified(|known| known.method() == *method && known.kind.phone().is_some_and(has_key))
    }

    fn verified(&self, fits: impl Fn(&Authenticator) -> bool) -> Option<(&str, &Authenticator)> {
        self.users.iter().find_map(|(user, known)| {
            let found = known.authenticators.iter().find(|known| known.is_verified() && fits(known))?;
            Some((user.as_str(), found))
        })
    }
}

impl Db {
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
    fn a_device_appears_once_and_is_new_again_after_a_proof() {
        let mut db = Db::default();
        db.see_device("nobody", "d", UNIX_EPOCH);
        assert!(db.users.is_empty(), "a device makes no user");
        db.users.entry("ada".into()).or_default();
        db.see_device("ada", "d", UNIX_EPOCH);
        let later = UNIX_EPOCH + Duration::from_secs(1);
        db.see_device("ada", "d", later);
        db.users.get_mut("ada").unwrap().devices.get_mut("d").unwrap().invalidated_at = Some(later);
        db.prove_device("ada", "d", &VerificationMethod::Sms, later);
        let device = &db.users["ada"].devices["d"];
        assert_eq!((device.created_at, device.authenticated_at), (UNIX_EPOCH, Some(later)));
        assert_eq!((device.invalidated_at, &device.last_verification_method), (None, &Some(VerificationMethod::Sms)));
    }
}
