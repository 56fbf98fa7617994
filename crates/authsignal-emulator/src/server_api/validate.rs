//! Validate: what a token proves.
use std::sync::Arc;

use authsignal_client::{ActionCode, ActionState, IdempotencyKey, Timestamp, UserId, VerificationMethod};
use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use serde::Serialize;

use crate::db::action::RecordedAction;
use crate::http::error::ApiError;
use crate::http::input::Input;
use crate::state::AppState;

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Validated {
    is_valid: bool,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    found: Option<Found>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
}

/// What a genuine token is about. The action has two names because the SDKs disagree about it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    state: ActionState,
    state_updated_at: Timestamp,
    user_id: UserId,
    action: ActionCode,
    action_code: ActionCode,
    idempotency_key: IdempotencyKey,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_method: Option<VerificationMethod>,
}

impl From<RecordedAction> for Found {
    fn from(record: RecordedAction) -> Self {
        Self {
            state: record.state,
            state_updated_at: record.state_updated_at.into(),
            user_id: record.user_id,
            action: record.action.clone(),
            action_code: record.action,
            idempotency_key: record.idempotency_key,
            verification_method: record.verification_method,
        }
    }
}

/// A token that isn't good is no HTTP error: the answer says so.
pub(super) async fn validate(State(shared): State<Arc<AppState>>, body: Bytes) -> Result<Json<Validated>, ApiError> {
    let input = Input::parse(&body)?;
    let token = input.required("token")?;
    let (user, action) = (input.text("userId")?, input.text("action")?);
    let refused = |error| Ok(Json(Validated { error: Some(error), ..Validated::default() }));

    let Ok(record) = shared.action_of(&token) else { return refused("Token is invalid.") };
    if user.is_some_and(|user| user != record.user_id.as_str()) {
        return refused("User is invalid.");
    }
    if action.is_some_and(|action| action != record.action.as_str()) {
        return refused("Action is invalid.");
    }
    let is_valid = record.state == ActionState::ChallengeSucceeded;
    Ok(Json(Validated { is_valid, found: Some(record.into()), error: None }))
}
