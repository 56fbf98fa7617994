//! The users who are there from the start.
use authsignal_client::VerificationMethod;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use crate::credentials::totp::App;

/// A user who is there when an emulator starts.
///
/// # Examples
///
/// ```
/// use authsignal_client::VerificationMethod;
/// use authsignal_emulator::{NewUser, Tenant};
///
/// let ada = NewUser::new("ada")
///     .email("ada@example.com")
///     .otp_secret("JBSWY3DPEHPK3PXP")
///     .methods([VerificationMethod::EmailOtp, VerificationMethod::AuthenticatorApp]);
/// Tenant::new().user(ada).check()?;
/// # Ok::<(), authsignal_emulator::TenantError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "does nothing until a tenant is given it"]
pub struct NewUser {
    pub(crate) id: String,
    pub(crate) email: Option<String>,
    pub(crate) phone_number: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) locale: Option<String>,
    pub(crate) custom: Map<String, Value>,
    pub(crate) methods: Vec<VerificationMethod>,
    pub(crate) default_method: Option<VerificationMethod>,
    pub(crate) otp_secret: Option<SecretString>,
}

impl NewUser {
    /// A user of whom nothing is known and who has nothing enrolled.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            email: None,
            phone_number: None,
            username: None,
            display_name: None,
            locale: None,
            custom: Map::new(),
            methods: Vec::new(),
            default_method: None,
            otp_secret: None,
        }
    }

    /// The e-mail address. Default: none.
    pub fn email(mut self, address: impl Into<String>) -> Self {
        self.email = Some(address.into());
        self
    }

    /// The phone number in E.164 form (`+64270000000`). Default: none.
    pub fn phone_number(mut self, number: impl Into<String>) -> Self {
        self.phone_number = Some(number.into());
        self
    }

    /// The name for passkeys. Default: none.
    pub fn username(mut self, name: impl Into<String>) -> Self {
        self.username = Some(name.into());
        self
    }

    /// The name that people read. Default: none.
    pub fn display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = Some(name.into());
        self
    }

    /// The language of pages and messages (BCP 47). Default: the tenant's.
    pub fn locale(mut self, tag: impl Into<String>) -> Self {
        self.locale = Some(tag.into());
        self
    }

    /// Adds a data point of the user. Default: none.
    pub fn custom(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.custom.insert(name.into(), value.into());
        self
    }

    /// What the user has enrolled, and proved when they did: `EMAIL_OTP` and `EMAIL_MAGIC_LINK` with the e-mail address,
    /// `SMS` and `WHATSAPP` with the phone number, `AUTHENTICATOR_APP` with the secret. Others are a device's to enrol.
    /// Default: nothing.
    pub fn methods(mut self, methods: impl IntoIterator<Item = VerificationMethod>) -> Self {
        self.methods = methods.into_iter().collect();
        self
    }

    /// Which of them is shown first. Default: none in particular.
    pub fn default_method(mut self, method: VerificationMethod) -> Self {
        self.default_method = Some(method);
        self
    }

    /// The secret of the authenticator app, in base 32. Default: none.
    pub fn otp_secret(mut self, secret: impl Into<String>) -> Self {
        self.otp_secret = Some(SecretString::from(secret.into()));
        self
    }

    /// The authenticator app of the secret, if it is one.
    pub(crate) fn app(&self) -> Option<App> {
        let secret = self.otp_secret.as_ref()?.expose_secret();
        // Nothing else is let into the URI.
        if !secret.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        let account = utf8_percent_encode(&self.id, NON_ALPHANUMERIC);
        App::from_uri(&format!("otpauth://totp/{account}?secret={secret}"))
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn apps_of_secrets() {
        for (id, secret, works) in [
            ("ada", "JBSWY3DPEHPK3PXP", true),
            ("a:b / ?#ä", "JBSWY3DPEHPK3PXP", true),
            ("ada", "", false),
            ("ada", "not base 32", false),
            ("ada", "JBSWY3DPEHPK3PX1", false),
            ("ada", "JBSWY3DPEHPK3PXP&digits=8", false),
        ] {
            let app = NewUser::new(id).otp_secret(secret).app();
            assert_eq!(app.map(|app| app.secret()), works.then(|| secret.to_owned()), "{id:?} {secret:?}");
        }
        assert!(NewUser::new("ada").app().is_none());
        let code = NewUser::new("ada").otp_secret("JBSWY3DPEHPK3PXP").app().unwrap().code(UNIX_EPOCH);
        assert_eq!(code, "282760");
    }
}
