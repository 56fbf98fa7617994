//! What a credential is for, and why a ceremony came to nothing.
use std::fmt;

use serde::{Deserialize, Serialize};
use webauthn_rs_core::error::WebauthnError;
use webauthn_rs_core::proto::UserVerificationPolicy;

/// What a credential is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum KeyKind {
    Passkey,
    SecurityKey,
}

impl KeyKind {
    pub(super) const fn verification(self) -> UserVerificationPolicy {
        match self {
            Self::Passkey => UserVerificationPolicy::Required,
            Self::SecurityKey => UserVerificationPolicy::Preferred,
        }
    }
}

/// Why a ceremony came to nothing. The texts are for whoever writes the application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CredentialError {
    /// No such credential is known.
    UnknownCredential,
    /// It was read, and proves nothing.
    Invalid(String),
    /// It can't be read.
    Malformed(String),
}

impl CredentialError {
    /// The error code, all three answered with 400 (an assumption). The browser SDK makes the browser forget a passkey
    /// that is `unknown_credential`.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::UnknownCredential => "unknown_credential",
            Self::Invalid(_) => "invalid_credential",
            Self::Malformed(_) => "invalid_request",
        }
    }
}

impl fmt::Display for CredentialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownCredential => f.write_str("The credential is not known."),
            Self::Invalid(why) => write!(f, "The credential is not accepted: {why}."),
            Self::Malformed(why) => write!(f, "The credential cannot be read: {why}."),
        }
    }
}

impl From<WebauthnError> for CredentialError {
    fn from(error: WebauthnError) -> Self {
        use WebauthnError as E;
        let why = error.to_string();
        match error {
            E::ParseBase64Failure(_) | E::ParseCBORFailure(_) | E::ParseJSONFailure(_) | E::ParseNOMFailure => {
                Self::Malformed(why)
            }
            _ => Self::Invalid(why),
        }
    }
}

pub(super) fn invalid(why: &str) -> CredentialError {
    CredentialError::Invalid(why.to_owned())
}

/// What is wrong, cut short: parsers quote what they did not expect.
pub(super) fn malformed(why: impl fmt::Display) -> CredentialError {
    CredentialError::Malformed(why.to_string().chars().take(200).collect())
}
