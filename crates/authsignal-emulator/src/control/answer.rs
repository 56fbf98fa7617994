//! What stands under `/emulator` answers.
use axum::response::Response;
use http::StatusCode;

use crate::http::error::ApiError;

/// What a handler answers.
pub(super) type ControlResult = Result<Response, ApiError>;

/// Nothing to tell but that it is done.
pub(super) const DONE: StatusCode = StatusCode::NO_CONTENT;

/// There is no such thing.
pub(super) async fn nowhere() -> ApiError {
    ApiError::not_found("There is no such thing under /emulator.")
}
