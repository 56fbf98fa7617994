//! The RSA key that tokens are signed with: made, kept, published.
use std::sync::OnceLock;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, crypto};
use serde_json::{Value, json};

/// One key for all emulators of a process: making one takes a while, and the tenant in `iss` and `aud` keeps the tokens
/// of two emulators apart.
static SHARED: OnceLock<Option<Keys>> = OnceLock::new();

pub(crate) struct Keys {
    pub(crate) signing: EncodingKey,
    pub(crate) checking: DecodingKey,
    /// The private key in PKCS #8.
    private: Vec<u8>,
    public: Jwk,
    /// The thumbprint of the public key (RFC 7638), so that two keys never go by one name.
    pub(crate) id: String,
}

impl Keys {
    /// The key of this process. The first call makes it, which takes up to a second: call it where blocking is fine.
    pub(crate) fn shared() -> Option<&'static Self> {
        SHARED.get_or_init(Self::generate).as_ref()
    }

    /// Whether it is there, so that nobody has to wait for it.
    pub(crate) fn is_made() -> bool {
        SHARED.get().is_some()
    }

    /// A new one. 2048 bits is the least that RS256 may have (RFC 7518, section 3.3).
    fn generate() -> Option<Self> {
        Self::new(&KeyPair::generate(KeySize::Rsa2048).ok()?)
    }

    /// One that was exported.
    pub(crate) fn import(text: &str) -> Option<Self> {
        Self::new(&KeyPair::from_pkcs8(&STANDARD.decode(text.trim()).ok()?).ok()?)
    }

    /// The private key, PKCS #8 in base64: whoever has it makes tokens of this emulator.
    pub(crate) fn export(&self) -> String {
        STANDARD.encode(&self.private)
    }

    /// The public key, as `GET /client/public/{tenantId}/.well-known/jwks` has it (RFC 7517, section 5).
    pub(crate) fn jwks(&self) -> Value {
        json!({ "keys": [self.public] })
    }

    fn new(pair: &KeyPair) -> Option<Self> {
        // jsonwebtoken picks its cryptography by Cargo features and panics when another crate has switched on a second
        // one. Naming it settles that; an application that has chosen before keeps its choice.
        let _already_chosen = crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        let private: Pkcs8V1Der<'_> = pair.as_der().ok()?;
        let private = private.as_ref().to_vec();
        // The library reads the key itself (PKCS #1), which is all that follows the fixed header of an RSA key in PKCS
        // #8: sequence (4), version (3), algorithm (15), octet string (4).
        let signing = EncodingKey::from_rsa_der(private.get(26..)?);
        let checking = DecodingKey::from_rsa_der(pair.public_key().as_ref());
        jsonwebtoken::encode(&Header::new(Algorithm::RS256), &(), &signing).ok()?;
        let mut public = Jwk::from_encoding_key(&signing, Algorithm::RS256).ok()?;
        let id = public.thumbprint(ThumbprintHash::SHA256).ok()?;
        public.common.key_id = Some(id.clone());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        Some(Self { signing, checking, private, public, id })
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    #[test]
    fn what_is_published() {
        let keys = Keys::shared().unwrap();
        let jwks = keys.jwks();
        let mut members: Vec<_> = jwks["keys"][0].as_object().unwrap().keys().map(String::as_str).collect();
        members.sort_unstable();
        assert_eq!(members, ["alg", "e", "kid", "kty", "n", "use"], "and nothing private");
        let key = &jwks["keys"][0];
        assert_eq!(
            (&key["kty"], &key["alg"], &key["use"], &key["e"]),
            (&json!("RSA"), &json!("RS256"), &json!("sig"), &json!("AQAB"))
        );
        assert_eq!(URL_SAFE_NO_PAD.decode(key["n"].as_str().unwrap()).unwrap().len(), 256);
        assert_eq!(key["kid"], keys.id);
    }

    #[test]
    fn a_key_outlives_its_process() {
        let keys = Keys::shared().unwrap();
        let again = Keys::import(&format!("{}\n", keys.export())).unwrap();
        assert_eq!(again.export(), keys.export());
        assert_eq!(again.jwks(), keys.jwks());
        assert_ne!(Keys::generate().unwrap().id, keys.id);
    }

    #[test]
    fn what_is_no_key() {
        let cut = Keys::shared().unwrap().private[..1000].to_vec();
        for (name, text) in [("empty", String::new()), ("cut", STANDARD.encode(cut)), ("no base64", "{}".into())] {
            assert!(Keys::import(&text).is_none(), "{name}");
        }
    }
}
