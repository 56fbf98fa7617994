//! The tokens of one emulator: RS256 JWTs with the claims that the SDKs' fixtures show.
use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use authsignal_client::VerificationMethod;
use jsonwebtoken::{Algorithm, Header, Validation};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::credentials::signing_key::Keys;

/// Above any token of ours, of which a user and their addresses, a scope and a key are the longest parts; what is longer is
/// not looked at.
const MAX_TOKEN: usize = 32 * 1024;
/// What custom claims of a session may not be called.
const RESERVED: [&str; 8] = ["iss", "aud", "sub", "iat", "nbf", "exp", "jti", "verificationMethod"];

/// What a token says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Claims {
    iss: String,
    aud: String,
    sub: String,
    iat: u64,
    exp: u64,
    jti: String,
    pub(crate) scope: String,
    pub(crate) other: Subject,
}

/// Whom and what a token is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Subject {
    pub(crate) tenant_id: String,
    pub(crate) user_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) phone_number: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) action_code: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) idempotency_key: String,
}

/// What a session's access token says.
///
/// That it is RS256 and that `aud` is the app client is documented (session management). `sub`, the issuer and
/// `verificationMethod` are assumptions; another issuer keeps these tokens apart from those of challenges.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SessionClaims {
    iss: String,
    #[serde(rename = "aud")]
    pub(crate) client_id: String,
    #[serde(rename = "sub")]
    pub(crate) user_id: String,
    iat: u64,
    /// When it expires, in seconds since the Unix epoch.
    #[serde(rename = "exp")]
    pub(crate) expires_at: u64,
    /// What names it, so that it can be revoked.
    #[serde(rename = "jti")]
    pub(crate) id: String,
    #[serde(rename = "verificationMethod", skip_serializing_if = "Option::is_none")]
    pub(crate) verification_method: Option<VerificationMethod>,
    #[serde(flatten)]
    pub(crate) custom: Map<String, Value>,
}

/// A session that is to have an access token.
#[derive(Debug)]
pub(crate) struct NewSession<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) user_id: &'a str,
    /// How its user was verified.
    pub(crate) verification_method: Option<VerificationMethod>,
    /// Claims of the tenant's own. Those with names that a token needs itself are left out.
    pub(crate) custom: Map<String, Value>,
    /// How long it lives, in seconds.
    pub(crate) ttl: u64,
}

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenError {
    /// It isn't one of this emulator's.
    Invalid,
    /// It was one.
    Expired,
}

/// Where the key comes from.
enum Source {
    /// It is the one of this process, which whoever needs it first may have to wait for.
    OfProcess,
    Own(Arc<Keys>),
}

/// Makes and checks the tokens of one tenant.
pub(crate) struct Tokens {
    source: Source,
    pub(crate) tenant: String,
    /// How long a challenge's token lives, in seconds.
    ttl: u64,
    issuer: String,
    validation: Validation,
    session_issuer: String,
    session_validation: Validation,
    /// The ids of challenges' tokens that were had expire, and when they would have in any case.
    expired: Mutex<BTreeMap<String, u64>>,
}

impl Tokens {
    /// Signs with the key of this process. The first call has it made in a thread of its own, and the first token waits for
    /// it, a sixth of a second in most cases and at most one (RSA-2048 with optimised aws-lc, on two busy cores).
    pub(crate) fn soon(tenant: String, ttl: Duration) -> Self {
        if !Keys::is_made() {
            // Without the thread, the first token takes its time all the same.
            _ = std::thread::Builder::new().name("emulator key".into()).spawn(Keys::shared);
        }
        Self::of(tenant, ttl, Source::OfProcess)
    }

    /// Signs with a key of its own.
    pub(crate) fn with_keys(tenant: String, ttl: Duration, keys: Arc<Keys>) -> Self {
        Self::of(tenant, ttl, Source::Own(keys))
    }

    fn of(tenant: String, ttl: Duration, source: Source) -> Self {
        let validation = |issuer: &str| {
            let mut validation = Validation::new(Algorithm::RS256);
            validation.set_issuer(&[issuer]);
            validation.required_spec_claims = HashSet::from(["iss", "aud", "sub"].map(str::to_owned));
            // The library only knows the system's clock; `check` asks the emulator's.
            validation.validate_exp = false;
            validation
        };
        let issuer = format!("https://challenge.authsignal.com/{tenant}");
        let session_issuer = format!("https://session.authsignal.com/{tenant}");
        let mut challenge_validation = validation(&issuer);
        challenge_validation.set_audience(&[&issuer]);
        let mut session_validation = validation(&session_issuer);
        session_validation.validate_aud = false;
        let ttl = ttl.as_secs();
        Self {
            source,
            tenant,
            ttl,
            issuer,
            validation: challenge_validation,
            session_issuer,
            session_validation,
            expired: Mutex::default(),
        }
    }

