//! What no route takes.
//!
//! Whoever isn't known is told so first: the Go SDK's live test of a bad secret (`GetActionWithBadSecret`) asks an address
//! without a key at its end, and expects 401.
use std::sync::Arc;

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde_json::json;

use crate::emulator::http::error::ApiError;
use crate::emulator::http::input::has_key;
use crate::emulator::state::Shared;

/// Where the two APIs are without their version.
const UNVERSIONED: [&str; 10] =
    ["authenticators", "call", "challenge", "challenges", "claim", "sessions", "users", "validate", "verify", "v1"];

/// Which API a path is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Api {
    Server,
    Client,
}

impl Api {
    fn of(path: &str) -> Option<Self> {
        let segments = path.strip_prefix('/').unwrap_or(path);
        let (first, rest) = segments.split_once('/').unwrap_or((segments, ""));
        let second = rest.split('/').next().unwrap_or_default();
        match (first, second) {
            ("client", _) | ("v1", "client") => Some(Self::Client),
            _ if UNVERSIONED.contains(&first) => Some(Self::Server),
            _ => None,
        }
    }
}

/// The answer to an address or a method that there is not.
pub(crate) async fn nowhere(
    State(shared): State<Arc<Shared>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    let refused = match Api::of(uri.path()) {
        Some(Api::Server) => (!has_key(&headers, &shared.secrets)).then(ApiError::unauthorized),
        Some(Api::Client) => shared.caller(&headers).err(),
        None => None,
    };
    refused.map_or_else(|| not_found().into_response(), IntoResponse::into_response)
}

/// What the service's gateway says to what it doesn't know, which isn't in the form of the service's own errors.
pub(crate) fn not_found() -> (StatusCode, Json<serde_json::Value>) {
    (StatusCode::NOT_FOUND, Json(json!({ "message": "Not Found" })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_paths_they_are() {
        for (path, api) in [
            ("/v1/users/ada/actions/go-sdk-test/", Some(Api::Server)),
            ("/users/ada/", Some(Api::Server)),
            ("/v1", Some(Api::Server)),
            ("/v1/", Some(Api::Server)),
            ("/v1/nowhere", Some(Api::Server)),
            ("/v1/v1/users", Some(Api::Server)),
            ("/v1/management/rules", Some(Api::Server)),
            ("/sessions/nowhere", Some(Api::Server)),
            ("/v1/client/nowhere", Some(Api::Client)),
            ("/client/", Some(Api::Client)),
            ("/client", Some(Api::Client)),
            ("/v1/clients", Some(Api::Server)),
            ("/", None),
            ("", None),
            ("//", None),
            ("/nowhere", None),
            ("/favicon.ico", None),
            ("/V1/users", None),
            ("/usersx", None),
        ] {
            assert_eq!(Api::of(path), api, "{path}");
        }
    }
}
