use serde::{Deserialize, Serialize};

use super::Client;
use super::actions::user_id_of;
use super::error::Error;
use super::types::{Timestamp, Token, VerificationMethod, null_is_default, open_enum};

open_enum!(
    /// Whether a credential stays on one device (WebAuthn Level 3, credential backup state).
    CredentialDeviceType {
        /// It stays on the device that made it.
        SingleDevice = "singleDevice",
        /// It may be synchronised.
        MultiDevice = "multiDevice",
    }
);

open_enum!(
    /// How an authenticator is attached (WebAuthn Level 3, section 5.4.5).
    AuthenticatorAttachment {
        /// Part of the device.
        Platform = "platform",
        /// A device of its own.
        CrossPlatform = "cross-platform",
    }
);

open_enum!(
    /// How an SMS is brought to the user (node and browser `src/types`).
    SmsChannel {
        /// SMS only.
        Default = "DEFAULT",
        /// WhatsApp, and SMS where that fails.
        Whatsapp = "WHATSAPP",
        /// SMS; only the browser SDK's types have it.
        Sms = "SMS",
    }
);

/// A method that the application has verified itself, for [`Client::enroll_verified_authenticator`].
///
/// # Examples
///
/// ```
/// use axum_authsignal::client::{EnrollVerified, VerificationMethod};
///
/// let request = EnrollVerified::new(VerificationMethod::EmailOtp).email("ada@example.com").is_default(true);
/// ```
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct EnrollVerified {
    verification_method: VerificationMethod,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number: Option<String>,
    /// It holds the shared secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    otp_uri: Option<Token>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_default: Option<bool>,
}

impl EnrollVerified {
    /// Enrols `method`. The service takes `EMAIL_MAGIC_LINK`, `EMAIL_OTP`, `SMS` and `AUTHENTICATOR_APP`, newer docs
    /// also `PASSKEY` and `WHATSAPP` (API reference, enroll verified authenticator).
    pub fn new(method: VerificationMethod) -> Self {
        Self { verification_method: method, email: None, phone_number: None, otp_uri: None, is_default: None }
    }

    /// The verified address, for the e-mail methods.
    pub fn email(mut self, address: impl Into<String>) -> Self {
        self.email = Some(address.into());
        self
    }

    /// The verified number in E.164 form, for SMS and WhatsApp.
    pub fn phone_number(mut self, number: impl Into<String>) -> Self {
        self.phone_number = Some(number.into());
        self
    }

    /// The whole `otpauth://totp/…?secret=…`, for an authenticator app. It is a secret and is kept like one.
    pub fn otp_uri(mut self, uri: impl Into<String>) -> Self {
        self.otp_uri = Some(Token::new(uri));
        self
    }

    /// Whether the user is asked for this method first. Default: the service's.
    pub fn is_default(mut self, yes: bool) -> Self {
        self.is_default = Some(yes);
        self
    }
}

/// What was enrolled, from [`Client::enroll_verified_authenticator`].
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Enrolled {
    /// The method.
    pub authenticator: UserAuthenticator,
    /// Recovery codes to show to the user once; empty where the service made none.
    #[serde(default, deserialize_with = "null_is_default")]
    pub recovery_codes: Vec<Token>,
}

/// One enrolled method of one user (node `src/types`, API reference, authenticators).
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UserAuthenticator {
    /// Whose it is; the Client API leaves it out.
    pub user_id: Option<String>,
    /// Its id.
    pub user_authenticator_id: String,
    /// What it is.
    pub verification_method: VerificationMethod,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was verified first.
    pub verified_at: Option<Timestamp>,
    /// When it was used last.
    pub last_verified_at: Option<Timestamp>,
    /// The address of an e-mail method.
    pub email: Option<String>,
    /// The number of SMS and WhatsApp.
    pub phone_number: Option<String>,
    /// The name of a passkey or security key.
    pub username: Option<String>,
    /// The name that a passkey or security key shows.
    pub display_name: Option<String>,
    /// How the last SMS was brought.
    pub previous_sms_channel: Option<SmsChannel>,
    /// Whether the user is asked for it first.
    pub is_default: Option<bool>,
    /// The credential of a passkey or security key.
    pub webauthn_credential: Option<WebauthnCredential>,
}

