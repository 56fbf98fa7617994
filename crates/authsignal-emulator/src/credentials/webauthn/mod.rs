//! Passkeys and security keys: WebAuthn as webauthn-rs-core verifies it, whose types stay in this room.
//!
//! How the service sets WebAuthn up is not documented. Assumed: the user's id as it is for `user.id`, no attestation,
//! ES256 and RS256; a passkey is discoverable and verifies its user, a security key need not be discoverable and verifies
//! its user where it can. The options and what comes back have the JSON forms of WebAuthn Level 3, section 5.1
//! (`PublicKeyCredentialCreationOptionsJSON` and its like), as the browser SDK has them.
//!
//! Nothing here remembers anything: what begins a ceremony gives a state that is good for one answer, to be kept by the
//! caller and thrown away when the answer comes.
pub(crate) mod credential;
pub(crate) mod error;
#[cfg(test)]
mod soft_key;
#[cfg(test)]
mod tests;

use std::time::Duration;

use authsignal_client::AuthenticatorAttachment;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use url::Url;
use webauthn_rs_core::WebauthnCore;
use webauthn_rs_core::internals::AuthenticatorData;
use webauthn_rs_core::proto::{
    self, AuthenticationState, COSEAlgorithm, PublicKeyCredential, RegisterPublicKeyCredential, RegistrationState,
};

use crate::credentials::webauthn::credential::Credential;
use crate::credentials::webauthn::error::{CredentialError, KeyKind, invalid, malformed};

/// The one host on which browsers have WebAuthn without TLS. An address such as 127.0.0.1 can't be a relying party at all
/// (WebAuthn Level 3, section 5.1.2: its origin has to have a domain).
pub(crate) const LOCALHOST: &str = "localhost";
/// How long a browser is told to wait for its user.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The most bytes of a `user.id` (WebAuthn Level 3, section 5.4.3).
const MAX_HANDLE: usize = 64;
/// What a browser is asked to make.
const OFFERED: [COSEAlgorithm; 2] = [COSEAlgorithm::ES256, COSEAlgorithm::RS256];

/// For whom a credential is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Registrant<'a> {
    pub(crate) user_id: &'a str,
    /// What the authenticator calls the account. Else the user's id.
    pub(crate) username: Option<&'a str>,
    /// What it calls the user. Else the name of the account.
    pub(crate) display_name: Option<&'a str>,
}

/// A registration that has begun.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Registration(RegistrationState);

/// An authentication that has begun.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Authentication {
    state: AuthenticationState,
    /// The ids that may answer; none where the user chooses among what the authenticator has.
    allowed: Vec<String>,
}

/// A user has proved who they are.
#[derive(Debug)]
pub(crate) struct Authenticated {
    /// The id of the credential's user.
    pub(crate) user_id: String,
    /// The credential as it is now, to be kept in the place of the old one: its counter has moved.
    pub(crate) credential: Credential,
}

/// The site that credentials are made for.
#[derive(Debug, Clone)]
pub(crate) struct RelyingParty {
    id: String,
    core: WebauthnCore,
}

impl RelyingParty {
    /// `origins` are those of the pages that may use the credentials, compared without their paths. `localhost` takes
    /// every port of itself besides, with TLS and without: the challenge page and applications in development are on
    /// ports of their own.
    pub(crate) fn new(id: &str, mut origins: Vec<Url>, name: &str) -> Self {
        let local = id == LOCALHOST;
        if local {
            let own = ["http", "https"].iter().filter_map(|scheme| Url::parse(&format!("{scheme}://{id}")).ok());
            origins.extend(own);
        }
        let core = WebauthnCore::new_unsafe_experts_only(name, id, origins, TIMEOUT, Some(false), Some(local));
        Self { id: id.to_owned(), core }
    }

