//! Whether the emulator is ready, for whoever waits for it.
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::control::guard::sealed;
use crate::state::AppState;

/// It is, once it has the key of its tokens, which the first answers would wait for otherwise.
pub(super) async fn show(State(shared): State<Arc<AppState>>) -> Response {
    shared.tokens.ready().await;
    sealed(Json(json!({ "status": "ok" })).into_response())
}
