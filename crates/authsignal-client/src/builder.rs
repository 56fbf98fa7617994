//! What a client is told before it is built, by the program or by its environment.
mod carrier;

use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use url::Host;

use crate::client::Client;
use crate::config::ConfigError;
use crate::secret::{SecretKey, secret_from_vars};
use crate::transport::Transport;
use crate::transport::path;
use crate::transport::settings::{Carrier, HttpVersion, Settings};
use crate::url::redacted_url;

/// The longest deadline that is kept; a longer one is shortened to it. Without a bound the sum with "now" overflows.
const MAX_DEADLINE: Duration = Duration::from_secs(24 * 60 * 60);

/// Where Authsignal keeps a tenant (API reference, regions, which has four base URLs; the fifth has one source).
///
/// A secret key belongs to one region; in another it is refused with 401.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Region {
    /// United States, Oregon: `https://api.authsignal.com/v1`.
    #[default]
    Us,
    /// Australia, Sydney: `https://au.api.authsignal.com/v1`.
    Au,
    /// Europe, Dublin: `https://eu.api.authsignal.com/v1`.
    Eu,
    /// Canada, Montreal: `https://ca.api.authsignal.com/v1`.
    Ca,
    /// United Kingdom: `https://uk.api.authsignal.com/v1`. One source: the README of the flows SDK for React Native (read on
    /// 2026-11-27). Neither the API reference nor a server SDK has it.
    Uk,
}

impl Region {
    pub(crate) const fn base_url(self) -> &'static str {
        match self {
            Self::Us => "https://api.authsignal.com/v1",
            Self::Au => "https://au.api.authsignal.com/v1",
            Self::Eu => "https://eu.api.authsignal.com/v1",
            Self::Ca => "https://ca.api.authsignal.com/v1",
            Self::Uk => "https://uk.api.authsignal.com/v1",
        }
    }
}

impl Client {
    /// Starts a client that authenticates with `secret`, the Server API secret key of a tenant and region.
    pub fn builder(secret: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(secret.into())
    }

    /// A client with every default, its secret key from `AUTHSIGNAL_API_SECRET_KEY` or else `AUTHSIGNAL_SECRET_KEY`,
    /// its base URL from `AUTHSIGNAL_API_URL` where that is set.
    ///
    /// `AUTHSIGNAL_DANGEROUSLY_ALLOW_HTTP_TO=emulator` opens `http` to the host of an emulator, as
    /// [`ClientBuilder::dangerous_allow_http_to`] does.
    ///
    /// The names are those of Authsignal's examples and, for the URL, of php `AuthsignalClient.php`. An empty variable
    /// counts as one that is not set.
    ///
    /// # Errors
    ///
    /// [`ConfigError::MissingSecret`] when neither variable is set, and all that [`ClientBuilder::build`] gives.
    pub fn from_env() -> Result<Self, ConfigError> {
        from_vars(|name| std::env::var_os(name))?.build()
    }
}

/// Builds a [`Client`]; made by [`Client::builder`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use authsignal_client::{Client, Region};
///
/// let client = Client::builder("the-api-secret-key")
///     .region(Region::Au)
///     .deadline(Duration::from_secs(3))
///     .retries(1)
///     .build()?;
/// # Ok::<(), authsignal_client::ConfigError>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct ClientBuilder {
    secret: SecretString,
    region: Region,
    base_url: Option<String>,
    http_host: Option<String>,
    connect_timeout: Duration,
    deadline: Duration,
    retries: u32,
    hedge_after: Option<Duration>,
    http: HttpVersion,
    carrier: Carrier,
}

impl ClientBuilder {
    pub(crate) fn new(secret: String) -> Self {
        Self {
            secret: secret.into(),
            region: Region::default(),
            base_url: None,
            http_host: None,
            connect_timeout: Duration::from_secs(1),
            deadline: Duration::from_secs(5),
            retries: 2,
            hedge_after: None,
            http: HttpVersion::default(),
            carrier: Carrier::default(),
        }
    }

    /// The region of the tenant. Default: [`Region::Us`].
    pub fn region(mut self, region: Region) -> Self {
        self.region = region;
        self
    }

    /// The base URL of the Server API, version included, in place of the region's: `https://…/v1`.
    ///
    /// It has to be `https`, or `http` on this machine (`localhost` and names below it, `127.0.0.0/8`, `[::1]`), with neither
    /// user name, password, query nor fragment. Trailing slashes are taken off. Names of this machine are not looked up:
    /// they are `127.0.0.1` and `[::1]`. Default: the region's.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// Also takes a base URL of `http` on this one host, which is not this machine: that of an emulator in a network of
    /// containers, `emulator` for `http://emulator:4000/v1`. Default: none.
    ///
    /// # Danger
    ///
    /// The secret key and every answer are readable, and can be changed, by whoever is on the way. A host that somebody else may
    /// answer for is nothing to name here. It is logged as a warning whenever such a client is built.
    ///
    /// The layer takes challenges of such a client on the same host, by `http`, and on this machine, whatever the port:
    /// that is where browsers reach a container whose port is published.
    ///
    /// # Examples
    ///
    /// ```
    /// use authsignal_client::Client;
    ///
    /// let client = Client::builder("any-key").base_url("http://emulator:4000/v1").dangerous_allow_http_to("emulator").build()?;
    /// assert!(Client::builder("any-key").base_url("http://emulator:4000/v1").build().is_err());
    /// # Ok::<(), authsignal_client::ConfigError>(())
    /// ```
    pub fn dangerous_allow_http_to(mut self, host: impl Into<String>) -> Self {
        self.http_host = Some(host.into());
        self
    }

