//! Bytes to the service and back: tries, deadline, limits.
pub(crate) mod answer;
pub(crate) mod call;
pub(crate) mod json;
pub(crate) mod path;
mod redact;
pub(crate) mod retry;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT,
};
use reqwest::redirect;
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, timeout_at};
use tower::retry::budget::{Budget, TpsBudget};
use url::{Host, Url};

use self::call::Call;
use self::redact::Redactor;
use self::retry::{FailedTry, FailureCause};
use crate::config::ConfigError;
use crate::error::Error;
use crate::other::{self, Body};
use crate::secret::SecretKey;
use crate::url::is_loopback;

/// Shorter than the 60 s after which common load balancers hang up: fewer calls meet a connection that is just closing.
const IDLE_TIMEOUT: Duration = Duration::from_secs(45);

/// How long an HTTP/2 connection may be silent while it carries calls, and how long it may take to say that it is there.
const KEEP_ALIVE: Duration = Duration::from_secs(1);

const VERSION: &str = env!("CARGO_PKG_VERSION");
const AGENT: &str = concat!("authsignal-client/", env!("CARGO_PKG_VERSION"));

/// What a transport is made of, all of it checked.
pub(crate) struct Settings {
    /// None for what is public.
    pub(crate) secret: Option<SecretKey>,
    pub(crate) base: Url,
    pub(crate) connect_timeout: Duration,
    pub(crate) deadline: Duration,
    pub(crate) retries: u32,
    pub(crate) http2: bool,
}

pub(crate) struct Transport {
    http: reqwest::Client,
    base: Url,
    /// None where what is asked for is public.
    credentials: Option<Credentials>,
    deadline: Duration,
    retries: u32,
    budget: TpsBudget,
}

/// The secret, and how it goes out.
struct Credentials {
    secret: SecretKey,
    /// The secret as it stands in the `Authorization` header.
    basic: SecretString,
    authorization: HeaderValue,
}

impl Credentials {
    fn new(secret: SecretKey) -> Result<Self, ConfigError> {
        let basic = STANDARD.encode(format!("{}:", secret.expose()));
        let mut authorization =
            HeaderValue::try_from(format!("Basic {basic}")).map_err(|_| ConfigError::InvalidSecret)?;
        authorization.set_sensitive(true);
        Ok(Self { secret, basic: basic.into(), authorization })
    }
}

/// A try that failed, and what that means for the next.
struct Failure {
    error: Error,
    cause: FailureCause,
}

impl Failure {
    fn last(error: Error) -> Self {
        Self { error, cause: FailureCause::Final }
    }
}

struct Response {
    headers: HeaderMap,
    status: u16,
    body: Vec<u8>,
}

/// How long one try waits.
struct Patience<'a> {
    /// The end of the call.
    deadline: Instant,
    /// Until when it waits where another try may follow.
    share: Option<Instant>,
    /// What another try is paid from.
    budget: &'a TpsBudget,
}

/// Why a try no longer waits.
enum Elapsed {
    /// Another try may follow; it has been paid for.
    Share,
    Deadline,
}

impl Patience<'_> {
    /// Waits for `work`. Who may not ask again waits on: giving up would be worse than a late answer.
    async fn wait<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Elapsed> {
        let mut work = pin!(work);
        if let Some(share) = self.share {
            if let Ok(done) = timeout_at(share, &mut work).await {
                return Ok(done);
            }
            if self.budget.withdraw() {
                return Err(Elapsed::Share);
            }
            self.share = None;
        }
        timeout_at(self.deadline, work).await.map_err(|_| Elapsed::Deadline)
    }
}

impl Elapsed {
    fn fail(self, status: Option<u16>) -> Failure {
        let error = Error::timeout();
        let error = if let Some(status) = status { error.with_status(status) } else { error };
        Failure { error, cause: if matches!(self, Self::Share) { FailureCause::Silent } else { FailureCause::Final } }
    }
}

