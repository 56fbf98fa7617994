//! Builds the handle, and checks every setting while it does.
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use authsignal_client::{Client, Clock};
use http::request::Parts;
use secrecy::{SecretSlice, SecretString};

use super::Authsignal;
use crate::audit::sink::ErasedSink;
use crate::budget::Allowance;
use crate::decided::Listeners;
use crate::domain::breaker::BreakerLimit;
use crate::domain::failover::budget::FailoverLimit;
use crate::domain::flow::PENDING;
use crate::domain::waiting::Room;
use crate::outbox::MAX_WAITING;
use crate::request::identify::{AnyIdentify, Extracting, FromParts, Identify, IdentifyFn, User};
use crate::request::signals::IpSource;
use crate::response::answer::{Answer, Responder};
use crate::response::brand::BrandSettings;
use crate::response::language::Language;
use crate::store::{AnyStore, Store, TIMEOUT};
use crate::upstream::MAX_UPSTREAM_CALLS;

/// The time that budgets are for, by default.
const BUDGET_TIME: Duration = Duration::from_secs(10 * 60);
/// How often Authsignal is asked about tokens for one challenge, by default.
const VALIDATE_BUDGET: u32 = 10;
/// How many flows of one user and session wait for their proof, and how many bytes, by default.
const PENDING_FLOWS: usize = 32;
const PENDING_BYTES: u64 = 256 * 1024;
/// The fewest bytes of a master secret.
const MIN_SECRET: usize = 32;
/// The most bytes of a body that an approval covers, by default.
const BODY_LIMIT: usize = 64 * 1024;

/// Builds an [`Authsignal`](crate::Authsignal). Wrong settings are reported by [`build`](Self::build), never by a request.
#[must_use = "a builder does nothing until it is built"]
pub struct AuthsignalBuilder {
    client: Client,
    listeners: Listeners,
    audit: Option<(Arc<dyn ErasedSink>, SecretSlice<u8>)>,
    callback_url: Option<String>,
    public_prefix: Option<String>,
    /// Other names, each with a callback URL of its own or none.
    names: Vec<(String, Option<String>)>,
    page_origins: Vec<String>,
    identify: Option<AnyIdentify>,
    responder: Option<Arc<dyn Responder>>,
    brand: BrandSettings,
    languages: Vec<Arc<dyn Language>>,
    store: Option<AnyStore>,
    store_timeout: Duration,
    challenge_budget: Allowance,
    refusal_budget: Allowance,
    validate_budget: u32,
    pending_flow_budget: Room,
    breaker: Option<BreakerLimit>,
    max_upstream_calls: usize,
    max_observed: usize,
    failover_budget: FailoverLimit,
    secret: Option<SecretSlice<u8>>,
    older_secrets: Vec<SecretSlice<u8>>,
    older_api_keys: Vec<SecretString>,
    tenant_id: Option<String>,
    insecure_cookies: bool,
    challenge_hosts: Vec<String>,
    ip_source: IpSource,
    custom_domain: Option<String>,
    bearer: bool,
    bearer_callback_url: Option<String>,
    body_limit: usize,
    challenge_ttl: Duration,
    home: String,
    clock: Clock,
    /// Whether a script of a test's decides, which no release build takes (threat T103).
    pub(crate) is_refused_in_release: bool,
}

impl fmt::Debug for AuthsignalBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthsignalBuilder").field("callback_url", &self.callback_url).finish_non_exhaustive()
    }
}

impl Authsignal {
    /// Begins a handle on the service behind `client`.
    pub fn builder(client: Client) -> AuthsignalBuilder {
        AuthsignalBuilder::new(client)
    }
}

