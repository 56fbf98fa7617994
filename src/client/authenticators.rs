mod enroll;
mod webauthn;

use serde::Deserialize;

use super::types::{SmsChannel, Timestamp, VerificationMethod};

pub use enroll::{EnrollVerified, Enrolled};
pub use webauthn::{
    AaguidMapping, AuthenticatorAttachment, CredentialDeviceType, ParsedUserAgent, UserAgentBrowser, UserAgentCpu,
    UserAgentDevice, UserAgentEngine, UserAgentOs, WebauthnCredential,
};

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
