//! Attempts that were tracked: one, all of a user, and an operator's decision.
use std::sync::Arc;
use std::time::Duration;

use authsignal_client::{ActionCode, ActionState, IdempotencyKey, Timestamp, VerificationMethod};
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::db::action::RecordedAction;
use crate::http::error::ApiError;
use crate::http::input::{Input, Names, Parameters, Segments, action_id, known_state, moment, user_id};
use crate::rules::RuleMatch;
use crate::server_api::answer::ApiResult;
use crate::state::AppState;

/// How far back a query looks, at most and by default (API reference, query user actions).
const MAX_AGE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ActionAnswer {
    state: ActionState,
    created_at: Timestamp,
    state_updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_method: Option<VerificationMethod>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rule_ids: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority_rule_id: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rules: Vec<RuleMatch>,
    /// What the rules looked at; there even when empty, since the SDKs' tests want an object.
    output: Map<String, Value>,
}

impl From<&RecordedAction> for ActionAnswer {
    fn from(record: &RecordedAction) -> Self {
        Self {
            state: record.state.clone(),
            created_at: record.created_at.into(),
            state_updated_at: record.state_updated_at.into(),
            verification_method: record.verification_method.clone(),
            rule_ids: record.rules.iter().map(|rule| rule.id.clone()).collect(),
            priority_rule_id: record.priority_rule_id.clone(),
            rules: record.rules.clone(),
            output: record.output.clone(),
        }
    }
}

const UNKNOWN: ApiError = ApiError::not_found("The action was not found.");

pub(super) async fn get(State(shared): State<Arc<AppState>>, Segments(names): Segments<Names>) -> ApiResult {
    let id = action_id(names)?;
    let db = shared.db();
    let action = db.actions.get(&id).ok_or(UNKNOWN)?;
    Ok(Json(ActionAnswer::from(&action.record)).into_response())
}

/// Any state may follow any other.
pub(super) async fn patch(
    State(shared): State<Arc<AppState>>,
    Segments(names): Segments<Names>,
    body: Bytes,
) -> ApiResult {
    let id = action_id(names)?;
    let input = Input::parse(&body)?;
    let state = known_state(&input.required("state")?).ok_or_else(|| ApiError::invalid(STATES))?;
    let custom = input.custom()?;
    let now = shared.clock.now();
    let mut db = shared.db();
    if !db.set_state(&id, state, now) {
        return Err(UNKNOWN);
    }
    let action = db.actions.get_mut(&id).ok_or(UNKNOWN)?;
    action.record.custom.extend(custom);
    Ok(Json(ActionAnswer::from(&action.record)).into_response())
}

const STATES: &str = "state must be equal to one of the allowed values - allowedValues: ALLOW,BLOCK,CHALLENGE_FAILED,\
                      CHALLENGE_REQUIRED,CHALLENGE_SUCCEEDED,REVIEW_FAILED,REVIEW_REQUIRED,REVIEW_SUCCEEDED";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    action_code: ActionCode,
    idempotency_key: IdempotencyKey,
    created_at: Timestamp,
    updated_at: Timestamp,
    state: ActionState,
    state_updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_method: Option<VerificationMethod>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verified_by_authenticator_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    country_code: Option<String>,
}

impl From<&RecordedAction> for Row {
    fn from(record: &RecordedAction) -> Self {
        Self {
            action_code: record.action.clone(),
            idempotency_key: record.idempotency_key.clone(),
            created_at: record.created_at.into(),
            updated_at: record.updated_at.into(),
            state: record.state.clone(),
            state_updated_at: record.state_updated_at.into(),
            verification_method: record.verification_method.clone(),
            verified_by_authenticator_id: record.verified_by.clone(),
            user_agent: record.user_agent.clone(),
            ip_address: record.ip_address.clone(),
            country_code: record.country_code.clone(),
        }
    }
}

/// A user's attempts, newest first (an assumption).
pub(super) async fn query(
    State(shared): State<Arc<AppState>>,
    Segments(user): Segments<String>,
    query: Parameters,
) -> ApiResult {
    let user = user_id(user)?;
    let state = query.get("state").map(|text| known_state(text).ok_or_else(|| ApiError::invalid(STATES)));
    let (state, now) = (state.transpose()?, shared.clock.now());
    let earliest = now.checked_sub(MAX_AGE).unwrap_or(now);
    let from = match query.get("fromDate").map(moment) {
        None => earliest,
        Some(Some(from)) => earliest.max(from),
        Some(None) => return Err(ApiError::invalid("query.fromDate must be a valid ISO 8601 date string")),
    };
    let codes: Option<Vec<_>> = query.get("codes").map(|codes| codes.split(',').map(str::trim).collect());
    let db = shared.db();
    let fits = |record: &&RecordedAction| {
        record.created_at >= from
            && state.as_ref().is_none_or(|state| record.state == *state)
            && codes.as_ref().is_none_or(|codes| codes.contains(&record.action.as_str()))
    };
    let rows: Vec<_> = db.actions_of(user.as_str()).into_iter().filter(fits).map(Row::from).collect();
    Ok(Json(rows).into_response())
}
