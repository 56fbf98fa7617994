//! How the service says no.
use std::borrow::Cow;
use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::json;

/// An answer that is an error. Both `error` and `errorCode` are sent, since half of the SDKs read one and half the
/// other.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    description: Cow<'static, str>,
    /// For 429; a second where nothing else is said.
    retry_after: Option<Duration>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    error: &'a str,
    error_code: &'a str,
    error_description: &'a str,
}

impl ApiError {
    const fn new(status: StatusCode, code: &'static str, description: &'static str) -> Self {
        Self { status, code, description: Cow::Borrowed(description), retry_after: None }
    }

    /// One that is none of those below.
    pub(crate) fn of(status: StatusCode, code: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        Self { description: text.into(), ..Self::new(status, code, "") }
    }

    pub(crate) const fn unauthorized() -> Self {
        // Quoted identically in the tests of several SDKs.
        const TEXT: &str =
            "The request is unauthorized. Check that your API key and region base URL are correctly configured.";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", TEXT)
    }

    pub(crate) const fn unknown_challenge() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "The challenge has expired or was already claimed.")
    }

    /// What the Server API says to a session token that is not good (ruby README history, for an expired one).
    pub(crate) const fn session(description: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", description)
    }

    /// The code and the description, for an answer that reports several.
    pub(crate) fn into_report(self) -> (&'static str, String) {
        (self.code, self.description.into_owned())
    }

    /// The tenant's own webhook, which sends its messages, didn't take one. Status and code are assumptions.
    pub(crate) const fn not_sent() -> Self {
        Self::new(StatusCode::BAD_GATEWAY, "unexpected_error", "The message could not be sent.")
    }

    /// Too many messages were sent; the next one may be after so long.
    pub(crate) fn too_many_messages(wait: Duration) -> Self {
        const TEXT: &str = "Too many messages were sent. The emulator keeps the limits of the service, unless it is told \
                            others: [limits] in its configuration file, where enabled = false lifts them, or Limits in Rust, \
                            where Limits::off() does.";
        Self { retry_after: Some(wait), ..Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", TEXT) }
    }

    /// Too many wrong codes were given.
    pub(crate) const fn too_many_guesses() -> Self {
        const TEXT: &str = "Too many wrong codes were given. The emulator keeps the limits of the service, unless it is told \
                            others: verify and verify_window in [limits] of its configuration file, or Limits in Rust.";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", TEXT)
    }

    pub(crate) const fn not_found(description: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", description)
    }

    pub(crate) fn invalid(description: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: "invalid_request",
            description: description.into(),
            retry_after: None,
        }
    }

    /// What stands under `/emulator` isn't for whoever asked; the service has no such error.
    pub(crate) const fn forbidden(description: &'static str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", description)
    }

    pub(crate) const fn unsupported(description: &'static str) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request", description)
    }

    pub(crate) const fn too_long() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request", "The request body is too long.")
    }

    /// The error that the service would send with `status`, as far as one is known.
    pub(crate) const fn of_status(status: StatusCode) -> Self {
        let (code, description) = match status.as_u16() {
            400 => ("invalid_request", "The request is invalid."),
            401 => return Self::unauthorized(),
            404 => ("not_found", "Not found."),
            422 => ("invalid_request_token", "The token is invalid."),
            429 => ("too_many_requests", "Too many requests."),
            _ => ("unexpected_error", "Something unexpected happened."),
        };
        Self::new(status, code, description)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = Body { error: self.code, error_code: self.code, error_description: &self.description };
        let mut response = (self.status, Json(body)).into_response();
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            let seconds = self.retry_after.map_or(1, |wait| wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        response
    }
}

/// What the service's gateway says to what it doesn't know, which isn't in the form of the service's own errors.
pub(crate) fn not_found() -> (StatusCode, Json<serde_json::Value>) {
    (StatusCode::NOT_FOUND, Json(json!({ "message": "Not Found" })))
}
