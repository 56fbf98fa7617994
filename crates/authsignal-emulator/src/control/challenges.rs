//! What users do about challenges: on the challenge page, and on their phones.
use std::sync::Arc;

use authsignal_client::{ActionCode, Timestamp, UserId, VerificationMethod};
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};

use crate::control::answer::{ControlResult, DONE, nowhere};
use crate::control::strict_json::{StrictJson, wrong};
use crate::db::challenge::{Challenge, Waiting};
use crate::error::EmulatorError;
use crate::http::error::ApiError;
use crate::http::input::{Segments, user_id};
use crate::state::AppState;
use crate::verification::phones::PhoneUser;
use crate::verification::visit::Redirect;

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
pub(super) async fn list(State(shared): State<Arc<AppState>>) -> Json<Vec<Pending>> {
    let db = shared.db();
    Json(db.waiting_challenges(shared.clock.now()).into_iter().map(Pending::from).collect())
}

/// Who reads a QR code, or presses a button.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct By {
    user_id: Option<String>,
}

/// What is done on a phone.
pub(super) async fn answer(
    State(shared): State<Arc<AppState>>,
    Segments((challenge, act)): Segments<(String, String)>,
    StrictJson(By { user_id: by }): StrictJson<By>,
) -> ControlResult {
    let user = by.map(user_id).transpose()?;
    let by = PhoneUser { user: user.as_ref(), ..PhoneUser::default() };
    let done = match (act.as_str(), &user) {
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
pub(super) struct AtUrl {
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

/// What a user does on the challenge page at a URL, without a browser.
pub(super) async fn act(
    State(shared): State<Arc<AppState>>,
    Segments(act): Segments<String>,
    StrictJson(AtUrl { url }): StrictJson<AtUrl>,
) -> ControlResult {
    // The others under `/emulator` have no token, and so needn't wait for the key of tokens.
    shared.tokens.ready().await;
    visit(&shared, &act, &url).await
}

pub(super) async fn visit(shared: &AppState, act: &str, url: &str) -> ControlResult {
    let departure = match act {
        "succeed" => shared.succeed_and_tell(url).await,
        "quit" => shared.quit(url),
        "decline" => shared.decline(url),
        _ => return Err(nowhere().await),
    };
    let Redirect { url, token } = departure.map_err(not_done)?;
    Ok(Json(Left { redirect_url: url, token }).into_response())
}

fn not_done(why: EmulatorError) -> ApiError {
    wrong("body.url", why)
}
