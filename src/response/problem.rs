//! Problem documents (RFC 9457), for callers that are programs.
use authsignal_client::{ActionCode, IdempotencyKey, Token, VerificationMethod};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde::Serialize;

use super::answer::ChallengeAnswer;
use super::headers::{see_other, with_retry_after};
use super::turbo;
use crate::domain::failover::NoFailover;
use crate::domain::flow::Moment;
use crate::refusal::{Refusal, RefusalReason};
use crate::request::caller::Caller;

/// Where the reasons of problem documents are described.
const DOCUMENTATION: &str = "https://docs.rs/axum-authsignal/latest/axum_authsignal/enum.RefusalReason.html#variant.";

/// A problem document (RFC 9457), with the members that a client needs to send its user to the challenge.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Problem<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    /// The reason's code, for people who ask for help, and the id that the log has.
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision_id: Option<&'a str>,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<u64>,
    /// Whose page tells a popup's opener how the challenge ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    callback_origin: Option<&'a str>,
    /// Which outage it is, and why the request did not pass for all that, where some do.
    #[serde(skip_serializing_if = "Option::is_none")]
    outage: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failover: Option<&'static str>,
    /// The verification methods that count, where the route names them.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    methods: &'a [VerificationMethod],
    /// What is wrong with a body, and in which field.
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
}

impl<'a> Problem<'a> {
    pub(super) fn of(refusal: &'a Refusal, status: StatusCode) -> Self {
        let reason = refusal.reason();
        let (title, detail) = reason.words();
        Self {
            kind: format!("{DOCUMENTATION}{}", reason.anchor()),
            title,
            status: status.as_u16(),
            code: reason.code(),
            decision_id: refusal.decision_id().map(IdempotencyKey::as_str),
            detail,
            state: reason.state(),
            action: refusal.action().map(ActionCode::as_str),
            url: None,
            token: None,
            idempotency_key: None,
            expires_at: None,
            callback_origin: None,
            outage: None,
            failover: None,
            methods: &[],
            fault: None,
            path: None,
        }
    }

    /// Says more than the reason's usual words.
    pub(super) fn detail(self, detail: &'a str) -> Self {
        Self { detail, ..self }
    }

    pub(super) fn respond(&self) -> Response<Bytes> {
        let body = serde_json::to_vec(self).expect("a problem is plain data");
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() =
            StatusCode::from_u16(self.status).expect("the status was one when it was written down");
        let content_type = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
        response
    }
}

/// A challenge, as its caller can use it.
pub(super) fn challenge(caller: Caller, answer: &ChallengeAnswer) -> Response<Bytes> {
    let Some(location) = answer.url.to_header() else {
        let refusal = Refusal::new(RefusalReason::UntrustedChallenge, Some(&answer.action));
        let refusal = refusal.of_decision(Some(&answer.attempt));
        return Problem::of(&refusal, refusal.reason().status()).respond();
    };
    let refusal = answer.refusal();
    let reason = refusal.reason();
    match caller {
        // 303 and never 302 or 307: whatever the method was, the challenge page is asked for with GET and no body.
        Caller::Navigation => return see_other(location),
        Caller::Turbo => return turbo::leave(answer.url.as_str(), reason.status()),
        Caller::Htmx | Caller::Bearer | Caller::Client => {}
    }
    let status = if caller == Caller::Bearer { StatusCode::UNAUTHORIZED } else { reason.status() };
    // Whoever proved it in vain is told why it is asked for again.
    let lacking = answer.insufficient.map(RefusalReason::Unproven);
    let (_, detail) = lacking.as_ref().unwrap_or(reason).words();
    let mut response = Problem {
        state: Some(answer.state.as_str()),
        url: Some(answer.url.as_str()),
        token: answer.token.as_ref().map(Token::secret),
        idempotency_key: Some(answer.attempt.as_str()),
        expires_at: Some(answer.expires.unix_seconds()),
        callback_origin: Some(&answer.callback_origin),
        methods: &answer.methods,
        ..Problem::of(&refusal, status).detail(detail)
    }
    .respond();
    match caller {
        Caller::Htmx => {
            response.headers_mut().insert(HeaderName::from_static("hx-redirect"), location);
        }
        Caller::Bearer => {
            let challenge = "Bearer error=\"insufficient_user_authentication\", \
                             error_description=\"More proof is needed for this request\"";
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        Caller::Navigation | Caller::Turbo | Caller::Client => {}
    }
    response
}

/// A refusal.
pub(super) fn problem(refusal: &Refusal) -> Response<Bytes> {
    let reason = refusal.reason();
    let outage = match (reason, refusal.no_failover()) {
        (RefusalReason::Outage(outage), Some(_)) => Some(outage.as_str()),
        _ => None,
    };
    let failover = refusal.no_failover().map(NoFailover::as_str);
    let methods = refusal.methods();
    let detail = reason.body_fault().map(|fault| format!("Nothing was done: {fault}."));
    let problem = Problem {
        outage,
        failover,
        methods,
        fault: reason.body_fault().map(|fault| fault.kind.as_str()),
        path: reason.body_fault().map(|fault| fault.path.as_str()).filter(|path| !path.is_empty()),
        ..Problem::of(refusal, reason.status())
    };
    let problem = match &detail {
        Some(detail) => problem.detail(detail),
        None => problem,
    };
    with_retry_after(problem.respond(), refusal)
}

/// A request that somebody has to look at. `page` is where htmx has the browser go.
pub(super) fn under_review(
    refusal: &Refusal,
    attempt: &IdempotencyKey,
    expires: Moment,
    page: Option<&str>,
) -> Response<Bytes> {
    let mut response = Problem {
        idempotency_key: Some(attempt.as_str()),
        expires_at: Some(expires.unix_seconds()),
        ..Problem::of(refusal, refusal.reason().status())
    }
    .respond();
    // What a success brings is put into the page, which is no place for a problem.
    if let Some(page) = page.and_then(|page| HeaderValue::from_str(page).ok()) {
        response.headers_mut().insert(HeaderName::from_static("hx-redirect"), page);
    }
    response
}
