//! Bytes to the service and back: tries, deadline, limits.
pub(crate) mod answer;
pub(crate) mod call;
mod hedge;
pub(crate) mod json;
#[cfg(feature = "hyper")]
mod over_hyper;
#[cfg(feature = "reqwest")]
mod over_reqwest;
pub(crate) mod path;
mod patience;
mod redact;
pub(crate) mod retry;
pub(crate) mod settings;
pub(crate) mod wire;

use std::mem;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT,
};
use http::{Method, Request};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, timeout_at};
use tower::retry::budget::{Budget, TpsBudget};
use url::Url;

use self::call::Call;
use self::patience::{Failure, Patience};
use self::redact::Redactor;
use self::retry::{FailedTry, FailureCause};
use self::settings::{Carrier, Settings};
use self::wire::{AnswerBody, BoxError, Unanswered, Wire, presentable, unanswered};
use crate::config::ConfigError;
use crate::error::Error;
use crate::other::{self, Body};
use crate::secret::SecretKey;
use crate::url::is_loopback;

const VERSION: &str = env!("CARGO_PKG_VERSION");
const AGENT: &str = concat!("authsignal-client/", env!("CARGO_PKG_VERSION"));

pub(crate) struct Transport {
    wire: Wire,
    base: Url,
    /// What every endpoint's address begins with: the base without a slash at its end.
    root: String,
    /// What every request says.
    headers: HeaderMap,
    /// What every request with a body says.
    headers_with_body: HeaderMap,
    /// None where what is asked for is public.
    credentials: Option<Credentials>,
    deadline: Duration,
    retries: u32,
    /// After how long a slow call is sent a second time, where that may be.
    hedge_after: Option<Duration>,
    budget: TpsBudget,
}

/// The secret, and how it goes out.
struct Credentials {
    secret: SecretKey,
    /// The secret as it stands in the `Authorization` header.
    basic: SecretString,
}

impl Credentials {
    fn new(secret: SecretKey) -> Self {
        let basic = STANDARD.encode(format!("{}:", secret.expose()));
        Self { secret, basic: basic.into() }
    }

    fn authorization(&self) -> Result<HeaderValue, ConfigError> {
        let value = HeaderValue::try_from(format!("Basic {}", self.basic.expose_secret()));
        let mut value = value.map_err(|_| ConfigError::InvalidSecret)?;
        value.set_sensitive(true);
        Ok(value)
    }
}

struct Response {
    headers: HeaderMap,
    status: u16,
    body: Bytes,
}

