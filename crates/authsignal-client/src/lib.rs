//! The Authsignal Server API over HTTP, Call Connect and webhooks: a client that knows nothing of axum, tower services or
//! flows.
//!
//! [`Client`] is cheap to clone and shares one pool of connections. Every call has one deadline over all its tries, is
//! repeated only where repeating is safe, reads at most 256 KiB of an answer, 4 MiB where it lists things, and
//! never follows a redirect, so the API secret key goes to the configured host and nowhere else.
//!
//! Requests are small types with a short form: `client.track("user-1", "withdrawal")` is all of it, where nothing more
//! is to be said, and `client.track("user-1", Track::new("withdrawal").locale("en-NZ"))` says more. Members of answers
//! are there where the service always sends them, and `Option` otherwise; values that this version does not know are
//! kept, in the `Unknown` of each enum, and so are members, in `other`.
//!
//! ```no_run
//! use authsignal_client::{ActionState, Client, CustomData, Track};
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
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `reqwest` | yes | an HTTP client: proxies of the environment, the platform's root certificates |
//! | `hyper` | no | a leaner one, without proxies: `ClientBuilder::hyper`, and by itself where `reqwest` is off |
//! | `axum` | no | [`webhook::Delivery`] is an extractor of axum's (of `axum-core` alone) |
//! | `jwks` | no | `SessionVerifier`: access tokens of sessions are checked without a call per token |
//!
//! Without either HTTP client, [`ClientBuilder::transport`] takes whatever sends requests in its place; it does so with
//! them, too.
//!
//! # What is repeated
//!
//! | what went wrong | which calls are tried again |
//! |---|---|
//! | no connection, so nothing was sent | all |
//! | connection lost; status 500, 502, 503 or 504 | those that are safe to repeat |
//! | silence for half of what is left of the deadline | those that are safe to repeat |
//! | status 429 | all, but only when `Retry-After` says when, and that is within the deadline |
//! | everything else | none |
//!
//! At most twice by default, after about 200 and 400 ms (each between half and one and a half times that), and never
//! more than 10 % of the calls of the last ten seconds plus one a second: a service that is down is not held down. A call that
//! cannot be repeated, or not any more, waits until its deadline.
//!
//! [`ClientBuilder::hedge_after`] sends two reads, `get_action` and `validate_challenge`, a second time while the first sending
//! is still waiting, from the same budget. It is off by default.
//!
#![doc = include_str!("../docs/endpoints.md")]
//!
#![doc = include_str!("../docs/sdks.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod actions;
mod authenticators;
mod builder;
mod call_connect;
mod challenges;
mod client;
mod clock;
mod config;
mod custom;
mod devices;
mod error;
mod ids;
#[cfg(feature = "jwks")]
mod offline;
mod other;
mod secret;
mod sessions;
mod transport;
mod types;
pub mod url;
mod users;
mod visible;
pub mod webhook;

pub use actions::{
    Action, Crypto, QueryActions, RuleSnapshot, Track, TrackDecision, Tracked, UpdateAction, UpdatedAction, UserAction,
};
pub use authenticators::{
    AaguidMapping, AuthenticatorAttachment, AuthenticatorTransport, BatchEnrolled, BatchFailure, CredentialDeviceType,
    DevicePlatform, EnrollVerified, Enrolled, ParsedUserAgent, TenantAuthenticator, UserAgentBrowser, UserAgentCpu,
    UserAgentDevice, UserAgentEngine, UserAgentOs, UserAuthenticator, VerifiedCredential, WebauthnCredential,
};
pub use builder::{ClientBuilder, Region};
pub use call_connect::{
    CallChannel, CallConnect, CallConnectBuilder, CallFinished, CallStarted, CallState, FinishCall, StartCall,
};
pub use challenges::{
    Challenge, Challenged, Claim, Claimed, FailureReason, GetChallenge, PendingChallenge, Validate, Validated,
    Verified, Verify,
};
pub use client::Client;
pub use clock::Clock;
pub use config::ConfigError;
pub use custom::{CustomData, CustomNumber, CustomValue};
pub use devices::{Device, UpdateDevice};
pub use error::{Error, ErrorKind};
pub use ids::{ActionCode, IdempotencyKey, InvalidId, UserId};
#[cfg(feature = "jwks")]
pub use offline::{SessionFault, SessionVerifier, SessionVerifierBuilder, VerifiedSession};
pub use other::OtherMembers;
pub use secret::SecretKey;
pub use sessions::{CreateSession, Session, SessionUser, ValidSession, ValidateSession};
pub use transport::wire::TransportError;
pub use types::{ActionState, ChallengeUrl, Scope, SmsChannel, Timestamp, Token, UnixSeconds, VerificationMethod};
pub use users::{DeleteUser, QueryUsers, UpdateUser, UpdatedUser, UserAttributes, UserSummary, UsersPage};
pub use visible::{is_unseen, visible};

/// The program of the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
