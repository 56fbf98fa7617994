//! Webhooks: what Authsignal sends to the application, checked and typed.
//!
//! [`Webhook`] checks a signature and reads what is signed; it needs no axum. With the `axum` feature, [`Delivery`] is an
//! extractor that does both, so a handler sees nothing that is not Authsignal's.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use axum::Router;
//! use axum::body::Body;
//! use axum::http::{Request, StatusCode};
//! use axum::routing::post;
//! use authsignal_client::webhook::{Delivery, EventData, SIGNATURE_HEADER, Webhook};
//! use serde_json::{Value, json};
//! use tower::ServiceExt as _;
//!
//! async fn hook(delivery: Delivery) -> StatusCode {
//!     for event in delivery {
//!         match event.data {
//!             EventData::EmailCreated(email) => {
//!                 let code = email.code.as_ref().map(|code| code.secret());
//!                 // Hand it to whoever sends the application's e-mails.
//!                 # let _ = code;
//!             }
//!             // The veto: the challenge does not succeed. What cannot be read was looked at by nobody.
//!             EventData::ActionVerify(verify) if verify.user_id == "mallory" => return StatusCode::FORBIDDEN,
//!             EventData::Unknown(event) if event.kind == "action.verify" => return StatusCode::FORBIDDEN,
//!             // Also events that this version does not know.
//!             _ => {}
//!         }
//!     }
//!     StatusCode::OK
//! }
//!
//! // Or `Webhook::from(&client)`, or `Webhook::from_env()`.
//! let webhook = Webhook::new("the-api-secret-key")?;
//! let app = Router::new().route("/webhooks/authsignal", post(hook)).with_state(webhook.clone());
//!
//! // What Authsignal sends.
//! let verify = |user: &str| -> Vec<u8> {
//!     let event = json!({
//!         "version": 1, "id": "0b6a1c1e", "source": "https://authsignal.com", "time": "2026-01-15T10:00:30.000Z",
//!         "tenantId": "11111111", "type": "action.verify",
//!         "data": {
//!             "userId": user, "action": "withdrawal", "idempotencyKey": "5d1f9c52", "state": "CHALLENGE_SUCCEEDED",
//!             "verifiedAt": "2026-01-15T10:00:30.000Z", "verificationMethod": "EMAIL_OTP",
//!         },
//!     });
//!     event.to_string().into()
//! };
//! let send = |body: Vec<u8>, signature: String| {
//!     let request = Request::post("/webhooks/authsignal").header(SIGNATURE_HEADER, signature).body(Body::from(body));
//!     app.clone().oneshot(request.expect("a request"))
//! };
//! let (ada, mallory) = (verify("ada"), verify("mallory"));
//! let for_ada = webhook.sign(&ada);
//! assert_eq!(send(ada, for_ada.clone()).await?.status(), StatusCode::OK);
//!
//! // Refused by the handler.
//! let for_mallory = webhook.sign(&mallory);
//! assert_eq!(send(mallory.clone(), for_mallory).await?.status(), StatusCode::FORBIDDEN);
//!
//! // Refused before it, with a reason.
//! let response = send(mallory, for_ada).await?;
//! assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
//! let problem = axum::body::to_bytes(response.into_body(), 1024).await?;
//! assert_eq!(serde_json::from_slice::<Value>(&problem)?["reason"], "signature_mismatch");
//! # Ok(()) }
//! ```
//!
//! # What is looked at, in this order
//!
//! | what | otherwise |
//! |---|---|
//! | one signature header, with a time and a signature | 400 `signature_format` |
//! | it was signed at most [5 minutes ago](Webhook::tolerance) and, [by choice](Webhook::future_tolerance), not ahead | 401 `signature_tolerance` |
//! | the body is no longer than [2 MiB](Webhook::body_limit) | 413 `body_too_large` |
//! | it comes within 30 seconds, whole | 408 `body_too_slow`, 400 `body_unreadable` |
//! | a signature is that of the secret for these very bytes, compared in constant time | 401 `signature_mismatch` |
//! | it is JSON: an event, which has a type, or a batch of log records | 400 `payload` |
//!
//! A type that is not known is no fault, and neither is a known event or record that lacks something or has another form: it
//! comes as [`EventData::Unknown`], with all it says, and is logged. A text with half a character, as JavaScript can write
//! it, is read with U+FFFD in its place; an id or a token with one is not read.
//!
//! The signature is over the bytes as they came, so the route stands outside everything that changes a request's body,
//! decompression for example. It also stands outside every `AuthsignalLayer` and every check
//! for sessions or against request forgery: nobody is signed in here, and the signature is the proof.
//!
//! # What to answer
//!
//! Answer 200: some pages of the docs take every 2xx, others only that. What else an answer does (docs, webhooks,
//! delivery):
//!
//! | event | any other answer, or none in time |
//! |---|---|
//! | `email.created`, `sms.created`, `push.created` | the challenge fails; nothing is sent again |
//! | `action.verify` | the action does not become `CHALLENGE_SUCCEEDED`; the user may try again |
//! | `authenticator.*` | sent again up to three times, at least 30 seconds apart |
//! | a batch of log records | sent again until it is taken |
//!
//! How long "in time" is, is not documented: assume 5 seconds, and put slow work aside before you answer.
//!
//! # Twice, and in any order
//!
//! Every event may come more than once and in any order (docs, webhooks, delivery). Whoever copies a webhook can also send
//! it again for as long as its signature is recent enough. Both look the same: an [`Event::id`] that was seen before. Keep
//! the ids that were handled, for the five minutes of the tolerance and, where it matters, for as long as events are sent
//! again: a unique key in the database beside what the event changes is enough. Answer a known one with 200. This module
//! keeps nothing: what it would remember is lost to the other nodes.
use std::fmt;
use std::time::Duration;

