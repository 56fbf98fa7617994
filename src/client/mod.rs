//! The Authsignal Server API over HTTP: a client that knows nothing of axum, tower services or flows.
//!
//! [`Client`] is cheap to clone and shares one pool of connections. Every call has one deadline over all its tries, is
//! repeated only where repeating is safe, reads at most 256 KiB of an answer, and never follows a redirect, so the API
//! secret key goes to the configured host and nowhere else.
//!
//! ```no_run
//! use axum_authsignal::Client;
//! use axum_authsignal::client::{ActionState, CustomData, Track};
//!
//! # async fn withdraw() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::from_env()?;
//! let request = Track::new("withdrawal").custom(CustomData::new().with("amount", 100).with("currency", "EUR"));
//! let tracked = client.track("user-1", request).await?;
//! match tracked.state {
//!     ActionState::Allow => { /* carry on */ }
//!     ActionState::ChallengeRequired => { /* send the user to `tracked.url` */ }
//!     _ => { /* refuse: this arm also takes states that are not known yet */ }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What is repeated
//!
//! | what went wrong | which calls are tried again |
//! |---|---|
//! | no connection, so nothing was sent | all |
//! | connection lost; status 500, 502, 503 or 504 | those that are safe to repeat: reads, [`validate_challenge`](Client::validate_challenge), and [`track`](Client::track) under its idempotency key |
//! | status 429 | all, but only when `Retry-After` says when, and that is within the deadline |
//! | everything else | none |
//!
//! At most twice by default, after about 200 and 400 ms (each between half and one and a half times that), and never
//! more than 10 % of the calls of the last ten seconds plus one a second: a service that is down is not held down.
mod actions;
mod answer;
mod authenticators;
mod builder;
mod challenges;
mod custom;
mod error;
mod ids;
#[cfg(feature = "jwks")]
mod offline;
mod path;
mod redact;
mod retry;
mod transport;
mod types;
mod users;

use std::fmt;
use std::sync::Arc;

use secrecy::SecretString;
use url::Url;

use crate::config::ConfigError;
use transport::Transport;

pub use actions::{Action, Crypto, RuleSnapshot, Track, Tracked};
pub use authenticators::{
    AaguidMapping, AuthenticatorAttachment, CredentialDeviceType, EnrollVerified, Enrolled, ParsedUserAgent,
    SmsChannel, UserAgentBrowser, UserAgentCpu, UserAgentDevice, UserAgentEngine, UserAgentOs, UserAuthenticator,
    WebauthnCredential,
};
pub use builder::{ClientBuilder, Region};
pub use challenges::{Validate, Validated};
pub use custom::{CustomData, CustomNumber, CustomValue};
pub use error::{Error, ErrorKind};
pub use ids::{ActionCode, IdempotencyKey, InvalidId, UserId};
#[cfg(feature = "jwks")]
pub use offline::{SessionFault, SessionVerifier, SessionVerifierBuilder, VerifiedSession};
pub use types::{ActionState, ChallengeUrl, Timestamp, Token, VerificationMethod};
pub use users::UserAttributes;

#[cfg(feature = "axum")]
pub(crate) use path::shown;

/// A client of one Authsignal tenant's Server API.
///
/// Clones share the connections and the retry budget. `Debug` shows where the calls go and never the secret.
///
/// # Examples
///
/// ```
/// use axum_authsignal::{Client, Region};
///
/// let client = Client::builder("the-api-secret-key").region(Region::Eu).build()?;
/// assert!(!format!("{client:?}").contains("the-api-secret-key"));
/// # Ok::<(), axum_authsignal::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Client {
    transport: Arc<Transport>,
}

impl Client {
    /// Starts a client that authenticates with `secret`, the Server API secret key of a tenant and region.
    pub fn builder(secret: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(secret.into())
    }

    /// A client with every default, its secret key from `AUTHSIGNAL_API_SECRET_KEY` or else `AUTHSIGNAL_SECRET_KEY`,
    /// its base URL from `AUTHSIGNAL_API_URL` where that is set.
    ///
    /// The names are those of Authsignal's examples and, for the URL, of php `AuthsignalClient.php`. An empty variable
    /// counts as one that is not set.
    ///
    /// # Errors
    ///
    /// [`ConfigError::MissingSecret`] when neither variable is set, and all that [`ClientBuilder::build`] gives.
    pub fn from_env() -> Result<Self, ConfigError> {
        builder::from_vars(|name| std::env::var_os(name))?.build()
    }

    /// The API secret key, from which others may derive keys of their own.
    pub(crate) fn secret(&self) -> &SecretString {
        self.transport.secret()
    }

    /// Where the Server API is, without a trailing slash in its path unless the path is empty.
    pub(crate) fn base_url(&self) -> &Url {
        self.transport.base()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let base = self.base_url().as_str();
        f.debug_struct("Client").field("base_url", &base).field("secret", self.secret()).finish_non_exhaustive()
    }
}
