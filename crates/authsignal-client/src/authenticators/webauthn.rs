//! What is known of the credential of a passkey or a security key.
use serde::Deserialize;

use crate::other::OtherMembers;
use crate::types::{Timestamp, open_enum};

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

/// The credential behind a passkey or a security key.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WebauthnCredential {
    /// The credential's id, base64url.
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
    /// The way in which it is attached.
    pub authenticator_attachment: Option<AuthenticatorAttachment>,
    /// The time at which it was used last.
    pub verified_at: Option<Timestamp>,
    /// The browser that it was made in.
    pub parsed_user_agent: Option<ParsedUserAgent>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub other: OtherMembers,
}

/// A model of authenticators.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AaguidMapping {
    /// The name, `Apple Passwords` for example.
    pub name: Option<String>,
    /// The icon on a light ground, a `data:` URL.
    pub svg_icon_light: Option<String>,
    /// The icon on a dark ground, a `data:` URL.
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
    /// The name.
    pub name: Option<String>,
    /// The version.
    pub version: Option<String>,
    /// The first number of its version.
    pub major: Option<String>,
}

/// The device in a [`ParsedUserAgent`].
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct UserAgentDevice {
    /// The model.
    pub model: Option<String>,
    /// The type, `mobile` for example.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Who made it.
    pub vendor: Option<String>,
}

/// The rendering engine in a [`ParsedUserAgent`].
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct UserAgentEngine {
    /// The name.
    pub name: Option<String>,
    /// The version.
    pub version: Option<String>,
}

/// The operating system in a [`ParsedUserAgent`].
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct UserAgentOs {
    /// The name.
    pub name: Option<String>,
    /// The version.
    pub version: Option<String>,
}

/// The processor in a [`ParsedUserAgent`].
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct UserAgentCpu {
    /// The architecture.
    pub architecture: Option<String>,
}
