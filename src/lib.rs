//! Authsignal step-up decisions in front of axum routes, and a client of the Server API.
//!
//! Some routes deserve more than a session: withdraw, change e-mail, delete, export. [Authsignal](https://authsignal.com)
//! decides per attempt: carry on, refuse, or ask the user for more proof. [`AuthsignalLayer`] puts that decision in front
//! of a route with one line, and brings the user back to what they were doing, with nothing lost.
//!
//! ```
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
//!   Authsignal with its challenge page ([`authsignal_emulator`](https://docs.rs/authsignal-emulator)); and with
//!   `axum-authsignal-testing` a [browser and assertions](https://docs.rs/axum-authsignal-testing) for guarded applications.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `derive` | yes | `#[derive(Transaction)]` |
//! | `reqwest` | yes | the HTTP client: proxies of the environment, the platform's root certificates |
//! | `hyper` | no | a leaner one, without proxies: `client::ClientBuilder::hyper`, and by itself where `reqwest` is off |
//! | `jwks` | no | `client::SessionVerifier`: access tokens of sessions are checked without a call per token |
//! | `metrics` | no | counts and measures decisions through the `metrics` facade: `docs/observability.md` names them |
//! | `utoipa` | no | the problems of guarded operations in the application's OpenAPI document |
//! | `testing` | no | what tests of an application need of the inside, which `axum-authsignal-testing` builds on |
//!
#![cfg_attr(docsrs, feature(doc_cfg))]

mod action;
mod audit;
mod authsignal;
mod budget;
mod callback;
mod config;
mod decided;
mod domain;
#[cfg(test)]
mod fuzz;
mod guarded;
mod hex;
mod log;
mod meter;
pub mod middleware;
#[cfg(feature = "utoipa")]
mod openapi;
mod outage;
mod outbox;
#[cfg(authsignal_benches)]
#[doc(hidden)]
pub mod parts;
mod random;
mod redeem;
mod refusal;
mod request;
mod response;
mod review;
mod sign_in;
pub mod store;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;
mod trace;
mod transaction;
mod upstream;
mod verdict;

pub use authsignal_client as client;
pub use authsignal_client::{ActionCode, Client, Clock, IdempotencyKey, Region, UserId, webhook};

pub use action::{Action, VerdictFor};
pub use audit::event::{AuditEvent, AuditHead, AuditKind};
pub use audit::json_lines::AuditJsonLines;
pub use audit::sink::{AuditError, AuditSink};
pub use authsignal::Authsignal;
pub use authsignal::builder::AuthsignalBuilder;
#[cfg(feature = "derive")]
#[cfg_attr(docsrs, doc(cfg(feature = "derive")))]
pub use axum_authsignal_derive::Transaction;
pub use budget::Budget;
pub use config::ConfigError;
pub use decided::explain::{Check, Explanation};
pub use decided::outcome::Outcome;
pub use domain::actor::{Actor, NoPerson};
pub use domain::body_fault::{BodyFault, BodyFaultKind};
pub use domain::coverage::Coverage;
pub use domain::extent::SkipReason;
pub use domain::failover::{NoFailover, OnOutage, Outage};
pub use domain::flow::Unproven;
pub use domain::form::UnkeptReason;
pub use domain::policy::Unenrolled;
pub use domain::saved_request::NotKept;
pub use guarded::{Actions, ActionsLayer, GuardedRouter, Route, RouteGuard};
#[cfg(feature = "metrics")]
pub use meter::describe_metrics;
pub use middleware::{Ask, AuthsignalLayer, FallbackRequest, IntoAsk, WhenRequest};
pub use middleware::{Decide, Decision, InvalidDecisionId, PendingDecision, Waited};
pub use middleware::{MissingStepUpLayer, StepUp, StepUpResponse};
#[cfg(feature = "utoipa")]
#[cfg_attr(docsrs, doc(cfg(feature = "utoipa")))]
pub use openapi::{StepUpProblem, StepUpProblems};
pub use outbox::Observed;
pub use refusal::{Refusal, RefusalReason};
pub use request::identify::{Identify, IdentifyFn, IntoIdentity, User};
pub use request::signals::IpSource;
pub use response::answer::{Answer, ChallengeAnswer, Responder};
pub use response::language::Language;
pub use response::language::text::Text;
pub use response::page::{LinkKind, Page, PageKind, PageLink};
pub use response::resume_form::{FieldKind, FormField, ResumeForm, UnkeptField};
pub use sign_in::SignInError;
pub use trace::{redacted_uri, request_span};
pub use transaction::{
    Approved, ApprovedArgument, DataPoint, MissingTransaction, Summary, SummaryValue, TakesApproved, Transaction,
};
pub use upstream::{Circuit, UpstreamState};
pub use verdict::{Grounds, MissingVerdict, Verdict};
