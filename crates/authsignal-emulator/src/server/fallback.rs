//! What no route takes.
//!
//! Whoever isn't known is told so first: the Go SDK's live test of a bad secret (`GetActionWithBadSecret`) asks an address
//! without a key at its end, and expects 401.
use std::sync::Arc;

use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use http::HeaderMap;

use crate::http::error::{ApiError, not_found};
use crate::http::input::has_key;
use crate::server_api::challenges::find_jumbled;
use crate::state::AppState;

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
    State(shared): State<Arc<AppState>>,
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

/// What of the Server API comes jumbled, and everything else of one segment that no other route takes.
pub(crate) async fn jumbled(state: State<Arc<AppState>>, uri: OriginalUri, headers: HeaderMap) -> Response {
    let segment = uri.path().rsplit('/').next().unwrap_or_default();
    match find_jumbled(&state, &headers, segment) {
        Some(found) => found.into_response(),
        None => nowhere(state, uri, headers).await,
    }
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
