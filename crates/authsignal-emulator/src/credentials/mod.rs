//! What proves something: signing keys and tokens, authenticator apps, passkeys.
pub(crate) mod signing_key;
pub(crate) mod tokens;
pub(crate) mod totp;
pub(crate) mod webauthn;
