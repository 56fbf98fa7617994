//! The API secret key: checked once, shown nowhere, and the root of keys that others keep things with.
use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

use crate::config::ConfigError;

/// An API secret key of a tenant: never empty, and with no character that cannot be part of one.
///
/// Nothing gives it back, and `Debug` does not show it. What it gives are [keys of their own](Self::derive_key) for those
/// who keep something on behalf of the same tenant. Clones share it.
#[derive(Clone)]
pub struct SecretKey(Arc<SecretString>);

impl SecretKey {
    /// Takes a key that could be one. Whether it is, the service alone knows.
    ///
    /// # Errors
    ///
    /// [`ConfigError::MissingSecret`] when it is empty; [`ConfigError::InvalidSecret`] when it holds a control character,
    /// white space or a colon.
    pub fn new(secret: impl Into<String>) -> Result<Self, ConfigError> {
        let secret = SecretString::from(secret.into());
        let text = secret.expose_secret();
        if text.is_empty() {
            return Err(ConfigError::MissingSecret);
        }
        // A colon would end the user name of Basic authentication early (RFC 7617, section 2).
        if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == ':') {
            return Err(ConfigError::InvalidSecret);
        }
        Ok(Self(Arc::new(secret)))
    }

    /// The key of 32 bytes that belongs to `label`: HMAC-SHA256 of the label under the secret key.
    ///
    /// It is the same on every machine that has the same secret key. Whoever learns it learns neither the secret key nor the
    /// key of another label. Labels that name a program, a purpose and a version stay out of each other's way.
    ///
    /// # Examples
    ///
    /// ```
    /// use authsignal_client::SecretKey;
    ///
    /// let secret = SecretKey::new("the-api-secret-key")?;
    /// assert_eq!(secret.derive_key("my-shop drafts v1"), secret.derive_key("my-shop drafts v1"));
    /// assert_ne!(secret.derive_key("my-shop drafts v1"), secret.derive_key("my-shop links v1"));
    /// # Ok::<(), authsignal_client::ConfigError>(())
    /// ```
    #[must_use]
    pub fn derive_key(&self, label: &str) -> [u8; 32] {
        keyed(self.expose()).chain_update(label).finalize().into_bytes().into()
    }

    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// HMAC-SHA256 under a secret.
pub(crate) fn keyed(secret: &str) -> Hmac<Sha256> {
    Hmac::new_from_slice(secret.as_bytes()).expect("HMAC takes any length")
}

/// The API secret key that the environment has, with the environment as an argument.
pub(crate) fn secret_from_vars(read: impl Fn(&str) -> Option<OsString>) -> Result<String, ConfigError> {
    let set = |name: &str| read(name).filter(|value| !value.is_empty());
    let secret = set("AUTHSIGNAL_API_SECRET_KEY").or_else(|| set("AUTHSIGNAL_SECRET_KEY"));
    secret.ok_or(ConfigError::MissingSecret)?.into_string().map_err(|_| ConfigError::InvalidSecret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_key_is_refused() {
        let table = [
            ("plain", "q9Zk/Xn0+=", Ok(())),
            ("empty", "", Err(ConfigError::MissingSecret)),
            ("newline of a file", "secret\n", Err(ConfigError::InvalidSecret)),
            ("space", "a secret", Err(ConfigError::InvalidSecret)),
            ("wide space", "a\u{3000}secret", Err(ConfigError::InvalidSecret)),
            ("nul", "a\0", Err(ConfigError::InvalidSecret)),
            ("colon", "user:password", Err(ConfigError::InvalidSecret)),
        ];
        for (name, secret, expected) in table {
            assert_eq!(SecretKey::new(secret).map(drop), expected, "{name}");
        }
    }

    /// Records that are kept under derived keys outlive an update only while these bytes stay (python's `hmac`).
    #[test]
    fn a_derived_key_is_the_hmac_of_its_label() {
        let key = SecretKey::new("the-api-secret-key").unwrap().derive_key("axum-authsignal tenant v1");
        let expected = [
            0x8c, 0x45, 0xb7, 0x8d, 0x4c, 0x9d, 0xb3, 0x80, 0x81, 0xcc, 0x63, 0x00, 0x15, 0x72, 0x35, 0x6b, 0x69, 0x5f,
            0x7d, 0x49, 0xe2, 0x8b, 0xda, 0x13, 0xd5, 0xec, 0xc7, 0x8e, 0x8e, 0xeb, 0x5e, 0xbe,
        ];
        assert_eq!(key, expected);
    }

    /// T97
    #[test]
    fn neither_debug_nor_a_derived_key_shows_the_secret() {
        let secret = SecretKey::new("canary-secret").unwrap();
        assert_eq!(format!("{secret:?} {secret:#?}"), "[redacted] [redacted]");
        assert!(!secret.derive_key("canary").windows(6).any(|window| window == b"canary"));
    }
}