use crate::client::Client;
use crate::clock::Clock;
use crate::config::ConfigError;
use crate::secret::{SecretKey, secret_from_vars};

mod data;
mod error;
mod event;
#[cfg(feature = "axum")]
mod extract;
mod logs;
mod signature;

pub use data::{ActionVerify, AuthenticatorChange, EmailCreated, PushCreated, SmsCreated};
pub use error::{Error, ErrorKind};
pub use event::{Delivery, Event, EventData, UnknownEvent};
#[cfg(feature = "axum")]
pub use extract::WebhookRejection;
pub use logs::{ActionLog, ChallengeLog, ChallengeLogType, Outcome};
pub use signature::sign;

use signature::Signature;

/// The header that carries the signature.
pub const SIGNATURE_HEADER: &str = "x-signature-v2";

/// Five minutes, as in every SDK (node `src/webhook.ts`, `DEFAULT_TOLERANCE`).
const DEFAULT_TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// What axum itself takes of a body by default, and 4 KiB for each record of a full batch.
const DEFAULT_BODY_LIMIT: usize = 2 * 1024 * 1024;

/// Checks and reads the webhooks of one tenant; see the [module](self).
///
/// `Debug` never shows the secret.
#[derive(Clone)]
#[must_use]
pub struct Webhook {
    secret: SecretKey,
    tolerance: Duration,
    future_tolerance: Option<Duration>,
    clock: Clock,
    body_limit: usize,
}

impl Webhook {
    /// Takes what is signed with `secret`, the Server API secret key of the tenant.
    ///
    /// One is enough while keys are changed: Authsignal signs with every key that is active (node
    /// `test/webhook.test.ts`). Make the second key, give it to the application, and only then remove the first.
    ///
    /// # Errors
    ///
    /// [`ConfigError::MissingSecret`] when it is empty, since everybody can sign with that;
    /// [`ConfigError::InvalidSecret`] when it cannot be a secret key.
    pub fn new(secret: impl Into<String>) -> Result<Self, ConfigError> {
        Ok(Self::with(SecretKey::new(secret)?))
    }

