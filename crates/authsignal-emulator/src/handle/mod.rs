//! What a test holds: the running emulator, its builder, its users.
pub(crate) mod builder;
pub(crate) mod operate;
pub(crate) mod pending;
pub(crate) mod user;
pub(crate) mod visit;
pub(crate) mod watch;

use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use authsignal_client::url::is_loopback;
use authsignal_client::{ActionState, Client};
use tokio::task::JoinHandle;

use crate::db::Call;
use crate::db::action::{ActionId, RecordedAction};
use crate::db::inbox::Message;
use crate::error::EmulatorError;
use crate::fault::Fault;
use crate::handle::user::UserHandle;
use crate::http::control_key::ControlKey;
use crate::lifecycle::Outcome;
use crate::request_log::{Endpoint, ReceivedRequest};
use crate::server::in_process::EmulatorTransport;
use crate::server::listener::{Listener, reachable};
use crate::state::AppState;
use crate::webhooks::sent::SentWebhook;

/// The origin of one that has no socket. Nobody listens there.
const IN_PROCESS: &str = "http://localhost";

/// A running emulator; see the [crate](crate). It stops when it is dropped.
pub struct Emulator {
    pub(crate) shared: Arc<AppState>,
    base_url: String,
    /// Made when somebody asks for it.
    client: OnceLock<Client>,
    /// How clients of this process reach it.
    transport: EmulatorTransport,
    /// None where that is the only way.
    socket: Option<Socket>,
    /// Writes the state into its file.
    watch: Option<JoinHandle<()>>,
}

/// Where it listens.
struct Socket {
    listener: Listener,
    server: JoinHandle<()>,
}

impl Emulator {
    /// A client that is pointed at it: over its socket, or [without one](Self::in_process).
    ///
    /// # Panics
    ///
    /// When it listens on one address of this machine's that is no loopback one: a client sends its secret by plain HTTP
    /// to loopback alone.
    #[must_use]
    pub fn client(&self) -> Client {
        let build = || {
            let client = Client::builder(self.secret());
            match &self.socket {
                Some(socket) => client.base_url(format!("http://{}/v1", reachable(socket.listener.address()))).build(),
                None => client.base_url(format!("{IN_PROCESS}/v1")).transport(self.transport()).build(),
            }
        };
        self.client.get_or_init(|| build().expect("it listens on loopback")).clone()
    }

    /// What a client with settings of your own sends through to reach it without a socket, whether it has one or not. Any base
    /// URL that a client takes will do; the hosts of its challenges are looked at as ever.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use authsignal_client::Client;
    /// use authsignal_emulator::{Emulator, Endpoint, Fault};
    ///
    /// let emulator = Emulator::in_process()?;
    /// let client = Client::builder(emulator.secret()).transport(emulator.transport()).retries(0).build()?;
    /// emulator.inject_fault(Endpoint::Track, Fault::hang_up());
    /// assert!(client.track("ada", "withdrawal").await.is_err());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn transport(&self) -> EmulatorTransport {
        self.transport.clone()
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
    /// see [`EmulatorBuilder::control_key`](crate::EmulatorBuilder::control_key).
    #[must_use]
    pub fn control_key(&self) -> Option<&str> {
        self.shared.access.key.as_ref().map(ControlKey::as_str)
    }

    /// Whether it is reached by names of this machine's alone.
    pub(crate) fn is_near(&self) -> bool {
        let public = url::Url::parse(self.origin()).is_ok_and(|origin| is_loopback(&origin));
        self.socket.as_ref().is_none_or(|socket| socket.listener.address().ip().is_loopback()) && public
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
    pub fn set_outcome(&self, action: impl Into<String>, outcome: Outcome) {
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
        self.shared.db().actions_of(user.as_ref()).into_iter().cloned().collect()
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
        if self.shared.decide(&id, state) { Ok(()) } else { Err(EmulatorError::UnknownAction) }
    }

    /// The calls that were begun by Call Connect, in the order of their references.
    #[must_use]
    pub fn calls_of_call_connect(&self) -> Vec<Call> {
        self.shared.db().calls.values().cloned().collect()
    }

    /// What it was asked, in the order of arrival; the latest ten thousand.
    #[must_use]
    pub fn received_requests(&self) -> Vec<ReceivedRequest> {
        self.shared.requests.all().iter().cloned().collect()
    }

    /// How many of those went to `endpoint`.
    #[must_use]
    pub fn calls(&self, endpoint: Endpoint) -> usize {
        self.shared.requests.all().iter().filter(|request| request.endpoint == endpoint).count()
    }

    /// Forgets them.
    pub fn clear_received_requests(&self) {
        self.shared.requests.all().clear();
    }

    /// Has the next call of `endpoint` answered as `fault` says. Several wait in line.
    pub fn inject_fault(&self, endpoint: Endpoint, fault: Fault) {
        self.shared.faults.push(Some(endpoint), fault);
    }

    /// The same for the next call of any endpoint; what is said for an endpoint itself goes first.
    pub fn inject_fault_for_any(&self, fault: Fault) {
        self.shared.faults.push(None, fault);
    }

    /// Forgets all answers that wait.
    pub fn clear_faults(&self) {
        self.shared.faults.clear();
    }

    /// Moves its clock forward. Does nothing when it was given the system's own.
    pub fn advance(&self, by: Duration) {
        self.shared.clock.advance(by);
    }

    /// What it would have sent, newest first.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.shared.db().inbox.newest_first().cloned().collect()
    }

    /// The webhooks that it has sent or tried to send, in the order of their first answers; the latest ten thousand.
    #[must_use]
    pub fn webhooks(&self) -> Vec<SentWebhook> {
        self.shared.webhooks.sent()
    }

    /// Sends the log records that wait for their batch now, and waits for the answers.
    pub async fn flush_logs(&self) {
        self.shared.webhooks.flush_logs().await;
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
        let db = self.shared.db();
        let is_theirs = |message: &&Message| message.user_id.as_ref().is_some_and(|id| id.as_str() == user.as_ref());
        db.inbox.newest_first().filter(is_theirs).find_map(|message| message.code.clone())
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.transport.close();
        if let Some(socket) = &self.socket {
            socket.listener.close();
            socket.server.abort();
        }
        // Connections may keep what is shared for a while.
        self.shared.webhooks.close();
        if let Some(watch) = &self.watch {
            watch.abort();
            // A panic may be on its way. `save` tells.
            if let Err(error) = self.shared.save() {
                tracing::error!(%error, "the emulator's state could not be saved");
            }
            if let Some(file) = &self.shared.file {
                file.let_go();
            }
        }
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}