/// One of the ways in which [`answer`] reads a success.
type Read<T> = fn(&HeaderMap, &[u8], &Redactor<'_>) -> Result<T, Error>;

impl Transport {
    pub(crate) fn new(settings: Settings) -> Result<Self, ConfigError> {
        let wire = carrier(&settings)?;
        let mut headers = HeaderMap::from_iter([
            (ACCEPT, HeaderValue::from_static("application/json")),
            (USER_AGENT, HeaderValue::from_static(AGENT)),
            (HeaderName::from_static("x-authsignal-version"), HeaderValue::from_static(VERSION)),
        ]);
        let credentials = settings.secret.map(Credentials::new);
        if let Some(credentials) = &credentials {
            headers.insert(AUTHORIZATION, credentials.authorization()?);
        }
        let mut headers_with_body = headers.clone();
        headers_with_body.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if settings.base.scheme() != "https" && !is_loopback(&settings.base) {
            let host = settings.base.host_str();
            tracing::warn!(host, "the API secret key goes out unencrypted: `dangerous_allow_http_to` is for emulators");
        }
        Ok(Self {
            wire,
            root: settings.base.as_str().trim_end_matches('/').to_owned(),
            base: settings.base,
            headers,
            headers_with_body,
            credentials,
            deadline: settings.deadline,
            retries: settings.retries,
            hedge_after: settings.hedge_after,
            // A tenth of the calls of the last ten seconds, and one a second for a client that makes few.
            budget: TpsBudget::new(Duration::from_secs(10), 1, 0.1),
        })
    }

    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    /// Asks for what is at `segments`.
    pub(crate) fn get(&self, segments: &[&str]) -> Result<Call<'static>, Error> {
        Ok(Call::new(Method::GET, path::endpoint(&self.root, segments)?))
    }

    /// Deletes what is at `segments`; not safe to repeat unless said so, as all that follow.
    pub(crate) fn delete(&self, segments: &[&str]) -> Result<Call<'static>, Error> {
        Ok(Call::new(Method::DELETE, path::endpoint(&self.root, segments)?))
    }

    /// Sends `body` to `segments`.
    pub(crate) fn post(&self, segments: &[&str], body: &impl Body) -> Result<Call<'static>, Error> {
        self.with_body(Method::POST, segments, body)
    }

    /// Changes what is at `segments` as `body` says.
    pub(crate) fn patch(&self, segments: &[&str], body: &impl Body) -> Result<Call<'static>, Error> {
        self.with_body(Method::PATCH, segments, body)
    }

    /// Sends nothing to `segments`.
    pub(crate) fn post_nothing(&self, segments: &[&str]) -> Result<Call<'static>, Error> {
        Ok(Call::new(Method::POST, path::endpoint(&self.root, segments)?))
    }

    fn with_body(&self, method: Method, segments: &[&str], body: &impl Body) -> Result<Call<'static>, Error> {
        let mut call = Call::new(method, path::endpoint(&self.root, segments)?);
        call.body = Some(other::to_json(body)?.into());
        Ok(call)
    }

    /// What cuts the secrets of this client and of `call` out of a text.
    pub(crate) fn redactor<'a>(&'a self, call: &'a Call<'_>) -> Redactor<'a> {
        let own = self.credentials.as_ref();
        let own = own.map(|credentials| [credentials.secret.expose(), credentials.basic.expose_secret()]);
        Redactor::new(call.carries.iter().map(AsRef::as_ref)).of_client(own)
    }

    /// Makes the call and reads the object that it is answered with.
    pub(crate) async fn run<T: DeserializeOwned>(&self, call: &Call<'_>) -> Result<T, Error> {
        self.read(call, answer::value).await
    }

    /// Makes the call and reads the list of objects that it is answered with.
    pub(crate) async fn run_list<T: DeserializeOwned>(&self, call: &Call<'_>) -> Result<Vec<T>, Error> {
        self.read(call, answer::list).await
    }

    /// Makes a call whose answer says no more than that it is done.
    pub(crate) async fn run_done(&self, call: &Call<'_>) -> Result<(), Error> {
        self.read(call, answer::done).await
    }

    async fn read<T>(&self, call: &Call<'_>, read: Read<T>) -> Result<T, Error> {
        let answer = self.send(call).await?;
        let redactor = self.redactor(call).withholding(call.confidential);
        read(&answer.headers, &answer.body, &redactor).map_err(|error| error.with_status(answer.status))
    }

    /// Tries until there is a success, a failure that stays one, or no time left.
    async fn send(&self, call: &Call<'_>) -> Result<Response, Error> {
        let deadline = Instant::now() + self.deadline;
        self.budget.deposit();
        let mut repeated = 0;
        let mut earlier: Option<Failure> = None;
        loop {
            let now = Instant::now();
            let left = deadline.saturating_duration_since(now);
            let share = retry::share(call.repeat, repeated, self.retries, left).map(|share| now + share);
            let patience = Patience { deadline, share, budget: &self.budget };
            let outcome = match self.hedge_after.filter(|_| call.hedged) {
                // Boxed, so that other calls need no room for two tries.
                Some(delay) => Box::pin(self.hedged(call, patience, delay)).await,
                None => self.attempt(call, patience).await,
            };
            let failure = match outcome {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let failed = FailedTry {
                cause: failure.cause,
                repeat: call.repeat,
                repeated,
                retries: self.retries,
                retry_after: failure.error.retry_after(),
                left: deadline.saturating_duration_since(Instant::now()),
            };
            let paid = failure.cause == FailureCause::Silent;
            let pause = retry::pause(failed, random()).filter(|_| paid || self.budget.withdraw());
            let failure = match earlier {
                Some(earlier) => earlier.or(failure),
                None => failure,
            };
            let Some(pause) = pause else { return Err(failure.error) };
            repeated += 1;
            tracing::debug!(error = %failure.error, repeated, ?pause, "authsignal call is repeated");
            earlier = Some(failure);
            sleep(pause).await;
        }
    }

    /// The request of a call, as each of its tries sends it.
    fn request(&self, call: &Call<'_>) -> Request<Bytes> {
        let mut headers = if call.body.is_some() { &self.headers_with_body } else { &self.headers }.clone();
        if call.anonymous {
            headers.remove(AUTHORIZATION);
        }
        if call.body.is_none() && call.method == Method::POST {
            // Some gateways refuse a post that doesn't say that it is empty (RFC 9110, section 8.6).
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let mut request = Request::new(call.body.clone().unwrap_or_default());
        *request.method_mut() = call.method.clone();
        *request.uri_mut() = call.uri.clone();
        *request.headers_mut() = headers;
        request
    }

    /// One try, and another beside it if it is slow, paid for like a repetition.
    async fn hedged(&self, call: &Call<'_>, patience: Patience<'_>, delay: Duration) -> Result<Response, Failure> {
        let counts = |failure: &Failure| retry::is_settled(failure.cause, call.repeat);
        hedge::hedged(delay, || self.attempt(call, patience), || self.budget.withdraw(), counts, Failure::or).await
    }

    async fn attempt(&self, call: &Call<'_>, mut patience: Patience<'_>) -> Result<Response, Failure> {
        let mut answer = match patience.wait(self.wire.exchange(self.request(call))).await {
            Err(elapsed) => return Err(elapsed.fail(None)),
            Ok(Err(error)) => return Err(self.unanswered(call, error)),
            Ok(Ok(answer)) => answer,
        };
        let (status, headers) = (answer.status().as_u16(), mem::take(answer.headers_mut()));
        let mut answered = answer.into_body();
        let largest = call.max_bytes;
        let success = (200..=299).contains(&status);
        if success && answered.size_hint().exact().is_some_and(|length| length > largest as u64) {
            return Err(Failure::last(Error::too_large().with_status(status)));
        }
        let mut body = Bytes::new();
        if !success {
            // However its body goes, this status is the answer: it must not turn into a kind that excuses more.
            let until = patience.share.unwrap_or(patience.deadline);
            _ = timeout_at(until, read(&mut answered, &mut body, largest)).await;
            let error = answer::refusal(status, &headers, &body, &self.redactor(call));
            return Err(Failure { error, cause: FailureCause::Status(status) });
        }
        match patience.wait(read(&mut answered, &mut body, largest)).await {
            Ok(Ok(())) => Ok(Response { headers, status, body }),
            Ok(Err(Unread::TooLarge)) => Err(Failure::last(Error::too_large().with_status(status))),
            Ok(Err(Unread::Lost(error))) => {
                let excerpt = self.redactor(call).withholding(call.confidential).excerpt(&body);
                let error = Error::malformed("it is cut short").with_source(self.presentable(call, error));
                Err(Failure { error: error.with_status(status).with_excerpt(excerpt), cause: FailureCause::Lost })
            }
            Err(elapsed) => Err(elapsed.fail(Some(status))),
        }
    }

    /// A try that brought no answer.
    fn unanswered(&self, call: &Call<'_>, error: BoxError) -> Failure {
        let cause = unanswered(&error);
        let source = self.presentable(call, error);
        match cause {
            Unanswered::Unsent => Failure { error: Error::connect().with_source(source), cause: FailureCause::Unsent },
            Unanswered::Lost => Failure { error: Error::interrupted().with_source(source), cause: FailureCause::Lost },
        }
    }

    /// What an error of the wire's may be shown as: neither secrets nor where the request went, which holds ids.
    fn presentable(&self, call: &Call<'_>, error: BoxError) -> BoxError {
        let uri = call.uri.to_string();
        let target = call.uri.path_and_query().map_or("", |target| target.as_str());
        presentable(error, |text| self.redactor(call).also([&*uri, target]).excerpt(text.as_bytes()))
    }
}

/// What carries the requests, as it was chosen.
fn carrier(settings: &Settings) -> Result<Wire, ConfigError> {
    match &settings.carrier {
        Carrier::Own(wire) => Ok(wire.clone()),
        #[cfg(feature = "hyper")]
        Carrier::Hyper => over_hyper(settings),
        Carrier::BuiltIn => built_in(settings),
    }
}

#[cfg(feature = "reqwest")]
fn built_in(settings: &Settings) -> Result<Wire, ConfigError> {
    let refuse = |error: reqwest::Error| no_http_client(settings, &error);
    Ok(Wire::new(over_reqwest::OverReqwest::new(settings).map_err(refuse)?))
}

#[cfg(all(feature = "hyper", not(feature = "reqwest")))]
fn built_in(settings: &Settings) -> Result<Wire, ConfigError> {
    over_hyper(settings)
}

#[cfg(not(any(feature = "hyper", feature = "reqwest")))]
fn built_in(_: &Settings) -> Result<Wire, ConfigError> {
    Err(ConfigError::MissingTransport)
}

#[cfg(feature = "hyper")]
fn over_hyper(settings: &Settings) -> Result<Wire, ConfigError> {
    Ok(Wire::new(over_hyper::OverHyper::new(settings).map_err(|error| no_http_client(settings, &error))?))
}

#[cfg(any(feature = "reqwest", feature = "hyper"))]
fn no_http_client(settings: &Settings, error: &dyn std::error::Error) -> ConfigError {
    let hint = match settings.base.scheme() {
        "https" => "; https needs the certificates of authorities (Debian's package `ca-certificates`)",
        _ => "",
    };
    ConfigError::HttpClient { reason: format!("{}{hint}", wire::chain(error)) }
}

/// Why a body was not read to its end.
enum Unread {
    TooLarge,
    Lost(BoxError),
}

/// Reads at most `largest` bytes, counted as they come: a length that is declared may be a lie.
async fn read(answer: &mut AnswerBody, body: &mut Bytes, largest: usize) -> Result<(), Unread> {
    while let Some(frame) = answer.frame().await {
        let Ok(mut chunk) = frame.map_err(Unread::Lost)?.into_data() else { continue };
        let room = largest - body.len();
        let is_too_much = chunk.len() > room;
        chunk.truncate(room);
        if body.is_empty() {
            // Most answers come in one piece, which need not be copied.
            *body = chunk;
        } else {
            let mut whole = BytesMut::from(mem::take(body));
            whole.extend_from_slice(&chunk);
            *body = whole.freeze();
        }
        if is_too_much {
            return Err(Unread::TooLarge);
        }
    }
    Ok(())
}

/// A random number, out of the random part of a version 4 UUID.
fn random() -> u32 {
    let [a, b, c, d, ..] = *uuid::Uuid::new_v4().as_bytes();
    u32::from_be_bytes([a, b, c, d])
}