    /// Takes the secret from `AUTHSIGNAL_API_SECRET_KEY` or else `AUTHSIGNAL_SECRET_KEY`, as
    /// [`Client::from_env`](crate::Client::from_env) does.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new); [`ConfigError::MissingSecret`] when neither variable is set.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::new(secret_from_vars(|name| std::env::var_os(name))?)
    }

    fn with(secret: SecretKey) -> Self {
        Self {
            secret,
            tolerance: DEFAULT_TOLERANCE,
            future_tolerance: None,
            clock: Clock::system(),
            body_limit: DEFAULT_BODY_LIMIT,
        }
    }

    /// How long ago a webhook may have been signed. Default: 5 minutes, as in the SDKs; zero takes them of any age, and so
    /// one that somebody wrote down years ago.
    pub fn tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// How far in the future a webhook may have been signed, by this machine's clock. Default: as far as it likes, as in
    /// the SDKs. Only the holder of the secret can sign ahead, so this is about clocks that are wrong.
    pub fn future_tolerance(mut self, tolerance: Duration) -> Self {
        self.future_tolerance = Some(tolerance);
        self
    }

    /// By which the age of a webhook is told. Default: the system's clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The most bytes of a body that the extractor reads. Default: 2 MiB, which leaves a full batch of 500 records 4 KiB
    /// for each; a batch that is refused is sent again until it is taken.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Checks the signature of `payload` and reads it. The name is the SDKs'.
    ///
    /// `payload` is the body exactly as it came: one that was parsed and written again has another signature. `signature`
    /// is the value of [`SIGNATURE_HEADER`], which is there once.
    ///
    /// # Errors
    ///
    /// [`ErrorKind`] says what is looked at, in this order.
    ///
    /// # Examples
    ///
    /// ```
    /// use authsignal_client::webhook::{ErrorKind, EventData, Webhook};
    ///
    /// let webhook = Webhook::new("the-api-secret-key")?;
    /// # let body = br#"{"version":1,"type":"sms.created","id":"1","source":"https://authsignal.com","tenantId":"t",
    /// #   "time":"2026-01-15T10:00:00.000Z","data":{"to":"+64270000000","code":"123456","userId":"ada",
    /// #   "actionCode":"signIn","idempotencyKey":"k"}}"#;
    /// # let header = webhook.sign(body);
    /// let delivery = webhook.construct_event(body, &header)?;
    /// for event in delivery {
    ///     if let EventData::SmsCreated(sms) = event.data {
    ///         println!("{}: your code is {}", sms.to, sms.code.secret());
    ///     }
    /// }
    ///
    /// let forged = webhook.construct_event(b"{}", &header).unwrap_err();
    /// assert_eq!(forged.kind(), ErrorKind::Mismatch);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn construct_event(&self, payload: &[u8], signature: &str) -> Result<Delivery, Error> {
        self.read_header(signature)?.open(payload)
    }

    /// What can be told before the body is here.
    fn read_header<'a>(&'a self, header: &'a str) -> Result<Sealed<'a>, Error> {
        let signature = Signature::parse(header).ok_or(Error::new(ErrorKind::Format))?;
        let past = Some(self.tolerance).filter(|tolerance| !tolerance.is_zero());
        if !signature.is_timely(self.now(), past, self.future_tolerance) {
            return Err(Error::new(ErrorKind::Tolerance));
        }
        Ok(Sealed { signature, webhook: self })
    }

    /// The header with which Authsignal would send `payload` now: for tests of your own handlers.
    #[must_use]
    pub fn sign(&self, payload: &[u8]) -> String {
        sign([self.secret.expose()], self.now(), payload)
    }

    fn now(&self) -> i64 {
        self.clock.unix_seconds().try_into().unwrap_or(i64::MAX)
    }
}

/// A payload that is still on its way, with a signature that is not yet proved.
struct Sealed<'a> {
    signature: Signature<'a>,
    webhook: &'a Webhook,
}

impl Sealed<'_> {
    fn open(&self, payload: &[u8]) -> Result<Delivery, Error> {
        if !self.signature.matches(self.webhook.secret.expose(), payload) {
            return Err(Error::new(ErrorKind::Mismatch));
        }
        let delivery = Delivery::parse(payload)?;
        for event in delivery.events() {
            if let EventData::Unknown(UnknownEvent { kind, fault: Some(fault), .. }) = &event.data {
                tracing::warn!(kind, "webhook kept as unknown: {fault}");
            }
        }
        Ok(delivery)
    }
}

impl From<&Client> for Webhook {
    /// The webhooks of the tenant whose API `client` calls.
    fn from(client: &Client) -> Self {
        Self::with(client.secret.clone())
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("secret", &self.secret)
            .field("tolerance", &self.tolerance)
            .field("future_tolerance", &self.future_tolerance)
            .field("clock", &self.clock)
            .field("body_limit", &self.body_limit)
            .finish()
    }
}

#[cfg(test)]
mod tests;
