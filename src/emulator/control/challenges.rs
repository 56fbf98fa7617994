//! What users do about challenges: on the challenge page, and on their phones.
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};

use crate::client::{ActionCode, Timestamp, UserId, VerificationMethod};
use crate::emulator::control::answer::{Answer, DONE, nowhere};
use crate::emulator::control::strict_json::{Told, wrong};
use crate::emulator::db::challenge::{Challenge, Waiting};
use crate::emulator::error::EmulatorError;
use crate::emulator::http::error::ApiError;
use crate::emulator::http::input::{Segments, user_id};
use crate::emulator::state::Shared;
use crate::emulator::verification::phones::Answerer;
use crate::emulator::verification::visit::Departure;

/// A challenge that waits for its user.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Pending {
    challenge_id: String,
    verification_method: VerificationMethod,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<ActionCode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// Whether it is answered by a button on a phone.
    waits_for_button: bool,
    is_claimed: bool,
    created_at: Timestamp,
    expires_at: Timestamp,
}

impl From<&Challenge> for Pending {
    fn from(known: &Challenge) -> Self {
        Self {
            challenge_id: known.id.clone(),
            verification_method: known.method.clone(),
            user_id: known.user.clone(),
            action: known.action.clone(),
            to: known.to.clone(),
            waits_for_button: matches!(known.waiting, Waiting::Button { .. }),
            is_claimed: known.claimed_by.is_some(),
            created_at: known.created_at.into(),
            expires_at: known.expires_at.into(),
        }
    }
}

/// Newest first.
pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Json<Vec<Pending>> {
    let world = shared.world();
    Json(world.waiting_challenges(shared.clock.now()).into_iter().map(Pending::from).collect())
}

/// Who reads a QR code, or presses a button.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct By {
    user_id: Option<String>,
}

/// What is done on a phone.
pub(super) async fn answer(
    State(shared): State<Arc<Shared>>,
    Segments((challenge, deed)): Segments<(String, String)>,
    Told(By { user_id: by }): Told<By>,
) -> Answer {
    let user = by.map(user_id).transpose()?;
    let by = Answerer { user: user.as_ref(), ..Answerer::default() };
    let done = match (deed.as_str(), &user) {
        ("approve", _) => shared.approve(&challenge, by).await,
        ("decline", _) => shared.refuse(&challenge, by),
        ("claim", Some(user)) => shared.read_qr_code(&challenge, user).map(|_| ()),
        ("claim", None) => return Err(wrong("body.userId", "whoever reads the code has one")),
        _ => return Err(nowhere().await),
    };
    match done.map_err(EmulatorError::from) {
        Ok(()) => Ok(DONE.into_response()),
        Err(EmulatorError::Vetoed) => Err(wrong("body", EmulatorError::Vetoed)),
        Err(_) => Err(ApiError::not_found("No such challenge waits for a button on a phone of this user.")),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Visit {
    url: String,
}

/// Where the browser goes, if the action names a place, and the token that it brings.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Left {
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_url: Option<String>,
    token: String,
}

/// What a user does on the challenge page, without a browser.
pub(super) async fn visit(
    State(shared): State<Arc<Shared>>,
    Segments(deed): Segments<String>,
    Told(Visit { url }): Told<Visit>,
) -> Answer {
    // The others under `/emulator` have no token, and so needn't wait for the key of tokens.
    shared.tokens.ready().await;
    let departure = match deed.as_str() {
        "succeed" => shared.succeed_and_tell(&url).await,
        "quit" => shared.quit(&url),
        "decline" => shared.decline(&url),
        _ => return Err(nowhere().await),
    };
    let Departure { url, token } = departure.map_err(not_done)?;
    Ok(Json(Left { redirect_url: url, token }).into_response())
}

fn not_done(why: EmulatorError) -> ApiError {
    wrong("body.url", why)
}
