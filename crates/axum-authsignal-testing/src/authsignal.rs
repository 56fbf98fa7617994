//! Authsignal as a test has it: an emulator, a client for it and a clock, in this process.
use std::collections::HashSet;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use authsignal_client::{ActionState, Client, Clock, TransportError};
use authsignal_emulator::{Emulator, EmulatorTransport, Outcome as Emulated};
use axum::body::Body;
use axum_authsignal::testing::Outcome;
use axum_authsignal::{Authsignal, AuthsignalBuilder};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tower::{Service, ServiceExt as _};

/// Where the application is for a browser of [`TestAuthsignal::browser`].
pub const ORIGIN: &str = "https://app.example.com";

/// Authsignal for one test: an emulator, a client for it and a clock, with no socket and nothing to wait for. Clones are one.
///
/// # Examples
///
/// ```
/// use axum::{Router, http::HeaderMap, routing::get};
/// use axum_authsignal::{AuthsignalLayer, User};
/// use axum_authsignal_testing::{Outcome, TestAuthsignal};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let authsignal = TestAuthsignal::new().enroll("ada").outcome("export", Outcome::Allow);
/// // In your application, a function that takes the builder: what differs in production is all in it.
/// let handle = authsignal.builder().identify(|_: HeaderMap| async { User::new("ada") }).build().unwrap();
/// let export = get(async || "exported").route_layer(AuthsignalLayer::new(&handle, "export"));
/// let app = Router::new().route("/export", export).merge(handle.routes());
///
/// authsignal.browser(app).get("/export").await.assert_allowed();
/// authsignal.assert_tracked(1);
/// # }
/// ```
#[derive(Clone)]
pub struct TestAuthsignal(Arc<Inner>);

struct Inner {
    emulator: Emulator,
    client: Client,
    clock: Clock,
    log: Log,
    /// What is proved as soon as it is asked for, by user and action.
    approved: Mutex<HashSet<(String, String)>>,
}

/// What the service was asked by `track`, and when it does not answer.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Entries>>);

#[derive(Default)]
struct Entries {
    is_down: bool,
    actions_down: HashSet<String>,
    /// Action and user of each call.
    tracked: Vec<(String, String)>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Default for TestAuthsignal {
    fn default() -> Self {
        Self::new()
    }
}

impl TestAuthsignal {
    /// A service with no users, which challenges every action of those who have something enrolled. On the current tokio
    /// runtime, as in a `#[tokio::test]`.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "an emulator with default settings and no socket starts anywhere")]
    pub fn new() -> Self {
        let clock = Clock::adjustable();
        let emulator = Emulator::builder().clock(clock.clone()).in_process().expect("it needs no port and no file");
        let log = Log::default();
        let transport = Transport { emulator: emulator.transport(), log: log.clone() };
        let client = Client::builder(emulator.secret()).base_url(format!("{}/v1", emulator.origin()));
        // So that what was asked once is counted once.
        let client = client.retries(0).transport(transport).build().expect("a key, loopback and a transport");
        Self(Arc::new(Inner { emulator, client, clock, log, approved: Mutex::default() }))
    }

    /// Enrols `user`, who gets codes by e-mail from now on.
    #[must_use]
    pub fn enroll(self, user: &str) -> Self {
        self.0.emulator.user(user).enroll_email_otp("somebody@example.com");
        self
    }

    /// Says what becomes of each attempt at `action` from now on: [`set_outcome`](Self::set_outcome), for a chain.
    #[must_use]
    pub fn outcome(self, action: &str, outcome: Outcome) -> Self {
        self.set_outcome(action, outcome);
        self
    }

    /// Says what becomes of each attempt at `action` from now on. [`Outcome::Challenge`] allows users who have nothing
    /// enrolled, as the service does.
    pub fn set_outcome(&self, action: &str, outcome: Outcome) {
        let mut entries = locked(&self.0.log.0);
        entries.actions_down.remove(action);
        let emulated = match outcome {
            Outcome::Allow => Emulated::Allow,
            Outcome::Challenge => Emulated::Challenge,
            Outcome::Outage => {
                entries.actions_down.insert(action.to_owned());
                return;
            }
            _ => Emulated::Block,
        };
        self.0.emulator.set_outcome(action, emulated);
    }

    /// Has the service answer nothing but 503 from now on, whatever it is asked.
    pub fn goes_down(&self) {
        locked(&self.0.log.0).is_down = true;
    }

