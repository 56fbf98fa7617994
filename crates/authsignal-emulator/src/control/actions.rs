//! Attempts, what they begin with, and an operator's decisions about them.
use std::collections::BTreeMap;
use std::sync::Arc;

use authsignal_client::{ActionCode, ActionState, IdempotencyKey, Timestamp, UserId, VerificationMethod};
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::control::answer::{ControlResult, DONE};
use crate::control::challenges::visit;
use crate::control::strict_json::{StrictJson, wrong};
use crate::db::action::RecordedAction;
use crate::http::error::ApiError;
use crate::http::input::{Parameters, Segments, action_code, action_id, known_state};
use crate::lifecycle::Outcome;
use crate::rules::RuleMatch;
use crate::state::AppState;

/// How many are told at once.
const MAX_LISTED: usize = 1000;

/// An attempt with all that is known of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ActionView {
    user_id: UserId,
    action: ActionCode,
    idempotency_key: IdempotencyKey,
    outcome: Outcome,
    was_enrolled: bool,
    state: ActionState,
    created_at: Timestamp,
    updated_at: Timestamp,
    state_updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_method: Option<VerificationMethod>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verified_by_authenticator_id: Option<String>,
    allowed_verification_methods: Vec<VerificationMethod>,
    rules: Vec<RuleMatch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority_rule_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    country_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<String>,
    custom: Map<String, Value>,
}

impl From<&RecordedAction> for ActionView {
    fn from(record: &RecordedAction) -> Self {
        let record = record.clone();
        Self {
            user_id: record.user_id,
            action: record.action,
            idempotency_key: record.idempotency_key,
            outcome: record.outcome,
            was_enrolled: record.was_enrolled,
            state: record.state,
            created_at: record.created_at.into(),
            updated_at: record.updated_at.into(),
            state_updated_at: record.state_updated_at.into(),
            verification_method: record.verification_method,
            verified_by_authenticator_id: record.verified_by,
            allowed_verification_methods: record.allowed_methods,
            rules: record.rules,
            priority_rule_id: record.priority_rule_id,
            redirect_url: record.redirect_url,
            scope: record.scope,
            ip_address: record.ip_address,
            country_code: record.country_code,
            user_agent: record.user_agent,
            device_id: record.device_id,
            locale: record.locale,
            custom: record.custom,
        }
    }
}

/// Newest first; those of a user.
pub(super) async fn list(State(shared): State<Arc<AppState>>, query: Parameters) -> Json<Vec<ActionView>> {
    let db = shared.db();
    let actions = match query.get("userId") {
        Some(user) => db.actions_of(user),
        None => db.newest_actions(MAX_LISTED),
    };
    Json(actions.into_iter().take(MAX_LISTED).map(ActionView::from).collect())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StateChange {
    state: String,
}

pub(super) async fn decide(
    State(shared): State<Arc<AppState>>,
    Segments(names): Segments<(String, String, String)>,
    StrictJson(decision): StrictJson<StateChange>,
) -> ControlResult {
    let id = action_id(names)?;
    let state = known_state(&decision.state)
        .ok_or_else(|| wrong("body.state", format_args!("unknown state {:?}", decision.state)))?;
    if !shared.decide(&id, state) {
        return Err(ApiError::not_found("The action was not found."));
    }
    Ok(DONE.into_response())
}

/// What its user does on the challenge page, or a browser that is to be led there.
pub(super) async fn act(
    State(shared): State<Arc<AppState>>,
    Segments((user, action, key, act)): Segments<(String, String, String, String)>,
) -> ControlResult {
    let id = action_id((user, action, key))?;
    let record = shared.db().actions.get(&id).map(|action| action.record.clone());
    let record = record.ok_or(ApiError::not_found("The action was not found."))?;
    shared.tokens.ready().await;
    // Of the very origin that is asked, where a page's form may lead.
    let url = format!("/?token={}", shared.token(&record));
    match act.as_str() {
        "open" => Ok((StatusCode::SEE_OTHER, [(header::LOCATION, url)]).into_response()),
        _ => visit(&shared, &act, &format!("{}{url}", shared.origin)).await,
    }
}

pub(super) async fn outcomes(State(shared): State<Arc<AppState>>) -> Json<BTreeMap<String, Outcome>> {
    Json(shared.db().outcomes())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Begins {
    outcome: Outcome,
}

pub(super) async fn set_outcome(
    State(shared): State<Arc<AppState>>,
    Segments(action): Segments<String>,
    StrictJson(begins): StrictJson<Begins>,
) -> Result<StatusCode, ApiError> {
    shared.set_outcome(action_code(action)?.to_string(), begins.outcome);
    Ok(DONE)
}
