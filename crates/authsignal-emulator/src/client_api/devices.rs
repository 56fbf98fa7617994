//! Phones with the mobile SDK: they enrol a key of theirs, and answer what is asked of it.
//!
//! Signatures are asked for and not verified (an assumption): how a key and what it signs are encoded is the mobile
//! SDKs' own affair.
use std::sync::Arc;

use authsignal_client::{ActionCode, IdempotencyKey, Timestamp, UserId, VerificationMethod};
use axum::extract::State;
use axum::routing::{MethodRouter, get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::client_api::answer::ClientResult;
use crate::client_api::caller::{Bearer, Caller};
use crate::db::challenge::Challenge;
use crate::db::proof::{Aim, Attempt, Proof};
use crate::db::table::FoundBy;
use crate::db::user::{AuthenticatorKind, Phone};
use crate::http::error::ApiError;
use crate::http::input::{Input, Parameters, user_id};
use crate::state::AppState;
use crate::verification::VerificationError;
use crate::verification::phones::PhoneUser;

const PUSH: VerificationMethod = VerificationMethod::Push;
const QR_CODE: VerificationMethod = VerificationMethod::QrCode;
const IN_APP: VerificationMethod = VerificationMethod::InApp;

pub(super) fn routes() -> Router<Arc<AppState>> {
    let mut routes = Router::new()
        .route("/client/user-authenticators/push/challenge", get(pushed).merge(answering(PUSH)))
        .route("/client/user-authenticators/push/challenge/sign", post(nonce))
        .route("/client/user-authenticators/qr-code/challenge", answering(QR_CODE))
        .route("/client/user-authenticators/qr-code/challenge/claim", post(claim))
        .route("/client/verify/in-app", post(verify_in_app));
    for (name, method, kind) in [
        ("push", PUSH, AuthenticatorKind::Push as fn(Phone) -> AuthenticatorKind),
        ("qr-code", QR_CODE, AuthenticatorKind::QrCode),
        ("in-app", IN_APP, AuthenticatorKind::InApp),
    ] {
        let path = format!("/client/user-authenticators/{name}");
        routes = routes.route(&path, finding(method.clone()).merge(adding(kind)));
        routes = routes.route(&format!("{path}/remove"), removing(method));
    }
    routes
}

const UNKNOWN: &str = "The credential was not found.";

/// The key in a query: in base64url (`PushAPIClient.swift`) or base64 (`PushAPI.kt`), of its text.
fn queried_key(query: &Parameters) -> Result<String, ApiError> {
    let given = query.get("publicKey").ok_or_else(|| ApiError::invalid("query.publicKey must not be empty"))?;
    // In a query a plus is a space, and the Android SDK does not encode it.
    let plain = given.replace(' ', "+");
    let decoded = URL_SAFE_NO_PAD.decode(plain.trim_end_matches('=')).or_else(|_| STANDARD.decode(&plain));
    let text = decoded.ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| ApiError::invalid("query.publicKey must be base64"))
}

