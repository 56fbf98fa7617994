//! How a method is shown: one of a user's, one that the tenant offers.
use authsignal_client::{
    AuthenticatorAttachment, CredentialDeviceType, SmsChannel, Timestamp, UserId, VerificationMethod,
};
use serde::Serialize;
use uuid::Uuid;

use crate::db::user::{Authenticator, Key};

/// One method, as the Server API and (without its user) the Client API show it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuthenticatorAnswer {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<UserId>,
    user_authenticator_id: String,
    verification_method: VerificationMethod,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    verified_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_verified_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_sms_channel: Option<SmsChannel>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_platform: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webauthn_credential: Option<WebauthnCredential>,
    is_default: bool,
}

/// What signs, of a passkey or a security key.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WebauthnCredential {
    credential_id: String,
    device_id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    aaguid: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credential_backed_up: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credential_device_type: Option<CredentialDeviceType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authenticator_attachment: Option<AuthenticatorAttachment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verified_at: Option<Timestamp>,
}

impl WebauthnCredential {
    fn of(key: &Key, method: &Authenticator) -> Self {
        Self {
            credential_id: key.credential.id(),
            device_id: key.device_id.clone(),
            name: key.name.clone(),
            aaguid: key.credential.aaguid,
            credential_backed_up: key.credential.backed_up(),
            credential_device_type: key.credential.device_type(),
            authenticator_attachment: key.credential.attachment.clone(),
            verified_at: method.last_verified_at.or(method.verified_at).map(Timestamp::from),
        }
    }
}

impl AuthenticatorAnswer {
    pub(crate) fn of(user_id: Option<UserId>, method: &Authenticator) -> Self {
        Self {
            user_id,
            user_authenticator_id: method.id.clone(),
            verification_method: method.method(),
            created_at: method.created_at.into(),
            verified_at: method.verified_at.map(Timestamp::from),
            last_verified_at: method.last_verified_at.map(Timestamp::from),
            email: method.kind.email().map(str::to_owned),
            phone_number: method.kind.phone_number().map(str::to_owned),
            previous_sms_channel: method.previous_sms_channel.clone(),
            device_platform: method.kind.phone().and_then(|phone| phone.platform.clone()),
            username: method.kind.key().and_then(|key| key.username.clone()),
            display_name: method.kind.key().and_then(|key| key.display_name.clone()),
            webauthn_credential: method.kind.key().map(|key| WebauthnCredential::of(key, method)),
            is_default: method.is_default,
        }
    }
}

/// One method that the tenant offers.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TenantAuthenticator {
    authenticator_id: String,
    verification_method: VerificationMethod,
    is_active: bool,
    is_editable_by_user: bool,
    is_hidden_to_user: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    sms_channel: Option<SmsChannel>,
}

impl TenantAuthenticator {
    /// The ids are made from tenant and method, so they stay.
    pub(crate) fn of(tenant_id: &str, method: VerificationMethod) -> Self {
        Self {
            authenticator_id: format!("{tenant_id}-{}", method.as_str().to_lowercase()),
            is_active: true,
            is_editable_by_user: true,
            is_hidden_to_user: false,
            sms_channel: (method == VerificationMethod::Sms).then_some(SmsChannel::Default),
            verification_method: method,
        }
    }
}
