//! Users, and what is told about them.
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::told::{Told, wrong};
use super::{Answer, DONE};
use crate::client::{Timestamp, VerificationMethod};
use crate::emulator::api::{
    ApiError, AuthenticatorAnswer, Segments, looks_like_a_number, looks_like_an_address, user_id,
};
use crate::emulator::totp::App;
use crate::emulator::world::{Authenticator, Device, Kind, User};
use crate::emulator::{Shared, UserHandle};

/// How many are told at once.
const MOST: usize = 1000;

/// A user with all that is known of them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Known {
    user_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    email_verified: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number: Option<String>,
    phone_number_verified: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<String>,
    custom: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<Timestamp>,
    is_enrolled: bool,
    authenticators: Vec<Method>,
    recovery_codes: Vec<String>,
    devices: Vec<Seen>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Method {
    #[serde(flatten)]
    answer: AuthenticatorAnswer,
    is_verified: bool,
    /// What an authenticator app shows now.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Seen {
    device_id: String,
    created_at: Timestamp,
    is_invalidated: bool,
    is_remembered: bool,
}

impl Known {
    pub(super) fn of(id: &str, user: &User, shared: &Shared) -> Self {
        let now = shared.clock.now();
        let method = |known: &Authenticator| Method {
            answer: AuthenticatorAnswer::of(None, known),
            is_verified: known.is_verified(),
            code: if let Kind::App { app, .. } = &known.kind { Some(app.code(now)) } else { None },
        };
        let device = |(id, device): (&String, &Device)| Seen {
            device_id: id.clone(),
            created_at: device.created_at.into(),
            is_invalidated: device.invalidated_at.is_some(),
            is_remembered: device.is_remembered(now),
        };
        Self {
            user_id: id.to_owned(),
            email: user.email.clone(),
            email_verified: user.email_verified,
            phone_number: user.phone_number.clone(),
            phone_number_verified: user.phone_number_verified,
            username: user.username.clone(),
            display_name: user.display_name.clone(),
            locale: user.locale.clone(),
            custom: user.custom.clone(),
            created_at: user.created_at.map(Timestamp::from),
            is_enrolled: user.is_enrolled(),
            authenticators: user.authenticators.iter().map(method).collect(),
            recovery_codes: user.recovery_codes.clone(),
            devices: user.devices.iter().map(device).collect(),
        }
    }
}

/// In the order of their ids.
pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Json<Vec<Known>> {
    let world = shared.world();
    Json(world.users.iter().take(MOST).map(|(id, user)| Known::of(id, user, &shared)).collect())
}

pub(super) async fn show(State(shared): State<Arc<Shared>>, Segments(user): Segments<String>) -> Answer {
    let id = user_id(user)?;
    let world = shared.world();
    let user = world.users.get(id.as_str()).ok_or(ApiError::not_found("The user was not found."))?;
    Ok(Json(Known::of(id.as_str(), user, &shared)).into_response())
}

pub(super) async fn delete(
    State(shared): State<Arc<Shared>>,
    Segments(user): Segments<String>,
) -> Result<StatusCode, ApiError> {
    UserHandle::new(&shared, user_id(user)?.as_str()).delete();
    Ok(DONE)
}

/// What is told about a user. What is not named stays.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Facts {
    email: Option<String>,
    phone_number: Option<String>,
    username: Option<String>,
    #[serde(default)]
    methods: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Enrolled {
    /// The user's app, where one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    authenticator_app: Option<AppAnswer>,
}

#[derive(Serialize)]
struct AppAnswer {
    secret: String,
    uri: String,
}

/// Told twice, it changes nothing the second time: who has an authenticator app keeps it.
pub(super) async fn put(
    State(shared): State<Arc<Shared>>,
    Segments(user): Segments<String>,
    Told(facts): Told<Facts>,
) -> Answer {
    let id = user_id(user)?;
    if facts.email.as_deref().is_some_and(|email| !looks_like_an_address(email)) {
        return Err(wrong("body.email", "this is no e-mail address"));
    }
    if facts.phone_number.as_deref().is_some_and(|number| !looks_like_a_number(number)) {
        return Err(wrong("body.phoneNumber", "this is no phone number as E.164 has them"));
    }
    let now = shared.clock.now();
    let mut world = shared.world();
    let nobody = User::default();
    let known = world.users.get(id.as_str()).unwrap_or(&nobody);
    let email = facts.email.clone().or(known.email.clone());
    let number = facts.phone_number.clone().or(known.phone_number.clone());
    let app = known.authenticators.iter().find_map(|known| match &known.kind {
        Kind::App { app, .. } if known.is_verified() => Some(app.clone()),
        _ => None,
    });
    let mut kinds = Vec::new();
    for (at, method) in facts.methods.iter().enumerate() {
        let member = format!("body.methods[{at}]");
        let email = || email.clone().ok_or_else(|| wrong(&member, "the user has no e-mail address"));
        let number = || number.clone().ok_or_else(|| wrong(&member, "the user has no phone number"));
        kinds.push(match VerificationMethod::from(method.as_str()) {
            VerificationMethod::EmailOtp => Kind::EmailOtp(email()?),
            VerificationMethod::EmailMagicLink => Kind::EmailMagicLink(email()?),
            VerificationMethod::Sms => Kind::Sms(number()?),
            VerificationMethod::Whatsapp => Kind::Whatsapp(number()?),
            VerificationMethod::AuthenticatorApp => {
                Kind::App { app: app.clone().unwrap_or_else(|| App::generate(id.as_str())), last_step: None }
            }
            _ => return Err(wrong(&member, ENROLLABLE)),
        });
    }
    let user = world.user_mut(id.as_str(), now);
    if let Some(email) = facts.email {
        (user.email, user.email_verified) = (Some(email), false);
    }
    if let Some(number) = facts.phone_number {
        (user.phone_number, user.phone_number_verified) = (Some(number), false);
    }
    user.username = facts.username.or(user.username.take());
    let mut shown = None;
    for kind in kinds {
        if let Kind::App { app: told, .. } = &kind {
            shown = Some(AppAnswer { secret: told.secret(), uri: told.uri() });
            if app.is_some() {
                continue;
            }
        }
        user.enrol_verified(kind, false, now);
    }
    Ok(Json(Enrolled { authenticator_app: shown }).into_response())
}

const ENROLLABLE: &str =
    "one of EMAIL_OTP, EMAIL_MAGIC_LINK, SMS, WHATSAPP and AUTHENTICATOR_APP; others are a device's to enrol";