    /// Waits for the key without holding up the thread.
    pub(crate) async fn ready(&self) {
        if matches!(self.source, Source::OfProcess) && !Keys::is_made() {
            // Where this fails, whoever needs the key waits for it all the same.
            _ = tokio::task::spawn_blocking(Keys::shared).await;
        }
    }

    /// The key that signs them.
    pub(crate) fn keys(&self) -> &Keys {
        match &self.source {
            Source::Own(keys) => keys,
            Source::OfProcess => Keys::shared().expect("a key is refused only for want of memory"),
        }
    }

    /// A new token; no two are the same.
    pub(crate) fn issue(&self, subject: Subject, scope: &str, now: SystemTime) -> String {
        let iat = seconds(now);
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.issuer.clone(),
            sub: subject.user_id.clone(),
            iat,
            exp: iat.saturating_add(self.ttl),
            jti: Uuid::new_v4().to_string(),
            scope: scope.to_owned(),
            other: subject,
        };
        self.sign(&claims)
    }

    /// What `token` says, if it is one of this emulator's and has not expired at `now`.
    pub(crate) fn check(&self, token: &str, now: SystemTime) -> Result<Claims, TokenError> {
        let claims: Claims = self.read(token, &self.validation)?;
        let is_over = seconds(now) >= claims.exp || self.expired().contains_key(&claims.jti);
        if is_over { Err(TokenError::Expired) } else { Ok(claims) }
    }

    /// Has a token count as expired from now on, and no other one.
    pub(crate) fn expire(&self, token: &str, now: SystemTime) {
        let Ok(claims) = self.check(token, now) else { return };
        let mut expired = self.expired();
        expired.retain(|_, until| *until > seconds(now));
        expired.insert(claims.jti, claims.exp);
    }

    fn expired(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.expired.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new access token, and what it says; no two are the same.
    pub(crate) fn issue_session(&self, session: NewSession<'_>, now: SystemTime) -> (String, SessionClaims) {
        let iat = seconds(now);
        let mut custom = session.custom;
        custom.retain(|name, _| !RESERVED.contains(&name.as_str()));
        let claims = SessionClaims {
            iss: self.session_issuer.clone(),
            client_id: session.client_id.to_owned(),
            user_id: session.user_id.to_owned(),
            iat,
            expires_at: iat.saturating_add(session.ttl),
            id: Uuid::new_v4().to_string(),
            verification_method: session.verification_method,
            custom,
        };
        (self.sign(&claims), claims)
    }

    /// What an access token says, if it is one of this emulator's, has not expired at `now`, and is for one of `clients`
    /// where there is a list. Whether it was revoked is for the caller to know.
    pub(crate) fn check_session(
        &self,
        token: &str,
        clients: Option<&[String]>,
        now: SystemTime,
    ) -> Result<SessionClaims, TokenError> {
        let claims: SessionClaims = self.read(token, &self.session_validation)?;
        if clients.is_some_and(|clients| !clients.contains(&claims.client_id)) {
            return Err(TokenError::Invalid);
        }
        if seconds(now) >= claims.expires_at { Err(TokenError::Expired) } else { Ok(claims) }
    }

    fn sign(&self, claims: &impl Serialize) -> String {
        let keys = self.keys();
        let header = Header { kid: Some(keys.id.clone()), ..Header::new(Algorithm::RS256) };
        jsonwebtoken::encode(&header, claims, &keys.signing).expect("the key has signed when it was made")
    }

    fn read<T: DeserializeOwned>(&self, token: &str, validation: &Validation) -> Result<T, TokenError> {
        if token.len() > MAX_TOKEN {
            return Err(TokenError::Invalid);
        }
        let read = jsonwebtoken::decode(token, &self.keys().checking, validation);
        read.map(|data| data.claims).map_err(|_| TokenError::Invalid)
    }
}