impl AuthsignalBuilder {
    pub(crate) fn new(client: Client) -> Self {
        Self {
            client,
            listeners: Listeners::default(),
            audit: None,
            callback_url: None,
            public_prefix: None,
            names: Vec::new(),
            page_origins: Vec::new(),
            identify: None,
            responder: None,
            brand: BrandSettings::default(),
            languages: Vec::new(),
            store: None,
            store_timeout: TIMEOUT,
            challenge_budget: Allowance::new(5, BUDGET_TIME),
            refusal_budget: Allowance::new(5, BUDGET_TIME),
            validate_budget: VALIDATE_BUDGET,
            pending_flow_budget: Room::new(PENDING_FLOWS, PENDING_BYTES),
            breaker: Some(BreakerLimit::default()),
            max_upstream_calls: MAX_UPSTREAM_CALLS,
            max_observed: MAX_WAITING,
            failover_budget: FailoverLimit::default(),
            secret: None,
            older_secrets: Vec::new(),
            older_api_keys: Vec::new(),
            tenant_id: None,
            insecure_cookies: false,
            challenge_hosts: Vec::new(),
            ip_source: IpSource::default(),
            custom_domain: None,
            bearer: false,
            bearer_callback_url: None,
            body_limit: BODY_LIMIT,
            challenge_ttl: PENDING,
            home: "/".to_owned(),
            clock: Clock::system(),
            is_refused_in_release: false,
        }
    }

    /// The address of the callback as the user's browser reaches it: `https`, or `http` on loopback. Required.
    ///
    /// It says where we are; what a request's `Host` says makes no address of ours (threat T9).
    pub fn callback_url(mut self, url: impl Into<String>) -> Self {
        self.callback_url = Some(url.into());
        self
    }

