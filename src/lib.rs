//! Authsignal step-up decisions in front of axum routes, and a client of the Server API.
//!
//! Some routes deserve more than a session: withdraw, change e-mail, delete, export. [Authsignal](https://authsignal.com)
//! decides per attempt: carry on, refuse, or ask the user for more proof. [`AuthsignalLayer`] puts that decision in front
//! of a route with one line, and brings the user back to what they were doing, with nothing lost.
//!
//! ```
//! # #[cfg(feature = "axum")] {
//! use axum::{Router, http::HeaderMap, routing::post};
//! use axum_authsignal::{Authsignal, AuthsignalLayer, Client, User, Verdict};
//!
//! # fn app() -> Result<Router, axum_authsignal::ConfigError> {
//! let authsignal = Authsignal::builder(Client::from_env()?)
//!     .callback_url("https://app.example.com/authsignal/callback")
//!     .identify(|headers: HeaderMap| async move {
//!         // Any extractors: in an application, those of its session.
//!         Some(User::new(headers.get("x-user")?.to_str().ok()?))
//!     })
//!     .build()?;
//!
//! async fn withdraw(verdict: Verdict) -> String {
//!     format!("done for {}: {:?}", verdict.user_id(), verdict.grounds())
//! }
//!
//! let app = Router::new()
//!     .route("/withdraw", post(withdraw).route_layer(AuthsignalLayer::new(&authsignal, "withdrawal")))
//!     .merge(authsignal.routes());
//! # Ok(app)
//! # }
//! # }
//! ```
//!
//! The rules, and where to put the layer, are in [`middleware`].
//!
//! # Three audiences
//!
//! - People who guard axum routes: [`Authsignal`], [`AuthsignalLayer`], [`Verdict`].
//! - People who want the API alone: [`Client`], and [`webhook`] for what comes back. Both are [`authsignal_client`]'s, which can be
//!   had alone, with no axum in the tree.
//! - People who test step-up flows with no account and no network: `cargo add --dev authsignal-emulator`, a local
//!   Authsignal with its challenge page ([`authsignal_emulator`](https://docs.rs/authsignal-emulator)).
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `axum` | yes | the layer, the callback, the flows and their store |
//! | `jwks` | no | `client::SessionVerifier`: access tokens of sessions are checked without a call per token |
//!
// What a smaller build leaves out is described where everything is on.
#![cfg_attr(
    not(feature = "axum"),
    doc = "[`Authsignal`]: https://docs.rs/axum-authsignal/latest/axum_authsignal/struct.Authsignal.html
[`AuthsignalLayer`]: https://docs.rs/axum-authsignal/latest/axum_authsignal/struct.AuthsignalLayer.html
[`Verdict`]: https://docs.rs/axum-authsignal/latest/axum_authsignal/struct.Verdict.html
[`middleware`]: https://docs.rs/axum-authsignal/latest/axum_authsignal/middleware/index.html"
)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod config;

#[cfg(feature = "axum")]
mod action;
#[cfg(feature = "axum")]
mod authsignal;
#[cfg(feature = "axum")]
mod budget;
#[cfg(feature = "axum")]
mod callback;
#[cfg(feature = "axum")]
mod domain;
#[cfg(feature = "axum")]
mod log;
#[cfg(feature = "axum")]
pub mod middleware;
#[cfg(feature = "axum")]
mod outage;
#[cfg(feature = "axum")]
mod random;
#[cfg(feature = "axum")]
mod refusal;
#[cfg(feature = "axum")]
mod request;
#[cfg(feature = "axum")]
mod response;
#[cfg(feature = "axum")]
pub mod store;
#[cfg(feature = "axum")]
mod trace;
#[cfg(feature = "axum")]
mod verdict;

pub use authsignal_client as client;
pub use authsignal_client::{ActionCode, Client, Clock, IdempotencyKey, Region, UserId, webhook};
pub use config::ConfigError;

#[cfg(feature = "axum")]
pub use action::{Action, VerdictFor};
#[cfg(feature = "axum")]
pub use authsignal::Authsignal;
#[cfg(feature = "axum")]
pub use authsignal::builder::AuthsignalBuilder;
#[cfg(feature = "axum")]
pub use budget::Budget;
#[cfg(feature = "axum")]
pub use domain::coverage::Coverage;
#[cfg(feature = "axum")]
pub use domain::decision::Unenrolled;
#[cfg(feature = "axum")]
pub use domain::flow::Unproven;
#[cfg(feature = "axum")]
pub use middleware::AuthsignalLayer;
#[cfg(feature = "axum")]
pub use outage::Outage;
#[cfg(feature = "axum")]
pub use refusal::{Refusal, RefusalReason};
#[cfg(feature = "axum")]
pub use request::identify::{Identify, IdentifyFn, IntoIdentity, User};
#[cfg(feature = "axum")]
pub use request::signals::IpSource;
#[cfg(feature = "axum")]
pub use response::answer::{Answer, ChallengeAnswer, Responder};
#[cfg(feature = "axum")]
pub use trace::{redacted_uri, request_span};
#[cfg(feature = "axum")]
pub use verdict::{Grounds, MissingVerdict, Verdict};