/// One of the ways in which [`answer`] reads a success.
type Read<T> = fn(&HeaderMap, &[u8], &Redactor<'_>) -> Result<T, Error>;

impl Transport {
    pub(crate) fn new(settings: Settings) -> Result<Self, ConfigError> {
        let credentials = settings.secret.map(Credentials::new).transpose()?;
        let headers = [
            (ACCEPT, HeaderValue::from_static("application/json")),
            (USER_AGENT, HeaderValue::from_static(AGENT)),
            (HeaderName::from_static("x-authsignal-version"), HeaderValue::from_static(VERSION)),
        ];
        let secure = settings.base.scheme() == "https";
        let mut http = reqwest::Client::builder()
            .default_headers(HeaderMap::from_iter(headers))
            .redirect(redirect::Policy::none())
            .referer(false)
            // Ours are the only repetitions, so that they are counted and bounded.
            .retry(reqwest::retry::never())
            .connect_timeout(settings.connect_timeout)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .https_only(secure);
        if settings.http2 {
            // One connection carries all tries: without a sign of life it is given up, and the next try makes another.
            http = http.http2_keep_alive_interval(KEEP_ALIVE).http2_keep_alive_timeout(KEEP_ALIVE);
        } else {
            http = http.http1_only();
        }
        let near = is_loopback(&settings.base);
        if !secure {
            // Where no TLS is spoken, a machine needs no certificates of authorities.
            http = http.tls_certs_only([]);
            if !near {
                let host = settings.base.host_str();
                tracing::warn!(
                    host,
                    "the API secret key goes out unencrypted: `dangerous_allow_http_to` is for emulators"
                );
            }
        }
        if near || !secure {
            http = http.no_proxy();
        }
        if let (true, Some(Host::Domain(name))) = (near, settings.base.host()) {
            // A resolver that asks the network might be told another address for `app.localhost` (RFC 6761, section 6.3).
            let this_machine = [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()];
            http = http.resolve_to_addrs(name, &this_machine.map(|ip| SocketAddr::new(ip, 0)));
        }
        let refuse = |error: reqwest::Error| {
            let hint = if secure {
                "; https needs the certificates of authorities (Debian's package `ca-certificates`)"
            } else {
                ""
            };
            ConfigError::HttpClient { reason: format!("{}{hint}", chain(&error)) }
        };
        Ok(Self {
            http: http.build().map_err(refuse)?,
            base: settings.base,
            credentials,
            deadline: settings.deadline,
            retries: settings.retries,
            // A tenth of the calls of the last ten seconds, and one a second for a client that makes few.
            budget: TpsBudget::new(Duration::from_secs(10), 1, 0.1),
        })
    }

    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    /// Asks for what is at `segments`.
    pub(crate) fn get(&self, segments: &[&str]) -> Result<Call<'static>, Error> {
        Ok(Call::new(Method::GET, path::endpoint(&self.base, segments)?))
    }

    /// Deletes what is at `segments`; not safe to repeat unless said so, as all that follow.
    pub(crate) fn delete(&self, segments: &[&str]) -> Result<Call<'static>, Error> {
        Ok(Call::new(Method::DELETE, path::endpoint(&self.base, segments)?))
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
        Ok(Call::new(Method::POST, path::endpoint(&self.base, segments)?))
    }

    fn with_body(&self, method: Method, segments: &[&str], body: &impl Body) -> Result<Call<'static>, Error> {
        let mut call = Call::new(method, path::endpoint(&self.base, segments)?);
        call.body = Some(other::to_json(body)?.into());
        Ok(call)
    }

    /// What cuts the secrets of this client and of `call` out of a text.
    pub(crate) fn redactor<'a>(&'a self, call: &'a Call<'_>) -> Redactor<'a> {
        let own = self.credentials.iter();
        let own = own.flat_map(|credentials| [credentials.secret.expose(), credentials.basic.expose_secret()]);
        Redactor::new(own.chain(call.carries.iter().map(AsRef::as_ref)))
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
        loop {
            let now = Instant::now();
            let left = deadline.saturating_duration_since(now);
            let share = retry::share(call.repeat, repeated, self.retries, left).map(|share| now + share);
            let patience = Patience { deadline, share, budget: &self.budget };
            let Failure { error, cause } = match self.attempt(call, patience).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let failed = FailedTry {
                cause,
                repeat: call.repeat,
                repeated,
                retries: self.retries,
                retry_after: error.retry_after(),
                left: deadline.saturating_duration_since(Instant::now()),
            };
            let paid = cause == FailureCause::Silent;
            let Some(pause) = retry::pause(failed, random()).filter(|_| paid || self.budget.withdraw()) else {
                return Err(error);
            };
            repeated += 1;
            tracing::debug!(%error, repeated, ?pause, "authsignal call is repeated");
            sleep(pause).await;
        }
    }

    async fn attempt(&self, call: &Call<'_>, mut patience: Patience<'_>) -> Result<Response, Failure> {
        let mut request = self.http.request(call.method.clone(), call.url.clone());
        if let Some(credentials) = self.credentials.as_ref().filter(|_| !call.anonymous) {
            request = request.header(AUTHORIZATION, &credentials.authorization);
        }
        match &call.body {
            Some(body) => request = request.header(CONTENT_TYPE, "application/json").body(body.clone()),
            // Some gateways refuse a post that doesn't say that it is empty (RFC 9110, section 8.6).
            None if call.method == Method::POST => request = request.header(CONTENT_LENGTH, "0"),
            None => {}
        }
        let mut response = match patience.wait(request.send()).await {
            Err(elapsed) => return Err(elapsed.fail(None)),
            Ok(Err(error)) => return Err(unanswered(error)),
            Ok(Ok(response)) => response,
        };
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let largest = call.max_bytes;
        let success = (200..=299).contains(&status);
        if success && response.content_length().is_some_and(|length| length > largest as u64) {
            return Err(Failure::last(Error::too_large().with_status(status)));
        }
        let mut body = Vec::new();
        if !success {
            // However its body goes, this status is the answer: it must not turn into a kind that excuses more.
            let until = patience.share.unwrap_or(patience.deadline);
            _ = timeout_at(until, read(&mut response, &mut body, largest)).await;
            let error = answer::refusal(status, &headers, &body, &self.redactor(call));
            return Err(Failure { error, cause: FailureCause::Status(status) });
        }
        match patience.wait(read(&mut response, &mut body, largest)).await {
            Ok(Ok(())) => Ok(Response { headers, status, body }),
            Ok(Err(Unread::TooLarge)) => Err(Failure::last(Error::too_large().with_status(status))),
            Ok(Err(Unread::Lost(error))) => {
                let excerpt = self.redactor(call).withholding(call.confidential).excerpt(&body);
                let error = Error::malformed("it is cut short").with_source(error.without_url());
                Err(Failure { error: error.with_status(status).with_excerpt(excerpt), cause: FailureCause::Lost })
            }
            Err(elapsed) => Err(elapsed.fail(Some(status))),
        }
    }
}

/// Why a body was not read to its end.
enum Unread {
    TooLarge,
    Lost(reqwest::Error),
}

/// Reads at most `largest` bytes, counted as they come: a length that is declared may be a lie.
async fn read(response: &mut reqwest::Response, body: &mut Vec<u8>, largest: usize) -> Result<(), Unread> {
    while let Some(chunk) = response.chunk().await.map_err(Unread::Lost)? {
        let room = largest - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            return Err(Unread::TooLarge);
        }
    }
    Ok(())
}

/// A try that brought no answer.
fn unanswered(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    if error.is_connect() {
        return Failure { error: Error::connect().with_source(error), cause: FailureCause::Unsent };
    }
    if error.is_builder() {
        return Failure::last(Error::invalid_input("invalid http request").with_source(error));
    }
    Failure { error: Error::interrupted().with_source(error), cause: FailureCause::Lost }
}

/// An error and its sources in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// A random number, out of the random part of a version 4 UUID.
fn random() -> u32 {
    let [a, b, c, d, ..] = *uuid::Uuid::new_v4().as_bytes();
    u32::from_be_bytes([a, b, c, d])
}