/// Which method of which user has this key.
fn holder_of(shared: &AppState, method: &VerificationMethod, key: &str) -> Result<(UserId, String), ApiError> {
    let db = shared.db();
    let (user, known) = db.phone(method, key).ok_or(ApiError::not_found(UNKNOWN))?;
    Ok((user_id(user.to_owned())?, known.id.clone()))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Credential {
    user_authenticator_id: String,
    user_id: UserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    verified_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_verified_at: Option<Timestamp>,
}

fn finding(method: VerificationMethod) -> MethodRouter<Arc<AppState>> {
    get(move |State(shared): State<Arc<AppState>>, _: Caller, query: Parameters| async move {
        let key = queried_key(&query)?;
        let db = shared.db();
        let (user, known) = db.phone(&method, &key).ok_or(ApiError::not_found(UNKNOWN))?;
        ClientResult::Ok(Json(Credential {
            user_authenticator_id: known.id.clone(),
            user_id: user_id(user.to_owned())?,
            verified_at: known.verified_at.map(Timestamp::from),
            last_verified_at: known.last_verified_at.map(Timestamp::from),
        }))
    })
}

/// Enrols a phone, which needs no more proof than its key.
fn adding(kind: fn(Phone) -> AuthenticatorKind) -> MethodRouter<Arc<AppState>> {
    post(move |State(shared): State<Arc<AppState>>, Bearer(token_context): Bearer, body: Bytes| async move {
        let input = Input::parse(&body)?;
        let public_key = input.required("publicKey")?;
        let phone = Phone {
            name: input.text("deviceName")?.unwrap_or_else(|| "Phone".to_owned()),
            platform: input.text("devicePlatform")?.map(|platform| platform.to_uppercase()),
            public_key: Some(public_key),
        };
        let begun = shared.begin_enrolment(&token_context.id, token_context.scope, kind(phone))?;
        let method = begun.method();
        let attempt = Attempt { id: &token_context.id, scope: token_context.scope, aim: Aim::Enrol, method: &method };
        let proved = shared.prove(attempt, Proof::By(&begun.id)).await?;
        let enrolled = proved.enrolled.unwrap_or(begun);
        ClientResult::Ok(Json(Credential {
            user_authenticator_id: enrolled.id,
            user_id: token_context.id.user,
            verified_at: enrolled.verified_at.map(Timestamp::from),
            last_verified_at: None,
        }))
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Removed {
    removed_authenticator_id: String,
}

/// A phone takes its own key away, and says so by signing with it.
fn removing(method: VerificationMethod) -> MethodRouter<Arc<AppState>> {
    post(move |State(shared): State<Arc<AppState>>, _: Caller, body: Bytes| async move {
        let input = Input::parse(&body)?;
        let (user, known) = signed(&shared, &method, &input)?;
        shared.remove_authenticator(&user, &known);
        ClientResult::Ok(Json(Removed { removed_authenticator_id: known }))
    })
}

/// Whose key signed a body.
fn signed(shared: &AppState, method: &VerificationMethod, input: &Input) -> Result<(UserId, String), ApiError> {
    input.required("signature")?;
    holder_of(shared, method, &input.required("publicKey")?)
}

/// What a phone is asked; nothing, where nothing is.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    #[serde(skip_serializing_if = "Option::is_none")]
    challenge_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action_code: Option<ActionCode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<IdempotencyKey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip_address: Option<String>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    custom: Map<String, Value>,
}

impl From<&Challenge> for Asked {
    fn from(asked: &Challenge) -> Self {
        Self {
            challenge_id: Some(asked.id.clone()),
            user_id: asked.user.clone(),
            action_code: asked.action.clone(),
            idempotency_key: asked.key.clone(),
            device_id: asked.context.device_id.clone(),
            user_agent: asked.context.user_agent.clone(),
            ip_address: asked.context.ip_address.clone(),
            custom: asked.context.custom.clone(),
        }
    }
}

/// The newest push message to a phone that it has not answered.
async fn pushed(State(shared): State<Arc<AppState>>, _: Caller, query: Parameters) -> ClientResult<Asked> {
    let (user, phone) = holder_of(&shared, &PUSH, &queried_key(&query)?)?;
    let now = shared.clock.now();
    let db = shared.db();
    let of_phone = |asked: &&Challenge| {
        asked.method == PUSH
            && asked.authenticator.as_ref().is_none_or(|wanted| *wanted == phone)
            && db.asked(&asked.id, now).is_some()
    };
    let by_user = FoundBy::user(&user);
    let newest = db.challenges.of(&by_user).filter(of_phone).max_by_key(|asked| asked.sequence);
    Ok(Json(newest.map(Asked::from).unwrap_or_default()))
}

#[derive(Serialize)]
struct Nonce {
    message: String,
}

/// Something to sign before asking.
async fn nonce(State(shared): State<Arc<AppState>>, _: Caller, query: Parameters) -> ClientResult<Nonce> {
    holder_of(&shared, &PUSH, &queried_key(&query)?)?;
    Ok(Json(Nonce { message: uuid::Uuid::new_v4().simple().to_string() }))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    is_verified: bool,
}

fn answering(method: VerificationMethod) -> MethodRouter<Arc<AppState>> {
    post(move |State(shared): State<Arc<AppState>>, _: Caller, body: Bytes| async move {
        let input = Input::parse(&body)?;
        let challenge = input.required("challengeId")?;
        let approved = input.flag("approved")?;
        let (user, phone) = signed(&shared, &method, &input)?;
        if shared.db().challenges.get(&challenge).is_none_or(|asked| asked.method != method) {
            return Err(ApiError::not_found("The challenge was not found."));
        }
        let by = PhoneUser { user: Some(&user), authenticator: Some(&phone) };
        let is_verified = match approved {
            true => proved(shared.approve(&challenge, by).await)?,
            false => shared.refuse(&challenge, by).map(|()| false)?,
        };
        Ok(Json(Answered { is_verified }))
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Claimed {
    success: bool,
    #[serde(flatten)]
    asked: Asked,
}

/// What was right proves nothing where the tenant's webhook doesn't agree.
fn proved(approved: Result<(), VerificationError>) -> Result<bool, VerificationError> {
    match approved {
        Err(VerificationError::Vetoed) => Ok(false),
        approved => approved.map(|()| true),
    }
}

/// A phone has read a QR code.
async fn claim(State(shared): State<Arc<AppState>>, _: Caller, body: Bytes) -> ClientResult<Claimed> {
    let input = Input::parse(&body)?;
    let challenge = input.required("challengeId")?;
    let (user, _) = signed(&shared, &QR_CODE, &input)?;
    let read = shared.read_qr_code(&challenge, &user)?;
    Ok(Json(Claimed { success: true, asked: Asked::from(&read) }))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InApp {
    is_verified: bool,
    access_token: String,
    /// The same, as the mobile SDKs read it (`InAppVerifyResponse.swift`).
    token: String,
    user_id: UserId,
    user_authenticator_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
}

/// An app proves its user by a key of its own, for the action of the token or of the challenge, or for none.
async fn verify_in_app(State(shared): State<Arc<AppState>>, caller: Caller, body: Bytes) -> ClientResult<InApp> {
    let input = Input::parse(&body)?;
    let challenge = input.required("challengeId")?;
    let (user, known) = signed(&shared, &IN_APP, &input)?;
    let signed = shared.finish_in_app(caller.action().as_ref(), &challenge, &user, &known).await?;
    let token = shared.token_of(&signed);
    let username = shared.db().users.get(user.as_str()).and_then(|user| user.username.clone());
    Ok(Json(InApp {
        is_verified: true,
        access_token: token.clone(),
        token,
        user_id: user,
        user_authenticator_id: known,
        username,
    }))
}
