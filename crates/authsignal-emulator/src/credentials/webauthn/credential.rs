//! One credential, and how it comes to be known without a ceremony.
use authsignal_client::{AuthenticatorAttachment, CredentialDeviceType};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use webauthn_rs_core::internals::AuthenticatorData;
use webauthn_rs_core::proto::{
    self, AttestationFormat, AuthenticatorTransport, COSEAlgorithm, COSEKey, COSEKeyType, ECDSACurve,
    ParsedAttestation, RegisteredExtensions,
};

use crate::credentials::webauthn::error::{CredentialError, KeyKind, malformed};

/// The most bytes of a credential's id (WebAuthn Level 3, section 6.5.1).
const MAX_ID: usize = 1023;

/// One passkey or security key: its public key, and what is known of its authenticator.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Credential {
    pub(super) inner: proto::Credential,
    /// The model of the authenticator, by its own word.
    pub(crate) aaguid: Option<Uuid>,
    /// How the authenticator is attached, by the browser's word.
    pub(crate) attachment: Option<AuthenticatorAttachment>,
    /// Whether the authenticator has said where the key is kept: an imported one says so when it is first used.
    pub(super) flags_known: bool,
}

impl Credential {
    /// A passkey that was made elsewhere (`POST /users/authenticators`; dotnet `BatchEnrollVerifiedAuthenticators`): its
    /// id and its COSE public key, both in base64url.
    pub(crate) fn import(
        id: &str,
        public_key: &str,
        hints: &[&str],
        aaguid: Option<&str>,
    ) -> Result<Self, CredentialError> {
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text.trim_end_matches('='));
        let cred_id = decode(id).map_err(|_| malformed("its id is not base64url"))?;
        if cred_id.is_empty() || cred_id.len() > MAX_ID {
            return Err(malformed("its id has to have 1 to 1023 bytes"));
        }
        let key = decode(public_key).map_err(|_| malformed("its public key is not base64url"))?;
        let key: serde_cbor_2::Value = serde_cbor_2::from_slice(&key).map_err(malformed)?;
        let cred = COSEKey::try_from(&key).map_err(malformed)?;
        if !can_check(&cred) {
            return Err(malformed("its public key is not for ES256, ES384 or RS256"));
        }
        let aaguid = aaguid.map(Uuid::parse_str).transpose().map_err(malformed)?;
        let hints = hints.iter().filter_map(|hint| hint.parse().ok()).collect();
        let inner = proto::Credential {
            cred_id,
            cred,
            counter: 0,
            transports: Some(transports(hints)),
            user_verified: true,
            backup_eligible: false,
            backup_state: false,
            registration_policy: KeyKind::Passkey.verification(),
            extensions: RegisteredExtensions::none(),
            attestation: ParsedAttestation::default(),
            attestation_format: AttestationFormat::None,
        };
        Ok(Self { inner, aaguid, attachment: None, flags_known: false })
    }

    /// Its id in base64url, as WebAuthn's JSON has it.
    pub(crate) fn id(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.inner.cred_id)
    }

    /// How often it was used, if its authenticator counts; else 0.
    #[cfg(test)]
    pub(crate) fn counter(&self) -> u32 {
        self.inner.counter
    }

    /// Whether there is a copy of it.
    pub(crate) fn backed_up(&self) -> Option<bool> {
        self.flags_known.then_some(self.inner.backup_state)
    }

    /// Whether there may be one.
    pub(crate) fn device_type(&self) -> Option<CredentialDeviceType> {
        let kept = if self.inner.backup_eligible {
            CredentialDeviceType::MultiDevice
        } else {
            CredentialDeviceType::SingleDevice
        };
        self.flags_known.then_some(kept)
    }

    /// The ways in which a browser may reach it, by the browser's word.
    #[cfg(test)]
    pub(crate) fn transports(&self) -> Vec<&str> {
        self.inner.transports.iter().flatten().map(AsRef::as_ref).collect()
    }
}

/// Whether the library can check signatures of this key. It takes keys on P-521 too, and then never agrees.
fn can_check(key: &COSEKey) -> bool {
    match &key.key {
        COSEKeyType::EC_EC2(point) => matches!(
            (key.type_, &point.curve),
            (COSEAlgorithm::ES256, ECDSACurve::SECP256R1) | (COSEAlgorithm::ES384, ECDSACurve::SECP384R1)
        ),
        COSEKeyType::RSA(_) => key.type_ == COSEAlgorithm::RS256,
        COSEKeyType::EC_OKP(_) => false,
    }
}

/// What is known of the transports; the others could not be told to a browser again.
pub(super) fn transports(all: Vec<AuthenticatorTransport>) -> Vec<AuthenticatorTransport> {
    let mut known = Vec::new();
    for transport in all {
        if transport != AuthenticatorTransport::Unknown && !known.contains(&transport) {
            known.push(transport);
        }
    }
    known
}

/// The model in an attestation object that has been verified. The library keeps it only where an attestation vouches.
pub(super) fn aaguid(attestation_object: &[u8]) -> Option<Uuid> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Attestation<'a> {
        auth_data: &'a [u8],
    }
    let Attestation { auth_data } = serde_cbor_2::from_slice(attestation_object).ok()?;
    let data = AuthenticatorData::<proto::Registration>::try_from(auth_data).ok()?;
    data.acd.map(|made| Uuid::from_bytes(made.aaguid))
}
