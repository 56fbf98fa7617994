//! Words that several endpoints share.
use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

/// An enum of the service's that keeps the values this version does not know.
macro_rules! open_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$vdoc])* $variant,)*
            /// A value that this version does not know, as it came.
            Unknown(String),
        }

        impl $name {
            /// The value as it stands on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Unknown(text) => text,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)*
                    other => Self::Unknown(other.to_owned()),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Word;

                impl serde::de::Visitor<'_> for Word {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("a string")
                    }

                    fn visit_str<E>(self, text: &str) -> Result<$name, E> {
                        Ok($name::from(text))
                    }
                }

                deserializer.deserialize_str(Word)
            }
        }
    };
}

pub(crate) use open_enum;

open_enum!(
    /// Where an action stands. The same eight in every official SDK and in the API reference.
    ActionState {
        /// Carry on; also what a user with nothing enrolled gets where the action would be challenged.
        Allow = "ALLOW",
        /// Refuse.
        Block = "BLOCK",
        /// The user has to prove more.
        ChallengeRequired = "CHALLENGE_REQUIRED",
        /// The user has proved it.
        ChallengeSucceeded = "CHALLENGE_SUCCEEDED",
        /// The proof was definitively refused.
        ChallengeFailed = "CHALLENGE_FAILED",
        /// An operator has to look at it.
        ReviewRequired = "REVIEW_REQUIRED",
        /// The operator agreed.
        ReviewSucceeded = "REVIEW_SUCCEEDED",
        /// The operator refused.
        ReviewFailed = "REVIEW_FAILED",
    }
);

open_enum!(
    /// How a user proves who they are (node `src/types/index.ts`, java, dotnet, browser and the terraform provider).
    VerificationMethod {
        /// A code by SMS.
        Sms = "SMS",
        /// A code by e-mail.
        EmailOtp = "EMAIL_OTP",
        /// A link by e-mail.
        EmailMagicLink = "EMAIL_MAGIC_LINK",
        /// A code from an authenticator app (TOTP).
        AuthenticatorApp = "AUTHENTICATOR_APP",
        /// A passkey.
        Passkey = "PASSKEY",
        /// A hardware security key.
        SecurityKey = "SECURITY_KEY",
        /// A push message to an app.
        Push = "PUSH",
        /// An identity check by Veriff.
        Veriff = "VERIFF",
        /// A face check by iProov.
        Iproov = "IPROOV",
        /// An identity check by IDVerse.
        Idverse = "IDVERSE",
        /// A device credential.
        Device = "DEVICE",
        /// A palm scan.
        PalmBiometricsRr = "PALM_BIOMETRICS_RR",
        /// A recovery code.
        RecoveryCode = "RECOVERY_CODE",
        /// A code by WhatsApp.
        Whatsapp = "WHATSAPP",
        /// A QR code read by an app.
        QrCode = "QR_CODE",
        /// A credential inside an app.
        InApp = "IN_APP",
        /// An identity check by Onfido.
        Onfido = "ONFIDO",
        /// An Apple ID token.
        AppleIdToken = "APPLE_ID_TOKEN",
        /// A Google ID token.
        GoogleIdToken = "GOOGLE_ID_TOKEN",
        /// A digital credential.
        DigitalCredential = "DIGITAL_CREDENTIAL",
        /// Another OpenID Connect provider.
        OidcProvider = "OIDC_PROVIDER",
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

open_enum!(
    /// What a token may do with its user's methods on the Client API (API reference, track; node `src/types/index.ts`).
    ///
    /// It is text wherever it is sent: several go with a space between them.
    Scope {
        /// See them.
        Read = "read:authenticators",
        /// Enrol another one; the first needs no scope.
        Add = "add:authenticators",
        /// Change the address of one.
        Update = "update:authenticators",
        /// Remove one.
        Remove = "remove:authenticators",
    }
);

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.as_str().to_owned()
    }
}

/// A token of the service's: opaque, and worth as much as what it stands for.
///
/// `Debug` hides it, there is no `Display`, and two are never compared; [`secret`](Self::secret) gives the text.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(String);

impl Token {
    /// Wraps a token.
    #[must_use]
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    /// The token itself. Keep it out of logs and URLs.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl From<String> for Token {
    fn from(token: String) -> Self {
        Self(token)
    }
}

impl From<&str> for Token {
    fn from(token: &str) -> Self {
        Self(token.to_owned())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token([redacted])")
    }
}

/// The URL of a challenge page. It carries a token, so it is kept like one; it comes from upstream and is not trusted.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChallengeUrl(String);

impl ChallengeUrl {
    /// Wraps a URL.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// The URL itself, token included. Send the user there; keep it out of logs.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ChallengeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChallengeUrl([redacted])")
    }
}

/// A moment as the service writes it, ISO 8601 in UTC with milliseconds (`2026-01-15T10:00:00.000Z`).
///
/// The text is kept as it came: a form that this version cannot read is no reason to refuse an answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(String);

impl Timestamp {
    /// Takes a text as it is, to be sent or compared. Whether it is a moment, [`to_system_time`](Self::to_system_time) says,
    /// and the service.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as it came.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The moment, if the text is one.
    #[must_use]
    pub fn to_system_time(&self) -> Option<SystemTime> {
        SystemTime::try_from(self.0.parse::<jiff::Timestamp>().ok()?).ok()
    }
}

impl From<&str> for Timestamp {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Timestamp {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<SystemTime> for Timestamp {
    /// Writes a moment as the service does; what lies outside the years -9999 to 9999 becomes the Unix epoch.
    fn from(time: SystemTime) -> Self {
        let time = jiff::Timestamp::try_from(time).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        Self(format!("{time:.3}"))
    }
}

/// A moment as the service writes the end of challenges and sessions: whole seconds since 1970, as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixSeconds(u64);

impl UnixSeconds {
    /// The seconds since the beginning of 1970, UTC.
    #[must_use]
    pub fn as_secs(self) -> u64 {
        self.0
    }

    /// The moment, if this machine's clock goes that far.
    #[must_use]
    pub fn to_system_time(self) -> Option<SystemTime> {
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds() {
        let read = |json: &str| serde_json::from_str::<UnixSeconds>(json).ok();
        let moment = read("1768471800").and_then(UnixSeconds::to_system_time).unwrap();
        assert_eq!(Timestamp::from(moment).as_str(), "2026-01-15T10:10:00.000Z");
        assert_eq!(read("4102444800").map(UnixSeconds::as_secs), Some(4_102_444_800), "beyond 2038");
        assert_eq!(read("18446744073709551615").unwrap().to_system_time(), None);
        for json in ["-1", "1.5", "1e3", r#""1768471800""#, "null", "true", "[1]"] {
            assert!(read(json).is_none(), "{json}");
        }
    }

    #[test]
    fn timestamps() {
        let moment = SystemTime::UNIX_EPOCH + Duration::from_millis(1_768_471_200_001);
        assert_eq!(Timestamp::from(moment).as_str(), "2026-01-15T10:00:00.001Z");
        assert_eq!(Timestamp::from(moment).to_system_time(), Some(moment));
        for text in ["2026-01-15T10:00:00.001Z", "2026-01-15T23:00:00.001+13:00"] {
            let told = Timestamp::from(text);
            assert_eq!((told.as_str(), told.to_system_time()), (text, Some(moment)));
            assert_eq!(Timestamp::from(text.to_owned()), Timestamp::new(text));
        }
        let text: Timestamp = serde_json::from_str(r#""yesterday""#).unwrap();
        assert_eq!((text.as_str(), text.to_system_time()), ("yesterday", None));
    }
}
