//! The key that opens what stands under `/emulator` to those who come from elsewhere.
use std::fmt;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::http::hosts::Hosts;

/// Who may ask for what is under `/emulator`.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    pub(crate) hosts: Hosts,
    /// Without one, everybody who uses such a name.
    pub(crate) key: Option<ControlKey>,
}

/// A key that is asked for: as a bearer token, or as the password of anybody in HTTP Basic, which browsers ask people for.
#[derive(Clone)]
pub(crate) struct ControlKey(SecretString);

impl ControlKey {
    /// Takes one that headers can carry.
    pub(crate) fn new(text: SecretString) -> io::Result<Self> {
        let key = text.expose_secret();
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            let why = "invalid control key: empty, or with a space, a control character or something beyond ASCII";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        Ok(Self(text))
    }

    pub(crate) fn random() -> Self {
        Self(format!("control-{}", Uuid::new_v4().simple()).into())
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether a request has it.
    pub(crate) fn is_in(&self, headers: &HeaderMap) -> bool {
        let credentials = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (scheme, given) = credentials.split_once(' ').unwrap_or_default();
        let given = given.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return self.is(given.as_bytes());
        }
        let decoded = if scheme.eq_ignore_ascii_case("basic") { STANDARD.decode(given).ok() } else { None };
        let password = decoded.as_deref().and_then(|decoded| decoded.splitn(2, |byte| *byte == b':').nth(1));
        password.is_some_and(|password| self.is(password))
    }

    /// By their digests, so that the time tells nothing.
    fn is(&self, given: &[u8]) -> bool {
        Sha256::digest(given) == Sha256::digest(self.as_str())
    }
}

impl fmt::Debug for ControlKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ControlKey([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        for (text, taken) in
            [("k", true), ("k3y:with+all/of=it", true), ("", false), ("a b", false), ("a\n", false), ("ä", false)]
        {
            assert_eq!(ControlKey::new(text.into()).is_ok(), taken, "{text:?}");
        }
        let (one, other) = (ControlKey::random(), ControlKey::random());
        assert!(one.as_str().len() >= 32 && one.as_str() != other.as_str());
        assert!(!format!("{one:?}").contains(one.as_str()));
    }

    #[test]
    fn credentials() {
        let key = ControlKey::new("k:y".to_owned().into()).unwrap();
        let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
        for (credentials, taken) in [
            ("Bearer k:y".to_owned(), true),
            ("bearer  k:y ".to_owned(), true),
            (basic(":k:y"), true),
            (basic("ada:k:y"), true),
            ("Bearer k:z".to_owned(), false),
            ("Bearer ".to_owned(), false),
            ("Bearer".to_owned(), false),
            ("k:y".to_owned(), false),
            (basic("k:y"), false),
            (basic("ada:"), false),
            (basic("k"), false),
            (basic(""), false),
            ("Basic !".to_owned(), false),
        ] {
            let headers = HeaderMap::from_iter([(header::AUTHORIZATION, credentials.parse().unwrap())]);
            assert_eq!(key.is_in(&headers), taken, "{credentials}");
        }
        assert!(!key.is_in(&HeaderMap::new()));
    }
}
