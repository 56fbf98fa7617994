//! Codes: by e-mail, SMS and WhatsApp, and those of authenticator apps.
use std::sync::Arc;

use axum::extract::State;
use axum::routing::{MethodRouter, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde::Serialize;

use crate::client::{SmsChannel, UserId, VerificationMethod};
use crate::emulator::client_api::answer::{Answer, Begun, Challenged, Verified};
use crate::emulator::client_api::caller::Bearer;
use crate::emulator::credentials::totp::App;
use crate::emulator::db::proof::{Aim, Attempt, Proof};
use crate::emulator::db::user::{Kind, User};
use crate::emulator::http::error::ApiError;
use crate::emulator::http::input::Input;
use crate::emulator::state::{Shared, Standing};

const EMAIL_OTP: VerificationMethod = VerificationMethod::EmailOtp;
const SMS: VerificationMethod = VerificationMethod::Sms;
const WHATSAPP: VerificationMethod = VerificationMethod::Whatsapp;
const APP: VerificationMethod = VerificationMethod::AuthenticatorApp;

pub(super) fn routes() -> Router<Arc<Shared>> {
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

async fn enroll_email_otp(State(shared): State<Arc<Shared>>, Bearer(standing): Bearer, body: Bytes) -> Answer<Begun> {
    let email = Input::parse(&body)?.email()?.ok_or_else(|| ApiError::invalid("body.email must not be empty"))?;
    enroll(&shared, &standing, Kind::EmailOtp(email)).await
}

async fn enroll_sms(State(shared): State<Arc<Shared>>, Bearer(standing): Bearer, body: Bytes) -> Answer<Begun> {
    let number = Input::parse(&body)?.phone_number()?;
    let number = number.ok_or_else(|| ApiError::invalid("body.phoneNumber must not be empty"))?;
    enroll(&shared, &standing, Kind::Sms(number)).await
}

/// Begins a method and sends its first code (docs, web SDK, "Email OTP").
async fn enroll(shared: &Shared, Standing { id, scope, .. }: &Standing, kind: Kind) -> Answer<Begun> {
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

async fn enroll_app(State(shared): State<Arc<Shared>>, Bearer(standing): Bearer, body: Bytes) -> Answer<BegunApp> {
    Input::parse(&body)?;
    let user_id = standing.id.user.clone();
    let email = shared.world().users.get(user_id.as_str()).and_then(|user| user.email.clone());
    let app = App::generate(email.as_deref().unwrap_or(user_id.as_str()));
    let (uri, secret) = (app.uri(), app.secret());
    let begun = shared.begin_enrolment(&standing.id, standing.scope, Kind::App { app, last_step: None })?;
    Ok(Json(BegunApp { uri, secret, user_authenticator_id: begun.id, user_id }))
}

/// Sends a code, to the method that was begun or else to one that is enrolled.
fn challenging(method: VerificationMethod) -> MethodRouter<Arc<Shared>> {
    post(move |State(shared): State<Arc<Shared>>, Bearer(standing): Bearer, body: Bytes| async move {
        challenge(&shared, &standing, &body, &method).await
    })
}

async fn challenge(
    shared: &Shared,
    standing: &Standing,
    body: &[u8],
    method: &VerificationMethod,
) -> Answer<Challenged> {
    let input = Input::parse(body)?;
    let wanted = input.text("userAuthenticatorId")?;
    let channel = match input.text("smsChannel")?.as_deref().map(SmsChannel::from) {
        Some(SmsChannel::Unknown(_)) => return Err(ApiError::invalid("body.smsChannel must be DEFAULT or WHATSAPP")),
        channel => channel.unwrap_or(SmsChannel::Default),
    };
    let Standing { id, scope, .. } = standing;
    if let Some(wanted) = &wanted {
        shared.expect_authenticator(&id.user, wanted)?;
    } else if let Some(kind) = told_address(shared, standing, method) {
        shared.begin_enrolment(id, *scope, kind)?;
    }
    let attempt = Attempt { id, scope: *scope, aim: Aim::Either, method };
    let sent = shared.send_by(attempt, wanted.as_deref(), channel).await?;
    Ok(Json(Challenged { challenge_id: sent.id }))
}

/// What there is of a user with nothing enrolled and nothing begun: the address that `track` told. Proving it enrols it
/// (an assumption; the docs' guide on sessions has such a flow).
pub(super) fn told_address(shared: &Shared, standing: &Standing, method: &VerificationMethod) -> Option<Kind> {
    let world = shared.world();
    let user = world.users.get(standing.id.user.as_str()).filter(|user| !user.is_enrolled())?;
    let begun = |user: &User| user.authenticators.iter().any(|known| known.method() == *method);
    if begun(user) {
        return None;
    }
    match method {
        VerificationMethod::EmailOtp => user.email.clone().map(Kind::EmailOtp),
        VerificationMethod::EmailMagicLink => user.email.clone().map(Kind::EmailMagicLink),
        VerificationMethod::Sms => user.phone_number.clone().map(Kind::Sms),
        VerificationMethod::Whatsapp => user.phone_number.clone().map(Kind::Whatsapp),
        _ => None,
    }
}

/// Takes a code.
fn verifying(method: VerificationMethod) -> MethodRouter<Arc<Shared>> {
    post(move |State(shared): State<Arc<Shared>>, Bearer(standing): Bearer, body: Bytes| async move {
        verify(&shared, &standing, &body, &method).await
    })
}

async fn verify(shared: &Shared, standing: &Standing, body: &[u8], method: &VerificationMethod) -> Answer<Verified> {
    let code = Input::parse(body)?.required("verificationCode")?;
    let Standing { id, scope, .. } = standing;
    let attempt = Attempt { id, scope: *scope, aim: Aim::Either, method };
    let proof = shared.prove(attempt, Proof::Code(&code)).await;
    Ok(Json(shared.verified(id, proof)?))
}
