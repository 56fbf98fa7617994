//! How often a user may have something sent, and may guess: the settings.
use std::time::Duration;

use authsignal_client::VerificationMethod;

/// How often a user may have something sent, and may give a wrong code, per method.
///
/// # Examples
///
/// ```
/// use authsignal_emulator::{Limits, Tenant};
///
/// let patient = Tenant::new().limits(Limits::new().sms(2).verify(3));
/// let endless = Tenant::new().limits(Limits::off());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "does nothing until a tenant is given it"]
pub struct Limits {
    pub(crate) enabled: bool,
    pub(crate) send_window: Duration,
    pub(crate) email_otp: u32,
    pub(crate) email_magic_link: u32,
    pub(crate) sms: u32,
    pub(crate) whatsapp: u32,
    pub(crate) verify_window: Duration,
    pub(crate) verify: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            enabled: true,
            send_window: Duration::from_secs(600),
            email_otp: 12,
            email_magic_link: 12,
            sms: 6,
            whatsapp: 6,
            verify_window: Duration::from_secs(300),
            verify: 10,
        }
    }
}

impl Limits {
    /// The service's: within 10 minutes 12 codes and 12 links by e-mail and 6 codes by SMS are sent, within 5 minutes
    /// 10 wrong codes are taken (docs, FAQ). WhatsApp is held to the number of SMS, an assumption.
    pub fn new() -> Self {
        Self::default()
    }

    /// None of the service's: as much is sent as is asked for, and users may be wrong as often as they like. Only of one
    /// challenge, which has one code, no more than ten wrong codes are taken: it can't be guessed.
    pub fn off() -> Self {
        Self { enabled: false, ..Self::default() }
    }

    /// The time within which sendings are counted. Default: 10 minutes.
    pub fn send_window(mut self, window: Duration) -> Self {
        self.send_window = window;
        self
    }

    /// How many codes are sent by e-mail. Default: 12.
    pub fn email_otp(mut self, times: u32) -> Self {
        self.email_otp = times;
        self
    }

    /// How many links are sent by e-mail. Default: 12.
    pub fn email_magic_link(mut self, times: u32) -> Self {
        self.email_magic_link = times;
        self
    }

    /// How many codes are sent by SMS. Default: 6.
    pub fn sms(mut self, times: u32) -> Self {
        self.sms = times;
        self
    }

    /// How many codes are sent by WhatsApp. Default: 6.
    pub fn whatsapp(mut self, times: u32) -> Self {
        self.whatsapp = times;
        self
    }

    /// The time within which wrong codes are counted. Default: 5 minutes.
    pub fn verify_window(mut self, window: Duration) -> Self {
        self.verify_window = window;
        self
    }

    /// How many wrong codes are taken. Default: 10.
    pub fn verify(mut self, times: u32) -> Self {
        self.verify = times;
        self
    }

    /// How often something may be sent by this method within [`send_window`](Self::send_window); `None` for no limit.
    pub(crate) fn sending(&self, method: &VerificationMethod) -> Option<u32> {
        match method {
            _ if !self.enabled => None,
            VerificationMethod::EmailOtp => Some(self.email_otp),
            VerificationMethod::EmailMagicLink => Some(self.email_magic_link),
            VerificationMethod::Sms => Some(self.sms),
            VerificationMethod::Whatsapp => Some(self.whatsapp),
            _ => None,
        }
    }

    /// How many wrong codes are taken within [`verify_window`](Self::verify_window); `None` for no limit.
    pub(crate) fn verifying(&self) -> Option<u32> {
        self.enabled.then_some(self.verify)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tenant::methods::METHODS;

    #[test]
    fn numbers_of_the_service() {
        let sent: Vec<_> = METHODS.iter().map(|method| Limits::new().sending(method)).collect();
        assert_eq!(sent, [Some(12), Some(12), Some(6), Some(6), None, None, None, None, None]);
        assert_eq!(Limits::new().verifying(), Some(10));
        assert!(METHODS.iter().all(|method| Limits::off().sending(method).is_none()));
        assert_eq!(Limits::off().verifying(), None);
    }
}
