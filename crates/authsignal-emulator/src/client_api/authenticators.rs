//! Methods: the tenant's, and those of the user.
use std::sync::Arc;

use authsignal_client::{SmsChannel, UserId, VerificationMethod};
use axum::extract::State;
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;

use crate::client_api::answer::ClientResult;
use crate::client_api::caller::{Bearer, Caller, Holder};
use crate::client_api::cookies::Cookies;
use crate::db::user::User;
use crate::http::authenticator::{AuthenticatorAnswer, TenantAuthenticator};
use crate::http::error::ApiError;
use crate::http::input::{Input, Segments};
use crate::state::{AppState, TokenContext};

pub(super) fn routes() -> Router<Arc<AppState>> {
    Router::new()
        .route("/client/authenticators", get(tenant))
        .route("/client/init", post(init))
        .route("/client/user-authenticators", get(list))
        .route("/client/user-authenticators/{authenticator}", patch(update).delete(remove))
}

const UNKNOWN: &str = "The authenticator was not found.";

impl AppState {
    /// That the user has this method.
    pub(super) fn expect_authenticator(&self, user: &UserId, authenticator: &str) -> Result<(), ApiError> {
        let db = self.db();
        let known = db.users.get(user.as_str()).and_then(|user| user.authenticator(authenticator));
        known.map(|_| ()).ok_or(ApiError::not_found(UNKNOWN))
    }

    /// Whether the user has no other method to prove anything with.
    fn is_last(&self, user: &UserId, authenticator: &str) -> bool {
        let db = self.db();
        let enrolled = db.users.get(user.as_str()).map(User::enrolled).unwrap_or_default();
        matches!(enrolled[..], [only] if only.id == authenticator)
    }
}

/// What the tenant offers.
async fn tenant(State(shared): State<Arc<AppState>>, _: Caller) -> Json<Vec<TenantAuthenticator>> {
    Json(shared.offered())
}

/// The verified ones, in the order of their making. The token may be in a cookie.
async fn list(
    State(shared): State<Arc<AppState>>,
    caller: Caller,
    cookies: Cookies,
) -> ClientResult<Vec<AuthenticatorAnswer>> {
    let holder = match (caller, cookies.token) {
        (Caller::Holder(holder), _) => *holder,
        (Caller::Tenant, Some(token)) => shared.holder(&token)?,
        (Caller::Tenant, None) => return Err(ApiError::unauthorized()),
    };
    let db = shared.db();
    let known = db.users.get(holder.user.as_str()).map(|user| user.authenticators.as_slice()).unwrap_or_default();
    Ok(Json(
        known.iter().filter(|known| known.is_verified()).map(|known| AuthenticatorAnswer::of(None, known)).collect(),
    ))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Init {
    challenge_options: ChallengeOptions,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ChallengeOptions {
    token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_verification_method: Option<VerificationMethod>,
    verification_methods: Vec<VerificationMethod>,
    user: Person,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Person {
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number: Option<String>,
}

/// What the React SDK begins with: by what the action can be proved, or what could be enrolled for it.
async fn init(State(shared): State<Arc<AppState>>, Bearer(token_context): Bearer, body: Bytes) -> ClientResult<Init> {
    Input::parse(&body)?;
    let TokenContext { id, record, .. } = token_context;
    let token = shared.token(&record);
    let db = shared.db();
    let nobody = User::default();
    let user = db.users.get(id.user.as_str()).unwrap_or(&nobody);
    let provable = db.provable(&id);
    let default_verification_method = provable.first().cloned();
    let verification_methods = if user.is_enrolled() { provable } else { record.allowed_methods };
    let user = Person { email: user.email.clone(), phone_number: user.phone_number.clone() };
    let options = ChallengeOptions { token, default_verification_method, verification_methods, user };
    Ok(Json(Init { challenge_options: options }))
}

/// Changes how text messages go (the one thing that a page of Authsignal's is known to change).
async fn update(
    State(shared): State<Arc<AppState>>,
    holder: Holder,
    Segments(authenticator): Segments<String>,
    body: Bytes,
) -> ClientResult<AuthenticatorAnswer> {
    permits(holder.scope.update)?;
    let channel = Input::parse(&body)?.required("previousSmsChannel")?;
    let channel = match SmsChannel::from(channel.as_str()) {
        SmsChannel::Unknown(_) => return Err(ApiError::invalid("body.previousSmsChannel must be DEFAULT or WHATSAPP")),
        channel => channel,
    };
    let mut db = shared.db();
    let user = db.users.get_mut(holder.user.as_str());
    let known = user.and_then(|user| user.authenticator_mut(&authenticator)).ok_or(ApiError::not_found(UNKNOWN))?;
    known.previous_sms_channel = Some(channel);
    Ok(Json(AuthenticatorAnswer::of(None, known)))
}

#[derive(Serialize)]
struct Removed {
    success: bool,
}

/// Removes a method, but not the last: that would let its user in without a proof (the page refuses it too: docs,
/// "Settings").
async fn remove(
    State(shared): State<Arc<AppState>>,
    holder: Holder,
    Segments(authenticator): Segments<String>,
) -> ClientResult<Removed> {
    permits(holder.scope.remove)?;
    shared.expect_authenticator(&holder.user, &authenticator)?;
    if shared.is_last(&holder.user, &authenticator) {
        return Err(ApiError::invalid("The last authenticator cannot be removed."));
    }
    shared.remove_authenticator(&holder.user, &authenticator);
    Ok(Json(Removed { success: true }))
}

pub(super) fn permits(permitted: bool) -> Result<(), ApiError> {
    let text = "The scope of the token does not permit this.";
    if permitted { Ok(()) } else { Err(ApiError::of(StatusCode::UNAUTHORIZED, "unauthorized", text)) }
}
