//! A handle whose decisions are written down by a test: no emulator, no socket, no account.
use std::collections::HashMap;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use authsignal_client::{ActionCode, ActionState, Client, IdempotencyKey, UserId, VerificationMethod};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tower_service::Service;
use url::Url;

use crate::authsignal::Authsignal;
use crate::authsignal::builder::AuthsignalBuilder;
use crate::random::random;

/// Where a script's challenges are. Nobody listens there, and no other machine is meant by it.
const ORIGIN: &str = "http://localhost";

/// What a test has Authsignal say about an action.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// Carry on.
    Allow,
    /// Ask for more proof.
    Challenge,
    /// Refuse. The default, as for all that is not known.
    #[default]
    Block,
    /// Nothing: the service answers 503.
    Outage,
}

/// A script by which a handle decides, with nothing behind it: for tests, and for them alone.
///
/// Its users all have something enrolled. An action that it does not name is blocked, and the log says which. Clones are
/// one script, so a test changes it and looks into it while the application runs.
///
/// # Examples
///
/// ```
/// use axum::{Router, body::Body, http::{HeaderMap, Request, StatusCode}, routing::get};
/// use axum_authsignal::testing::{Outcome, Script};
/// use axum_authsignal::{Authsignal, AuthsignalLayer, User};
/// use tower::ServiceExt as _;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let script = Script::new().outcome("export", Outcome::Challenge);
/// let authsignal = Authsignal::scripted(&script)
///     .callback_url("https://app.example.com/authsignal/callback")
///     .identify(|_: HeaderMap| async { User::new("ada") })
///     .build()?;
/// let export = get(async || "exported").route_layer(AuthsignalLayer::new(&authsignal, "export"));
/// let app: Router = Router::new().route("/export", export).merge(authsignal.routes());
///
/// let page = Request::get("/export").header("accept", "text/html").body(Body::empty())?;
/// let response = app.oneshot(page).await?;
/// assert_eq!(response.status(), StatusCode::SEE_OTHER);
/// let challenge = response.headers()["location"].to_str()?;
/// let back = script.prove(challenge); // Where the browser comes back to.
/// assert!(back.starts_with("https://app.example.com/authsignal/callback?"));
/// assert_eq!(script.tracked()[0].action.as_str(), "export");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "does nothing until a handle is built by it"]
pub struct Script {
    lines: Arc<Mutex<Lines>>,
    is_allowed_in_release: bool,
}

#[derive(Debug, Default)]
struct Lines {
    outcomes: HashMap<String, Outcome>,
    tracked: Vec<TrackedAction>,
}

/// An attempt at an action that a [`Script`] was asked about.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrackedAction {
    /// The user's id.
    pub user_id: UserId,
    /// The action's code.
    pub action: ActionCode,
    /// The attempt's key.
    pub idempotency_key: IdempotencyKey,
    /// Where it stands.
    pub state: ActionState,
    redirect_url: Option<String>,
    token: String,
}

impl std::fmt::Debug for TrackedAction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TrackedAction")
            .field("user_id", &self.user_id)
            .field("action", &self.action)
            .field("idempotency_key", &self.idempotency_key)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl Authsignal {
    /// Begins a handle that decides by a script, for tests without an emulator. As ever it needs a
    /// [callback URL](AuthsignalBuilder::callback_url) and to be told who is asking.
    ///
    /// In a release build (one without `debug_assertions`) [`AuthsignalBuilder::build`] refuses it with
    /// [`ConfigError::ScriptInRelease`](crate::ConfigError::ScriptInRelease), unless the script is
    /// [allowed there](Script::dangerous_allow_in_release): threat T103.
    #[expect(clippy::missing_panics_doc, reason = "these settings make a client, whatever the script is")]
    pub fn scripted(script: &Script) -> AuthsignalBuilder {
        let key = URL_SAFE_NO_PAD.encode(random::<32>());
        let client =
            Client::builder(key).base_url(format!("{ORIGIN}/v1")).retries(0).transport(Transport(script.clone()));
        let client = client.build().expect("a random key, a base URL of loopback and a transport make a client");
        // A test that lets one call after another fail asks about each.
        let mut builder = Self::builder(client).without_circuit_breaker();
        builder.is_refused_in_release = !script.is_allowed_in_release;
        builder
    }
}

impl Script {
    /// A script that blocks every action.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says what becomes of each attempt at `action` that is tracked from now on.
    pub fn outcome(self, action: impl Into<String>, outcome: Outcome) -> Self {
        self.set_outcome(action, outcome);
        self
    }

    /// The same for a script that runs already.
    pub fn set_outcome(&self, action: impl Into<String>, outcome: Outcome) {
        self.lines().outcomes.insert(action.into(), outcome);
    }

    /// Lets a release build decide by it: tests that are run with `--release`. Default: refused there.
    ///
    /// # Danger
    ///
    /// Nothing is asked of Authsignal, and no proof of anybody. Where users are real, everything that the script allows or
    /// calls proved is done in their names.
    pub fn dangerous_allow_in_release(mut self) -> Self {
        self.is_allowed_in_release = true;
        self
    }

