//! Which door takes which request.
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::post;

use crate::server::fallback::{jumbled, nowhere};
use crate::server::gateway::gateway;
use crate::state::AppState;
use crate::{challenge_page, client_api, control, server_api};

pub(crate) fn router(shared: &Arc<AppState>) -> Router {
    // A browser gets to read an injected fault as well as a real one.
    let client_api = Router::new()
        .nest("/v1", client_api::routes())
        .merge(client_api::routes())
        .method_not_allowed_fallback(nowhere)
        .layer(from_fn_with_state(Arc::clone(shared), gateway))
        .layer(client_api::cors());
    Router::new()
        .nest("/v1", server_api(shared).merge(server_api::doubled(shared)))
        .merge(server_api(shared))
        .merge(challenge_page::routes())
        .merge(control::routes(shared))
        .fallback(nowhere)
        .method_not_allowed_fallback(nowhere)
        .layer(from_fn_with_state(Arc::clone(shared), gateway))
        .merge(client_api)
        .with_state(Arc::clone(shared))
}

/// The Server API, and what of it comes in no form that it knows.
fn server_api(shared: &Arc<AppState>) -> Router<Arc<AppState>> {
    server_api::routes(shared).route("/{jumbled}", post(jumbled))
}
