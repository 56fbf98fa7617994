//! The tokens of one emulator: RS256 JWTs with the claims that the SDKs' fixtures show.
use std::collections::HashSet;
use std::io;
use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, crypto};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How long a token lives, in seconds. The service's default.
pub(super) const LIFE: u64 = 600;
/// Far above any token of ours; what is longer is not looked at.
const LONGEST: usize = 16 * 1024;
const KEY_ID: &str = "emulator";

/// One key for all emulators of a process: making one takes a while, and the tenant in `iss` and `aud` keeps the tokens
/// of two emulators apart.
static KEYS: LazyLock<Option<Keys>> = LazyLock::new(Keys::generate);

struct Keys {
    signing: EncodingKey,
    checking: DecodingKey,
}

impl Keys {
    fn generate() -> Option<Self> {
        // jsonwebtoken picks its cryptography by Cargo features and panics when another crate has switched on a second
        // one. Naming it settles that; an application that has chosen before keeps its choice.
        let _already_chosen = crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        let pair = KeyPair::generate(KeySize::Rsa2048).ok()?;
        let private: Pkcs8V1Der<'_> = pair.as_der().ok()?;
        // The library reads the key itself (PKCS #1), which is all that follows the fixed header of an RSA key in PKCS
        // #8: sequence (4), version (3), algorithm (15), octet string (4).
        let signing = EncodingKey::from_rsa_der(private.as_ref().get(26..)?);
        let checking = DecodingKey::from_rsa_der(pair.public_key().as_ref());
        let keys = Self { signing, checking };
        jsonwebtoken::encode(&Header::new(Algorithm::RS256), &(), &keys.signing).ok()?;
        Some(keys)
    }
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Claims {
    iss: String,
    aud: String,
    sub: String,
    iat: u64,
    exp: u64,
    jti: String,
    pub(super) scope: String,
    pub(super) other: Subject,
}

/// Whom and what a token is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Subject {
    pub(super) tenant_id: String,
    pub(super) user_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) phone_number: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) action_code: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) idempotency_key: String,
}

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenFault {
    /// It isn't one of this emulator's.
    Invalid,
    /// It was one.
    Expired,
}

/// Makes and checks the tokens of one tenant.
pub(super) struct Tokens {
    keys: &'static Keys,
    pub(super) tenant: String,
    issuer: String,
    validation: Validation,
}

impl Tokens {
    /// The first call in a process makes the key, which takes up to a second: call it where blocking is fine.
    pub(super) fn new(tenant: String) -> io::Result<Self> {
        let keys = KEYS.as_ref().ok_or_else(|| io::Error::other("no RSA key could be made"))?;
        let issuer = format!("https://challenge.authsignal.com/{tenant}");
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_issuer(&[&issuer]);
        validation.set_audience(&[&issuer]);
        validation.required_spec_claims = HashSet::from(["iss", "aud", "sub"].map(str::to_owned));
        // The library only knows the system's clock; `check` asks the emulator's.
        validation.validate_exp = false;
        Ok(Self { keys, tenant, issuer, validation })
    }

    /// A new token; no two are the same.
    pub(super) fn issue(&self, subject: Subject, scope: &str, now: SystemTime) -> String {
        let iat = seconds(now);
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.issuer.clone(),
            sub: subject.user_id.clone(),
            iat,
            exp: iat.saturating_add(LIFE),
            jti: Uuid::new_v4().to_string(),
            scope: scope.to_owned(),
            other: subject,
        };
        let header = Header { kid: Some(KEY_ID.to_owned()), ..Header::new(Algorithm::RS256) };
        jsonwebtoken::encode(&header, &claims, &self.keys.signing).expect("the key has signed when it was made")
    }

    /// What `token` says, if it is one of this emulator's and has not expired at `now`.
    pub(super) fn check(&self, token: &str, now: SystemTime) -> Result<Claims, TokenFault> {
        if token.len() > LONGEST {
            return Err(TokenFault::Invalid);
        }
        let claims = jsonwebtoken::decode::<Claims>(token, &self.keys.checking, &self.validation)
            .map_err(|_| TokenFault::Invalid)?
            .claims;
        if seconds(now) >= claims.exp { Err(TokenFault::Expired) } else { Ok(claims) }
    }
}

fn seconds(now: SystemTime) -> u64 {
    now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn subject() -> Subject {
        Subject {
            tenant_id: "t".into(),
            user_id: "ada".into(),
            email: None,
            phone_number: None,
            action_code: "withdrawal".into(),
            idempotency_key: "k".into(),
        }
    }

    #[test]
    fn a_token_is_taken_until_it_expires() {
        let tokens = Tokens::new("t".into()).unwrap();
        let start = UNIX_EPOCH + Duration::from_secs(1_000);
        let token = tokens.issue(subject(), "read:authenticators", start);
        assert_eq!(tokens.check(&token, start).unwrap().other, subject());
        assert!(tokens.check(&token, start + Duration::from_secs(LIFE - 1)).is_ok());
        assert_eq!(tokens.check(&token, start + Duration::from_secs(LIFE)), Err(TokenFault::Expired));
        assert_ne!(token, tokens.issue(subject(), "read:authenticators", start), "each is a new one");
    }

    #[test]
    fn what_is_not_ours_is_refused() {
        let tokens = Tokens::new("t".into()).unwrap();
        let other = Tokens::new("u".into()).unwrap();
        let token = tokens.issue(subject(), "", UNIX_EPOCH);
        assert_eq!(other.check(&token, UNIX_EPOCH), Err(TokenFault::Invalid), "the key is shared, the tenant is not");

        let secret = EncodingKey::from_secret(b"guess");
        let claims = tokens.check(&token, UNIX_EPOCH).unwrap();
        let hs256 = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &secret).unwrap();
        let (head, _) = token.rsplit_once('.').unwrap();
        for forged in
            [hs256, format!("{head}."), format!("{head}.AAAA"), String::new(), "..".into(), "x".repeat(1 << 20)]
        {
            assert_eq!(tokens.check(&forged, UNIX_EPOCH), Err(TokenFault::Invalid), "{:.60}", forged);
        }
    }
}
