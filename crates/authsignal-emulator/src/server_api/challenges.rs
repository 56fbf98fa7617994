//! Challenges without a page: send a code, look at it, give it to a user.
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use authsignal_client::{ActionCode, IdempotencyKey, SmsChannel, UserId, VerificationMethod};
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use bytes::Bytes;
use http::HeaderMap;
use serde::Serialize;
use serde_json::json;

use crate::db::Db;
use crate::db::challenge::{Challenge, Context, NewChallenge};
use crate::db::claim::Unclaimable;
use crate::db::proof::Verdict;
use crate::db::table::FoundBy;
use crate::http::error::ApiError;
use crate::http::input::{Input, Parameters, action_code, has_key, idempotency_key, user_id};
use crate::server_api::answer::ApiResult;
use crate::state::AppState;
use crate::verification::VerificationError;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SentChallenge {
    challenge_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<IdempotencyKey>,
    expires_at: u64,
}

impl From<Challenge> for SentChallenge {
    fn from(challenge: Challenge) -> Self {
        let expires_at = seconds(challenge.expires_at);
        Self { challenge_id: challenge.id, idempotency_key: challenge.key, expires_at }
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Sends a code, or with a `challengeId` the next code of a pending challenge.
pub(super) async fn challenge(State(shared): State<Arc<AppState>>, body: Bytes) -> ApiResult {
    let input = Input::parse(&body)?;
    let (pending, context) = (input.text("challengeId")?, context(&input)?);
    // Typed as any other member, also where the challenge knows them already.
    for name in ["verificationMethod", "action", "idempotencyKey", "userId", "email", "phoneNumber", "smsChannel"] {
        input.text(name)?;
    }
    let sent = match pending {
        Some(pending) => shared.send_again(&pending).await,
        None => {
            let new = new(&shared, &input, context)?;
            shared.send_new(new).await
        }
    };
    Ok(Json(SentChallenge::from(sent.map_err(|why| fault(&why))?)).into_response())
}

fn fault(fault: &VerificationError) -> ApiError {
    match fault {
        VerificationError::TooManyMessages(wait) => ApiError::too_many_messages(*wait),
        VerificationError::NotSent => ApiError::not_sent(),
        _ => ApiError::invalid("body.challengeId must be that of a pending challenge"),
    }
}

fn context(input: &Input) -> Result<Context, ApiError> {
    Ok(Context {
        scope: input.short_text("scope")?,
        locale: input.text("locale")?,
        device_id: input.text("deviceId")?,
        ip_address: input.text("ipAddress")?,
        user_agent: input.text("userAgent")?,
        custom: input.custom()?,
    })
}

fn new(shared: &AppState, input: &Input, context: Context) -> Result<NewChallenge, ApiError> {
    let method = VerificationMethod::from(input.required("verificationMethod")?.as_str());
    let action = action_code(input.required("action")?)?;
    let key = input.text("idempotencyKey")?.map(idempotency_key).transpose()?;
    let user = input.text("userId")?.map(user_id).transpose()?;
    let (email, number) = (input.email()?, input.phone_number()?);
    let channel = input.text("smsChannel")?.map(|name| SmsChannel::from(name.as_str()));
    let db = shared.db();
    let to = match method {
        VerificationMethod::EmailOtp => email.or_else(|| known(&db, user.as_ref(), true)).ok_or("email"),
        VerificationMethod::Sms | VerificationMethod::Whatsapp => {
            number.or_else(|| known(&db, user.as_ref(), false)).ok_or("phoneNumber")
        }
        _ => {
            return Err(ApiError::invalid(
                "body.verificationMethod must be equal to one of the allowed values - allowedValues: \
                 EMAIL_OTP,SMS,WHATSAPP",
            ));
        }
    };
    let to = to.map_err(|name| ApiError::invalid(format!("body.{name} must not be empty")))?;
    let form = db.policy.code;
    let waiting = form.waiting(&method).ok_or_else(|| ApiError::invalid("body.verificationMethod has no code"))?;
    Ok(NewChallenge {
        sms_channel: (method == VerificationMethod::Sms).then(|| channel.unwrap_or(SmsChannel::Default)),
        method,
        user,
        action: Some(action),
        key: Some(key.unwrap_or_else(IdempotencyKey::random)),
        authenticator: None,
        to: Some(to),
        waiting,
        context,
        ttl: form.ttl,
    })
}

/// The address that is known of a user, where the request has none (an assumption).
fn known(db: &Db, user: Option<&UserId>, email: bool) -> Option<String> {
    let user = db.users.get(user?.as_str())?;
    if email { user.email.clone() } else { user.phone_number.clone() }
}

/// A wrong code is no HTTP error.
pub(super) async fn verify(State(shared): State<Arc<AppState>>, body: Bytes) -> ApiResult {
    let input = Input::parse(&body)?;
    let (id, code) = (input.required("challengeId")?, input.required("verificationCode")?);
    let answer = match shared.verify_challenge(&id, &code).await {
        Verdict::Right => {
            let db = shared.db();
            let known = db.challenges.get(&id);
            let method = known.map(|known| known.method.clone());
            let to = known.and_then(|known| known.to.clone());
            match method {
                Some(method @ VerificationMethod::EmailOtp) => {
                    json!({ "isVerified": true, "email": to, "verificationMethod": method })
                }
                method => json!({ "isVerified": true, "phoneNumber": to, "verificationMethod": method }),
            }
        }
        Verdict::Wrong => json!({ "isVerified": false, "failureReason": "CODE_INVALID_OR_EXPIRED" }),
        Verdict::TooMany => json!({ "isVerified": false, "failureReason": "MAX_ATTEMPTS_EXCEEDED" }),
        Verdict::NotAsked => return Err(ApiError::invalid("body.challengeId must be that of a challenge")),
    };
    Ok(Json(answer).into_response())
}

pub(super) async fn claim(State(shared): State<Arc<AppState>>, body: Bytes) -> ApiResult {
    let input = Input::parse(&body)?;
    let (challenge, user) = (input.required("challengeId")?, user_id(input.required("userId")?)?);
    let skip = input.flag("skipVerificationCheck")?;
    let claimed = shared.claim(&challenge, &user, !skip).await.map_err(unclaimable)?;
    let record = shared.db().actions.get(&claimed.id).map(|action| action.record.clone());
    let record = record.ok_or_else(|| unclaimable(Unclaimable::Unknown))?;
    let token = shared.token(&record);
    Ok(Json(json!({ "token": token, "verificationMethod": claimed.method })).into_response())
}

/// 400 for all of them (an assumption).
fn unclaimable(why: Unclaimable) -> ApiError {
    ApiError::invalid(match why {
        Unclaimable::Unknown | Unclaimable::OtherAction => "The challenge was not found.",
        Unclaimable::Expired => "The challenge has expired.",
        Unclaimable::Claimed => "The challenge was already claimed.",
        Unclaimable::Unverified => "The challenge has not been verified.",
        Unclaimable::Vetoed => "The challenge was refused by the verification webhook.",
    })
}

pub(super) async fn get(State(shared): State<Arc<AppState>>, query: Parameters) -> ApiResult {
    find(&shared, &query)
}

/// The form that dotnet means to send: parameters in the query or in the body.
pub(super) async fn post(State(shared): State<Arc<AppState>>, mut query: Parameters, body: Bytes) -> ApiResult {
    let input = Input::parse(&body)?;
    for name in ["challengeId", "userId", "action", "verificationMethod"] {
        if let Some(text) = input.text(name)? {
            query.fill(name, text);
        }
    }
    find(&shared, &query)
}

/// Finds one by the last segment of a path that has the query in it, without its question mark, as java sends it; none
/// where it is another.
pub(crate) fn find_jumbled(shared: &AppState, headers: &HeaderMap, segment: &str) -> Option<ApiResult> {
    let query = segment.strip_prefix("challenges").filter(|query| query.contains('='))?;
    if !has_key(headers, &shared.secrets) {
        return Some(Err(ApiError::unauthorized()));
    }
    Some(find(shared, &Parameters::parse(query)))
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Pending {
    #[serde(skip_serializing_if = "Option::is_none")]
    challenge_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_method: Option<VerificationMethod>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sms_channel: Option<SmsChannel>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<ActionCode>,
}

/// The newest pending challenge that fits; nothing is an empty object (assumptions).
fn find(shared: &AppState, query: &Parameters) -> ApiResult {
    let (id, user) = (query.get("challengeId"), query.get("userId"));
    if id.is_none() && user.is_none() {
        return Err(ApiError::invalid("query must have at least one of challengeId, userId"));
    }
    let (action, method) = (query.get("action"), query.get("verificationMethod"));
    let is = |wanted: Option<&str>, known: Option<&str>| wanted.is_none() || wanted == known;
    let fits = |known: &&Challenge| {
        is(user, known.user.as_ref().map(UserId::as_str))
            && is(action, known.action.as_ref().map(ActionCode::as_str))
            && is(method, Some(known.method.as_str()))
    };
    let (db, now) = (shared.db(), shared.clock.now());
    let one = id.and_then(|id| db.challenges.get(id));
    let by_user = user.filter(|_| id.is_none()).map(FoundBy::user);
    let all = one.into_iter().chain(by_user.iter().flat_map(|user| db.challenges.of(user)));
    let newest = all.filter(|known| known.is_open(now)).filter(fits).max_by_key(|known| known.sequence);
    let pending = newest.map(|known| {
        let is_email = known.to.as_deref().is_some_and(|to| to.contains('@'));
        let to = known.to.clone();
        let (email, phone_number) = if is_email { (to, None) } else { (None, to) };
        Pending {
            challenge_id: Some(known.id.clone()),
            expires_at: Some(seconds(known.expires_at)),
            verification_method: Some(known.method.clone()),
            sms_channel: known.sms_channel.clone(),
            phone_number,
            email,
            action: known.action.clone(),
        }
    });
    Ok(Json(pending.unwrap_or_default()).into_response())
}
