//! Passkeys and security keys.
use std::sync::Arc;

use authsignal_client::{AuthenticatorAttachment, Timestamp, UserId, VerificationMethod};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use axum::{Json, Router};
use bytes::Bytes;
use http::{HeaderMap, header};
use serde::Serialize;
use serde_json::Value;

use crate::client_api::answer::{Challenged, ClientResult, Verified};
use crate::client_api::caller::{Bearer, Caller};
use crate::client_api::cookies::{self, Cookies};
use crate::client_api::phones::same_action;
use crate::credentials::tokens::Subject;
use crate::credentials::webauthn::error::KeyKind;
use crate::db::action::Scope;
use crate::http::error::ApiError;
use crate::http::input::{Input, Parameters, action_code, idempotency_key};
use crate::http::user_agent::name;
use crate::state::{AppState, TokenContext};
use crate::verification::VerificationError;
use crate::verification::webauthn::{Ceremony, Made, NotSigned, Signed, Wanted};

const PASSKEY: VerificationMethod = VerificationMethod::Passkey;

pub(super) fn routes() -> Router<Arc<AppState>> {
    let methods = "/client/user-authenticators";
    Router::new()
        .route("/client/challenge", challenging(false))
        .route("/client/challenge/web", challenging(true))
        .route(&format!("{methods}/passkey"), post(add_passkey).get(find_passkey))
        .route(&format!("{methods}/passkey/registration-options"), passkey_to_make(false))
        .route(&format!("{methods}/passkey/registration-options/web"), passkey_to_make(true))
        .route(&format!("{methods}/passkey/authentication-options"), passkey_to_use(false))
        .route(&format!("{methods}/passkey/authentication-options/web"), passkey_to_use(true))
        .route("/client/verify/passkey", post(verify_passkey))
        .route(&format!("{methods}/security-key"), post(add_security_key))
        .route(&format!("{methods}/security-key/registration-options"), post(security_key_to_make))
        .route(&format!("{methods}/security-key/authentication-options"), post(security_key_to_use))
        .route("/client/verify/security-key", post(verify_security_key))
}

/// Begins a sign-in, of the holder of a token or of whoever signs.
fn challenging(web: bool) -> MethodRouter<Arc<AppState>> {
    post(move |State(shared): State<Arc<AppState>>, caller: Caller, body: Bytes| async move {
        let input = Input::parse(&body)?;
        let key = input.text("idempotencyKey")?.map(idempotency_key).transpose()?;
        let of = caller.action();
        let action = match &of {
            Some(id) => same_action(&input, id).map(|()| None)?,
            None => input.text("action")?.map(action_code).transpose()?,
        };
        let challenge = shared.db().begin_signature(of.as_ref(), action, key, PASSKEY, shared.clock.now());
        let answer = Json(Challenged { challenge_id: challenge.id.clone() }).into_response();
        Ok::<_, ApiError>(left(answer, web, &challenge.id))
    })
}

/// Leaves the challenge with a browser that wants it so.
fn left(answer: Response, web: bool, challenge: &str) -> Response {
    if web { cookies::with_challenge(answer, challenge) } else { answer }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Options {
    challenge_id: String,
    options: Value,
}

impl From<Ceremony> for Options {
    fn from(ceremony: Ceremony) -> Self {
        Self { challenge_id: ceremony.challenge, options: ceremony.options }
    }
}

fn passkey_to_make(web: bool) -> MethodRouter<Arc<AppState>> {
    post(move |State(shared): State<Arc<AppState>>, Bearer(token_context): Bearer, body: Bytes| async move {
        let input = Input::parse(&body)?;
        let attachment = match input.text("authenticatorAttachment")?.as_deref().map(AuthenticatorAttachment::from) {
            Some(AuthenticatorAttachment::Unknown(_)) => {
                return Err(ApiError::invalid("body.authenticatorAttachment must be platform or cross-platform"));
            }
            attachment => attachment,
        };
        let (username, display_name) = (input.text("username")?, input.text("displayName")?);
        let wanted = Wanted { username, display_name, attachment };
        let TokenContext { id, scope, .. } = token_context;
        let begun = shared.begin_registration(&id, scope, KeyKind::Passkey, wanted)?;
        let challenge = begun.challenge.clone();
        Ok(left(Json(Options::from(begun)).into_response(), web, &challenge))
    })
}

fn passkey_to_use(web: bool) -> MethodRouter<Arc<AppState>> {
    post(move |State(shared): State<Arc<AppState>>, caller: Caller, body: Bytes| async move {
        let challenge = Input::parse(&body)?.text("challengeId")?;
        let begun = shared.begin_authentication(caller.action().as_ref(), KeyKind::Passkey, challenge.as_deref())?;
        let challenge = begun.challenge.clone();
        Ok::<_, ApiError>(left(Json(Options::from(begun)).into_response(), web, &challenge))
    })
}

/// The answer to a passkey that was made: more than that to a code.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Added {
    #[serde(flatten)]
    verified: Verified,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_authenticator_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<UserId>,
}

