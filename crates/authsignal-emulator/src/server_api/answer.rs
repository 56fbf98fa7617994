//! What an endpoint of the Server API answers.
use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::http::error::ApiError;

/// What an endpoint answers.
pub(crate) type ApiResult = Result<Response, ApiError>;

/// What a deletion answers. Never nothing: ruby reads the body.
pub(super) struct Success;

impl Success {
    pub(super) fn answer() -> ApiResult {
        Ok(Json(json!({ "success": true })).into_response())
    }
}
