//! A local Authsignal, for tests and for running without an account.
//!
//! An [`Emulator`] listens on a free port of this machine, answers the Server API and the Client API of the browser and
//! mobile SDKs, and serves a challenge page on which a person, a browser driver or [`Emulator::succeed`] can prove what
//! has to be proved. Nothing leaves the machine:
//! codes land in an inbox that the page shows and [`Emulator::messages`] returns.
//!
//! It is there so that you can test *your* side: each test has its own, sees what was asked of it
//! ([`Emulator::requests`]), moves its clock, and lets it fail on purpose ([`Emulator::next`]). It is no witness about
//! the service itself. What Authsignal doesn't document, the emulator has to assume (see below).
//!
//! # Examples
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use axum_authsignal::client::{ActionState, Track, Validate};
//! use axum_authsignal::emulator::{Emulator, Endpoint, Scripted};
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
//! emulator.next(Endpoint::Track, Scripted::status(503).times(9));
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
//! The program `authsignal-emulator` (`cargo install axum-authsignal --features emulator`) runs one for programs in any
//! language: `--help` says how. Tests drive it as JSON under `/emulator/`, and people look at its dashboard, `/emulator`.
//! All of this is the emulator's own and no part of the service: it is not among the requests, and no scripted answer hits
//! it. The handle does the same in Rust.
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
//! | `GET requests?endpoint=` | what it was asked, in the order of arrival; `DELETE` forgets it |
//! | `PUT outcomes/{action}` | `{"outcome": "BLOCK"}`: what every `track` begins with; `GET outcomes` tells all |
//! | `POST faults` | scripts an answer, see below; `GET` tells those that wait, `DELETE` forgets them |
//! | `POST clock` | `{"advanceSeconds": 600}` or `{"set": "2026-01-15T10:00:00Z"}`; it answers, as `GET` does, `{"now": …}` |
//! | `POST reset` | [back to the start](Emulator::reset) |
//! | `PUT users/{id}` | `email`, `phoneNumber`, `username`, and `methods` to enrol as if they were proved; answers `authenticatorApp` with `secret` and `uri` for `AUTHENTICATOR_APP`. `GET users`, `GET` and `DELETE users/{id}` |
//! | `GET actions?userId=` | attempts, newest first, at most 1000 |
//! | `POST actions/{user}/{action}/{key}/state` | `{"state": "REVIEW_SUCCEEDED"}`: an operator's decision |
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
//! is a change that a page of another origin asks for: see `src/emulator/control/mod.rs` for the attacks.
//!
#![doc = include_str!("../../docs/assumptions.md")]

mod challenge_page;
#[doc(hidden)]
pub mod cli;
mod client_api;
mod config;
mod control;
mod credentials;
mod db;
mod fault;
#[cfg(test)]
mod fuzz;
mod handle;
mod http;
mod lifecycle;
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

use std::fmt;
use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use tokio::task::JoinHandle;

pub use crate::emulator::config::Config;
pub use crate::emulator::config::error::ConfigFileError;
pub use crate::emulator::db::Call;
pub use crate::emulator::db::action::RecordedAction;
pub use crate::emulator::db::inbox::{Channel, Message};
pub use crate::emulator::fault::Scripted;
pub use crate::emulator::handle::builder::EmulatorBuilder;
pub use crate::emulator::handle::pending::PendingChallenge;
pub use crate::emulator::handle::user::{AuthenticatorApp, UserHandle};
pub use crate::emulator::lifecycle::Outcome;
pub use crate::emulator::request_log::{Endpoint, SeenRequest};
pub use crate::emulator::rules::condition::{Condition, When};
pub use crate::emulator::rules::facts::Facts;
pub use crate::emulator::rules::network::Network;
pub use crate::emulator::rules::{Decision, Rule, RuleMatch};
pub use crate::emulator::tenant::Tenant;
pub use crate::emulator::tenant::action::ActionSettings;
pub use crate::emulator::tenant::error::TenantError;
pub use crate::emulator::tenant::limits::Limits;
pub use crate::emulator::tenant::person::NewUser;
pub use crate::emulator::tenant::session::AppClient;
pub use crate::emulator::tenant::setting::Setting;
pub use crate::emulator::verification::visit::EmulatorError;
pub use crate::emulator::webhooks::sent::SentHook;
pub use crate::emulator::webhooks::target::HookAnswer;

use crate::client::{ActionState, Client};
use crate::emulator::db::action::ActionId;
use crate::emulator::handle::builder::reachable;
use crate::emulator::http::control_key::ControlKey;
use crate::emulator::server::listener::Door;
use crate::emulator::state::Shared;
use crate::url::is_loopback;

/// A running emulator; see the [module](self). It stops when it is dropped.
pub struct Emulator {
    shared: std::sync::Arc<Shared>,
    base_url: String,
    /// Made when somebody asks for it.
    client: OnceLock<Client>,
    door: Door,
    server: JoinHandle<()>,
    /// Writes the state into its file.
    watch: Option<JoinHandle<()>>,
}

impl Emulator {
    /// Starts one on a free port, with the system's clock and a secret of its own.
    ///
    /// It runs on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// When no port can be bound.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// Starts one with settings of your own.
    pub fn builder() -> EmulatorBuilder {
        EmulatorBuilder::default()
    }

    /// A client that is pointed at it.
    ///
    /// # Panics
    ///
    /// When it listens on one address of this machine's that is no loopback one: a client sends its secret by plain HTTP
    /// to loopback alone.
    #[must_use]
    pub fn client(&self) -> Client {
        let near = reachable(self.door.address());
        let build = || Client::builder(self.secret()).base_url(format!("http://{near}/v1")).build();
        self.client.get_or_init(|| build().expect("it listens on loopback")).clone()
    }

