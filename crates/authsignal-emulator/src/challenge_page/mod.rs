//! The challenge page: what `url` of a `track` leads to.
//!
//! Plain forms; without scripts everything works but passkeys. Each form carries the challenge token, which is the
//! credential, so there is no session and nothing to forge. Three small scripts do what a form can't: one tells the
//! opener of a popup (`mode=popup`) what it waits for, one looks whether a phone has answered, one asks the browser for a
//! passkey.
pub(crate) mod enrol;
pub(crate) mod format;
pub(crate) mod key;
pub(crate) mod leave;
pub(crate) mod magic_link;
pub(crate) mod method;
pub(crate) mod offer;
pub(crate) mod params;
pub(crate) mod phone;
pub(crate) mod proof;
pub(crate) mod qr;
pub(crate) mod respond;
pub(crate) mod scene;
pub(crate) mod sent;
pub(crate) mod settings;
pub(crate) mod steps;
pub(crate) mod view;
pub(crate) mod visit;
pub(crate) mod words;

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::HeaderMap;

use crate::challenge_page::params::{Carried, PageParams, WAITING};
use crate::challenge_page::respond::broken;
use crate::challenge_page::view::sealed;
use crate::challenge_page::visit::{Visit, words_for};
use crate::credentials::tokens::TokenError;
use crate::state::AppState;

pub(crate) fn routes() -> Router<Arc<AppState>> {
    Router::new()
        .route("/", get(show).post(act))
        .route(WAITING, get(look))
        .route("/api/verify-magic-link", get(magic_link::open))
}

async fn show(
    State(shared): State<Arc<AppState>>,
    headers: HeaderMap,
    params: Result<Query<PageParams>, QueryRejection>,
) -> Response {
    let Ok(Query(params)) = params else { return not_a_link(&shared, &headers) };
    match Visit::open(&shared, &params, &headers) {
        Ok(visit) => visit.show(None).await,
        Err(broken) => *broken,
    }
}

async fn act(
    State(shared): State<Arc<AppState>>,
    headers: HeaderMap,
    params: Result<Form<PageParams>, FormRejection>,
) -> Response {
    let Ok(Form(params)) = params else { return not_a_link(&shared, &headers) };
    match Visit::open(&shared, &params, &headers) {
        Ok(visit) => visit.act().await,
        Err(broken) => *broken,
    }
}

/// What there is to see, in short; a page that reads something else here than it has seen goes on.
async fn look(
    State(shared): State<Arc<AppState>>,
    headers: HeaderMap,
    params: Result<Query<PageParams>, QueryRejection>,
) -> Response {
    let Ok(Query(params)) = params else { return not_a_link(&shared, &headers) };
    match Visit::open(&shared, &params, &headers) {
        Ok(visit) => sealed(visit.seen(&shared.db(), &params.method()).into_response()),
        Err(broken) => *broken,
    }
}

fn not_a_link(shared: &AppState, headers: &HeaderMap) -> Response {
    broken(Carried::default(), words_for(shared, None, headers), TokenError::Invalid)
}
