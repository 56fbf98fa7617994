//! Users and their methods.
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use serde::Serialize;

use super::error::ApiError;
use super::input::{Input, Segments, user_id};
use crate::client::{Timestamp, UserId, VerificationMethod};
use crate::emulator::Shared;
use crate::emulator::totp::App;
use crate::emulator::world::{Kind, User, recovery_codes};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserAnswer {
    is_enrolled: bool,
    email_verified: bool,
    phone_number_verified: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    allowed_verification_methods: Vec<VerificationMethod>,
    enrolled_verification_methods: Vec<VerificationMethod>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_verification_method: Option<VerificationMethod>,
}

/// A user who isn't known is one with nothing enrolled, not an error. Asking makes none.
pub(super) async fn get(
    State(shared): State<Arc<Shared>>,
    Segments(user): Segments<String>,
) -> Result<Json<UserAnswer>, ApiError> {
    let user = user_id(user)?;
    let world = shared.world();
    let nobody = User::default();
    let user = world.users.get(user.as_str()).unwrap_or(&nobody);
    let methods = user.enrolled_methods();
    Ok(Json(UserAnswer {
        is_enrolled: user.is_enrolled(),
        email_verified: user.email_verified,
        phone_number_verified: user.phone_number_verified,
        email: user.email.clone(),
        phone_number: user.phone_number.clone(),
        username: user.username.clone(),
        allowed_verification_methods: world.policy.methods.clone(),
        default_verification_method: methods.first().cloned(),
        enrolled_verification_methods: methods,
    }))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Enrolled {
    authenticator: AuthenticatorAnswer,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_codes: Option<Vec<String>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AuthenticatorAnswer {
    user_id: UserId,
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
    is_default: bool,
}

pub(super) async fn enroll_verified(
    State(shared): State<Arc<Shared>>,
    Segments(user): Segments<String>,
    body: Bytes,
) -> Result<Json<Enrolled>, ApiError> {
    let user_id = user_id(user)?;
    let input = Input::parse(&body)?;
    let kind = kind(&input)?;
    let is_default = input.flag("isDefault")?;

    let mut world = shared.world();
    let now = shared.clock.now();
    let gives_codes = world.policy.gives_recovery_codes;
    let user = world.user_mut(user_id.as_str(), now);
    let first = !user.is_enrolled();
    let method = user.enrol_verified(kind, is_default, now);
    if first && gives_codes {
        user.recovery_codes = recovery_codes();
    }
    let codes = (first && gives_codes).then(|| user.recovery_codes.clone());
    Ok(Json(Enrolled {
        authenticator: AuthenticatorAnswer {
            user_id,
            verification_method: method.method(),
            created_at: method.created_at.into(),
            verified_at: method.verified_at.map(Timestamp::from),
            last_verified_at: method.last_verified_at.map(Timestamp::from),
            email: method.kind.email().map(str::to_owned),
            phone_number: method.kind.phone_number().map(str::to_owned),
            is_default: method.is_default,
            user_authenticator_id: method.id,
        },
        recovery_codes: codes,
    }))
}

fn kind(input: &Input) -> Result<Kind, ApiError> {
    // The `oobChannel` of older integrations says the same.
    let named = input.text("verificationMethod")?.or(input.text("oobChannel")?).unwrap_or_default();
    match VerificationMethod::from(named.as_str()) {
        VerificationMethod::EmailOtp => Ok(Kind::EmailOtp(input.required("email")?)),
        VerificationMethod::EmailMagicLink => Ok(Kind::EmailMagicLink(input.required("email")?)),
        VerificationMethod::Sms => Ok(Kind::Sms(input.required("phoneNumber")?)),
        VerificationMethod::AuthenticatorApp => match App::from_uri(&input.required("otpUri")?) {
            Some(app) => Ok(Kind::App { app, last_step: None }),
            None => Err(ApiError::invalid("body.otpUri must be an otpauth://totp URI with a secret")),
        },
        // The one error body that an official repository has preserved.
        _ => Err(ApiError::invalid(
            "body.verificationMethod must be equal to one of the allowed values - allowedValues: \
             AUTHENTICATOR_APP,EMAIL_MAGIC_LINK,EMAIL_OTP,SMS",
        )),
    }
}
