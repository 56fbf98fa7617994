//! Track: a decision about an attempt.
use std::sync::Arc;

use authsignal_client::{ActionState, IdempotencyKey, VerificationMethod};
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use bytes::Bytes;
use http::HeaderMap;
use serde::Serialize;
use url::Url;

use crate::db::action::{ActionId, TrackInput};
use crate::db::claim::Unclaimable;
use crate::db::user::User;
use crate::http::error::ApiError;
use crate::http::input::{Input, Segments, action_code, idempotency_key, user_id};
use crate::server_api::answer::ApiResult;
use crate::state::AppState;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Tracked {
    state: ActionState,
    idempotency_key: IdempotencyKey,
    is_enrolled: bool,
    url: String,
    token: String,
    allowed_verification_methods: Vec<VerificationMethod>,
    enrolled_verification_methods: Vec<VerificationMethod>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_verification_method: Option<VerificationMethod>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rule_ids: Vec<String>,
}

pub(super) async fn track(
    State(shared): State<Arc<AppState>>,
    Segments((user, action)): Segments<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> ApiResult {
    let (user, action) = (user_id(user)?, action_code(action)?);
    let input = Input::parse(&body)?;
    let key = input.text("idempotencyKey")?.map(idempotency_key).transpose()?;
    let told = told(&input)?;
    let challenge = input.text("challengeId")?;
    let id = ActionId { user, action, key: key.unwrap_or_else(IdempotencyKey::random) };

    let now = shared.clock.now();
    if let Some(challenge) = &challenge {
        let db = shared.db();
        let known = db.claimable(challenge, &id.user, false, now).map_err(unclaimable)?;
        if known.action.as_ref() != Some(&id.action) {
            return Err(unclaimable(Unclaimable::OtherAction));
        }
    }
    let (is_new, record, methods) = {
        let mut db = shared.db();
        let is_new = !db.actions.contains_key(&id);
        let record = db.track(&id, told, now);
        (is_new, record, db.users.get(id.user.as_str()).map(User::enrolled_methods).unwrap_or_default())
    };
    let record = match &challenge {
        Some(challenge) => shared.claim_for(challenge, &id).await.map_err(unclaimable)?,
        None => record,
    };
    if is_new {
        shared.log_action(&id);
    }
    let token = shared.token(&record);
    Ok(Json(Tracked {
        state: record.state,
        idempotency_key: record.idempotency_key,
        is_enrolled: !methods.is_empty(),
        url: format!("{}/?token={token}", shared.origin_for(&headers)),
        token,
        allowed_verification_methods: record.allowed_methods,
        default_verification_method: record.default_method.or_else(|| methods.first().cloned()),
        enrolled_verification_methods: methods,
        rule_ids: record.rules.into_iter().map(|rule| rule.id).collect(),
    })
    .into_response())
}

/// 401 for a challenge that is gone (a comment in the old kiosk example), 400 for one of another action.
fn unclaimable(why: Unclaimable) -> ApiError {
    match why {
        Unclaimable::OtherAction => ApiError::invalid("body.challengeId belongs to another action"),
        _ => ApiError::unknown_challenge(),
    }
}

fn told(input: &Input) -> Result<TrackInput, ApiError> {
    // Typed as any other member although nothing here depends on them yet.
    input.text("customDomain")?;
    Ok(TrackInput {
        // Taken as they are: what is no address is only offered to be mended when the user enrols.
        email: input.short_text("email")?,
        phone_number: input.short_text("phoneNumber")?,
        username: input.text("username")?,
        redirect_url: input.text("redirectUrl")?.map(redirect_url).transpose()?,
        redirect_to_settings: input.flag("redirectToSettings")?,
        scope: input.short_text("scope")?,
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
