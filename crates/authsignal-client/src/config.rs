//! What is wrong with a setting.
use thiserror::Error;

/// A setting that cannot work, found when a client, a verifier of sessions or a receiver of webhooks is built.
///
/// Nothing here waits for the first call to find out that it is configured wrongly.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// No API secret key was given, or an empty one.
    #[error("missing API secret key: give one to `Client::builder`, or set AUTHSIGNAL_API_SECRET_KEY")]
    MissingSecret,
    /// The API secret key holds a character that cannot be part of one.
    #[error("invalid API secret key: it holds a control character, white space or a colon")]
    InvalidSecret,
    /// The base URL of the Server API is not one that a secret may be sent to.
    #[error("invalid base URL `{url}`: {reason}")]
    #[non_exhaustive]
    BaseUrl {
        /// The URL as it was given, without user name, password and query.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// What `dangerous_allow_http_to` was given, or AUTHSIGNAL_DANGEROUSLY_ALLOW_HTTP_TO, names no host.
    #[error("invalid host for plain http `{host}`: give a host name or an IP address alone, such as `emulator`")]
    #[non_exhaustive]
    HttpHost {
        /// The host as it was given.
        host: String,
    },
    /// The deadline of a call, or its time to connect, is zero: no call could ever succeed.
    #[error("invalid deadline: a call and its time to connect need more than zero")]
    ZeroDeadline,
    /// The time after which a slow call is sent a second time is zero, or not less than the deadline: each call would be sent
    /// twice, or none.
    #[error("invalid hedge delay: `hedge_after` takes more than zero and less than the deadline")]
    HedgeDelay,
    /// The HTTP client could not be built, which is a fault of the machine: for `https` it needs the certificates of
    /// authorities, which slim images leave out (Debian has them in the package `ca-certificates`).
    #[error("cannot build the HTTP client: {reason}")]
    #[non_exhaustive]
    HttpClient {
        /// What the HTTP client said.
        reason: String,
    },
    /// This crate was built without an HTTP client of its own, and nothing else was given to send requests through.
    #[error("missing transport: turn on the feature `reqwest` or `hyper`, or give one to `ClientBuilder::transport`")]
    MissingTransport,
    /// No app client was named whose sessions are to be taken, or an empty one.
    #[error("missing app clients: name those whose sessions are taken in `SessionVerifierBuilder::client_ids`")]
    MissingClientIds,
    /// The id of a tenant cannot be one.
    #[error("invalid tenant id `{tenant_id}`: it cannot be part of a URL")]
    #[non_exhaustive]
    TenantId {
        /// The id as it was given.
        tenant_id: String,
    },
}
