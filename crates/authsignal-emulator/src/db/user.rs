//! One user, with their methods and devices.
use std::collections::BTreeMap;
use std::time::SystemTime;

use authsignal_client::{SmsChannel, VerificationMethod};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::credentials::totp::App;
use crate::credentials::webauthn::credential::Credential;
use crate::db::device::Device;
use crate::tenant::person::NewUser;

/// One user. Exists from the first thing that is told about them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct User {
    pub(crate) email: Option<String>,
    pub(crate) email_verified: bool,
    pub(crate) phone_number: Option<String>,
    pub(crate) phone_number_verified: bool,
    pub(crate) username: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) locale: Option<String>,
    pub(crate) custom: Map<String, Value>,
    /// The method that an application chose for them, if they have it.
    pub(crate) default_method: Option<VerificationMethod>,
    pub(crate) created_at: Option<SystemTime>,
    pub(crate) authenticators: Vec<Authenticator>,
    /// Those that are not used up.
    pub(crate) recovery_codes: Vec<String>,
    pub(crate) devices: BTreeMap<String, Device>,
    /// Whether they ever proved an action.
    pub(crate) has_verified: bool,
}

/// One method of one user; it counts as enrolled once it is verified.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Authenticator {
    pub(crate) id: String,
    pub(crate) kind: AuthenticatorKind,
    pub(crate) created_at: SystemTime,
    pub(crate) verified_at: Option<SystemTime>,
    pub(crate) last_verified_at: Option<SystemTime>,
    pub(crate) is_default: bool,
    /// How the last text message went.
    pub(crate) previous_sms_channel: Option<SmsChannel>,
}

/// What a method needs to work.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum AuthenticatorKind {
    /// A code by e-mail to this address.
    EmailOtp(String),
    /// A link by e-mail to this address.
    EmailMagicLink(String),
    /// A code by SMS to this number; one by WhatsApp too, if that is asked for.
    Sms(String),
    /// A code by WhatsApp to this number.
    Whatsapp(String),
    /// An authenticator app, and the last step whose code was taken.
    App { app: App, last_step: Option<u64> },
    /// A phone that is asked by push messages.
    Push(Phone),
    /// A phone that reads QR codes.
    QrCode(Phone),
    /// An app that proves things to itself.
    InApp(Phone),
    /// A passkey.
    Passkey(Key),
    /// A security key.
    SecurityKey(Key),
}

/// What signs for its user.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Key {
    pub(crate) credential: Credential,
    /// What users know it by, such as "Chrome on Mac OS".
    pub(crate) name: String,
    /// The device that it was made on, or used last.
    pub(crate) device_id: String,
    /// What the authenticator calls the account.
    pub(crate) username: Option<String>,
    /// What it calls the user.
    pub(crate) display_name: Option<String>,
}

/// A phone with the application's app on it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Phone {
    pub(crate) name: String,
    pub(crate) public_key: Option<String>,
    pub(crate) platform: Option<String>,
}

impl AuthenticatorKind {
    pub(crate) fn method(&self) -> VerificationMethod {
        match self {
            Self::EmailOtp(_) => VerificationMethod::EmailOtp,
            Self::EmailMagicLink(_) => VerificationMethod::EmailMagicLink,
            Self::Sms(_) => VerificationMethod::Sms,
            Self::Whatsapp(_) => VerificationMethod::Whatsapp,
            Self::App { .. } => VerificationMethod::AuthenticatorApp,
            Self::Push(_) => VerificationMethod::Push,
            Self::QrCode(_) => VerificationMethod::QrCode,
            Self::InApp(_) => VerificationMethod::InApp,
            Self::Passkey(_) => VerificationMethod::Passkey,
            Self::SecurityKey(_) => VerificationMethod::SecurityKey,
        }
    }

    pub(crate) fn email(&self) -> Option<&str> {
        match self {
            Self::EmailOtp(email) | Self::EmailMagicLink(email) => Some(email),
            _ => None,
        }
    }

    pub(crate) fn phone_number(&self) -> Option<&str> {
        if let Self::Sms(number) | Self::Whatsapp(number) = self { Some(number) } else { None }
    }

    /// Where a message of this method goes.
    pub(crate) fn address(&self) -> Option<&str> {
        self.email().or(self.phone_number())
    }

    pub(crate) fn phone(&self) -> Option<&Phone> {
        if let Self::Push(phone) | Self::QrCode(phone) | Self::InApp(phone) = self { Some(phone) } else { None }
    }

    pub(crate) fn key(&self) -> Option<&Key> {
        if let Self::Passkey(key) | Self::SecurityKey(key) = self { Some(key) } else { None }
    }

    pub(crate) fn key_mut(&mut self) -> Option<&mut Key> {
        if let Self::Passkey(key) | Self::SecurityKey(key) = self { Some(key) } else { None }
    }

    /// Whether it is the passkey or security key of this credential.
    pub(crate) fn is_key(&self, credential: &str) -> bool {
        self.key().is_some_and(|key| key.credential.id() == credential)
    }

    /// Whether both are the same thing in the user's hand, so that one takes the place of the other.
    fn is_same(&self, other: &Self) -> bool {
        let alike = |mine: Option<&str>, theirs: Option<&str>| mine.is_some() && mine == theirs;
        self.method() == other.method()
            && (alike(self.address(), other.address()) || self.phone().is_some() && self.phone() == other.phone())
    }
}

