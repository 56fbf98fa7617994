//! Users.
use std::sync::Arc;

use authsignal_client::{UserId, VerificationMethod};
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::db::user::{Authenticator, AuthenticatorKind, User};
use crate::http::error::ApiError;
use crate::http::input::{Input, Parameters, Segments, user_id};
use crate::server_api::answer::{ApiResult, Success};
use crate::server_api::authenticators;
use crate::state::AppState;
use crate::webhooks::event::WebhookEvent;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UserAnswer {
    #[serde(flatten)]
    attributes: Attributes,
    is_enrolled: bool,
    allowed_verification_methods: Vec<VerificationMethod>,
    enrolled_verification_methods: Vec<VerificationMethod>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_verification_method: Option<VerificationMethod>,
}

/// What is known of a user besides their methods.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Attributes {
    user_id: UserId,
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
    #[serde(skip_serializing_if = "Map::is_empty")]
    custom: Map<String, Value>,
}

impl Attributes {
    pub(super) fn of(user_id: UserId, user: &User) -> Self {
        Self {
            user_id,
            email: user.email.clone(),
            email_verified: user.email_verified,
            phone_number: user.phone_number.clone(),
            phone_number_verified: user.phone_number_verified,
            username: user.username.clone(),
            display_name: user.display_name.clone(),
            locale: user.locale.clone(),
            custom: user.custom.clone(),
        }
    }
}

/// A user who isn't known is one with nothing enrolled, not an error. Asking makes none.
pub(super) async fn get(State(shared): State<Arc<AppState>>, Segments(user): Segments<String>) -> ApiResult {
    let user_id = user_id(user)?;
    let db = shared.db();
    let nobody = User::default();
    let user = db.users.get(user_id.as_str()).unwrap_or(&nobody);
    let methods = user.enrolled_methods();
    Ok(Json(UserAnswer {
        attributes: Attributes::of(user_id, user),
        is_enrolled: user.is_enrolled(),
        allowed_verification_methods: db.policy.methods.clone(),
        default_verification_method: methods.first().cloned(),
        enrolled_verification_methods: methods,
    })
    .into_response())
}

/// `POST` on a user is the `PATCH` of java and ruby. On `authenticators` it is the import of passkeys, which takes the
/// place of a user of that name.
pub(super) async fn post(
    State(shared): State<Arc<AppState>>,
    Segments(user): Segments<String>,
    body: Bytes,
) -> ApiResult {
    if user == "authenticators" {
        return authenticators::import(&shared, &body);
    }
    change(&shared, user, &body)
}

pub(super) async fn patch(
    State(shared): State<Arc<AppState>>,
    Segments(user): Segments<String>,
    body: Bytes,
) -> ApiResult {
    change(&shared, user, &body)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Changed {
    #[serde(flatten)]
    attributes: Attributes,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_verification_method: Option<VerificationMethod>,
}

/// Changes what is named and leaves the rest; makes the user if there was none.
fn change(shared: &AppState, user: String, body: &[u8]) -> ApiResult {
    let user_id = user_id(user)?;
    let input = Input::parse(body)?;
    let (email, email_verified) = (input.email()?, input.maybe_flag("emailVerified")?);
    let (number, number_verified) = (input.phone_number()?, input.maybe_flag("phoneNumberVerified")?);
    let (username, display_name) = (input.text("username")?, input.text("displayName")?);
    let (locale, custom) = (input.text("locale")?, input.custom()?);
    let default = input.text("defaultVerificationMethod")?.as_deref().map(known_method).transpose()?;

    let mut db = shared.db();
    let (now, mut moved) = (shared.clock.now(), Vec::new());
    let user = db.user_mut(user_id.as_str(), now);
    if let Some(email) = email {
        // Methods follow an address that is known to be right (docs, "Updating users").
        if email_verified == Some(true) {
            moved.extend(move_methods(
                user,
                |kind| match kind {
                    AuthenticatorKind::EmailOtp(known) | AuthenticatorKind::EmailMagicLink(known) => Some(known),
                    _ => None,
                },
                &email,
            ));
        }
        user.email_verified = user.email_verified && user.email.as_ref() == Some(&email);
        user.email = Some(email);
    }
    user.email_verified = email_verified.unwrap_or(user.email_verified);
    if let Some(number) = number {
        if number_verified == Some(true) {
            moved.extend(move_methods(
                user,
                |kind| match kind {
                    AuthenticatorKind::Sms(known) | AuthenticatorKind::Whatsapp(known) => Some(known),
                    _ => None,
                },
                &number,
            ));
        }
        user.phone_number_verified = user.phone_number_verified && user.phone_number.as_ref() == Some(&number);
        user.phone_number = Some(number);
    }
    user.phone_number_verified = number_verified.unwrap_or(user.phone_number_verified);
    user.username = username.or(user.username.take());
    user.display_name = display_name.or(user.display_name.take());
    user.locale = locale.or(user.locale.take());
    // Data points that are not named stay as well (an assumption).
    user.custom.extend(custom);
    user.default_method = default.or(user.default_method.take());
    for method in &moved {
        shared.webhooks.tell(&WebhookEvent::authenticator_updated(user_id.as_str(), method, now));
    }
    let answer =
        Changed { attributes: Attributes::of(user_id, user), default_verification_method: user.default_method.clone() };
    Ok(Json(answer).into_response())
}

/// Gives methods another address, and returns those that it is new to.
fn move_methods(
    user: &mut User,
    address: impl Fn(&mut AuthenticatorKind) -> Option<&mut String>,
    to: &str,
) -> Vec<Authenticator> {
    let mut moved = Vec::new();
    for method in &mut user.authenticators {
        if let Some(known) = address(&mut method.kind).filter(|known| *known != to) {
            to.clone_into(known);
            moved.push(method.clone());
        }
    }
    moved
}

fn known_method(text: &str) -> Result<VerificationMethod, ApiError> {
    match VerificationMethod::from(text) {
        VerificationMethod::Unknown(_) => {
            Err(ApiError::invalid("body.defaultVerificationMethod must be equal to one of the allowed values"))
        }
        known => Ok(known),
    }
}

/// Deleting a user who isn't known succeeds too (an assumption).
pub(super) async fn delete(
    State(shared): State<Arc<AppState>>,
    Segments(user): Segments<String>,
    query: Parameters,
) -> ApiResult {
    let user = user_id(user)?;
    shared.db().delete_user(user.as_str(), query.get("actions") == Some("true"));
    Success::answer()
}
