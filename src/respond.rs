//! How a challenge or a refusal looks to whoever asked.
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use serde::Serialize;

use crate::caller::{Caller, is_framed};
use crate::challenge_url::Trusted;
use crate::client::{ActionCode, ActionState, IdempotencyKey, Token};
use crate::flow::Moment;
use crate::page_origin::PageOrigins;
use crate::pages;
use crate::place::Elsewhere;
use crate::refusal::{Refusal, RefusalReason};
use crate::return_to::ReturnTo;

/// Where the reasons of problem documents are described.
const DOCUMENTATION: &str = "https://docs.rs/axum-authsignal/latest/axum_authsignal/enum.RefusalReason.html#variant.";

/// What a request gets instead of its handler.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Answer<'a> {
    /// The user has to prove more first.
    Challenge(&'a ChallengeAnswer),
    /// It does not go on.
    Refusal(&'a Refusal),
}

/// A challenge as callers see it.
#[derive(Clone, Debug)]
pub struct ChallengeAnswer {
    pub(crate) action: ActionCode,
    pub(crate) state: ActionState,
    pub(crate) url: Trusted,
    pub(crate) token: Option<Token>,
    pub(crate) attempt: IdempotencyKey,
    pub(crate) expires: Moment,
    /// The page that was asked for, where one was.
    pub(crate) page: Option<ReturnTo>,
}

impl ChallengeAnswer {
    /// The action that is to be proved.
    #[must_use]
    pub fn action(&self) -> &ActionCode {
        &self.action
    }

    /// What Authsignal said.
    #[must_use]
    pub fn state(&self) -> &ActionState {
        &self.state
    }

    /// The address of the challenge page. It carries a token: send the user there and keep it out of logs.
    #[must_use]
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// The token for Authsignal's client SDKs.
    #[must_use]
    pub fn token(&self) -> Option<&Token> {
        self.token.as_ref()
    }

    /// The key of the attempt.
    #[must_use]
    pub fn idempotency_key(&self) -> &IdempotencyKey {
        &self.attempt
    }

    /// Until when the challenge waits.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        self.expires.to_system_time()
    }
}

/// Decides how challenges and refusals look.
pub trait Responder: Send + Sync + 'static {
    /// The response, or `None` for the usual one.
    fn respond(&self, parts: &Parts, answer: &Answer<'_>) -> Option<Response<Bytes>>;
}

impl<F> Responder for F
where
    F: Fn(&Parts, &Answer<'_>) -> Option<Response<Bytes>> + Send + Sync + 'static,
{
    fn respond(&self, parts: &Parts, answer: &Answer<'_>) -> Option<Response<Bytes>> {
        self(parts, answer)
    }
}

/// How this application answers: its own responder, if it has one, and the settings that answers need.
#[derive(Clone)]
pub(crate) struct Answers {
    pub(crate) custom: Option<Arc<dyn Responder>>,
    /// Whether clients with a bearer token get the challenge of RFC 9470.
    pub(crate) bearer: bool,
    /// Where people go who do not go on.
    pub(crate) home: ReturnTo,
    /// Whose pages may frame a page of ours that is shown in a frame.
    pub(crate) page_origins: PageOrigins,
}

impl Answers {
    /// The answer to a request that has to be proved first.
    pub(crate) fn challenge(&self, parts: &Parts, answer: &ChallengeAnswer) -> Response<Bytes> {
        let response = self.custom(parts, &Answer::Challenge(answer));
        let response = response.unwrap_or_else(|| match self.caller(parts) {
            // Where it can be asked for again, it is: the window brings the cookie, which a frame in another site's page does
            // not, and is led to the same challenge.
            Caller::Navigation if is_framed(&parts.headers) => {
                let again = answer.page.as_ref().map_or(answer.url(), ReturnTo::as_str);
                pages::own_window(again, &self.page_origins)
            }
            caller => challenge(caller, answer),
        });
        seal(response, Refusal::new(RefusalReason::ChallengeRequired, Some(&answer.action)))
    }

    /// The answer to a request that does not go on.
    pub(crate) fn refuse(&self, parts: &Parts, refusal: Refusal) -> Response<Bytes> {
        if *refusal.reason() == RefusalReason::Prefetch {
            return declined(refusal);
        }
        let response = self.custom(parts, &Answer::Refusal(&refusal));
        let response = response.unwrap_or_else(|| match self.caller(parts) {
            Caller::Navigation => {
                let can_ask_again = parts.method == Method::GET;
                let mut page = pages::refusal(refusal.reason(), can_ask_again, &self.home);
                if is_framed(&parts.headers) {
                    pages::let_be_framed(&mut page, &self.page_origins);
                }
                with_status(page, &refusal)
            }
            _ => problem(&refusal),
        });
        seal(response, refusal)
    }

    /// The answer to a request that belongs to another host.
    pub(crate) fn elsewhere(&self, parts: &Parts, refusal: Refusal, elsewhere: &Elsewhere) -> Response<Bytes> {
        let response = self.custom(parts, &Answer::Refusal(&refusal));
        let response = response.unwrap_or_else(|| match (self.caller(parts), HeaderValue::from_str(&elsewhere.url)) {
            (Caller::Navigation, Ok(location)) if matches!(parts.method, Method::GET | Method::HEAD) => {
                see_other(location)
            }
            (Caller::Navigation, _) => pages::elsewhere(refusal.reason(), elsewhere, &self.home),
            _ => {
                let reason = refusal.reason();
                let detail = format!("Nothing was done: this is answered at {} alone.", elsewhere.origin);
                let problem = Problem::of(reason, refusal.action(), reason.status());
                Problem { detail: &detail, ..problem }.respond()
            }
        });
        seal(response, refusal)
    }

    /// The answer to a browser that comes back from a challenge and gets no further.
    pub(crate) fn refuse_on_the_way_back(&self, parts: &Parts, refusal: Refusal, on: &str) -> Response<Bytes> {
        if *refusal.reason() == RefusalReason::Prefetch {
            return declined(refusal);
        }
        let response = self.custom(parts, &Answer::Refusal(&refusal));
        let response =
            response.unwrap_or_else(|| with_status(pages::refusal_on_the_way_back(refusal.reason(), on), &refusal));
        seal(response, refusal)
    }

    pub(crate) fn caller(&self, parts: &Parts) -> Caller {
        Caller::of(parts, self.bearer)
    }

    fn custom(&self, parts: &Parts, answer: &Answer<'_>) -> Option<Response<Bytes>> {
        self.custom.as_ref()?.respond(parts, answer)
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers").field("bearer", &self.bearer).finish_non_exhaustive()
    }
}

/// A problem document (RFC 9457), with the members that a client needs to send its user to the challenge.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Problem<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
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
}