    /// How long one try may take to connect, TLS included. Default: 1 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long one call may take in all: every try, every pause between tries, the body included. Default: 5 s, at
    /// most a day.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How many times a call is repeated after its first try, where repeating is safe (see
    /// [the table](crate#what-is-repeated)). Default: 2; 0 turns repeating off.
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// After how long without an answer [`get_action`](Client::get_action) and [`validate_challenge`](Client::validate_challenge)
    /// are sent a second time, beside the first: whichever is answered first counts, and the other is dropped. Where few answers
    /// are slow, hardly any call waits for one. Something above the time that most answers take, such as 200 ms. Default: off.
    ///
    /// Each second sending is paid from the budget that [repetitions](crate#what-is-repeated) have, so that a service which is slow to
    /// everybody gets at most 10 % more calls, and one a second. The deadline is the same. A failure that would be repeated leaves the
    /// call to the other sending; any other answer counts, also one that refuses.
    ///
    /// Nothing else is sent twice at once: what two at once under one idempotency key do is not documented, so
    /// [`track`](Client::track) never is. Of `POST /validate` neither the API reference nor an SDK says that a token is good only
    /// once; that it may be asked about twice is an assumption. Were it wrong, a token could be found not valid, and the user would
    /// prove themselves again; none could be found valid that is not.
    pub fn hedge_after(mut self, delay: Duration) -> Self {
        self.hedge_after = Some(delay);
        self
    }

    /// Builds the client. Nothing is sent.
    ///
    /// # Errors
    ///
    /// - [`ConfigError::MissingSecret`] and [`ConfigError::InvalidSecret`]: the secret key is empty, or cannot be one.
    /// - [`ConfigError::BaseUrl`]: the base URL is not one that the secret may be sent to.
    /// - [`ConfigError::HttpHost`]: what [`dangerous_allow_http_to`](Self::dangerous_allow_http_to) was given is no host.
    /// - [`ConfigError::ZeroDeadline`]: the deadline or the time to connect is zero.
    /// - [`ConfigError::HedgeDelay`]: what [`hedge_after`](Self::hedge_after) was given is zero, or not less than the deadline.
    /// - [`ConfigError::HttpClient`]: no HTTP client can be made on this machine.
    /// - [`ConfigError::MissingTransport`]: the crate was built without an HTTP client, and no
    ///   [`transport`](Self::transport) was given.
    pub fn build(self) -> Result<Client, ConfigError> {
        let base = self.region.base_url();
        let (transport, secret) = self.connect(base)?;
        Ok(Client { transport: Arc::new(transport), secret })
    }