    /// The prefix that a proxy takes from each path before it hands a request on, such as `/app`: browsers ask for
    /// `/app/card`, and `/card` is what arrives. Default: none.
    ///
    /// The callback URL is the public one and begins with it, while [`routes`](crate::Authsignal::routes) serves the
    /// callback at the path that arrives. [`home`](Self::home) is given without it, as the application's other paths are.
    /// If the proxy hands the path on as it is, leave this out: then what browsers ask for is what arrives.
    pub fn public_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.public_prefix = Some(prefix.into());
        self
    }

    /// Another name under which browsers reach the application, such as `www.example.com`: whoever asks for a guarded page
    /// there is led to the same page on the host of the [callback URL](Self::callback_url), before Authsignal is asked, and
    /// anything else that is sent there is refused with 403 and told where to go. A challenge that is begun on one host
    /// cannot end on another, since browsers keep their cookies apart. May be given several times. Default: none.
    ///
    /// The name may carry a port, and then means that one alone. It is compared with what requests say of where they were
    /// sent (`Host`, or the authority of HTTP/2); names that are not given change nothing, apart from a warning.
    pub fn also_at(mut self, host: impl Into<String>) -> Self {
        self.names.push((host.into(), None));
        self
    }

    /// Another name under which browsers reach the application, with a callback URL of its own, such as that of a preview:
    /// who is challenged there comes back there, and what they approve counts there alone. The URL is as for
    /// [`callback_url`](Self::callback_url); the name is as for [`also_at`](Self::also_at), and may be another than the
    /// URL's where a proxy rewrites it. May be given several times. Default: none.
    pub fn callback_url_at(mut self, host: impl Into<String>, url: impl Into<String>) -> Self {
        self.names.push((host.into(), Some(url.into())));
        self
    }

    /// An origin of the application's pages, such as `https://app.example.com`, where it is not the callback's: an API that
    /// stands on another origin than the pages that call it. May be given several times. Default: none.
    ///
    /// Afterwards users are led back to the page that made the call, and what a page of such an origin sends counts as
    /// sent by the application itself. A browser says which page it was where the page's `Referrer-Policy` lets it;
    /// across origins that is the origin alone by default, whose root the user is then led to. With
    /// `Referrer-Policy: no-referrer-when-downgrade` it is the page.
    pub fn page_origin(mut self, origin: impl Into<String>) -> Self {
        self.page_origins.push(origin.into());
        self
    }

    /// Tells who is asking, with an async closure over one to eight axum extractors. Required, in this form or one of
    /// the next three.
    ///
    /// The closure gives a [`User`], an `Option` of one (`None`: nobody is signed in, which is answered with 401), or a
    /// `Result` of either whose error answers the request. An extractor's own rejection is returned as it is.
    pub fn identify<F, T>(self, closure: F) -> Self
    where
        F: IdentifyFn<(), T>,
        T: 'static,
    {
        self.identify_with_state((), closure)
    }

    /// As [`identify`](Self::identify), for extractors that need the router's state.
    ///
    /// # Examples
    ///
    /// ```
    /// # use axum::extract::State;
    /// # use axum_authsignal::{Authsignal, Client, User};
    /// #[derive(Clone)]
    /// struct App { signed_in: Option<String> }
    ///
    /// # fn main() -> Result<(), axum_authsignal::ConfigError> {
    /// let app = App { signed_in: Some("ada".into()) };
    /// let authsignal = Authsignal::builder(Client::builder("the-api-secret-key").build()?)
    ///     .callback_url("https://app.example.com/authsignal/callback")
    ///     .identify_with_state(app.clone(), |State(app): State<App>| async move { app.signed_in.map(User::new) })
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn identify_with_state<F, S, T>(self, state: S, closure: F) -> Self
    where
        F: IdentifyFn<S, T>,
        S: Send + Sync + 'static,
        T: 'static,
    {
        self.identify_with(Extracting::new(closure, state))
    }

    /// Tells who is asking from the parts of the request alone, for services without axum's extractors.
    pub fn identify_parts<F>(self, closure: F) -> Self
    where
        F: Fn(&Parts) -> Option<User> + Send + Sync + 'static,
    {
        self.identify_with(FromParts(closure))
    }

    /// Tells who is asking by a type of your own.
    pub fn identify_with(mut self, identify: impl Identify) -> Self {
        self.identify = Some(AnyIdentify::new(identify));
        self
    }

    /// Where flows are kept. Default: a [`MemoryStore`](crate::store::MemoryStore), which one node can live with and several cannot share.
    /// For those there are [`authsignal-store-redis`](https://docs.rs/authsignal-store-redis) and
    /// [`authsignal-store-sqlx`](https://docs.rs/authsignal-store-sqlx).
    pub fn store(mut self, store: impl Store) -> Self {
        self.store = Some(AnyStore::new(store));
        self
    }

    /// How long the store may take over one call: between 10 milliseconds and 30 seconds. What is outside counts as the
    /// nearer end. A call that takes longer is given up, and what needed it is an outage
    /// ([`Outage::Store`](crate::Outage::Store)). Default: 250 milliseconds.
    pub fn store_timeout(mut self, timeout: Duration) -> Self {
        self.store_timeout = timeout.clamp(Duration::from_millis(10), Duration::from_secs(30));
        self
    }

    /// Sets the cookie without `Secure` and without its `__Host-` name, for plain HTTP on loopback only: some browsers
    /// drop `Secure` cookies there. With any other callback URL [`build`](Self::build) refuses it. Default: off.
    pub fn with_insecure_cookies(mut self) -> Self {
        self.insecure_cookies = true;
        self
    }

    /// Also sends users to challenges on this host, a custom domain of your tenant. May be given several times.
    /// Default: `authsignal.com` and its subdomains, and where the client's own base URL is, on this
    /// machine by whatever name (the emulator), or on the host that
    /// [`ClientBuilder::dangerous_allow_http_to`](authsignal_client::ClientBuilder::dangerous_allow_http_to) names. A challenge
    /// on any other host is refused with 502, and the host is in the log.
    pub fn challenge_host(mut self, host: impl Into<String>) -> Self {
        self.challenge_hosts.push(host.into());
        self
    }

    /// Where the client's address is read from. Default: [`IpSource::Peer`].
    ///
    /// Behind a proxy the peer is the proxy, and rules about addresses see one address for everybody. An address that is missing
    /// or cannot be read is said in the log, once for each of the two.
    pub fn ip_source(mut self, source: IpSource) -> Self {
        self.ip_source = source;
        self
    }

    /// Asks for challenges on this host, one of your tenant's active custom domains, and trusts it as
    /// [`challenge_host`](Self::challenge_host) does. Default: the tenant's own choice.
    pub fn custom_domain(mut self, host: impl Into<String>) -> Self {
        let host = host.into();
        self.challenge_hosts.push(host.clone());
        self.custom_domain = Some(host);
        self
    }

    /// The longest body, in bytes, that an approval covers. A longer one is refused with 413 where it would have to be
    /// challenged, and passes untouched where it is allowed. Default: 65,536.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// How long a challenge waits for its proof: between 1 and 60 minutes, no longer than the tokens of your tenant live
    /// (`tokenDurationInMinutes`). What is outside counts as the nearer end. Default: 10 minutes, as the service's.
    pub fn challenge_ttl(mut self, life: Duration) -> Self {
        self.challenge_ttl = life.clamp(Duration::from_secs(60), Duration::from_secs(60 * 60));
        self
    }

    /// Where "cancel" and "continue" lead when there is nowhere better: a path of the application, and not the
    /// callback's. Default: `/`. Where it is not there, an application with [`browser_layer`](crate::Authsignal::browser_layer)
    /// is told in the log, once somebody is led to it.
    pub fn home(mut self, path: impl Into<String>) -> Self {
        self.home = path.into();
        self
    }

    /// How challenges, refusals and pages look: a closure that gets the request's parts and the [`Answer`], and gives a
    /// response, or `None` for the usual one. Default: the usual ones.
    ///
    /// The cookie, the headers against caching and leaking, and the typed [`Refusal`](crate::Refusal) are added to
    /// whatever it gives. A [page](Answer::Page) gets besides what keeps it from being framed or moved:
    /// `Content-Security-Policy: base-uri 'none'; object-src 'none'; frame-ancestors 'none'` beside the policy that it brings
    /// itself, since browsers enforce both. What else it loads and runs is its own affair. It is not asked about a [prefetch](crate::RefusalReason::Prefetch), whose answer nobody reads.
    ///
    /// # Examples
    ///
    /// Whoever is not signed in is sent to the sign-in page:
    ///
    /// ```
    /// use axum::http::{Response, StatusCode, header};
    /// use axum_authsignal::{Answer, Authsignal, Client, RefusalReason};
    ///
    /// # fn example() -> Result<(), axum_authsignal::ConfigError> {
    /// let builder = Authsignal::builder(Client::from_env()?).respond(|_parts, answer| {
    ///     let Answer::Refusal(refusal) = answer else { return None };
    ///     if *refusal.reason() != RefusalReason::Unauthenticated {
    ///         return None;
    ///     }
    ///     let response = Response::builder().status(StatusCode::SEE_OTHER).header(header::LOCATION, "/sign-in");
    ///     response.body(bytes::Bytes::new()).ok()
    /// });
    /// # Ok(())
    /// # }
    /// ```
    pub fn respond<F>(self, closure: F) -> Self
    where
        F: Fn(&Parts, &Answer<'_>) -> Option<http::Response<bytes::Bytes>> + Send + Sync + 'static,
    {
        self.respond_with(closure)
    }

    /// How challenges and refusals look, by a type of your own.
    pub fn respond_with(mut self, responder: impl Responder) -> Self {
        self.responder = Some(Arc::new(responder));
        self
    }

    /// Takes the time from `clock`, for tests that move it. Default: the system's clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }
}

mod brand;
mod budgets;
mod build;
mod keys;
mod listeners;
mod programs;
mod upstream_limits;