    /// Does what a user does who proves a challenge, and gives the address that the browser is sent back to.
    ///
    /// # Panics
    ///
    /// If `challenge_url` is no challenge of this script's, or the challenge has failed.
    #[must_use = "the browser has to go there"]
    #[track_caller]
    pub fn prove(&self, challenge_url: &str) -> String {
        self.settle(challenge_url, ActionState::ChallengeSucceeded)
    }

    /// Does what a user does who fails a challenge for good, and gives the address that the browser is sent back to.
    ///
    /// # Panics
    ///
    /// If `challenge_url` is no challenge of this script's, or the challenge was proved.
    #[must_use = "the browser has to go there"]
    #[track_caller]
    pub fn decline(&self, challenge_url: &str) -> String {
        self.settle(challenge_url, ActionState::ChallengeFailed)
    }

    /// The attempts that it was asked about, in their order. An outage is none.
    #[must_use]
    pub fn tracked(&self) -> Vec<TrackedAction> {
        self.lines().tracked.clone()
    }

    #[track_caller]
    fn settle(&self, challenge_url: &str, state: ActionState) -> String {
        let url = Url::parse(challenge_url).ok();
        let token = url.and_then(|url| Some(url.query_pairs().find(|(name, _)| name == "token")?.1.into_owned()));
        let mut lines = self.lines();
        let found = token.and_then(|token| lines.tracked.iter_mut().find(|attempt| attempt.token == token));
        // The address holds a token, so it is not repeated.
        let Some(attempt) = found else { panic!("this is the address of no challenge of the script's") };
        let may_change = attempt.state == ActionState::ChallengeRequired || attempt.state == state;
        assert!(may_change, "an attempt at `{}` that is {} can't become {state}", attempt.action, attempt.state);
        attempt.state = state;
        let back = attempt.redirect_url.as_deref().and_then(|url| Url::parse(url).ok());
        let mut back = back.unwrap_or_else(|| panic!("an attempt at `{}` has no way back", attempt.action));
        back.query_pairs_mut().append_pair("token", &attempt.token);
        back.into()
    }

    /// No code of others runs while the lock is held but a panic of a test's, which leaves nothing half done.
    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, request: &Request<Bytes>) -> Option<(StatusCode, Value)> {
        let body: Value = serde_json::from_slice(request.body()).ok()?;
        let path: Vec<_> = request.uri().path().split('/').skip(2).collect();
        match path[..] {
            ["users", user, "actions", action] => self.track(user, action, &body),
            ["validate"] => Some((StatusCode::OK, self.validate(&body))),
            _ => None,
        }
    }

    fn track(&self, user: &str, action: &str, body: &Value) -> Option<(StatusCode, Value)> {
        let decoded = |text| percent_decode_str(text).decode_utf8().ok();
        let user_id = UserId::new(decoded(user)?.into_owned()).ok()?;
        let action = ActionCode::new(decoded(action)?.into_owned()).ok()?;
        let mut lines = self.lines();
        let outcome = lines.outcomes.get(action.as_str()).copied().unwrap_or_else(|| {
            tracing::warn!(%action, "the script says nothing of this action, so it is blocked: `Script::outcome` does");
            Outcome::default()
        });
        let state = match outcome {
            Outcome::Allow => ActionState::Allow,
            Outcome::Challenge => ActionState::ChallengeRequired,
            Outcome::Block => ActionState::Block,
            Outcome::Outage => return Some((StatusCode::SERVICE_UNAVAILABLE, json!({}))),
        };
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        let attempt = TrackedAction {
            user_id,
            action,
            idempotency_key: IdempotencyKey::new(text("idempotencyKey")?).ok()?,
            state,
            redirect_url: text("redirectUrl"),
            token: URL_SAFE_NO_PAD.encode(random::<32>()),
        };
        let answer = json!({
            "state": attempt.state,
            "idempotencyKey": attempt.idempotency_key,
            "isEnrolled": true,
            "url": format!("{ORIGIN}/?token={}", attempt.token),
            "token": attempt.token,
        });
        lines.tracked.push(attempt);
        Some((StatusCode::OK, answer))
    }

    fn validate(&self, body: &Value) -> Value {
        let lines = self.lines();
        let found = lines.tracked.iter().find(|attempt| body["token"] == attempt.token);
        let Some(attempt) = found else { return json!({ "isValid": false, "error": "Token is invalid." }) };
        json!({
            "isValid": attempt.state == ActionState::ChallengeSucceeded,
            "state": attempt.state,
            "userId": attempt.user_id,
            "action": attempt.action,
            "actionCode": attempt.action,
            "idempotencyKey": attempt.idempotency_key,
            "verificationMethod": VerificationMethod::EmailOtp,
        })
    }
}

/// What the client of a scripted handle sends through. Nobody else gets one, so that no client goes around the check for
/// release builds.
#[derive(Clone)]
struct Transport(Script);

impl Service<Request<Bytes>> for Transport {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let (status, body) = self.0.answer(&request).unwrap_or((StatusCode::NOT_FOUND, json!({})));
        let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
        *response.status_mut() = status;
        ready(Ok(response))
    }
}