impl Authenticator {
    pub(crate) fn new(kind: AuthenticatorKind, now: SystemTime) -> Self {
        Self {
            id: Uuid::new_v4().to_string(),
            kind,
            created_at: now,
            verified_at: None,
            last_verified_at: None,
            is_default: false,
            previous_sms_channel: None,
        }
    }

    pub(crate) fn method(&self) -> VerificationMethod {
        self.kind.method()
    }

    pub(crate) fn is_verified(&self) -> bool {
        self.verified_at.is_some()
    }
}

impl User {
    pub(super) fn new(now: SystemTime) -> Self {
        Self { created_at: Some(now), ..Self::default() }
    }

    /// A user whom the tenant's settings name. What they cannot bring along, a passkey for one, they don't have yet.
    pub(super) fn from_start(new: &NewUser, now: SystemTime) -> Self {
        let mut user = Self {
            email: new.email.clone(),
            phone_number: new.phone_number.clone(),
            username: new.username.clone(),
            display_name: new.display_name.clone(),
            locale: new.locale.clone(),
            custom: new.custom.clone(),
            default_method: new.default_method.clone(),
            ..Self::new(now)
        };
        for method in &new.methods {
            let kind = match method {
                VerificationMethod::EmailOtp => new.email.clone().map(AuthenticatorKind::EmailOtp),
                VerificationMethod::EmailMagicLink => new.email.clone().map(AuthenticatorKind::EmailMagicLink),
                VerificationMethod::Sms => new.phone_number.clone().map(AuthenticatorKind::Sms),
                VerificationMethod::Whatsapp => new.phone_number.clone().map(AuthenticatorKind::Whatsapp),
                VerificationMethod::AuthenticatorApp => {
                    new.app().map(|app| AuthenticatorKind::App { app, last_step: None })
                }
                _ => None,
            };
            if let Some(kind) = kind {
                user.enrol_verified(kind, false, now);
            }
        }
        user
    }

    /// The verified methods, the default first, else in the order of their making.
    pub(crate) fn enrolled(&self) -> Vec<&Authenticator> {
        let mut enrolled: Vec<_> = self.authenticators.iter().filter(|known| known.is_verified()).collect();
        enrolled.sort_by_key(|known| (!known.is_default, Some(known.method()) != self.default_method));
        enrolled
    }

    pub(crate) fn is_enrolled(&self) -> bool {
        self.authenticators.iter().any(Authenticator::is_verified)
    }

    /// The kinds of verified methods, each once, in the order of [`enrolled`](Self::enrolled).
    pub(crate) fn enrolled_methods(&self) -> Vec<VerificationMethod> {
        let mut methods = Vec::new();
        for method in self.enrolled().into_iter().map(Authenticator::method) {
            if !methods.contains(&method) {
                methods.push(method);
            }
        }
        methods
    }

    pub(crate) fn authenticator(&self, id: &str) -> Option<&Authenticator> {
        self.authenticators.iter().find(|known| known.id == id)
    }

    pub(crate) fn authenticator_mut(&mut self, id: &str) -> Option<&mut Authenticator> {
        self.authenticators.iter_mut().find(|known| known.id == id)
    }

    /// Takes a method away; recovery codes go with the last one.
    pub(crate) fn remove(&mut self, authenticator: &str) -> Option<Authenticator> {
        let at = self.authenticators.iter().position(|method| method.id == authenticator)?;
        let removed = self.authenticators.remove(at);
        if !self.is_enrolled() {
            self.recovery_codes.clear();
        }
        Some(removed)
    }

    /// Adds a method that still has to be proved, in place of an earlier beginning of the same kind.
    pub(crate) fn begin(&mut self, kind: AuthenticatorKind, now: SystemTime) -> &Authenticator {
        self.authenticators.retain(|known| known.is_verified() || known.method() != kind.method());
        self.authenticators.push(Authenticator::new(kind, now));
        &self.authenticators[self.authenticators.len() - 1]
    }

    /// Adds a method that needs no more proof; the same one, or one begun and not finished, makes way.
    pub(crate) fn enrol_verified(
        &mut self,
        kind: AuthenticatorKind,
        is_default: bool,
        now: SystemTime,
    ) -> Authenticator {
        let id = self.begin(kind, now).id.clone();
        if is_default {
            self.make_default(&id);
        }
        self.mark_verified(&id, now);
        self.authenticators[self.authenticators.len() - 1].clone()
    }

    /// Has this method asked for first.
    pub(crate) fn make_default(&mut self, id: &str) {
        for known in &mut self.authenticators {
            known.is_default = known.id == id;
        }
    }

    /// Writes down that a method was just proved.
    pub(crate) fn mark_verified(&mut self, id: &str, now: SystemTime) {
        let Some(method) = self.authenticator_mut(id) else { return };
        if method.is_verified() {
            method.last_verified_at = Some(now);
            return;
        }
        method.verified_at = Some(now);
        let kind = method.kind.clone();
        self.authenticators.retain(|known| known.id == id || !known.kind.is_same(&kind));
        if let Some(email) = kind.email() {
            self.email.get_or_insert_with(|| email.to_owned());
            self.email_verified |= self.email.as_deref() == Some(email);
        }
        if let Some(number) = kind.phone_number() {
            self.phone_number.get_or_insert_with(|| number.to_owned());
            self.phone_number_verified |= self.phone_number.as_deref() == Some(number);
        }
    }
}
