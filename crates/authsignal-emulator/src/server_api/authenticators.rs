//! Users' methods, and the tenant's.
use std::sync::Arc;

use authsignal_client::VerificationMethod;
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;
use uuid::Uuid;

use crate::credentials::totp::App;
use crate::credentials::webauthn::credential::Credential;
use crate::db::proof::recovery_codes;
use crate::db::user::{AuthenticatorKind, Key};
use crate::http::authenticator::AuthenticatorAnswer;
use crate::http::error::ApiError;
use crate::http::input::{Input, Segments, user_id};
use crate::server_api::answer::{ApiResult, Success};
use crate::state::AppState;
use crate::webhooks::event::WebhookEvent;

/// Those that are verified, in the order of their making.
pub(super) async fn list(State(shared): State<Arc<AppState>>, Segments(user): Segments<String>) -> ApiResult {
    let user = user_id(user)?;
    let db = shared.db();
    let known = db.users.get(user.as_str()).map(|known| known.authenticators.as_slice()).unwrap_or_default();
    let verified = known.iter().filter(|method| method.is_verified());
    let answers: Vec<_> = verified.map(|method| AuthenticatorAnswer::of(Some(user.clone()), method)).collect();
    Ok(Json(answers).into_response())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Enrolled {
    authenticator: AuthenticatorAnswer,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_codes: Option<Vec<String>>,
}

pub(super) async fn enroll_verified(
    State(shared): State<Arc<AppState>>,
    Segments(user): Segments<String>,
    body: Bytes,
) -> ApiResult {
    let user_id = user_id(user)?;
    let input = Input::parse(&body)?;
    let kind = kind(&input)?;
    let is_default = input.flag("isDefault")?;

    let now = shared.clock.now();
    let mut db = shared.db();
    let gives_codes = db.policy.gives_recovery_codes;
    let user = db.user_mut(user_id.as_str(), now);
    let first = !user.is_enrolled();
    let method = user.enrol_verified(kind, is_default, now);
    let recovery_codes = (first && gives_codes).then(recovery_codes);
    user.recovery_codes = recovery_codes.clone().unwrap_or_else(|| std::mem::take(&mut user.recovery_codes));
    shared.webhooks.tell(&WebhookEvent::authenticator_created(user_id.as_str(), &method));
    Ok(Json(Enrolled { authenticator: AuthenticatorAnswer::of(Some(user_id), &method), recovery_codes })
        .into_response())
}

fn kind(input: &Input) -> Result<AuthenticatorKind, ApiError> {
    // Typed as any other member, also where the method has no use for it.
    for name in ["email", "phoneNumber", "otpUri"] {
        input.text(name)?;
    }
    // The `oobChannel` of older integrations says the same.
    let named = input.text("verificationMethod")?.or(input.text("oobChannel")?).unwrap_or_default();
    let email = || input.email()?.ok_or_else(|| ApiError::invalid("body.email must not be empty"));
    let number = || input.phone_number()?.ok_or_else(|| ApiError::invalid("body.phoneNumber must not be empty"));
    match VerificationMethod::from(named.as_str()) {
        VerificationMethod::EmailOtp => Ok(AuthenticatorKind::EmailOtp(email()?)),
        VerificationMethod::EmailMagicLink => Ok(AuthenticatorKind::EmailMagicLink(email()?)),
        VerificationMethod::Sms => Ok(AuthenticatorKind::Sms(number()?)),
        VerificationMethod::Whatsapp => Ok(AuthenticatorKind::Whatsapp(number()?)),
        VerificationMethod::AuthenticatorApp => match App::from_uri(&input.required("otpUri")?) {
            Some(app) => Ok(AuthenticatorKind::App { app, last_step: None }),
            None => Err(ApiError::invalid("body.otpUri must be an otpauth://totp URI with a secret")),
        },
        // The one error body that an official repository has preserved, and the method that newer docs add.
        _ => Err(ApiError::invalid(
            "body.verificationMethod must be equal to one of the allowed values - allowedValues: \
             AUTHENTICATOR_APP,EMAIL_MAGIC_LINK,EMAIL_OTP,SMS,WHATSAPP",
        )),
    }
}

pub(super) async fn delete(
    State(shared): State<Arc<AppState>>,
    Segments((user, authenticator)): Segments<(String, String)>,
) -> ApiResult {
    let user = user_id(user)?;
    let mut db = shared.db();
    let removed = db.users.get_mut(user.as_str()).and_then(|user| user.remove(&authenticator));
    let removed = removed.ok_or(ApiError::not_found("The authenticator was not found."))?;
    shared.webhooks.tell(&WebhookEvent::authenticator_deleted(user.as_str(), &removed, shared.clock.now()));
    Success::answer()
}

/// What the tenant offers.
pub(super) async fn of_tenant(State(shared): State<Arc<AppState>>) -> ApiResult {
    Ok(Json(shared.offered()).into_response())
}

/// The most that are imported at once (API reference, batch enroll).
const MAX_IMPORTED: usize = 1000;

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Imported {
    total: usize,
    succeeded: usize,
    failed: usize,
    failures: Vec<NotImported>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NotImported {
    user_id: String,
    credential_id: String,
    error_code: &'static str,
    error_description: String,
}

/// Imports passkeys. Each stands alone: the answer is 200 even where some fail.
pub(super) fn import(shared: &AppState, body: &[u8]) -> ApiResult {
    let items = Input::parse(body)?.objects("authenticators")?;
    if items.is_empty() || items.len() > MAX_IMPORTED {
        return Err(ApiError::invalid("body.authenticators must have 1 to 1000 items"));
    }
    let mut imported = Imported { total: items.len(), ..Imported::default() };
    for item in &items {
        match import_one(shared, item) {
            Ok(()) => imported.succeeded += 1,
            Err(why) => {
                let text = |name| item.text(name).ok().flatten().unwrap_or_default();
                let (error_code, error_description) = why.into_report();
                imported.failures.push(NotImported {
                    user_id: text("userId"),
                    credential_id: text("credentialId"),
                    error_code,
                    error_description,
                });
            }
        }
    }
    imported.failed = imported.failures.len();
    Ok(Json(imported).into_response())
}

fn import_one(shared: &AppState, item: &Input) -> Result<(), ApiError> {
    let user_id = user_id(item.required("userId")?)?;
    if item.required("verificationMethod")? != "PASSKEY" {
        return Err(ApiError::invalid("verificationMethod must be PASSKEY"));
    }
    let (id, key) = (item.required("credentialId")?, item.required("credentialPublicKey")?);
    let (hints, aaguid) = (item.texts("transports")?.unwrap_or_default(), item.text("aaguid")?);
    let hints: Vec<_> = hints.iter().map(String::as_str).collect();
    let credential = Credential::import(&id, &key, &hints, aaguid.as_deref())
        .map_err(|fault| ApiError::of(StatusCode::BAD_REQUEST, fault.code(), fault.to_string()))?;
    let name = item.text("name")?.unwrap_or_else(|| "Passkey".to_owned());

    let now = shared.clock.now();
    let mut db = shared.db();
    match db.key(&credential.id()) {
        Some((owner, _)) if owner == user_id.as_str() => return Ok(()),
        Some(_) => {
            let text = "Credential already exists for a different user.";
            return Err(ApiError::of(StatusCode::CONFLICT, "conflict", text));
        }
        None => {}
    }
    let user = db.user_mut(user_id.as_str(), now);
    let (username, display_name) = (user.username.clone(), user.display_name.clone());
    let key = Key { credential, name, device_id: Uuid::new_v4().to_string(), username, display_name };
    let method = user.enrol_verified(AuthenticatorKind::Passkey(key), false, now);
    drop(db);
    shared.webhooks.tell(&WebhookEvent::authenticator_created(user_id.as_str(), &method));
    Ok(())
}
