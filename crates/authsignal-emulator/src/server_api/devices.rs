//! A user's devices.
use std::sync::Arc;
use std::time::SystemTime;

use authsignal_client::{Timestamp, UserId, VerificationMethod};
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use bytes::Bytes;
use serde::Serialize;

use crate::db::device::Device;
use crate::http::error::ApiError;
use crate::http::input::{Input, Segments, moment, user_id};
use crate::server_api::answer::ApiResult;
use crate::state::AppState;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DeviceAnswer {
    user_id: UserId,
    device_id: String,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    authenticated_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invalidated_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remembered_until: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_verification_method: Option<VerificationMethod>,
}

impl DeviceAnswer {
    fn of(user_id: UserId, device_id: &str, device: &Device) -> Self {
        Self {
            user_id,
            device_id: device_id.to_owned(),
            created_at: device.created_at.into(),
            authenticated_at: device.authenticated_at.map(Timestamp::from),
            invalidated_at: device.invalidated_at.map(Timestamp::from),
            remembered_until: device.remembered_until.map(Timestamp::from),
            last_verification_method: device.last_verification_method.clone(),
        }
    }
}

/// In the order of their ids.
pub(super) async fn list(State(shared): State<Arc<AppState>>, Segments(user): Segments<String>) -> ApiResult {
    let user = user_id(user)?;
    let db = shared.db();
    let devices = db.users.get(user.as_str()).into_iter().flat_map(|known| &known.devices);
    let answers: Vec<_> = devices.map(|(id, device)| DeviceAnswer::of(user.clone(), id, device)).collect();
    Ok(Json(answers).into_response())
}

/// Until when a device is remembered: a time to come, or null to forget it.
pub(super) async fn patch(
    State(shared): State<Arc<AppState>>,
    Segments(names): Segments<(String, String)>,
    body: Bytes,
) -> ApiResult {
    let input = Input::parse(&body)?;
    let now = shared.clock.now();
    let until = match input.text("rememberedUntil")? {
        Some(text) => Some(future(&text, now)?),
        None if input.is_null("rememberedUntil") => None,
        None => return Err(ApiError::invalid("body.rememberedUntil must be a date or null")),
    };
    change(&shared, names, |device| device.remembered_until = until)
}

fn future(text: &str, now: SystemTime) -> Result<SystemTime, ApiError> {
    moment(text)
        .filter(|time| *time > now)
        .ok_or_else(|| ApiError::invalid("body.rememberedUntil must be an ISO 8601 date in the future"))
}

/// A device that is invalidated is not remembered any more.
pub(super) async fn invalidate(
    State(shared): State<Arc<AppState>>,
    Segments(names): Segments<(String, String)>,
) -> ApiResult {
    let now = shared.clock.now();
    change(&shared, names, |device| {
        device.invalidated_at = Some(now);
        device.remembered_until = None;
    })
}

fn change(shared: &AppState, (user, id): (String, String), change: impl FnOnce(&mut Device)) -> ApiResult {
    let user = user_id(user)?;
    let mut db = shared.db();
    let device = db.users.get_mut(user.as_str()).and_then(|known| known.devices.get_mut(&id));
    let device = device.ok_or(ApiError::not_found("The device was not found."))?;
    change(device);
    Ok(Json(DeviceAnswer::of(user, &id, device)).into_response())
}
