//! Push messages and QR codes, as the browser that waits for the phone sees them.
use std::sync::Arc;

use authsignal_client::{Timestamp, VerificationMethod};
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use serde::Serialize;

use crate::client_api::answer::ClientResult;
use crate::client_api::caller::{Bearer, Caller};
use crate::db::action::ActionId;
use crate::db::challenge::{Challenge, Context, Waiting};
use crate::http::error::ApiError;
use crate::http::input::{Input, action_code};
use crate::state::{AppState, TokenContext};

const PUSH: VerificationMethod = VerificationMethod::Push;
const QR_CODE: VerificationMethod = VerificationMethod::QrCode;

pub(super) fn routes() -> Router<Arc<AppState>> {
    Router::new()
        .route("/client/challenge/push", post(push))
        .route("/client/verify/push", post(verify_push))
        .route("/client/challenge/qr-code", post(qr_code))
        .route("/client/verify/qr-code", post(verify_qr_code))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pushed {
    challenge_id: String,
    delivery_results: Vec<Delivered>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Delivered {
    user_authenticator_id: String,
}

async fn push(State(shared): State<Arc<AppState>>, Bearer(token_context): Bearer, body: Bytes) -> ClientResult<Pushed> {
    let input = Input::parse(&body)?;
    same_action(&input, &token_context.id)?;
    let wanted = input.text("userAuthenticatorId")?;
    let user = &token_context.id.user;
    if let Some(wanted) = &wanted {
        shared.expect_authenticator(user, wanted)?;
    }
    let sent = shared.push(&token_context.id, wanted.as_deref()).await?;
    let db = shared.db();
    let methods = db.users.get(user.as_str()).map(|user| user.enrolled()).unwrap_or_default();
    let asked = methods.into_iter().filter(|known| known.method() == PUSH);
    let asked = asked.filter(|known| wanted.as_ref().is_none_or(|wanted| *wanted == known.id));
    let delivery_results = asked.map(|known| Delivered { user_authenticator_id: known.id.clone() }).collect();
    Ok(Json(Pushed { challenge_id: sent.id, delivery_results }))
}

/// The action may be named again, and then has to be that of the token (browser SDK, `qr-code.ts`).
pub(super) fn same_action(input: &Input, id: &ActionId) -> Result<(), ApiError> {
    match input.text("action")? {
        Some(action) if action != id.action.as_str() => Err(ApiError::invalid("body.action must be that of the token")),
        _ => Ok(()),
    }
}

/// Where the phone stands.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pressed {
    #[serde(skip_serializing_if = "Option::is_none")]
    is_claimed: Option<bool>,
    is_verified: bool,
    is_consumed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<String>,
    /// The same, as the browser SDK reads it of QR codes (`types/qr-code.ts`).
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

impl Pressed {
    fn of(shared: &AppState, asked: &Challenge) -> Self {
        let is_verified = asked.approved() == Some(true);
        let id = asked.action_id().filter(|_| is_verified);
        Self {
            is_claimed: None,
            is_verified,
            is_consumed: asked.approved().is_some(),
            access_token: id.and_then(|id| shared.fresh_token(&id)),
            token: None,
        }
    }
}

async fn verify_push(
    State(shared): State<Arc<AppState>>,
    Bearer(token_context): Bearer,
    body: Bytes,
) -> ClientResult<Pressed> {
    let challenge = Input::parse(&body)?.required("challengeId")?;
    let asked = shared.waited_for(&challenge, &PUSH)?;
    if asked.action_id().as_ref() != Some(&token_context.id) {
        return Err(ApiError::not_found(UNKNOWN));
    }
    Ok(Json(Pressed::of(&shared, &asked)))
}

const UNKNOWN: &str = "The challenge was not found.";

impl AppState {
    /// A challenge that somebody waits for.
    fn waited_for(&self, challenge: &str, method: &VerificationMethod) -> Result<Challenge, ApiError> {
        let db = self.db();
        let known = db.challenges.get(challenge).filter(|known| known.method == *method);
        let known = known.ok_or(ApiError::not_found(UNKNOWN))?;
        if known.is_live(self.clock.now()) {
            Ok(known.clone())
        } else {
            Err(ApiError::invalid("The challenge has expired."))
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    challenge_id: String,
    expires_at: Timestamp,
    device_code: String,
}

async fn qr_code(State(shared): State<Arc<AppState>>, caller: Caller, body: Bytes) -> ClientResult<Shown> {
    let input = Input::parse(&body)?;
    let custom = input.custom()?;
    let shown = match caller.token_context() {
        Some(TokenContext { id, record, .. }) => {
            same_action(&input, &id)?;
            let context = Context { custom: record.custom, ..Context::default() };
            shared.show_qr_code(Some(&id.user), &id.action, Some(&id.key), context)
        }
        None => {
            let action = action_code(input.required("action")?)?;
            shared.show_qr_code(None, &action, None, Context { custom, ..Context::default() })
        }
    };
    let Waiting::Button { device_code: Some(device_code), .. } = shown.waiting else {
        return Err(ApiError::not_found(UNKNOWN));
    };
    Ok(Json(Shown { challenge_id: shown.id, expires_at: shown.expires_at.into(), device_code }))
}

/// Whoever has the device code waits for the phone: the QR code itself does not show it.
async fn verify_qr_code(State(shared): State<Arc<AppState>>, _: Caller, body: Bytes) -> ClientResult<Pressed> {
    let input = Input::parse(&body)?;
    let (challenge, given) = (input.required("challengeId")?, input.required("deviceCode")?);
    let shown = shared.waited_for(&challenge, &QR_CODE)?;
    let Waiting::Button { device_code: Some(device_code), .. } = &shown.waiting else {
        return Err(ApiError::not_found(UNKNOWN));
    };
    if given != *device_code {
        return Err(ApiError::not_found(UNKNOWN));
    }
    let pressed = Pressed::of(&shared, &shown);
    let is_claimed = Some(shown.claimed_by.is_some() || pressed.is_consumed);
    Ok(Json(Pressed { is_claimed, token: pressed.access_token.clone(), ..pressed }))
}