/// The credential behind a passkey or a security key.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WebauthnCredential {
    /// Its id, base64url.
    pub credential_id: String,
    /// The device that it was made on.
    pub device_id: Option<String>,
    /// What the user sees, `Chrome on Mac OS` for example.
    pub name: Option<String>,
    /// The model of the authenticator.
    pub aaguid: Option<String>,
    /// What is known about that model.
    pub aaguid_mapping: Option<AaguidMapping>,
    /// Whether it is backed up.
    pub credential_backed_up: Option<bool>,
    /// Whether it stays on one device.
    pub credential_device_type: Option<CredentialDeviceType>,
    /// How it is attached.
    pub authenticator_attachment: Option<AuthenticatorAttachment>,
    /// When it was used last.
    pub verified_at: Option<Timestamp>,
    /// The browser that it was made in.
    pub parsed_user_agent: Option<ParsedUserAgent>,
}

/// A model of authenticators.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AaguidMapping {
    /// Its name, `Apple Passwords` for example.
    pub name: Option<String>,
    /// Its icon on a light ground, a `data:` URL.
    pub svg_icon_light: Option<String>,
    /// Its icon on a dark ground, a `data:` URL.
    pub svg_icon_dark: Option<String>,
}

/// A user agent in its parts.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ParsedUserAgent {
    /// The header as it came.
    pub ua: Option<String>,
    /// The browser.
    pub browser: Option<UserAgentBrowser>,
    /// The device.
    pub device: Option<UserAgentDevice>,
    /// The rendering engine.
    pub engine: Option<UserAgentEngine>,
    /// The operating system.
    pub os: Option<UserAgentOs>,
    /// The processor.
    pub cpu: Option<UserAgentCpu>,
}

/// The browser in a [`ParsedUserAgent`].
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct UserAgentBrowser {
    /// Its name.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// The first number of its version.
    pub major: Option<String>,
}

/// The device in a [`ParsedUserAgent`].
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct UserAgentDevice {
    /// Its model.
    pub model: Option<String>,
    /// Its type, `mobile` for example.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Who made it.
    pub vendor: Option<String>,
}

/// The rendering engine in a [`ParsedUserAgent`].
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct UserAgentEngine {
    /// Its name.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
}

/// The operating system in a [`ParsedUserAgent`].
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct UserAgentOs {
    /// Its name.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
}

/// The processor in a [`ParsedUserAgent`].
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct UserAgentCpu {
    /// Its architecture.
    pub architecture: Option<String>,
}

impl Client {
    /// Enrols a method that the application has verified itself: `POST /users/{userId}/authenticators`.
    ///
    /// It is never sent a second time once something of it was sent, except where the service asks for that
    /// (429 with `Retry-After`).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](super::ErrorKind::InvalidInput) for an id that is not a [`UserId`](super::UserId);
    /// [`Rejected`](super::ErrorKind::Rejected) where the service does not take the method or its address; else as
    /// [`ErrorKind`](super::ErrorKind) says.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: axum_authsignal::Client) -> Result<(), axum_authsignal::client::Error> {
    /// use axum_authsignal::client::{EnrollVerified, VerificationMethod};
    ///
    /// let request = EnrollVerified::new(VerificationMethod::Sms).phone_number("+64270000000");
    /// let enrolled = client.enroll_verified_authenticator("user-1", request).await?;
    /// for code in &enrolled.recovery_codes {
    ///     // show `code.secret()` to the user, once
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn enroll_verified_authenticator(
        &self,
        user_id: impl AsRef<str>,
        request: impl Into<EnrollVerified>,
    ) -> Result<Enrolled, Error> {
        let user = user_id_of(user_id.as_ref())?;
        let request = request.into();
        let mut call = self.transport.post(&["users", user.as_str(), "authenticators"], &request)?.confidential();
        if let Some(uri) = &request.otp_uri {
            let secret = uri.secret().split(['?', '&']).find_map(|pair| pair.strip_prefix("secret="));
            call = call.carrying(uri.secret()).carrying(secret.unwrap_or_default());
        }
        self.transport.run(&call).await
    }
}
