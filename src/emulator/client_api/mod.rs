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
use http::{HeaderName, Method, StatusCode, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::emulator::db::enrol::NotEnrollable;
use crate::emulator::http::error::ApiError;
use crate::emulator::state::Shared;
use crate::emulator::verification::Fault;
use crate::emulator::verification::webauthn::NotSigned;

/// The routes, for `/v1` and for the root.
pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .merge(authenticators::routes())
        .merge(codes::routes())
        .merge(devices::routes())
        .merge(keys::routes())
        .merge(links::routes())
        .merge(phones::routes())
}

/// What is for people to open.
pub(crate) fn pages() -> Router<Arc<Shared>> {
    links::page()
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

impl From<Fault> for ApiError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::TooManyMessages(wait) => Self::too_many_messages(wait),
            Fault::TooManyGuesses => Self::too_many_guesses(),
            Fault::NotAsked => {
                Self::invalid("The action does not ask for this, or the user has no such authenticator.")
            }
            Fault::Wrong => Self::invalid("This proves nothing."),
            Fault::NotSent => Self::not_sent(),
            Fault::Vetoed => Self::invalid("The verification webhook refused this."),
        }
    }
}

impl From<NotEnrollable> for ApiError {
    fn from(why: NotEnrollable) -> Self {
        let not_configured = |text| Self::of(StatusCode::BAD_REQUEST, "invalid_configuration", text);
        match why {
            NotEnrollable::Closed => Self::invalid("Nothing can be enrolled under an action in this state."),
            NotEnrollable::Scope => {
                Self::of(StatusCode::UNAUTHORIZED, "unauthorized", "The scope of the token does not permit this.")
            }
            NotEnrollable::Method => not_configured("The tenant does not offer this authenticator."),
            NotEnrollable::Action => not_configured("The action does not allow this authenticator."),
        }
    }
}

impl From<NotSigned> for ApiError {
    fn from(why: NotSigned) -> Self {
        match why {
            NotSigned::NotBegun => Self::invalid("The challenge was not found, or is over."),
            NotSigned::NotEnrollable(why) => why.into(),
            NotSigned::Refused(fault) => Self::of(StatusCode::BAD_REQUEST, fault.code(), fault.to_string()),
            NotSigned::NoProof(fault) => fault.into(),
        }
    }
}
