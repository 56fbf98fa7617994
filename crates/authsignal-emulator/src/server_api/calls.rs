//! Call Connect: the verification of somebody on the telephone.
use std::sync::Arc;

use authsignal_client::ActionState;
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use bytes::Bytes;
use serde_json::json;
use uuid::Uuid;

use crate::db::Call;
use crate::db::inbox::{Channel, Message};
use crate::http::error::ApiError;
use crate::http::input::{Input, action_code, user_id};
use crate::server_api::answer::ApiResult;
use crate::state::AppState;

/// Sends the caller a message; which channel it takes when none is named is an assumption.
pub(super) async fn start(State(shared): State<Arc<AppState>>, body: Bytes) -> ApiResult {
    let input = Input::parse(&body)?;
    let reference_id = input.required("referenceId")?;
    let (email, number) = (input.email()?, input.text("phoneNumber")?);
    let user = input.text("userId")?.map(user_id).transpose()?;
    let action = input.text("actionCode")?.map(action_code).transpose()?;
    for name in ["country", "username", "locale"] {
        input.text(name)?;
    }
    let (channel, name) = match input.text("channel")?.as_deref() {
        Some("SMS") => (Channel::Sms, "SMS"),
        None | Some("WHATSAPP") => (Channel::Whatsapp, "WHATSAPP"),
        Some("EMAIL") => (Channel::Email, "EMAIL"),
        Some(_) => {
            return Err(ApiError::invalid(
                "body.channel must be equal to one of the allowed values - allowedValues: EMAIL,SMS,WHATSAPP",
            ));
        }
    };
    let (needed, to) = if channel == Channel::Email { ("email", &email) } else { ("phoneNumber", &number) };
    let to = to.clone().filter(|to| !to.is_empty());
    let to = to.ok_or_else(|| ApiError::invalid(format!("body.{needed} must not be empty")))?;

    let id = Uuid::new_v4().to_string();
    let mut db = shared.db();
    db.inbox.put(Message {
        channel,
        to,
        user_id: user,
        challenge_id: id.clone(),
        action,
        code: None,
        link: None,
        at: shared.clock.now(),
    });
    db.calls.insert(reference_id.clone(), Call { reference_id, state: None });
    let mut answer = json!({ "messageId": id, "channel": name });
    if let Some(number) = number {
        answer["phoneNumber"] = number.into();
    }
    if let Some(email) = email {
        answer["email"] = email.into();
    }
    Ok(Json(answer).into_response())
}

pub(super) async fn finish(State(shared): State<Arc<AppState>>, body: Bytes) -> ApiResult {
    let input = Input::parse(&body)?;
    let reference_id = input.required("referenceId")?;
    let state = input.required("state")?;
    input.text("userId")?.map(user_id).transpose()?;
    input.object("payload")?;
    if !["CHALLENGE_SUCCEEDED", "CHALLENGE_FAILED"].contains(&state.as_str()) {
        return Err(ApiError::invalid(
            "body.state must be equal to one of the allowed values - allowedValues: \
             CHALLENGE_FAILED,CHALLENGE_SUCCEEDED",
        ));
    }
    let mut db = shared.db();
    let call = db.calls.get_mut(&reference_id).ok_or(ApiError::not_found("The call was not found."))?;
    call.state = Some(ActionState::from(state.as_str()));
    Ok(Json(json!({ "success": true })).into_response())
}