fn seconds(now: SystemTime) -> u64 {
    now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::EncodingKey;
    use serde_json::json;

    use super::*;

    const LIFE: Duration = Duration::from_secs(600);

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
        let tokens = Tokens::soon("t".into(), LIFE);
        let start = UNIX_EPOCH + Duration::from_secs(1_000);
        let token = tokens.issue(subject(), "read:authenticators", start);
        assert_eq!(tokens.check(&token, start).unwrap().other, subject());
        assert!(tokens.check(&token, start + (LIFE - Duration::from_secs(1))).is_ok());
        assert_eq!(tokens.check(&token, start + LIFE), Err(TokenError::Expired));
        assert_ne!(token, tokens.issue(subject(), "read:authenticators", start), "each is a new one");
    }

    #[test]
    fn what_is_not_ours_is_refused() {
        let tokens = Tokens::soon("t".into(), LIFE);
        let other = Tokens::soon("u".into(), LIFE);
        let token = tokens.issue(subject(), "", UNIX_EPOCH);
        assert_eq!(other.check(&token, UNIX_EPOCH), Err(TokenError::Invalid), "the key is shared, the tenant is not");

        let secret = EncodingKey::from_secret(b"guess");
        let claims = tokens.check(&token, UNIX_EPOCH).unwrap();
        let hs256 = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &secret).unwrap();
        let (head, _) = token.rsplit_once('.').unwrap();
        for forged in
            [hs256, format!("{head}."), format!("{head}.AAAA"), String::new(), "..".into(), "x".repeat(1 << 20)]
        {
            assert_eq!(tokens.check(&forged, UNIX_EPOCH), Err(TokenError::Invalid), "{:.60}", forged);
        }
    }

    fn session() -> NewSession<'static> {
        NewSession {
            client_id: "app",
            user_id: "ada",
            verification_method: Some(VerificationMethod::Passkey),
            custom: Map::from_iter([("tier".to_owned(), json!("gold"))]),
            ttl: 900,
        }
    }

    #[test]
    fn an_access_token_is_taken_until_it_expires() {
        let tokens = Tokens::soon("t".into(), LIFE);
        let start = UNIX_EPOCH + Duration::from_secs(1_000);
        let (token, claims) = tokens.issue_session(session(), start);
        assert_eq!(tokens.check_session(&token, None, start).as_ref(), Ok(&claims));
        assert_eq!(
            serde_json::to_value(&claims).unwrap(),
            json!({
                "iss": "https://session.authsignal.com/t",
                "aud": "app",
                "sub": "ada",
                "iat": 1_000,
                "exp": 1_900,
                "jti": claims.id,
                "verificationMethod": "PASSKEY",
                "tier": "gold",
            })
        );
        assert_ne!(tokens.issue_session(session(), start).1.id, claims.id, "each is a new one");
        for (clients, ttl, expected) in [
            (None, 899, None),
            (Some(vec!["other".to_owned(), "app".to_owned()]), 899, None),
            (Some(vec!["other".to_owned()]), 899, Some(TokenError::Invalid)),
            (Some(Vec::new()), 899, Some(TokenError::Invalid)),
            (None, 900, Some(TokenError::Expired)),
        ] {
            let checked = tokens.check_session(&token, clients.as_deref(), start + Duration::from_secs(ttl));
            assert_eq!(checked.err(), expected, "{clients:?} after {ttl}");
        }
    }

    #[test]
    fn custom_claims_take_nothing_over() {
        let tokens = Tokens::soon("t".into(), LIFE);
        let mut custom = Map::from_iter(RESERVED.map(|name| (name.to_owned(), json!(1))));
        custom.insert("other".into(), json!({ "userId": "eve" }));
        custom.insert("scope".into(), json!("add:authenticators"));
        let (token, claims) = tokens.issue_session(NewSession { custom, ..session() }, UNIX_EPOCH);
        assert_eq!(tokens.check_session(&token, None, UNIX_EPOCH).as_ref(), Ok(&claims));
        assert_eq!((claims.user_id.as_str(), claims.client_id.as_str()), ("ada", "app"));
        assert_eq!(claims.custom.keys().collect::<Vec<_>>(), ["other", "scope"]);
    }

    #[test]
    fn one_kind_of_token_is_never_taken_for_the_other() {
        let tokens = Tokens::soon("t".into(), LIFE);
        let challenge = tokens.issue(subject(), "", UNIX_EPOCH);
        assert_eq!(tokens.check_session(&challenge, None, UNIX_EPOCH), Err(TokenError::Invalid));
        // Even if a client is called after the challenges, and its claims look like theirs.
        let mut custom = Map::from_iter([("scope".to_owned(), json!(""))]);
        custom.insert("other".into(), serde_json::to_value(subject()).unwrap());
        let client_id = "https://challenge.authsignal.com/t";
        let (session, _) = tokens.issue_session(NewSession { client_id, custom, ..session() }, UNIX_EPOCH);
        assert!(tokens.check_session(&session, None, UNIX_EPOCH).is_ok());
        assert_eq!(tokens.check(&session, UNIX_EPOCH), Err(TokenError::Invalid));
    }

    #[test]
    fn a_kept_key_takes_what_it_signed_before() {
        let tokens = Tokens::soon("t".into(), LIFE);
        let keys = Arc::new(Keys::import(&tokens.keys().export()).unwrap());
        let again = Tokens::with_keys("t".into(), LIFE, keys.clone());
        let token = tokens.issue(subject(), "", UNIX_EPOCH);
        assert!(again.check(&token, UNIX_EPOCH).is_ok());
        let header = jsonwebtoken::decode_header(&token).unwrap();
        assert_eq!(header.kid.unwrap(), again.keys().jwks()["keys"][0]["kid"]);
        let (session, _) = tokens.issue_session(session(), UNIX_EPOCH);
        assert!(again.check_session(&session, None, UNIX_EPOCH).is_ok());
        let other = Tokens::with_keys("u".into(), LIFE, keys);
        assert_eq!(other.check_session(&session, None, UNIX_EPOCH), Err(TokenError::Invalid), "another tenant's");
    }
}
