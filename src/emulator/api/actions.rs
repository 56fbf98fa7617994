//! Track, get, validate.
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};
use url::Url;

use super::error::ApiError;
use super::input::{Input, Segments, action_code, idempotency_key, user_id};
use crate::client::{ActionCode, ActionState, IdempotencyKey, Timestamp, UserId, VerificationMethod};
use crate::emulator::Shared;
use crate::emulator::world::{ActionId, Decided, Facts, RecordedAction, User};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tracked {
    state: ActionState,
    idempotency_key: IdempotencyKey,
    is_enrolled: bool,
    url: String,
    token: String,
    allowed_verification_methods: Vec<VerificationMethod>,
    enrolled_verification_methods: Vec<VerificationMethod>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_verification_method: Option<VerificationMethod>,
}

pub(super) async fn track(
    State(shared): State<Arc<Shared>>,
    Segments((user, action)): Segments<(String, String)>,
    body: Bytes,
) -> Result<Json<Tracked>, ApiError> {
    let (user, action) = (user_id(user)?, action_code(action)?);
    let input = Input::parse(&body)?;
    let key = input.text("idempotencyKey")?.map(idempotency_key).transpose()?;
    let facts = facts(&input)?;
    let id = ActionId { user, action, key: key.unwrap_or_else(IdempotencyKey::random) };

    let now = shared.clock.now();
    let (record, methods) = {
        let mut world = shared.world();
        let decided = Decided {
            outcome: world.outcomes.get(id.action.as_str()).copied().unwrap_or_default(),
            allowed_methods: world.policy.methods.clone(),
            ..Decided::default()
        };
        let record = world.track(&id, facts, |_| decided, now);
        (record, world.users.get(id.user.as_str()).map(User::enrolled_methods).unwrap_or_default())
    };
    let token = shared.token(&record);
    Ok(Json(Tracked {
        state: record.state,
        idempotency_key: record.idempotency_key,
        is_enrolled: !methods.is_empty(),
        url: shared.challenge_url(&token),
        token,
        allowed_verification_methods: record.allowed_methods,
        default_verification_method: methods.first().cloned(),
        enrolled_verification_methods: methods,
    }))
}

fn facts(input: &Input) -> Result<Facts, ApiError> {
    // Typed as any other member although nothing here depends on them yet.
    input.text("customDomain")?;
    if input.text("challengeId")?.is_some() {
        return Err(ApiError::unknown_challenge());
    }
    Ok(Facts {
        email: input.text("email")?,
        phone_number: input.text("phoneNumber")?,
        username: input.text("username")?,
        redirect_url: input.text("redirectUrl")?.map(redirect_url).transpose()?,
        redirect_to_settings: input.flag("redirectToSettings")?,
        scope: input.text("scope")?,
        ip_address: input.text("ipAddress")?,
        user_agent: input.text("userAgent")?,
        device_id: input.text("deviceId")?,
        locale: input.text("locale")?,
        custom: input.custom()?,
    })
}

/// A URL that a browser may be sent to: absolute, and none that runs in the page that it is left from.
fn redirect_url(text: String) -> Result<String, ApiError> {
    let runs_here = |url: &Url| matches!(url.scheme(), "javascript" | "data" | "vbscript" | "blob" | "about" | "file");
    match Url::parse(&text) {
        Ok(url) if !runs_here(&url) => Ok(text),
        _ => Err(ApiError::invalid("body.redirectUrl must be a valid URL")),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ActionAnswer {
    state: ActionState,
    created_at: Timestamp,
    state_updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_method: Option<VerificationMethod>,
    /// What the rules said. There are none, but the SDKs' tests want an object.
    output: Map<String, Value>,
}

pub(super) async fn get(
    State(shared): State<Arc<Shared>>,
    Segments((user, action, key)): Segments<(String, String, String)>,
) -> Result<Json<ActionAnswer>, ApiError> {
    let id = ActionId { user: user_id(user)?, action: action_code(action)?, key: idempotency_key(key)? };
    let world = shared.world();
    let record = &world.actions.get(&id).ok_or(ApiError::not_found("The action was not found."))?.record;
    Ok(Json(ActionAnswer {
        state: record.state.clone(),
        created_at: record.created_at.into(),
        state_updated_at: record.state_updated_at.into(),
        verification_method: record.verification_method.clone(),
        output: Map::new(),
    }))
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Validated {
    is_valid: bool,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    found: Option<Found>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
}

/// What a genuine token is about. The action has two names because the SDKs disagree about it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    state: ActionState,
    state_updated_at: Timestamp,
    user_id: UserId,
    action: ActionCode,
    action_code: ActionCode,
    idempotency_key: IdempotencyKey,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_method: Option<VerificationMethod>,
}

impl From<RecordedAction> for Found {
    fn from(record: RecordedAction) -> Self {
        Self {
            state: record.state,
            state_updated_at: record.state_updated_at.into(),
            user_id: record.user_id,
            action: record.action.clone(),
            action_code: record.action,
            idempotency_key: record.idempotency_key,
            verification_method: record.verification_method,
        }
    }
}

/// A token that isn't good is no HTTP error: the answer says so.
pub(super) async fn validate(State(shared): State<Arc<Shared>>, body: Bytes) -> Result<Json<Validated>, ApiError> {
    let input = Input::parse(&body)?;
    let token = input.required("token")?;
    let (user, action) = (input.text("userId")?, input.text("action")?);
    let refused = |error| Ok(Json(Validated { error: Some(error), ..Validated::default() }));

    let Ok(record) = shared.action_of(&token) else { return refused("Token is invalid.") };
    if user.is_some_and(|user| user != record.user_id.as_str()) {
        return refused("User is invalid.");
    }
    if action.is_some_and(|action| action != record.action.as_str()) {
        return refused("Action is invalid.");
    }
    let is_valid = record.state == ActionState::ChallengeSucceeded;
    Ok(Json(Validated { is_valid, found: Some(record.into()), error: None }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirect_urls() {
        for (url, taken) in [
            ("https://app.example.com/back?a=b#c", true),
            ("http://localhost:3000", true),
            ("myapp://callback", true),
            ("/back", false),
            ("", false),
            ("javascript:alert(1)", false),
            ("\tJaVaScRiPt:alert(1)", false),
            ("data:text/html,x", false),
        ] {
            assert_eq!(redirect_url(url.to_owned()).is_ok(), taken, "{url:?}");
        }
    }
}
