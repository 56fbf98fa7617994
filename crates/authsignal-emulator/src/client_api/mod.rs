//! The Client API: what browsers and phones call with a token of the user's, or with no more than the tenant's id.
//!
//! The SDKs go by the body of an answer; the phones' take only 200 for success. An error has `error` and `errorCode`.
pub(crate) mod answer;
pub(crate) mod authenticators;
pub(crate) mod caller;
pub(crate) mod codes;
pub(crate) mod cookies;
pub(crate) mod devices;
pub(crate) mod keys;
pub(crate) mod links;
pub(crate) mod phones;

use std::sync::Arc;

use axum::Router;
use http::{HeaderName, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::state::AppState;

/// The routes, for `/v1` and for the root.
pub(crate) fn routes() -> Router<Arc<AppState>> {
    Router::new()
        .merge(authenticators::routes())
        .merge(codes::routes())
        .merge(devices::routes())
        .merge(keys::routes())
        .merge(links::routes())
        .merge(phones::routes())
}

/// Lets the pages of every origin call, with their cookies: which application calls is for the token to say.
pub(crate) fn cors() -> CorsLayer {
    let of_ours = ["sdk", "version", "tenant-id", "signature"];
    let of_ours = of_ours.map(|name| format!("x-authsignal-{name}").parse::<HeaderName>());
    let headers = [header::AUTHORIZATION, header::CONTENT_TYPE].into_iter().chain(of_ours.into_iter().flatten());
    CorsLayer::new()
        .allow_origin(AllowOrigin::mirror_request())
        .allow_credentials(true)
        .allow_headers(headers.collect::<Vec<_>>())
        .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE])
        .expose_headers([header::RETRY_AFTER])
}
