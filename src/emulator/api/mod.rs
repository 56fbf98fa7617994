//! The Server API.
mod actions;
mod error;
mod input;
mod users;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

pub(super) use self::error::ApiError;
use super::Shared;

/// The routes, for `/v1` and, for clients whose base URL has no version, for the root.
pub(super) fn routes(shared: &Arc<Shared>) -> Router<Arc<Shared>> {
    Router::new()
        .route("/users/{user}", get(users::get))
        .route("/users/{user}/authenticators", post(users::enroll_verified))
        .route("/users/{user}/actions/{action}", post(actions::track))
        .route("/users/{user}/actions/{action}/{key}", get(actions::get))
        .route("/validate", post(actions::validate))
        .route_layer(from_fn_with_state(Arc::clone(shared), only_with_key))
}

async fn only_with_key(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    if input::has_key(request.headers(), &shared.secret) {
        next.run(request).await
    } else {
        ApiError::unauthorized().into_response()
    }
}