async fn add_passkey(
    State(shared): State<Arc<AppState>>,
    Bearer(token_context): Bearer,
    headers: HeaderMap,
    cookies: Cookies,
    body: Bytes,
) -> Result<Response, ApiError> {
    let input = Input::parse(&body)?;
    let answer = input.required_object("registrationCredential")?;
    input.flag("conditionalCreate")?;
    let challenge = input.text("challengeId")?.or_else(|| cookies.challenge.clone());
    let made = Made { name: named(&headers, "Passkey"), device_id: input.text("deviceId")? };
    let added = add(&shared, &token_context, KeyKind::Passkey, challenge.as_deref(), &answer, made).await?;
    let token = added.verified.access_token.clone();
    Ok(remembered(Json(added).into_response(), &cookies, token.as_deref()))
}

async fn add_security_key(
    State(shared): State<Arc<AppState>>,
    Bearer(token_context): Bearer,
    headers: HeaderMap,
    body: Bytes,
) -> ClientResult<Added> {
    let answer = Input::parse(&body)?.into_value();
    let made = Made { name: named(&headers, "Security key"), device_id: None };
    Ok(Json(add(&shared, &token_context, KeyKind::SecurityKey, None, &answer, made).await?))
}

async fn add(
    shared: &AppState,
    TokenContext { id, scope, .. }: &TokenContext,
    kind: KeyKind,
    challenge: Option<&str>,
    answer: &Value,
    made: Made,
) -> Result<Added, ApiError> {
    let proved = shared.finish_registration(id, *scope, kind, challenge, answer, made).await;
    let Some(proved) = agreed(proved)? else { return Ok(Added::default()) };
    let user_authenticator_id = proved.enrolled.as_ref().map(|known| known.id.clone());
    let verified = shared.verified(id, Ok(proved))?;
    Ok(Added { verified, user_authenticator_id, user_id: Some(id.user.clone()) })
}

fn named(headers: &HeaderMap, otherwise: &str) -> String {
    let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    name(user_agent, otherwise)
}