    /// Has it answer again.
    pub fn comes_back(&self) {
        locked(&self.0.log.0).is_down = false;
    }

    /// Has `user` prove every challenge of `action` by themselves and at once, and press Continue where a form is to be sent
    /// again: for tests of what comes after, in which the proof is no matter. The browser goes the whole way all the same.
    pub fn approved_as(&self, user: &str, action: &str) {
        locked(&self.0.approved).insert((user.to_owned(), action.to_owned()));
    }

    /// Whether a challenge of this action is one that is proved by itself.
    pub(crate) fn is_approved(&self, action: &str) -> bool {
        let approved = locked(&self.0.approved);
        approved.iter().any(|(user, of)| {
            let newest = self.0.emulator.actions(user).into_iter().find(|attempt| attempt.action.as_str() == action);
            of == action && newest.is_some_and(|attempt| attempt.state == ActionState::ChallengeRequired)
        })
    }

    /// Begins a handle that asks this service: with its client and its clock, and the callback
    /// `https://app.example.com/authsignal/callback`. It has still to be told who is asking.
    pub fn builder(&self) -> AuthsignalBuilder {
        let builder = Authsignal::builder(self.client()).clock(self.clock());
        builder.callback_url(format!("{ORIGIN}/authsignal/callback"))
    }

    /// A client of this service, which repeats nothing by itself.
    #[must_use]
    pub fn client(&self) -> Client {
        self.0.client.clone()
    }

    /// The clock of the service and, by [`builder`](Self::builder), of the handle. It goes as the system's does, and can be
    /// moved.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.0.clock.clone()
    }

    /// Moves the clock forward: tokens, challenges and approvals run out by it, and cookies.
    pub fn advance(&self, by: Duration) {
        self.0.clock.advance(by);
    }

    /// The emulator, for all that is not here: other methods, faults, webhooks, what was asked.
    #[must_use]
    pub fn emulator(&self) -> &Emulator {
        &self.0.emulator
    }

    /// What the service was asked to decide so far, as action and user, those calls too that it left without an answer.
    #[must_use]
    pub fn tracked(&self) -> Vec<(String, String)> {
        locked(&self.0.log.0).tracked.clone()
    }

    /// Checks how often the service was asked to decide so far.
    ///
    /// # Panics
    ///
    /// If it was asked more often, or less: with each action and user that it was asked about.
    #[track_caller]
    pub fn assert_tracked(&self, times: usize) {
        let tracked = self.tracked();
        let each: Vec<_> = tracked.iter().map(|(action, user)| format!("`{action}` of {user}")).collect();
        let each = if each.is_empty() { "none".to_owned() } else { each.join(", ") };
        assert!(tracked.len() == times, "expected calls of track: {times}, but there were {}: {each}", tracked.len());
    }

    /// The emulator's pages, for a browser.
    pub(crate) fn pages(&self) -> EmulatorTransport {
        self.0.emulator.transport()
    }
}

impl fmt::Debug for TestAuthsignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestAuthsignal").field("emulator", &self.0.emulator).finish_non_exhaustive()
    }
}

/// What the client sends through: writes down what is tracked, and answers for a service that is down.
#[derive(Clone)]
struct Transport {
    emulator: EmulatorTransport,
    log: Log,
}

impl Log {
    /// Whether a call is answered, which is noted.
    fn is_answered(&self, request: &Request<Bytes>) -> bool {
        let mut entries = locked(&self.0);
        let path: Vec<_> = request.uri().path().split('/').skip(2).collect();
        let action = match path[..] {
            ["users", user, "actions", action] if request.method() == http::Method::POST => Some((action, user)),
            _ => None,
        };
        if let Some((action, user)) = action {
            let user =
                form_urlencoded::parse(user.replace('+', "%2B").as_bytes()).next().map(|(user, _)| user.into_owned());
            entries.tracked.push((action.to_owned(), user.unwrap_or_default()));
        }
        !entries.is_down && action.is_none_or(|(action, _)| !entries.actions_down.contains(action))
    }
}

impl Service<Request<Bytes>> for Transport {
    type Response = Response<Body>;
    type Error = TransportError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, TransportError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        if self.log.is_answered(&request) {
            return Box::pin(self.emulator.clone().oneshot(request));
        }
        let mut response = Response::new(Body::from("{}"));
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        Box::pin(async { Ok(response) })
    }
}
