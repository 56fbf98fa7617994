//! Magic links.
use std::sync::Arc;

use authsignal_client::VerificationMethod;
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;

use crate::client_api::answer::{Begun, Challenged, ClientResult, Verified};
use crate::client_api::caller::Bearer;
use crate::client_api::codes::told_address;
use crate::db::proof::{Aim, Attempt};
use crate::db::user::AuthenticatorKind;
use crate::http::error::ApiError;
use crate::http::input::Input;
use crate::state::{AppState, TokenContext};

const LINK: VerificationMethod = VerificationMethod::EmailMagicLink;

pub(super) fn routes() -> Router<Arc<AppState>> {
    Router::new()
        .route("/client/user-authenticators/email-magic-link", post(enroll))
        .route("/client/challenge/email-magic-link", post(challenge))
        .route("/client/verify/email-magic-link/finalize", post(finalize))
}

async fn enroll(
    State(shared): State<Arc<AppState>>,
    Bearer(token_context): Bearer,
    body: Bytes,
) -> ClientResult<Begun> {
    let email = Input::parse(&body)?.email()?.ok_or_else(|| ApiError::invalid("body.email must not be empty"))?;
    let TokenContext { id, scope, .. } = &token_context;
    let begun = shared.begin_enrolment(id, *scope, AuthenticatorKind::EmailMagicLink(email))?;
    let sent = shared.send(attempt(&token_context, Aim::Enrol), Some(&begun.id)).await?;
    Ok(Json(Begun { challenge_id: Some(sent.id), user_authenticator_id: begun.id, user_id: id.user.clone() }))
}

async fn challenge(
    State(shared): State<Arc<AppState>>,
    Bearer(token_context): Bearer,
    body: Bytes,
) -> ClientResult<Challenged> {
    let wanted = Input::parse(&body)?.text("userAuthenticatorId")?;
    if let Some(wanted) = &wanted {
        shared.expect_authenticator(&token_context.id.user, wanted)?;
    } else if let Some(kind) = told_address(&shared, &token_context, &LINK) {
        shared.begin_enrolment(&token_context.id, token_context.scope, kind)?;
    }
    let sent = shared.send(attempt(&token_context, Aim::Either), wanted.as_deref()).await?;
    Ok(Json(Challenged { challenge_id: sent.id }))
}

/// Whether the link was opened. The browser SDK asks every second until it was (`email-magic-link-api-client.ts`).
async fn finalize(
    State(shared): State<Arc<AppState>>,
    Bearer(token_context): Bearer,
    body: Bytes,
) -> ClientResult<Verified> {
    Input::parse(&body)?;
    match shared.finish_link(attempt(&token_context, Aim::Either)).await {
        Ok(None) => Ok(Json(Verified::default())),
        Ok(Some(proved)) => Ok(Json(shared.verified(&token_context.id, Ok(proved))?)),
        Err(fault) => Ok(Json(shared.verified(&token_context.id, Err(fault))?)),
    }
}

fn attempt(token_context: &TokenContext, aim: Aim) -> Attempt<'_> {
    Attempt { id: &token_context.id, scope: token_context.scope, aim, method: &LINK }
}
