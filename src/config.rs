use thiserror::Error;

/// A setting that cannot work, found when the client, the handle or a layer is built.
///
/// Nothing in this crate waits for the first request to find out that it is configured wrongly.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// No API secret key was given, or an empty one.
    #[error("no API secret key: give one to `Client::builder`, or set AUTHSIGNAL_API_SECRET_KEY")]
    MissingSecret,
    /// The API secret key holds a character that cannot be part of one.
    #[error("the API secret key holds a control character, a space or a colon")]
    InvalidSecret,
    /// The base URL of the Server API is not one that a secret may be sent to.
    #[error("base URL `{url}` refused: {reason}")]
    BaseUrl {
        /// The URL as it was given, without user name, password and query.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The deadline of a call, or its time to connect, is zero: no call could ever succeed.
    #[error("the deadline of a call and its time to connect have to be longer than zero")]
    ZeroDeadline,
    /// The HTTP client could not be built, which is a fault of the machine (no root certificates, for example).
    #[error("the HTTP client could not be built: {reason}")]
    HttpClient {
        /// What the HTTP client said.
        reason: String,
    },
}
