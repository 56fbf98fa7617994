//! What a test tells the emulator about a user.
use std::fmt;

use authsignal_client::Clock;

use crate::credentials::totp::App;
use crate::db::user::{AuthenticatorKind, Phone, User};
use crate::state::AppState;

/// One user of an [`Emulator`](crate::Emulator), from [`Emulator::user`](crate::Emulator::user).
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
/// # use authsignal_emulator::Emulator;
/// let emulator = Emulator::start().await?;
/// let app = emulator.user("ada").email("ada@example.com").enroll_authenticator_app();
/// assert!(emulator.user("ada").is_enrolled());
/// assert_eq!(app.code().len(), 6);
/// # Ok(()) }
/// ```
#[derive(Clone, Copy)]
pub struct UserHandle<'a> {
    shared: &'a AppState,
    id: &'a str,
}

#[expect(clippy::return_self_not_must_use, reason = "each has its effect at once; the chain is a convenience")]
impl<'a> UserHandle<'a> {
    pub(crate) fn new(shared: &'a AppState, id: &'a str) -> Self {
        Self { shared, id }
    }

    fn change(self, change: impl FnOnce(&mut User)) -> Self {
        change(self.shared.db().user_mut(self.id, self.shared.clock.now()));
        self
    }

    /// Sets the e-mail address, not verified.
    pub fn email(self, email: impl Into<String>) -> Self {
        self.change(|user| (user.email, user.email_verified) = (Some(email.into()), false))
    }

    /// Sets the phone number, not verified.
    pub fn phone_number(self, number: impl Into<String>) -> Self {
        self.change(|user| (user.phone_number, user.phone_number_verified) = (Some(number.into()), false))
    }

    /// Sets the user name.
    pub fn username(self, name: impl Into<String>) -> Self {
        self.change(|user| user.username = Some(name.into()))
    }

    /// Enrols codes by e-mail to `email`, as if the user had proved the address.
    pub fn enroll_email_otp(self, email: impl Into<String>) -> Self {
        self.enroll(AuthenticatorKind::EmailOtp(email.into()))
    }

    /// Enrols links by e-mail to `email`, as if the user had proved the address.
    pub fn enroll_email_magic_link(self, email: impl Into<String>) -> Self {
        self.enroll(AuthenticatorKind::EmailMagicLink(email.into()))
    }

    /// Enrols codes by SMS to `number`, as if the user had proved the number.
    pub fn enroll_sms(self, number: impl Into<String>) -> Self {
        self.enroll(AuthenticatorKind::Sms(number.into()))
    }

    /// Enrols codes by WhatsApp to `number`, as if the user had proved the number.
    pub fn enroll_whatsapp(self, number: impl Into<String>) -> Self {
        self.enroll(AuthenticatorKind::Whatsapp(number.into()))
    }

    /// Enrols a phone of this name that is asked by push messages, and answered for by
    /// [`Emulator::approve`](crate::Emulator::approve).
    pub fn enroll_push(self, phone: impl Into<String>) -> Self {
        self.enroll(AuthenticatorKind::Push(Phone { name: phone.into(), ..Phone::default() }))
    }

    /// Enrols a phone of this name that reads QR codes, and is answered for by
    /// [`Emulator::approve`](crate::Emulator::approve).
    pub fn enroll_qr_code(self, phone: impl Into<String>) -> Self {
        self.enroll(AuthenticatorKind::QrCode(Phone { name: phone.into(), ..Phone::default() }))
    }

    fn enroll(self, kind: AuthenticatorKind) -> Self {
        let now = self.shared.clock.now();
        self.change(|user| _ = user.enrol_verified(kind, false, now))
    }

    /// Enrols an authenticator app, and hands it to the test.
    pub fn enroll_authenticator_app(self) -> AuthenticatorApp {
        let app = App::generate(self.id);
        let kind = AuthenticatorKind::App { app: app.clone(), last_step: None };
        self.enroll(kind);
        AuthenticatorApp { app, clock: self.shared.clock.clone() }
    }

    /// Whether the user has a method that they could prove something with.
    #[must_use]
    pub fn is_enrolled(&self) -> bool {
        self.shared.db().users.get(self.id).is_some_and(User::is_enrolled)
    }

    /// Removes the user with all methods. Their actions stay.
    pub fn delete(self) {
        self.shared.db().delete_user(self.id, false);
    }
}

impl fmt::Debug for UserHandle<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UserHandle").field(&self.id).finish()
    }
}

/// An authenticator app in the hand of a test.
///
/// As on the service's side, a code is taken once: to prove two things in a row, move the clock on by 30 seconds.
#[derive(Debug, Clone)]
pub struct AuthenticatorApp {
    app: App,
    clock: Clock,
}

impl AuthenticatorApp {
    /// The code that it shows now, by the emulator's clock.
    #[must_use]
    pub fn code(&self) -> String {
        self.app.code(self.clock.now())
    }

    /// Its secret, in base 32.
    #[must_use]
    pub fn secret(&self) -> String {
        self.app.secret()
    }
}