    /// The domain that it goes by.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Begins to make a credential: what `navigator.credentials.create` has to be given, and what has to be kept until
    /// its answer comes. `exclude` are the credentials that the user has.
    pub(crate) fn registration_options<'a>(
        &self,
        kind: KeyKind,
        user: Registrant<'_>,
        attachment: Option<&AuthenticatorAttachment>,
        exclude: impl IntoIterator<Item = &'a Credential>,
    ) -> Result<(Value, Registration), CredentialError> {
        let username = user.username.filter(|name| !name.is_empty()).unwrap_or(user.user_id);
        let display_name = user.display_name.filter(|name| !name.is_empty()).unwrap_or(username);
        let attachment = match (kind, attachment) {
            (KeyKind::SecurityKey, _) | (_, Some(AuthenticatorAttachment::CrossPlatform)) => {
                Some(proto::AuthenticatorAttachment::CrossPlatform)
            }
            (_, Some(AuthenticatorAttachment::Platform)) => Some(proto::AuthenticatorAttachment::Platform),
            (_, Some(_) | None) => None,
        };
        let exclude = exclude.into_iter().map(|credential| credential.inner.cred_id.clone()).collect();
        let builder = self
            .core
            .new_challenge_register_builder(&user_handle(user.user_id), username, display_name)?
            .user_verification_policy(kind.verification())
            .require_resident_key(kind == KeyKind::Passkey)
            .authenticator_attachment(attachment)
            .credential_algorithms(OFFERED.to_vec())
            .exclude_credentials(Some(exclude));
        let (options, state) = self.core.generate_challenge_register(builder)?;
        Ok((json(&options.public_key)?, Registration(state)))
    }

    /// Takes what `navigator.credentials.create` gave. `taken` says whether a credential of that id is registered, with
    /// whichever user.
    pub(crate) fn register(
        &self,
        begun: &Registration,
        answer: &Value,
        taken: impl FnOnce(&str) -> bool,
    ) -> Result<Credential, CredentialError> {
        let mut read: RegisterPublicKeyCredential = from_json(answer)?;
        let id = credential_id(&read.id, &read.raw_id, &read.type_)?;
        if taken(&id) {
            return Err(invalid("it is registered already"));
        }
        read.response.client_data_json = out_of_its_frame(read.response.client_data_json);
        let mut inner = self.core.register_credential(&read, &begun.0, None)?;
        if inner.cred_id != read.raw_id {
            return Err(invalid("its id is not the one that the authenticator gave"));
        }
        // The library keeps them only where an attestation vouches for them. They are hints, and worth it as such.
        inner.transports = Some(credential::transports(read.response.transports.unwrap_or_default()));
        let attachment = match answer.get("authenticatorAttachment").and_then(Value::as_str) {
            Some("platform") => Some(AuthenticatorAttachment::Platform),
            Some("cross-platform") => Some(AuthenticatorAttachment::CrossPlatform),
            _ => None,
        };
        Ok(Credential {
            inner,
            aaguid: credential::aaguid(&read.response.attestation_object),
            attachment,
            flags_known: true,
        })
    }

    /// Begins to ask for a credential: what `navigator.credentials.get` has to be given, and what has to be kept until
    /// its answer comes. One of `allowed` has to answer; with none the user chooses, and is known by the answer.
    pub(crate) fn authentication_options<'a>(
        &self,
        kind: KeyKind,
        allowed: impl IntoIterator<Item = &'a Credential>,
    ) -> Result<(Value, Authentication), CredentialError> {
        let allowed: Vec<_> = allowed.into_iter().map(|credential| credential.inner.clone()).collect();
        let ids = allowed.iter().map(|credential| URL_SAFE_NO_PAD.encode(&credential.cred_id)).collect();
        let builder = self.core.new_challenge_authenticate_builder(allowed, Some(kind.verification()))?;
        let (options, mut state) = self.core.generate_challenge_authenticate(builder)?;
        // The counter that counts is the one at the time of the answer, so no copy waits for it.
        state.set_allowed_credentials(Vec::new());
        Ok((json(&options.public_key)?, Authentication { state, allowed: ids }))
    }

    /// Takes what `navigator.credentials.get` gave. `known` finds a credential by its id, and the id of its user.
    pub(crate) fn authenticate<'a>(
        &self,
        begun: &Authentication,
        answer: &Value,
        known: impl FnOnce(&str) -> Option<(&'a str, &'a Credential)>,
    ) -> Result<Authenticated, CredentialError> {
        let read: PublicKeyCredential = from_json(answer)?;
        let id = credential_id(&read.id, &read.raw_id, &read.type_)?;
        let (user_id, credential) = known(&id).ok_or(CredentialError::UnknownCredential)?;
        if !begun.allowed.is_empty() && !begun.allowed.contains(&id) {
            return Err(invalid("another one was asked for"));
        }
        match read.response.user_handle.as_deref().filter(|handle| !handle.is_empty()) {
            Some(handle) if handle != user_handle(user_id) => return Err(invalid("it is another user's")),
            None if begun.allowed.is_empty() => return Err(invalid("it does not say whose it is")),
            _ => {}
        }
        let mut credential = credential.clone();
        if !credential.flags_known {
            // An import says nothing of backups, and the library refuses a credential that differs from what is kept.
            // What is read here counts only if the signature over it is good.
            let data = AuthenticatorData::<proto::Authentication>::try_from(&*read.response.authenticator_data)?;
            credential.inner.backup_eligible = data.backup_eligible;
        }
        let result = self.core.authenticate_single_credential(&read, &begun.state, &credential.inner)?;
        credential.inner.counter = result.counter();
        credential.inner.backup_state = result.backup_state();
        credential.flags_known = true;
        Ok(Authenticated { user_id: user_id.to_owned(), credential })
    }
}

/// The `user.id` of a user: the id itself, or its SHA-256 where it is longer than an authenticator takes.
fn user_handle(user_id: &str) -> Vec<u8> {
    if user_id.len() <= MAX_HANDLE { user_id.into() } else { Sha256::digest(user_id).to_vec() }
}

fn json(options: &impl Serialize) -> Result<Value, CredentialError> {
    serde_json::to_value(options).map_err(malformed)
}

fn from_json<T: DeserializeOwned>(answer: &Value) -> Result<T, CredentialError> {
    T::deserialize(answer).map_err(malformed)
}

/// The id in base64url, once the answer agrees with itself about it.
fn credential_id(id: &str, raw: &[u8], kind: &str) -> Result<String, CredentialError> {
    let raw = URL_SAFE_NO_PAD.encode(raw);
    if kind != "public-key" {
        return Err(malformed("its type is not public-key"));
    }
    if raw.is_empty() || id != raw {
        return Err(malformed("its id and its raw id differ"));
    }
    Ok(raw)
}

/// The client data without its `crossOrigin`, which the library refuses while registering.
///
/// It is set where the challenge page is in a frame of an application on another port: that is how the browser SDK shows
/// it (`popup-handler.ts`, `allow="publickey-credentials-create *"`). The page lets itself be framed by anybody, so there
/// is nothing to hold against it; and without attestation nothing is signed over these bytes.
fn out_of_its_frame(client_data: Vec<u8>) -> Vec<u8> {
    let Ok(mut data) = serde_json::from_slice::<Map<String, Value>>(&client_data) else { return client_data };
    if data.remove("crossOrigin") != Some(Value::Bool(true)) {
        return client_data;
    }
    serde_json::to_vec(&data).unwrap_or(client_data)
}
