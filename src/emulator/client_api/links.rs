//! Magic links.
use std::sync::Arc;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;

use crate::client::VerificationMethod;
use crate::emulator::client_api::answer::{Answer, Begun, Challenged, Verified};
use crate::emulator::client_api::caller::Bearer;
use crate::emulator::client_api::codes::told_address;
use crate::emulator::db::proof::{Aim, Attempt};
use crate::emulator::db::user::Kind;
use crate::emulator::http::error::ApiError;
use crate::emulator::http::input::Input;
use crate::emulator::state::{Shared, Standing};

const LINK: VerificationMethod = VerificationMethod::EmailMagicLink;

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/client/user-authenticators/email-magic-link", post(enroll))
        .route("/client/challenge/email-magic-link", post(challenge))
        .route("/client/verify/email-magic-link/finalize", post(finalize))
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
