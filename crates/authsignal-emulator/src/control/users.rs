//! Users, and what is told about them.
use std::sync::Arc;

use authsignal_client::{Timestamp, VerificationMethod};
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::control::answer::{ControlResult, DONE};
use crate::control::strict_json::{StrictJson, wrong};
use crate::credentials::totp::App;
use crate::db::device::Device;
use crate::db::user::{Authenticator, AuthenticatorKind, Phone, User};
use crate::http::authenticator::AuthenticatorAnswer;
use crate::http::error::ApiError;
use crate::http::input::{Segments, looks_like_a_number, looks_like_an_address, user_id};
use crate::state::AppState;

/// How many are told at once.
const MAX_LISTED: usize = 1000;

/// A user with all that is known of them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserView {
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
    devices: Vec<RequestLog>,
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
struct RequestLog {
    device_id: String,
    created_at: Timestamp,
    is_invalidated: bool,
    is_remembered: bool,
}

impl UserView {
    pub(super) fn of(id: &str, user: &User, shared: &AppState) -> Self {
        let now = shared.clock.now();
        let method = |known: &Authenticator| Method {
            answer: AuthenticatorAnswer::of(None, known),
            is_verified: known.is_verified(),
            code: if let AuthenticatorKind::App { app, .. } = &known.kind { Some(app.code(now)) } else { None },
        };
        let device = |(id, device): (&String, &Device)| RequestLog {
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
pub(super) async fn list(State(shared): State<Arc<AppState>>) -> Json<Vec<UserView>> {
    let db = shared.db();
    Json(db.users.iter().take(MAX_LISTED).map(|(id, user)| UserView::of(id, user, &shared)).collect())
}

pub(super) async fn show(State(shared): State<Arc<AppState>>, Segments(user): Segments<String>) -> ControlResult {
    let id = user_id(user)?;
    let db = shared.db();
    let user = db.users.get(id.as_str()).ok_or(ApiError::not_found("The user was not found."))?;
    Ok(Json(UserView::of(id.as_str(), user, &shared)).into_response())
}

pub(super) async fn delete(
    State(shared): State<Arc<AppState>>,
    Segments(user): Segments<String>,
) -> Result<StatusCode, ApiError> {
    shared.db().delete_user(user_id(user)?.as_str(), false);
    Ok(DONE)
}

/// What is told about a user. What is not named stays.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct UserFacts {
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

/// StrictJson twice, it changes nothing the second time: who has an authenticator app keeps it.
pub(super) async fn put(
    State(shared): State<Arc<AppState>>,
    Segments(user): Segments<String>,
    StrictJson(facts): StrictJson<UserFacts>,
) -> ControlResult {
    let id = user_id(user)?;
    if facts.email.as_deref().is_some_and(|email| !looks_like_an_address(email)) {
        return Err(wrong("body.email", "invalid e-mail address"));
    }
    if facts.phone_number.as_deref().is_some_and(|number| !looks_like_a_number(number)) {
        return Err(wrong(
            "body.phoneNumber",
            "invalid phone number: one in E.164 form is asked for, such as +64270000000",
        ));
    }
    let now = shared.clock.now();
    let mut db = shared.db();
    let nobody = User::default();
    let known = db.users.get(id.as_str()).unwrap_or(&nobody);
    let kinds = facts.kinds(id.as_str(), known)?;
    let user = db.user_mut(id.as_str(), now);
    if let Some(email) = facts.email {
        user.email_verified &= user.email.as_ref() == Some(&email);
        user.email = Some(email);
    }
    if let Some(number) = facts.phone_number {
        user.phone_number_verified &= user.phone_number.as_ref() == Some(&number);
        user.phone_number = Some(number);
    }
    user.username = facts.username.or(user.username.take());
    let mut enrolled = Enrolled { authenticator_app: None };
    for kind in kinds {
        if let AuthenticatorKind::App { app, .. } = &kind {
            enrolled.authenticator_app = Some(AppAnswer { secret: app.secret(), uri: app.uri() });
            if app_of(user).is_some() {
                continue;
            }
        }
        user.enrol_verified(kind, false, now);
    }
    Ok(Json(enrolled).into_response())
}

impl UserFacts {
    /// What is to be enrolled, if the user has what it takes.
    fn kinds(&self, id: &str, known: &User) -> Result<Vec<AuthenticatorKind>, ApiError> {
        let (email, number) = (self.email.as_ref().or(known.email.as_ref()), self.phone_number.as_ref());
        let number = number.or(known.phone_number.as_ref());
        let kind = |(at, method): (usize, &String)| {
            let refused = |why| wrong(&format!("body.methods[{at}]"), why);
            let email = || email.cloned().ok_or_else(|| refused("the user has no e-mail address"));
            let number = || number.cloned().ok_or_else(|| refused("the user has no phone number"));
            let phone = || Phone { name: "Emulated phone".to_owned(), ..Phone::default() };
            Ok(match VerificationMethod::from(method.as_str()) {
                VerificationMethod::EmailOtp => AuthenticatorKind::EmailOtp(email()?),
                VerificationMethod::EmailMagicLink => AuthenticatorKind::EmailMagicLink(email()?),
                VerificationMethod::Sms => AuthenticatorKind::Sms(number()?),
                VerificationMethod::Whatsapp => AuthenticatorKind::Whatsapp(number()?),
                VerificationMethod::AuthenticatorApp => AuthenticatorKind::App {
                    app: app_of(known).cloned().unwrap_or_else(|| App::generate(id)),
                    last_step: None,
                },
                VerificationMethod::Push => AuthenticatorKind::Push(phone()),
                VerificationMethod::QrCode => AuthenticatorKind::QrCode(phone()),
                _ => return Err(refused(ENROLLABLE)),
            })
        };
        self.methods.iter().enumerate().map(kind).collect()
    }
}

fn app_of(user: &User) -> Option<&App> {
    user.authenticators.iter().find_map(|known| match &known.kind {
        AuthenticatorKind::App { app, .. } if known.is_verified() => Some(app),
        _ => None,
    })
}

const ENROLLABLE: &str = "one of EMAIL_OTP, EMAIL_MAGIC_LINK, SMS, WHATSAPP, AUTHENTICATOR_APP, PUSH and QR_CODE; \
                          others are a device's to enrol";