impl<'a> Problem<'a> {
    fn of(reason: &'a RefusalReason, action: Option<&'a ActionCode>, status: StatusCode) -> Self {
        let (title, detail) = reason.words();
        Self {
            kind: format!("{DOCUMENTATION}{}", reason.anchor()),
            title,
            status: status.as_u16(),
            detail,
            state: reason.state(),
            action: action.map(ActionCode::as_str),
            url: None,
            token: None,
            idempotency_key: None,
            expires_at: None,
        }
    }

    fn respond(&self) -> Response<Bytes> {
        let body = serde_json::to_vec(self).expect("a problem is plain data");
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() =
            StatusCode::from_u16(self.status).expect("the status was one when it was written down");
        let content_type = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
        response
    }
}

fn see_other(location: HeaderValue) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(header::LOCATION, location);
    response
}

fn challenge(caller: Caller, answer: &ChallengeAnswer) -> Response<Bytes> {
    let Some(location) = answer.url.to_header() else {
        let reason = RefusalReason::UntrustedChallenge;
        return Problem::of(&reason, Some(&answer.action), reason.status()).respond();
    };
    if caller == Caller::Navigation {
        // 303 and never 302 or 307: whatever the method was, the challenge page is asked for with GET and no body.
        return see_other(location);
    }
    let reason = RefusalReason::ChallengeRequired;
    let status = if caller == Caller::Bearer { StatusCode::UNAUTHORIZED } else { reason.status() };
    let mut response = Problem {
        state: Some(answer.state.as_str()),
        url: Some(answer.url.as_str()),
        token: answer.token.as_ref().map(Token::secret),
        idempotency_key: Some(answer.attempt.as_str()),
        expires_at: Some(answer.expires.unix_seconds()),
        ..Problem::of(&reason, Some(&answer.action), status)
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
        Caller::Navigation | Caller::Client => {}
    }
    response
}

fn problem(refusal: &Refusal) -> Response<Bytes> {
    let reason = refusal.reason();
    with_status(Problem::of(reason, refusal.action(), reason.status()).respond(), refusal)
}

/// The answer to a prefetch: a failure, since Chromium takes any success, 204 too, for the answer to the click that
/// follows (threat T121), and nobody reads it, so that no responder is asked. Without `Retry-After`, which would keep the
/// browser from asking ahead for other pages of the site.
fn declined(refusal: Refusal) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = refusal.reason().status();
    seal(response, refusal)
}

/// What a reason asks for besides its text: a time to wait in an outage.
fn with_status(mut response: Response<Bytes>, refusal: &Refusal) -> Response<Bytes> {
    if let Some(wait) = refusal.retry_after() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs()));
    }
    response
}

/// The answer of an extractor that identifies: as it is, with the typed reason beside it.
pub(crate) fn rejected(mut response: Response<Bytes>, action: Option<&ActionCode>) -> Response<Bytes> {
    response.extensions_mut().insert(Refusal::new(RefusalReason::IdentifyRejected, action));
    response
}

/// What every response of ours carries, whoever built it: the typed reason, and that it is neither kept nor told on.
pub(crate) fn seal<B>(mut response: Response<B>, refusal: Refusal) -> Response<B> {
    response.extensions_mut().insert(refusal);
    private(response.headers_mut());
    response
}

/// Keeps a response out of caches and its address out of `Referer`.
pub(crate) fn private(headers: &mut HeaderMap) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}
