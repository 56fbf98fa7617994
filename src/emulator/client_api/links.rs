//! Magic links.
use std::sync::Arc;

use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use http::StatusCode;

use crate::client::VerificationMethod;
use crate::emulator::challenge_page::view::sealed;
use crate::emulator::client_api::answer::{Answer, Begun, Challenged, Verified};
use crate::emulator::client_api::caller::Bearer;
use crate::emulator::client_api::codes::told_address;
use crate::emulator::db::proof::Aim;
use crate::emulator::db::proof::Attempt;
use crate::emulator::db::user::Kind;
use crate::emulator::http::error::ApiError;
use crate::emulator::http::input::{Input, Parameters};
use crate::emulator::state::{Shared, Standing};

const LINK: VerificationMethod = VerificationMethod::EmailMagicLink;

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/client/user-authenticators/email-magic-link", post(enroll))
        .route("/client/challenge/email-magic-link", post(challenge))
        .route("/client/verify/email-magic-link/finalize", post(finalize))
}

/// Where the link leads.
pub(super) fn page() -> Router<Arc<Shared>> {
    Router::new().route("/api/verify-magic-link", get(open))
}

async fn enroll(State(shared): State<Arc<Shared>>, Bearer(standing): Bearer, body: Bytes) -> Answer<Begun> {
    let email = Input::parse(&body)?.email()?.ok_or_else(|| ApiError::invalid("body.email must not be empty"))?;
    let Standing { id, scope, .. } = &standing;
    let begun = shared.begin_enrolment(id, *scope, Kind::EmailMagicLink(email))?;
    let sent = shared.send(attempt(&standing, Aim::Enrol), Some(&begun.id)).await?;
    Ok(Json(Begun { challenge_id: Some(sent.id), user_authenticator_id: begun.id, user_id: id.user.clone() }))
}

async fn challenge(State(shared): State<Arc<Shared>>, Bearer(standing): Bearer, body: Bytes) -> Answer<Challenged> {
    let wanted = Input::parse(&body)?.text("userAuthenticatorId")?;
    if let Some(wanted) = &wanted {
        shared.expect_authenticator(&standing.id.user, wanted)?;
    } else if let Some(kind) = told_address(&shared, &standing, &LINK) {
        shared.begin_enrolment(&standing.id, standing.scope, kind)?;
    }
    let sent = shared.send(attempt(&standing, Aim::Either), wanted.as_deref()).await?;
    Ok(Json(Challenged { challenge_id: sent.id }))
}

/// Whether the link was opened. The browser SDK asks every second until it was (`email-magic-link-api-client.ts`).
async fn finalize(State(shared): State<Arc<Shared>>, Bearer(standing): Bearer, body: Bytes) -> Answer<Verified> {
    Input::parse(&body)?;
    match shared.finish_link(attempt(&standing, Aim::Either)).await {
        Ok(None) => Ok(Json(Verified::default())),
        Ok(Some(proved)) => Ok(Json(shared.verified(&standing.id, Ok(proved))?)),
        Err(fault) => Ok(Json(shared.verified(&standing.id, Err(fault))?)),
    }
}

fn attempt(standing: &Standing, aim: Aim) -> Attempt<'_> {
    Attempt { id: &standing.id, scope: standing.scope, aim, method: &LINK }
}

/// What whoever opens the link gets to see: nothing that is worth anything without the token of who asked for it.
async fn open(State(shared): State<Arc<Shared>>, query: Parameters) -> Response {
    let (status, heading, text) = if query.get("token").is_some_and(|token| shared.open_link(token)) {
        (StatusCode::OK, "Confirmed", "You can go back to where you came from. This window may be closed.")
    } else {
        (StatusCode::UNAUTHORIZED, "This link can’t be used", "It has expired, or there is a newer one.")
    };
    let page = format!(
        r#"<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex"><meta name="color-scheme" content="light dark"><title>{heading}</title><link rel="icon" href="data:,"></head><body><main><h1>{heading}</h1><p>{text}</p></main></body></html>"#
    );
    sealed((status, Html(page)).into_response())
}
