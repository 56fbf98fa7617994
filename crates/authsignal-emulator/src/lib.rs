//! A local Authsignal, for tests and for running without an account.
//!
//! An [`Emulator`] listens on a free port of this machine, answers the Server API and the Client API of the browser and
//! mobile SDKs, and serves a challenge page on which a person, a browser driver or [`Emulator::succeed`] can prove what
//! has to be proved. Nothing leaves the machine:
//! codes land in an inbox that the page shows and [`Emulator::messages`] returns.
//!
//! It is there so that you can test *your* side: each test has its own, sees what was asked of it
//! ([`Emulator::received_requests`]), moves its clock, and lets it fail on purpose ([`Emulator::inject_fault`]). It is no witness about
//! the service itself. What Authsignal doesn't document, the emulator has to assume (see below).
//!
//! # Examples
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use authsignal_client::{ActionState, Track, Validate};
//! use authsignal_emulator::{Emulator, Endpoint, Fault};
//!
//! let emulator = Emulator::start().await?;
//! emulator.user("ada").enroll_email_otp("ada@example.com");
//! let client = emulator.client();
//!
//! // What an application does: track, and send the user to the URL.
//! let withdrawal = || Track::new("withdrawal").redirect_url("https://app.example.com/back");
//! let tracked = client.track("ada", withdrawal()).await?;
//! assert_eq!(tracked.state, ActionState::ChallengeRequired);
//!
//! // What the user does there, and where the browser goes then.
//! let back = emulator.succeed(tracked.url.unwrap().secret())?;
//! let token = back.strip_prefix("https://app.example.com/back?token=").unwrap();
//! assert!(client.validate_challenge(Validate::new(token)).await?.is_valid);
//!
//! // A bad day.
//! emulator.inject_fault(Endpoint::Track, Fault::status(503).times(9));
//! assert!(client.track("ada", withdrawal()).await.is_err());
//! assert!(emulator.calls(Endpoint::Track) > 1);
//! # Ok(()) }
//! ```
//!
//! # Settings and rules
//!
//! A [`Tenant`] holds what a tenant of the service sets in its portal: what each action begins with, the methods that
//! are offered, [`Rule`]s, limits, clients for sessions, users who are there from the start. It is made in code, or read
//! from a TOML file by [`Config`], which refuses a file with a mistake and names its line and key. What would be decided
//! about an attempt can be asked of it without a server: [`Tenant::decide`].
//!
//! # Without Rust
//!
//! The program `authsignal-emulator` (`cargo install authsignal-emulator`) runs one for programs in any
//! language: `--help` says how. Tests drive it as JSON under `/emulator/`, and people look at its dashboard, `/emulator`.
//! All of this is the emulator's own and no part of the service: it is not among the requests, and no injected fault hits
//! it. The handle does the same in Rust. Who asks for `/emulator/` and not for HTML is told what there is.
//!
//! On loopback it needs no key. Bound elsewhere (`--host`) or with a public URL (`--public-url`) it asks for one, which the
//! program writes when it starts, unless `--control-key` or `server.control_key` sets it: programs send
//! `Authorization: Bearer KEY`, and browsers ask people, who leave the name empty and give the key as the password. Open to
//! all it is by `--open-control` alone.
//!
//! What goes wrong is written to stderr: webhooks that nobody takes, a state that can't be saved (`--log LEVEL`).
//!
//! | under `/emulator/` | |
//! |---|---|
//! | `GET messages?userId=&challengeId=` | what it would have sent, newest first: `channel`, `to`, `userId`, `challengeId`, `action`, `code` or `link`, `time`; `DELETE` forgets it |
//! | `GET health` | `{"status": "ok"}` once it is ready, for whoever waits for it; without a key, by any name |
//! | `GET overview` | all that the dashboard shows, the newest hundred of each |
//! | `GET requests?endpoint=` | what it was asked, in the order of arrival, each with its answer's `status` or `isUnderWay`; `DELETE` forgets it |
//! | `PUT outcomes/{action}` | `{"outcome": "BLOCK"}`: what every `track` begins with; `GET outcomes` tells all |
//! | `POST faults` | scripts an answer, see below; `GET` tells those that wait, `DELETE` forgets them |
//! | `POST clock` | `{"advanceSeconds": 600}` or `{"set": "2026-01-15T10:00:00Z"}`; it answers, as `GET` does, `{"now": …}` |
//! | `POST reset` | [back to the start](Emulator::reset) |
//! | `PUT users/{id}` | `email`, `phoneNumber`, `username`, and `methods` to enrol as if they were proved; answers `authenticatorApp` with `secret` and `uri` for `AUTHENTICATOR_APP`. `GET users`, `GET` and `DELETE users/{id}` |
//! | `GET actions?userId=` | attempts, newest first, at most 1000 |
//! | `POST actions/{user}/{action}/{key}/state` | `{"state": "REVIEW_SUCCEEDED"}`: an operator's decision |
//! | `POST actions/{user}/{action}/{key}/succeed`, `quit`, `decline` | what its user does on the challenge page; answers as `challenge/succeed` does. `open` leads to that page |
//! | `POST challenge/succeed`, `challenge/quit`, `challenge/decline` | `{"url": …}`: what a user does at the URL of a `track`; answers `redirectUrl` (where there is one) and `token` |
//! | `GET challenges` | those that wait for their users, newest first |
//! | `POST challenges/{id}/approve`, `decline`, `claim` | the buttons on a phone; `claim` reads a QR code: `{"userId": …}` |
//! | `PUT webhooks` | `{"url": …, "logUrl": …, "verify": {"withdrawal": …}}`: where they go from now on; `GET` tells what was sent, `POST webhooks/flush` sends log records at once |
//!
//! A fault is for an `endpoint` (an [`Endpoint::name`], or `*`), and of a `kind`: `status` (with a `status`), `rateLimit`
//! (429), `delay` (`delayMs`), `body` (`status`, `contentType`, `body`), `cut` (after so many `bytes`), `contentType`,
//! `hangUp`, `state` (another `state`), `merge` (other `members`, null removes). It hits the next call, or so many
//! (`times`), or all (`always`), or a `share` of them that a `seed` picks. `delayMs` and `headers` go with most.
//!
//! A body is `application/json`. Who asks an emulator on loopback by a host name that isn't this machine's is refused, and so
//! is a change that a page of another origin asks for: see `src/control/mod.rs` for the attacks.
//!
#![doc = include_str!("../docs/assumptions.md")]

