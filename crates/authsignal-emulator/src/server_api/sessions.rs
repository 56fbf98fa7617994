//! Sessions of app clients, and the keys by which others check their tokens.
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use authsignal_client::{ActionState, UserId, VerificationMethod};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::credentials::tokens::{NewSession, TokenError};
use crate::db::session::Session;
use crate::db::user::User;
use crate::http::error::{ApiError, not_found};
use crate::http::input::{Input, Segments, user_id};
use crate::server_api::answer::ApiResult;
use crate::server_api::users::Attributes;
use crate::state::AppState;
use crate::tenant::session::AppClient;

/// A session for whoever has just succeeded in a challenge.
pub(super) async fn create(State(shared): State<Arc<AppState>>, body: Bytes) -> ApiResult {
    let input = Input::parse(&body)?;
    let (token, client_id) = (input.required("token")?, input.required("clientId")?);
    input.short_text("clientId")?;
    let action = input.text("action")?;
    let record = shared.action_of(&token).map_err(|_| ApiError::invalid("body.token is invalid"))?;
    if action.is_some_and(|action| action != record.action.as_str()) {
        return Err(ApiError::invalid("body.token belongs to another action"));
    }
    if record.state != ActionState::ChallengeSucceeded {
        return Err(ApiError::invalid("body.token must belong to a challenge that succeeded"));
    }
    let client =
        client(&shared, &client_id).ok_or_else(|| ApiError::invalid("body.clientId is not that of an app client"))?;
    Ok(begin(&shared, &client, record.user_id, record.verification_method))
}

/// The app client of this id. A tenant that names none takes any, with the defaults (an assumption).
fn client(shared: &AppState, id: &str) -> Option<AppClient> {
    let db = shared.db();
    let clients = &db.tenant.app_clients;
    let any = || clients.is_empty().then(|| AppClient::new(id));
    clients.iter().find(|client| client.id == id).cloned().or_else(any)
}

fn begin(shared: &AppState, client: &AppClient, user: UserId, method: Option<VerificationMethod>) -> Response {
    let now = shared.clock.now();
    let session = NewSession {
        client_id: &client.id,
        user_id: user.as_str(),
        verification_method: method.clone(),
        custom: client.claims.clone(),
        ttl: client.access_ttl.as_secs(),
    };
    let (access_token, claims) = shared.tokens.issue_session(session, now);
    // Opaque and in hexadecimal, as the documentation shows one.
    let refresh_token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let session = Session {
        id: claims.id,
        user,
        client_id: client.id.clone(),
        refresh_token: refresh_token.clone(),
        expires_at: UNIX_EPOCH + Duration::from_secs(claims.expires_at),
        refreshable_until: now.checked_add(client.refresh_ttl).unwrap_or(now),
        verification_method: method,
    };
    shared.db().put_session(session, now);
    Json(json!({ "accessToken": access_token, "refreshToken": refresh_token })).into_response()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Valid {
    user: Attributes,
    expires_at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_method: Option<VerificationMethod>,
}

/// 401 for a token that is forged, expired or revoked, or of a client that isn't asked for (assumptions but the second).
pub(super) async fn validate(State(shared): State<Arc<AppState>>, body: Bytes) -> ApiResult {
    let input = Input::parse(&body)?;
    let token = input.required("accessToken")?;
    let clients = input.texts("clientIds")?;
    let claims = shared.tokens.check_session(&token, clients.as_deref(), shared.clock.now()).map_err(not_good)?;
    let db = shared.db();
    let session = db.sessions.get(&claims.id).ok_or_else(|| not_good(TokenError::Invalid))?;
    let nobody = User::default();
    let user = db.users.get(session.user.as_str()).unwrap_or(&nobody);
    Ok(Json(Valid {
        user: Attributes::of(session.user.clone(), user),
        expires_at: claims.expires_at,
        verification_method: session.verification_method.clone(),
    })
    .into_response())
}

fn not_good(fault: TokenError) -> ApiError {
    ApiError::session(match fault {
        TokenError::Expired => "Session expired",
        TokenError::Invalid => "Session is invalid",
    })
}

/// A new pair; the one before is void with both its tokens.
pub(super) async fn refresh(State(shared): State<Arc<AppState>>, body: Bytes) -> ApiResult {
    let input = Input::parse(&body)?;
    let token = input.required("refreshToken")?;
    let session = shared.db().take_refreshable(&token, shared.clock.now());
    let session = session.ok_or_else(|| not_good(TokenError::Invalid))?;
    let client = client(&shared, &session.client_id).ok_or_else(|| not_good(TokenError::Invalid))?;
    Ok(begin(&shared, &client, session.user, session.verification_method))
}

/// Revoking what has expired or is revoked already is fine; what never was a session is not.
pub(super) async fn revoke(State(shared): State<Arc<AppState>>, body: Bytes) -> ApiResult {
    let input = Input::parse(&body)?;
    let token = input.required("accessToken")?;
    match shared.tokens.check_session(&token, None, shared.clock.now()) {
        Ok(claims) => shared.db().revoke_session(&claims.id),
        Err(TokenError::Expired) => {}
        Err(fault) => return Err(not_good(fault)),
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(super) async fn revoke_user(State(shared): State<Arc<AppState>>, body: Bytes) -> ApiResult {
    let user = user_id(Input::parse(&body)?.required("userId")?)?;
    shared.db().revoke_sessions_of(user.as_str());
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The keys of this tenant; those of another are not here.
pub(super) async fn jwks(State(shared): State<Arc<AppState>>, Segments(tenant): Segments<String>) -> Response {
    if tenant != shared.tokens.tenant {
        return not_found().into_response();
    }
    Json(shared.tokens.keys().jwks()).into_response()
}
