//! The Server API.
pub(crate) mod actions;
pub(crate) mod answer;
pub(crate) mod authenticators;
pub(crate) mod calls;
pub(crate) mod challenges;
pub(crate) mod devices;
pub(crate) mod query;
pub(crate) mod sessions;
pub(crate) mod track;
pub(crate) mod users;
pub(crate) mod validate;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch, post};

use crate::http::error::ApiError;
use crate::http::input::has_key;
use crate::state::AppState;

/// The routes, for `/v1` and, for clients whose base URL has no version, for the root.
pub(crate) fn routes(shared: &Arc<AppState>) -> Router<Arc<AppState>> {
    Router::new()
        .route("/users", get(query::users))
        .route("/users/{user}", get(users::get).patch(users::patch).post(users::post).delete(users::delete))
        .route("/users/{user}/authenticators", get(authenticators::list).post(authenticators::enroll_verified))
        .route("/users/{user}/authenticators/{authenticator}", delete(authenticators::delete))
        .route("/users/{user}/actions", get(actions::query))
        .route("/users/{user}/actions/{action}", post(track::track))
        .route("/users/{user}/actions/{action}/{key}", get(actions::get).patch(actions::patch))
        .route("/users/{user}/devices", get(devices::list))
        .route("/users/{user}/devices/{device}", patch(devices::patch))
        .route("/users/{user}/devices/{device}/invalidate", post(devices::invalidate))
        .route("/authenticators", get(authenticators::of_tenant))
        .route("/validate", post(validate::validate))
        .route("/challenge", post(challenges::challenge))
        .route("/verify", post(challenges::verify))
        .route("/claim", post(challenges::claim))
        .route("/challenges", get(challenges::get).post(challenges::post))
        .route("/sessions", post(sessions::create))
        .route("/sessions/validate", post(sessions::validate))
        .route("/sessions/refresh", post(sessions::refresh))
        .route("/sessions/revoke", post(sessions::revoke))
        .route("/sessions/user/revoke", post(sessions::revoke_user))
        .route("/call/start", post(calls::start))
        .route("/call/finish", post(calls::finish))
        .route_layer(from_fn_with_state(Arc::clone(shared), only_with_key))
        .route("/client/public/{tenant}/.well-known/jwks", get(sessions::jwks))
}

/// What go asks below the version: it doubles the version in this one path.
pub(crate) fn doubled(shared: &Arc<AppState>) -> Router<Arc<AppState>> {
    Router::new()
        .route("/v1/challenges", get(challenges::get))
        .route_layer(from_fn_with_state(Arc::clone(shared), only_with_key))
}

async fn only_with_key(State(shared): State<Arc<AppState>>, request: Request, next: Next) -> Response {
    if has_key(request.headers(), &shared.secrets) {
        next.run(request).await
    } else {
        ApiError::unauthorized().into_response()
    }
}