mod challenge_page;
#[doc(hidden)]
pub mod cli;
mod client_api;
mod config;
mod control;
mod credentials;
mod db;
mod error;
mod fault;
#[cfg(test)]
mod fuzz;
mod handle;
mod http;
mod lifecycle;
mod log;
mod persist;
mod request_log;
mod rules;
#[cfg(test)]
mod scale;
mod server;
mod server_api;
mod state;
mod tenant;
mod verification;
mod webhooks;

pub use crate::config::Config;
pub use crate::config::error::ConfigFileError;
pub use crate::db::Call;
pub use crate::db::action::RecordedAction;
pub use crate::db::inbox::{Channel, Message};
pub use crate::error::EmulatorError;
pub use crate::fault::Fault;
pub use crate::handle::Emulator;
pub use crate::handle::builder::EmulatorBuilder;
pub use crate::handle::pending::PendingChallenge;
pub use crate::handle::user::{AuthenticatorApp, UserHandle};
pub use crate::lifecycle::Outcome;
pub use crate::request_log::{Endpoint, ReceivedRequest, RequestAnswer};
pub use crate::rules::condition::{Condition, When};
pub use crate::rules::facts::Facts;
pub use crate::rules::network::Network;
pub use crate::rules::{Decision, Rule, RuleMatch};
pub use crate::server::in_process::EmulatorTransport;
pub use crate::tenant::Tenant;
pub use crate::tenant::action::ActionSettings;
pub use crate::tenant::error::TenantError;
pub use crate::tenant::limits::Limits;
pub use crate::tenant::person::NewUser;
pub use crate::tenant::session::AppClient;
pub use crate::tenant::setting::Setting;
pub use crate::webhooks::sent::SentWebhook;
pub use crate::webhooks::target::WebhookAnswer;

/// The README's programs run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
