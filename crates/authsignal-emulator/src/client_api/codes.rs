//! Codes: by e-mail, SMS and WhatsApp, and those of authenticator apps.
use std::sync::Arc;

use authsignal_client::{SmsChannel, UserId, VerificationMethod};
use axum::extract::State;
use axum::routing::{MethodRouter, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde::Serialize;

use crate::client_api::answer::{Begun, Challenged, ClientResult, Verified};
use crate::client_api::caller::Bearer;
use crate::credentials::totp::App;
use crate::db::proof::{Aim, Attempt, Proof};
use crate::db::user::{AuthenticatorKind, User};
use crate::http::error::ApiError;
use crate::http::input::Input;
use crate::state::{AppState, TokenContext};

const EMAIL_OTP: VerificationMethod = VerificationMethod::EmailOtp;
const SMS: VerificationMethod = VerificationMethod::Sms;
const WHATSAPP: VerificationMethod = VerificationMethod::Whatsapp;
const APP: VerificationMethod = VerificationMethod::AuthenticatorApp;

pub(super) fn routes() -> Router<Arc<AppState>> {
    Router::new()
        .route("/client/user-authenticators/email-otp", post(enroll_email_otp))
        .route("/client/user-authenticators/sms", post(enroll_sms))
        .route("/client/user-authenticators/totp", post(enroll_app))
        .route("/client/challenge/email-otp", challenging(EMAIL_OTP))
        .route("/client/challenge/sms", challenging(SMS))
        .route("/client/challenge/whatsapp", challenging(WHATSAPP))
        .route("/client/verify/email-otp", verifying(EMAIL_OTP))
        .route("/client/verify/sms", verifying(SMS))
        .route("/client/verify/whatsapp", verifying(WHATSAPP))
        .route("/client/verify/totp", verifying(APP))
}

async fn enroll_email_otp(
    State(shared): State<Arc<AppState>>,
    Bearer(token_context): Bearer,
    body: Bytes,
) -> ClientResult<Begun> {
    let email = Input::parse(&body)?.email()?.ok_or_else(|| ApiError::invalid("body.email must not be empty"))?;
    enroll(&shared, &token_context, AuthenticatorKind::EmailOtp(email)).await
}

async fn enroll_sms(
    State(shared): State<Arc<AppState>>,
    Bearer(token_context): Bearer,
    body: Bytes,
) -> ClientResult<Begun> {
    let number = Input::parse(&body)?.phone_number()?;
    let number = number.ok_or_else(|| ApiError::invalid("body.phoneNumber must not be empty"))?;
    enroll(&shared, &token_context, AuthenticatorKind::Sms(number)).await
}

/// Begins a method and sends its first code (docs, web SDK, "Email OTP").
async fn enroll(
    shared: &AppState,
    TokenContext { id, scope, .. }: &TokenContext,
    kind: AuthenticatorKind,
) -> ClientResult<Begun> {
    let begun = shared.begin_enrolment(id, *scope, kind)?;
    let attempt = Attempt { id, scope: *scope, aim: Aim::Enrol, method: &begun.method() };
    shared.send(attempt, Some(&begun.id)).await?;
    Ok(Json(Begun { challenge_id: None, user_authenticator_id: begun.id, user_id: id.user.clone() }))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BegunApp {
    uri: String,
    secret: String,
    user_authenticator_id: String,
    user_id: UserId,
}

async fn enroll_app(
    State(shared): State<Arc<AppState>>,
    Bearer(token_context): Bearer,
    body: Bytes,
) -> ClientResult<BegunApp> {
    Input::parse(&body)?;
    let user_id = token_context.id.user.clone();
    let email = shared.db().users.get(user_id.as_str()).and_then(|user| user.email.clone());
    let app = App::generate(email.as_deref().unwrap_or(user_id.as_str()));
    let (uri, secret) = (app.uri(), app.secret());
    let begun = shared.begin_enrolment(
        &token_context.id,
        token_context.scope,
        AuthenticatorKind::App { app, last_step: None },
    )?;
    Ok(Json(BegunApp { uri, secret, user_authenticator_id: begun.id, user_id }))
}

/// Sends a code, to the method that was begun or else to one that is enrolled.
fn challenging(method: VerificationMethod) -> MethodRouter<Arc<AppState>> {
    post(move |State(shared): State<Arc<AppState>>, Bearer(token_context): Bearer, body: Bytes| async move {
        challenge(&shared, &token_context, &body, &method).await
    })
}

async fn challenge(
    shared: &AppState,
    token_context: &TokenContext,
    body: &[u8],
    method: &VerificationMethod,
) -> ClientResult<Challenged> {
    let input = Input::parse(body)?;
    let wanted = input.text("userAuthenticatorId")?;
    let channel = match input.text("smsChannel")?.as_deref().map(SmsChannel::from) {
        Some(SmsChannel::Unknown(_)) => return Err(ApiError::invalid("body.smsChannel must be DEFAULT or WHATSAPP")),
        channel => channel.unwrap_or(SmsChannel::Default),
    };
    let TokenContext { id, scope, .. } = token_context;
    if let Some(wanted) = &wanted {
        shared.expect_authenticator(&id.user, wanted)?;
    } else if let Some(kind) = told_address(shared, token_context, method) {
        shared.begin_enrolment(id, *scope, kind)?;
    }
    let attempt = Attempt { id, scope: *scope, aim: Aim::Either, method };
    let sent = shared.send_by(attempt, wanted.as_deref(), channel).await?;
    Ok(Json(Challenged { challenge_id: sent.id }))
}

/// What there is of a user with nothing enrolled and nothing begun: the address that `track` told. Proving it enrols it
/// (an assumption; the docs' guide on sessions has such a flow).
pub(super) fn told_address(
    shared: &AppState,
    token_context: &TokenContext,
    method: &VerificationMethod,
) -> Option<AuthenticatorKind> {
    let db = shared.db();
    let user = db.users.get(token_context.id.user.as_str()).filter(|user| !user.is_enrolled())?;
    let begun = |user: &User| user.authenticators.iter().any(|known| known.method() == *method);
    if begun(user) {
        return None;
    }
    match method {
        VerificationMethod::EmailOtp => user.email.clone().map(AuthenticatorKind::EmailOtp),
        VerificationMethod::EmailMagicLink => user.email.clone().map(AuthenticatorKind::EmailMagicLink),
        VerificationMethod::Sms => user.phone_number.clone().map(AuthenticatorKind::Sms),
        VerificationMethod::Whatsapp => user.phone_number.clone().map(AuthenticatorKind::Whatsapp),
        _ => None,
    }
}

/// Takes a code.
fn verifying(method: VerificationMethod) -> MethodRouter<Arc<AppState>> {
    post(move |State(shared): State<Arc<AppState>>, Bearer(token_context): Bearer, body: Bytes| async move {
        verify(&shared, &token_context, &body, &method).await
    })
}

async fn verify(
    shared: &AppState,
    token_context: &TokenContext,
    body: &[u8],
    method: &VerificationMethod,
) -> ClientResult<Verified> {
    let code = Input::parse(body)?.required("verificationCode")?;
    let TokenContext { id, scope, .. } = token_context;
    let attempt = Attempt { id, scope: *scope, aim: Aim::Either, method };
    let proof = shared.prove(attempt, Proof::Code(&code)).await;
    Ok(Json(shared.verified(id, proof)?))
}
