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
mod check;
mod data;
mod error;
mod event;
#[cfg(feature = "axum")]
mod extract;
mod logs;
mod signature;

pub use check::Webhook;
pub use data::{ActionVerify, AuthenticatorChange, EmailCreated, PushCreated, SmsCreated};
pub use error::{Error, ErrorKind};
pub use event::{Delivery, Event, EventData, UnknownEvent};
#[cfg(feature = "axum")]
pub use extract::WebhookRejection;
pub use logs::{ActionLog, ChallengeLog, ChallengeLogType, Outcome};
pub use signature::{SIGNATURE_HEADER, sign};