/// Leaves the token with a browser that brought the challenge in a cookie.
fn remembered(answer: Response, cookies: &Cookies, token: Option<&str>) -> Response {
    match (token, &cookies.challenge) {
        (Some(token), Some(_)) => cookies::with_token(answer, token),
        _ => answer,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SignedIn {
    is_verified: bool,
    access_token: String,
    user_id: UserId,
    user_authenticator_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_display_name: Option<String>,
}

async fn verify_passkey(
    State(shared): State<Arc<AppState>>,
    caller: Caller,
    cookies: Cookies,
    body: Bytes,
) -> Result<Response, ApiError> {
    let input = Input::parse(&body)?;
    let answer = input.required_object("authenticationCredential")?;
    let device = input.text("deviceId")?.filter(|device| !device.is_empty());
    let challenge = input.text("challengeId")?.or_else(|| cookies.challenge.clone());
    let (of, challenge) = (caller.action(), challenge.as_deref());
    let signed =
        shared.finish_authentication(of.as_ref(), KeyKind::Passkey, challenge, &answer, device.as_deref()).await;
    let Some(signed) = agreed(signed)? else { return Ok(Json(Verified::default()).into_response()) };
    let access_token = shared.token_of(&signed);
    let (username, user_display_name) = shared.names_of(&signed);
    let answer = SignedIn {
        is_verified: true,
        access_token: access_token.clone(),
        user_id: signed.user,
        user_authenticator_id: signed.authenticator,
        username,
        user_display_name,
    };
    Ok(remembered(Json(answer).into_response(), &cookies, Some(&access_token)))
}

async fn security_key_to_make(
    State(shared): State<Arc<AppState>>,
    Bearer(token_context): Bearer,
    body: Bytes,
) -> ClientResult<Value> {
    Input::parse(&body)?;
    let TokenContext { id, scope, .. } = token_context;
    Ok(Json(shared.begin_registration(&id, scope, KeyKind::SecurityKey, Wanted::default())?.options))
}

async fn security_key_to_use(
    State(shared): State<Arc<AppState>>,
    Bearer(token_context): Bearer,
    body: Bytes,
) -> ClientResult<Value> {
    Input::parse(&body)?;
    Ok(Json(shared.begin_authentication(Some(&token_context.id), KeyKind::SecurityKey, None)?.options))
}

async fn verify_security_key(
    State(shared): State<Arc<AppState>>,
    Bearer(token_context): Bearer,
    body: Bytes,
) -> ClientResult<Verified> {
    let answer = Input::parse(&body)?.into_value();
    let signed = shared.finish_authentication(Some(&token_context.id), KeyKind::SecurityKey, None, &answer, None).await;
    let access_token = agreed(signed)?.map(|signed| shared.token_of(&signed));
    Ok(Json(Verified { is_verified: access_token.is_some(), access_token, ..Verified::default() }))
}

/// What was signed, unless the tenant's webhook doesn't agree to it.
fn agreed<T>(signed: Result<T, NotSigned>) -> Result<Option<T>, NotSigned> {
    match signed {
        Err(NotSigned::NoProof(VerificationError::Vetoed)) => Ok(None),
        signed => signed.map(Some),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    credential_id: String,
    verified_at: Option<Timestamp>,
}

/// Whether one of these credentials is a passkey of anybody's (browser SDK, `isAvailableOnDevice`).
async fn find_passkey(State(shared): State<Arc<AppState>>, _: Caller, query: Parameters) -> ClientResult<Found> {
    let ids = query.get("credentialIds").or(query.get("credentialId"));
    let ids = ids.ok_or_else(|| ApiError::invalid("query.credentialIds must not be empty"))?;
    let db = shared.db();
    let mut known = ids.split(',').filter_map(|id| Some((id, db.key(id)?.1)));
    let found = known.find(|(_, known)| known.method() == PASSKEY);
    let (id, found) = found.ok_or(ApiError::not_found("The passkey was not found."))?;
    let verified_at = found.last_verified_at.or(found.verified_at).map(Timestamp::from);
    Ok(Json(Found { credential_id: id.to_owned(), verified_at }))
}

impl AppState {
    /// What the key that was used calls its user, or what is known of them otherwise.
    fn names_of(&self, signed: &Signed) -> (Option<String>, Option<String>) {
        let db = self.db();
        let Some(user) = db.users.get(signed.user.as_str()) else { return (None, None) };
        let key = user.authenticator(&signed.authenticator).and_then(|known| known.kind.key());
        let (username, display_name) =
            key.map(|key| (key.username.clone(), key.display_name.clone())).unwrap_or_default();
        (username.or_else(|| user.username.clone()), display_name.or_else(|| user.display_name.clone()))
    }

    /// The token of a signature: about an action, or about the user alone.
    pub(super) fn token_of(&self, signed: &Signed) -> String {
        if let Some(token) = signed.id.as_ref().and_then(|id| self.fresh_token(id)) {
            return token;
        }
        let user = self.db().users.get(signed.user.as_str()).cloned().unwrap_or_default();
        let subject = Subject {
            tenant_id: self.tokens.tenant.clone(),
            user_id: signed.user.to_string(),
            email: user.email,
            phone_number: user.phone_number,
            action_code: String::new(),
            idempotency_key: String::new(),
        };
        self.tokens.issue(subject, Scope::ALL, self.clock.now())
    }
}