    /// What every client of the service's is built of; `base` is where its calls go unless that was set.
    pub(crate) fn connect(self, base: &str) -> Result<(Transport, SecretKey), ConfigError> {
        let secret = SecretKey::new(self.secret.expose_secret())?;
        let http_host = self.http_host.as_deref().map(http_host).transpose()?;
        let base = path::base_url(self.base_url.as_deref().unwrap_or(base), http_host.as_ref())?;
        if self.deadline.is_zero() || self.connect_timeout.is_zero() {
            return Err(ConfigError::ZeroDeadline);
        }
        if self.hedge_after.is_some_and(|delay| delay.is_zero() || delay >= self.deadline) {
            return Err(ConfigError::HedgeDelay);
        }
        let transport = Transport::new(Settings {
            secret: Some(secret.clone()),
            base,
            connect_timeout: self.connect_timeout.min(MAX_DEADLINE),
            deadline: self.deadline.min(MAX_DEADLINE),
            retries: self.retries,
            hedge_after: self.hedge_after,
            http: self.http,
            carrier: self.carrier,
        })?;
        Ok((transport, secret))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("secret", &self.secret)
            .field("region", &self.region)
            .field("base_url", &self.base_url.as_deref().map(redacted_url))
            .field("http_host", &self.http_host)
            .field("connect_timeout", &self.connect_timeout)
            .field("deadline", &self.deadline)
            .field("retries", &self.retries)
            .field("hedge_after", &self.hedge_after)
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}

/// The host that a client may speak plain http to.
pub(crate) fn http_host(text: &str) -> Result<Host, ConfigError> {
    let refused = || ConfigError::HttpHost { host: redacted_url(text) };
    // A URL, a list or a port is not what was asked for, and must not open something else than was meant.
    match Host::parse(text).map_err(|_| refused())? {
        Host::Domain(name) if name.is_empty() || name.contains(['*', ',']) => Err(refused()),
        host => Ok(host),
    }
}

/// What [`Client::from_env`] does, with the environment as an argument.
pub(crate) fn from_vars(read: impl Fn(&str) -> Option<OsString>) -> Result<ClientBuilder, ConfigError> {
    let mut builder = ClientBuilder::new(secret_from_vars(&read)?);
    let set = |name: &str| read(name).filter(|value| !value.is_empty());
    if let Some(url) = set("AUTHSIGNAL_API_URL") {
        builder = builder.base_url(url.into_string().map_err(|url| ConfigError::BaseUrl {
            url: redacted_url(&url.to_string_lossy()),
            reason: "it is not valid UTF-8",
        })?);
    }
    if let Some(host) = set("AUTHSIGNAL_DANGEROUSLY_ALLOW_HTTP_TO") {
        // What is not UTF-8 is no host, and `build` says so.
        builder = builder.dangerous_allow_http_to(host.to_string_lossy());
    }
    Ok(builder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vars(set: &[(&str, &str)]) -> Result<Client, ConfigError> {
        from_vars(|name| set.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into()))?.build()
    }

    #[test]
    fn environment() {
        let base = |set: &[(&str, &str)]| vars(set).map(|client| client.base_url().to_string());
        let us = Ok("https://api.authsignal.com/v1".to_owned());
        assert_eq!(base(&[("AUTHSIGNAL_API_SECRET_KEY", "s")]), us);
        assert_eq!(base(&[("AUTHSIGNAL_SECRET_KEY", "s"), ("AUTHSIGNAL_API_URL", "")]), us);
        assert_eq!(base(&[]), Err(ConfigError::MissingSecret));
        assert_eq!(base(&[("AUTHSIGNAL_API_SECRET_KEY", "")]), Err(ConfigError::MissingSecret));
        let local = [("AUTHSIGNAL_API_SECRET_KEY", "s"), ("AUTHSIGNAL_API_URL", "http://127.0.0.1:9000/v1/")];
        assert_eq!(base(&local), Ok("http://127.0.0.1:9000/v1".to_owned()));
        let emulator = [("AUTHSIGNAL_API_SECRET_KEY", "s"), ("AUTHSIGNAL_API_URL", "http://emulator:4000/v1")];
        assert!(matches!(base(&emulator), Err(ConfigError::BaseUrl { .. })));
        let opened = |host| base(&[&emulator[..], &[("AUTHSIGNAL_DANGEROUSLY_ALLOW_HTTP_TO", host)]].concat());
        assert_eq!(opened("emulator"), Ok("http://emulator:4000/v1".to_owned()));
        assert!(matches!(opened(""), Err(ConfigError::BaseUrl { .. })), "an empty variable is none");
        assert!(matches!(opened("another"), Err(ConfigError::BaseUrl { .. })));
        for host in ["http://emulator", "emulator:4000", "emulator,another", "*", "emulator/", "a b", "1", "true/"] {
            let built = opened(host);
            assert!(
                matches!(built, Err(ConfigError::HttpHost { .. } | ConfigError::BaseUrl { .. })),
                "{host} {built:?}"
            );
        }
        let both = vars(&[("AUTHSIGNAL_SECRET_KEY", "old"), ("AUTHSIGNAL_API_SECRET_KEY", "new")]).unwrap();
        assert_eq!(both.secret.expose(), "new");
    }

    #[test]
    fn no_time_at_all_is_refused() {
        let zero = Duration::ZERO;
        assert_eq!(Client::builder("s").deadline(zero).build().unwrap_err(), ConfigError::ZeroDeadline);
        assert_eq!(Client::builder("s").connect_timeout(zero).build().unwrap_err(), ConfigError::ZeroDeadline);
        for (delay, expected) in [(0, false), (1, true), (2999, true), (3000, false)] {
            let builder = Client::builder("s").deadline(Duration::from_secs(3));
            let built = builder.hedge_after(Duration::from_millis(delay)).build().map(drop);
            assert_eq!(built, if expected { Ok(()) } else { Err(ConfigError::HedgeDelay) }, "{delay} ms");
        }
        assert!(Client::builder("s").deadline(Duration::MAX).connect_timeout(Duration::MAX).build().is_ok());
    }

    /// T97
    #[test]
    fn debug_shows_no_secret() {
        let builder =
            Client::builder("canary-secret").base_url("https://user:canary-secret@example.com/v1?k=canary-secret");
        assert!(!format!("{builder:?}").contains("canary"), "{builder:?}");
        let error = builder.build().unwrap_err();
        assert!(!format!("{error:?} {error}").contains("canary"), "{error:?}");
        let client = Client::builder("canary-secret").build().unwrap();
        assert!(!format!("{client:?} {client:#?}").contains("canary"), "{client:?}");
    }
}