    /// The base URL of its Server API, `http://127.0.0.1:PORT/v1` or below its public URL.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Its origin, where the challenge page is: `http://127.0.0.1:PORT` or its public URL. The dashboard is there too,
    /// under `/emulator`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.shared.origin
    }

    /// The key that it asks for under `/emulator`, if it asks for one:
    /// see [`EmulatorBuilder::control_key`].
    #[must_use]
    pub fn control_key(&self) -> Option<&str> {
        self.shared.access.key.as_ref().map(ControlKey::as_str)
    }

    /// Whether it is reached by names of this machine's alone.
    fn is_near(&self) -> bool {
        let public = url::Url::parse(self.origin()).is_ok_and(|origin| is_loopback(&origin));
        self.door.address().ip().is_loopback() && public
    }

    /// The API secret key that it takes.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.shared.secrets[0]
    }

    /// The id of its tenant, which is in its tokens: those of another emulator are refused.
    #[must_use]
    pub fn tenant_id(&self) -> &str {
        &self.shared.tokens.tenant
    }

    /// Decides what every `track` of `action` begins with from now on. Default: [`Outcome::Challenge`].
    pub fn outcome(&self, action: impl Into<String>, outcome: Outcome) {
        self.shared.set_outcome(action.into(), outcome);
    }

    /// A user, to be told about or asked about. One who isn't known is made by the first thing that is told.
    #[must_use]
    pub fn user<'a>(&'a self, id: &'a str) -> UserHandle<'a> {
        UserHandle::new(&self.shared, id)
    }

    /// The attempts of a user, newest first.
    #[must_use]
    pub fn actions(&self, user: impl AsRef<str>) -> Vec<RecordedAction> {
        self.shared.world().actions_of(user.as_ref()).into_iter().cloned().collect()
    }

    /// An operator's decision: puts an action into a state, whatever state it was in.
    ///
    /// # Errors
    ///
    /// [`EmulatorError::UnknownAction`] when no such action was tracked.
    pub fn set_state(
        &self,
        user: impl AsRef<str>,
        action: impl AsRef<str>,
        idempotency_key: impl AsRef<str>,
        state: ActionState,
    ) -> Result<(), EmulatorError> {
        let (user, action, key) = (user.as_ref(), action.as_ref(), idempotency_key.as_ref());
        let id = ActionId::named(user, action, key).ok_or(EmulatorError::UnknownAction)?;
        self.shared.decide(&id, state)
    }

    /// The calls that were begun by Call Connect, in the order of their references.
    #[must_use]
    pub fn calls_of_call_connect(&self) -> Vec<Call> {
        self.shared.world().calls.values().cloned().collect()
    }

    /// What it was asked, in the order of arrival; the latest ten thousand.
    #[must_use]
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.shared.seen.all().iter().cloned().collect()
    }

    /// How many of those went to `endpoint`.
    #[must_use]
    pub fn calls(&self, endpoint: Endpoint) -> usize {
        self.shared.seen.all().iter().filter(|request| request.endpoint == endpoint).count()
    }

    /// Forgets them.
    pub fn clear_requests(&self) {
        self.shared.seen.all().clear();
    }

    /// Has the next call of `endpoint` answered as `scripted` says. Several wait in line.
    pub fn next(&self, endpoint: Endpoint, scripted: Scripted) {
        self.shared.scripts.push(Some(endpoint), scripted);
    }

    /// The same for the next call of any endpoint; what is said for an endpoint itself goes first.
    pub fn next_of_any(&self, scripted: Scripted) {
        self.shared.scripts.push(None, scripted);
    }

    /// Forgets all answers that wait.
    pub fn clear_faults(&self) {
        self.shared.scripts.clear();
    }

    /// Moves its clock forward. Does nothing when it was given the system's own.
    pub fn advance(&self, by: Duration) {
        self.shared.clock.advance(by);
    }

    /// What it would have sent, newest first.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.shared.world().inbox.newest_first().cloned().collect()
    }

    /// The webhooks that it has sent or tried to send, in the order of their first answers; the latest ten thousand.
    #[must_use]
    pub fn webhooks(&self) -> Vec<SentHook> {
        self.shared.hooks.sent()
    }

    /// Sends the log records that wait for their batch now, and waits for the answers.
    pub async fn flush_logs(&self) {
        self.shared.hooks.flush_logs().await;
    }

    /// Has webhooks sent elsewhere from now on; `None` for nowhere. `verify` is asked before an attempt at its action
    /// becomes `CHALLENGE_SUCCEEDED`, whatever the tenant's settings say.
    ///
    /// A receiver in a test often learns its own address only after the emulator has started.
    ///
    /// # Errors
    ///
    /// When a URL is neither `https`, nor `http` on this machine.
    pub fn send_webhooks(&self, events: Option<&str>, logs: Option<&str>, verify: &[(&str, &str)]) -> io::Result<()> {
        self.shared.send_webhooks(events, logs, verify.iter().copied())
    }

    /// The code in the newest message to a user.
    #[must_use]
    pub fn code_for(&self, user: impl AsRef<str>) -> Option<String> {
        let world = self.shared.world();
        let is_theirs = |message: &&Message| message.user_id.as_ref().is_some_and(|id| id.as_str() == user.as_ref());
        world.inbox.newest_first().filter(is_theirs).find_map(|message| message.code.clone())
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.door.close();
        self.server.abort();
        // Connections may keep what is shared for a while.
        self.shared.hooks.close();
        if let Some(watch) = &self.watch {
            watch.abort();
            // A panic may be on its way. `save` tells.
            if let Err(error) = self.shared.save() {
                tracing::error!(%error, "the emulator's state could not be saved");
            }
            self.shared.let_go();
        }
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}
