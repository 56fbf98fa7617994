//! Finding users by what is known of them.
use std::ops::Bound;
use std::sync::Arc;

use authsignal_client::{Timestamp, UserId, VerificationMethod};
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::db::user::User;
use crate::http::error::ApiError;
use crate::http::input::Parameters;
use crate::server_api::answer::ApiResult;
use crate::server_api::users::Attributes;
use crate::state::AppState;

/// How many are found at most, unless fewer are asked for, and how many may be asked for. Assumptions.
const DEFAULT_LIMIT: usize = 20;
const MAX_LIMIT: usize = 100;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    users: Vec<FoundUser>,
    /// Where the next page begins, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_evaluated_user_id: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_payload: Option<Map<String, Value>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FoundUser {
    #[serde(flatten)]
    attributes: Attributes,
    is_enrolled: bool,
    enrolled_verification_methods: Vec<VerificationMethod>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<Timestamp>,
}

pub(super) async fn users(State(shared): State<Arc<AppState>>, query: Parameters) -> ApiResult {
    let limit = limit(&query)?;
    let token_payload = query.get("token").map(payload).transpose()?;
    let by_token = token_payload.as_ref().map(|claims| claims.get("email").and_then(Value::as_str).unwrap_or_default());
    let wanted = [query.get("username"), query.get("email"), query.get("phoneNumber"), by_token];
    if wanted.iter().all(Option::is_none) {
        return Err(ApiError::invalid("query must have at least one of username, email, phoneNumber, token"));
    }
    let fits = |user: &User| {
        let known = [&user.username, &user.email, &user.phone_number, &user.email];
        wanted.iter().zip(known).all(|(wanted, known)| wanted.is_none() || *wanted == known.as_deref())
    };

    let db = shared.db();
    let after = query.get("lastEvaluatedUserId").map_or(Bound::Unbounded, Bound::Excluded);
    let users = db.users.range::<str, _>((after, Bound::Unbounded));
    let mut users = users.filter(|(_, user)| fits(user)).filter_map(|(id, user)| Some((UserId::new(id).ok()?, user)));
    let page: Vec<_> = users.by_ref().take(limit).collect();
    let more = users.next().is_some();
    let last_evaluated_user_id = page.last().filter(|_| more).map(|(id, _)| id.clone());
    let users = page.into_iter().map(|(id, user)| FoundUser {
        attributes: Attributes::of(id, user),
        is_enrolled: user.is_enrolled(),
        enrolled_verification_methods: user.enrolled_methods(),
        created_at: user.created_at.map(Timestamp::from),
    });
    Ok(Json(Found { users: users.collect(), last_evaluated_user_id, token_payload }).into_response())
}

fn limit(query: &Parameters) -> Result<usize, ApiError> {
    let Some(text) = query.get("limit") else { return Ok(DEFAULT_LIMIT) };
    let limit = text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
    limit.ok_or_else(|| ApiError::invalid("query.limit must be an integer from 1 to 100"))
}

/// What an ID token of Apple or Google says. Its signature is not looked at: their keys are not here.
fn payload(token: &str) -> Result<Map<String, Value>, ApiError> {
    let claims = token.split('.').nth(1).and_then(|claims| URL_SAFE_NO_PAD.decode(claims).ok());
    let claims = claims.and_then(|claims| serde_json::from_slice(&claims).ok());
    claims.ok_or_else(|| ApiError::invalid("query.token must be an ID token"))
}
