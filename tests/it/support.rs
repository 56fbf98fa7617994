//! One application in front of one emulator, on a clock that stands still, and visitors who use it.
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use authsignal_emulator::{Emulator, Endpoint};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Uri};
use axum::routing::any;
use axum_authsignal::{
    Authsignal, AuthsignalBuilder, AuthsignalLayer, Client, Clock, Coverage, Refusal, RefusalReason,
};
use axum_authsignal::{User, Verdict};
use bytes::Bytes;
use serde_json::Value;
use test_support::waiting::in_time;
use tower::ServiceExt as _;

/// 2026-01-15T10:00:00Z.
const START: u64 = 1_768_471_200;
pub(crate) const ORIGIN: &str = "https://app.example.com";
pub(crate) const CALLBACK: &str = "https://app.example.com/authsignal/callback";
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// What the handlers of an application did.
#[derive(Clone, Default)]
pub(crate) struct Effects(Arc<(AtomicUsize, Mutex<Vec<Effect>>)>);

/// One run of a handler.
#[derive(Clone, Debug)]
pub(crate) struct Effect {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) body: Bytes,
    pub(crate) verdict: Option<Verdict>,
}

impl Effects {
    pub(crate) fn count(&self) -> usize {
        self.0.0.load(Ordering::SeqCst)
    }

    pub(crate) fn last(&self) -> Effect {
        self.0.1.lock().unwrap().last().cloned().expect("a handler has run")
    }

    /// A handler has run that has no more to tell than its verdict.
    pub(crate) fn run(&self, verdict: Verdict) {
        self.add(Effect { method: Method::GET, uri: Uri::default(), body: Bytes::new(), verdict: Some(verdict) });
    }

    fn add(&self, effect: Effect) {
        self.0.0.fetch_add(1, Ordering::SeqCst);
        self.0.1.lock().unwrap().push(effect);
    }
}

/// A handler with an effect.
pub(crate) async fn handle(
    State(effects): State<Effects>,
    verdict: Option<Verdict>,
    request: Request,
) -> Result<&'static str, StatusCode> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.map_err(|_| StatusCode::BAD_REQUEST)?;
    effects.add(Effect { method: parts.method, uri: parts.uri, body, verdict });
    Ok("done")
}

/// Who is asking, from `x-user` and `x-session`.
pub(crate) fn who(headers: &HeaderMap) -> Option<User> {
    let read = |name: &str| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let user = User::new(read("x-user")?);
    Some(match read("x-session") {
        Some(session) => user.session(session),
        None => user,
    })
}

/// An application and all that it talks to.
pub(crate) struct Bench {
    pub(crate) emulator: Emulator,
    pub(crate) clock: Clock,
    pub(crate) authsignal: Authsignal,
    pub(crate) effects: Effects,
    pub(crate) app: Router,
}

pub(crate) async fn emulator(clock: &Clock) -> Emulator {
    let emulator = Emulator::builder().clock(clock.clone()).start().await.unwrap();
    for user in ["ada", "bob"] {
        emulator.user(user).enroll_email_otp(format!("{user}@example.com"));
    }
    emulator
}

pub(crate) fn clock() -> Clock {
    Clock::manual(UNIX_EPOCH + Duration::from_secs(START))
}

/// A handle on `emulator` as most tests want it.
pub(crate) fn builder(emulator: &Emulator, clock: &Clock) -> AuthsignalBuilder {
    // Nothing is an outage because the machine has much else to do.
    let client = Client::builder(emulator.secret()).base_url(emulator.base_url());
    builder_of(client.deadline(MINUTE).connect_timeout(MINUTE).build().unwrap(), clock)
}

/// The same by a client of another kind.
pub(crate) fn builder_of(client: Client, clock: &Clock) -> AuthsignalBuilder {
    Authsignal::builder(client)
        .callback_url(CALLBACK)
        // Tests ask more than people do; those about budgets set their own.
        .challenge_budget(10_000, MINUTE)
        .refusal_budget(10_000, MINUTE)
        .validate_budget(1_000)
        .pending_flow_budget(1_000, 16 * 1024 * 1024)
        // Faults are injected one by one, and each has to reach who asks.
        .without_circuit_breaker()
        .clock(clock.clone())
        .identify(|headers: HeaderMap| async move { who(&headers) })
}

pub(crate) async fn bench() -> Bench {
    bench_with(|builder| builder).await
}

pub(crate) async fn bench_with(change: impl FnOnce(AuthsignalBuilder) -> AuthsignalBuilder) -> Bench {
    let clock = clock();
    let emulator = emulator(&clock).await;
    let authsignal = change(builder(&emulator, &clock)).build().unwrap();
    let effects = Effects::default();
    let app = app(&authsignal, &effects);
    Bench { emulator, clock, authsignal, effects, app }
}

/// `/pay` and `/pay/{id}` cover the request, `/route/{id}` the route, `/action` and `/action/{id}` the action once,
/// `/kept` and `/kept/{id}` remember for ten minutes, and `/open` is not guarded.
pub(crate) fn app(authsignal: &Authsignal, effects: &Effects) -> Router {
    let layer = |action: &str| AuthsignalLayer::new(authsignal, action);
    let kept = layer("kept").remember(MINUTE * 10);
    let action = layer("action").covers(Coverage::Action);
    Router::new()
        .route("/pay", any(handle).layer(layer("pay")))
        .route("/pay/{id}", any(handle).layer(layer("pay")))
        .route("/other", any(handle).layer(layer("other")))
        .route("/route/{id}", any(handle).layer(layer("route").covers(Coverage::Route)))
        .route("/action", any(handle).layer(action.clone()))
        .route("/action/{id}", any(handle).layer(action))
        .route("/kept", any(handle).layer(kept.clone()))
        .route("/kept/{id}", any(handle).layer(kept))
        .route("/open", any(handle))
        .with_state(effects.clone())
        .merge(authsignal.routes())
}

impl Bench {
    pub(crate) fn visitor(&self, user: &str) -> Visitor {
        Visitor::new(&self.app, user)
    }

    pub(crate) fn tracks(&self) -> usize {
        self.emulator.calls(Endpoint::Track)
    }

    pub(crate) fn validates(&self) -> usize {
        self.emulator.calls(Endpoint::ValidateChallenge)
    }

    /// What the last track said.
    pub(crate) fn tracked(&self) -> Value {
        let requests = self.emulator.received_requests();
        requests.iter().rev().find(|request| request.endpoint == Endpoint::Track).expect("a track").json()
    }

    /// Proves a challenge, and gives where the browser is sent, as a target of the application.
    pub(crate) fn prove(&self, challenge: &str) -> Ask {
        way_back(&self.emulator.succeed(challenge).unwrap())
    }

    /// The visitor asks, is challenged, proves it and comes back, and could now ask again.
    pub(crate) async fn approve(&self, visitor: &mut Visitor, ask: &Ask) {
        let challenge = visitor.challenge(ask).await;
        let back = visitor.send(&self.prove(&challenge)).await;
        assert_eq!(back.status, 303, "{}", back.text());
        assert_eq!(back.refusal, None);
    }
}

/// The address that a browser is sent back to, asked for as a browser does.
pub(crate) fn way_back(url: &str) -> Ask {
    get(url.strip_prefix(ORIGIN).expect(url)).navigating().header("sec-fetch-site", "cross-site")
}

/// The parameter of a URL.
pub(crate) fn parameter(url: &str, name: &str) -> Option<String> {
    let query = url.split_once('?')?.1;
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).map(str::to_owned)
}

/// A request that can be sent several times.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

pub(crate) fn ask(method: &str, target: &str) -> Ask {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    Ask { method, target: target.into(), headers: HeaderMap::new(), body: Bytes::new() }
}

pub(crate) fn get(target: &str) -> Ask {
    ask("GET", target)
}

pub(crate) fn post(target: &str, content_type: &str, body: impl Into<Bytes>) -> Ask {
    Ask { body: body.into(), ..ask("POST", target).header("content-type", content_type) }
}

pub(crate) fn form(target: &str, body: &'static str) -> Ask {
    post(target, "application/x-www-form-urlencoded", body).header("sec-fetch-site", "same-origin").navigating()
}

pub(crate) fn json(target: &str, body: &'static str) -> Ask {
    post(target, "application/json", body)
}

impl Ask {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(HeaderName::try_from(name).unwrap(), HeaderValue::from_str(value).unwrap());
        self
    }

    /// As a browser asks for a page.
    pub(crate) fn navigating(self) -> Self {
        self.header("sec-fetch-mode", "navigate").header("accept", "text/html,*/*;q=0.8")
    }
}

/// Somebody with a browser, or a client, that keeps the cookie.
#[derive(Clone)]
pub(crate) struct Visitor {
    pub(crate) app: Router,
    pub(crate) user: Option<String>,
    pub(crate) session: Option<String>,
    pub(crate) cookie: Option<String>,
}

impl Visitor {
    pub(crate) fn new(app: &Router, user: &str) -> Self {
        Self { app: app.clone(), user: Some(user.into()), session: None, cookie: None }
    }

    pub(crate) fn request(&self, ask: &Ask) -> Request {
        self.request_with(ask, Body::from(ask.body.clone()))
    }

    pub(crate) fn request_with(&self, ask: &Ask, body: Body) -> Request {
        let mut request = Request::new(body);
        *request.method_mut() = ask.method.clone();
        *request.uri_mut() = ask.target.parse().expect(&ask.target);
        let headers = request.headers_mut();
        headers.extend(ask.headers.clone());
        for (name, value) in [("x-user", &self.user), ("x-session", &self.session), ("cookie", &self.cookie)] {
            if let (Some(value), false) = (value, headers.contains_key(name)) {
                headers.insert(name, HeaderValue::from_str(value).unwrap());
            }
        }
        request
    }

    /// Sends it. A way back that is refused is followed to the page that says so, at its address without a token.
    pub(crate) async fn send(&mut self, ask: &Ask) -> Reply {
        let reply = self.send_request(self.request(ask)).await;
        let path = |target: &str| target.split('?').next().unwrap_or_default().to_owned();
        let (from, to) = (path(&ask.target), path(reply.location()));
        if reply.status != 303 || !ask.target.contains("oken") || !to.ends_with(&from) {
            return reply;
        }
        assert_eq!(reply.refusal, None, "what is refused is said once, by the page");
        // A proxy that strips a prefix does it once more.
        let page = get(&reply.location()[to.len() - from.len()..]).navigating();
        let page = self.clone().send_request(self.request(&page)).await;
        // What was refused may have its answer by now.
        if page.refusal.is_some() || reply.location().contains("outcome=") { page } else { reply }
    }

    pub(crate) async fn send_request(&mut self, request: Request) -> Reply {
        let reply = async { Reply::of(self.app.clone().oneshot(request).await.unwrap()).await };
        let reply = in_time("the application answers", reply).await;
        if let Some(cookie) = reply.cookie() {
            self.cookie = Some(cookie);
        }
        reply
    }

    /// Asks, has to be challenged, and gives the challenge's URL.
    pub(crate) async fn challenge(&mut self, ask: &Ask) -> String {
        let reply = self.send(ask).await;
        reply.assert_refused(&RefusalReason::ChallengeRequired);
        match reply.headers.get("location") {
            Some(location) => location.to_str().unwrap().to_owned(),
            None => reply.json()["url"].as_str().unwrap().to_owned(),
        }
    }

    /// The same person's other browser.
    pub(crate) fn elsewhere(&self) -> Self {
        Self { cookie: None, ..self.clone() }
    }

    /// The same browser, signed in as somebody else.
    pub(crate) fn signed_in_as(&self, user: &str) -> Self {
        Self { user: Some(user.into()), ..self.clone() }
    }

    pub(crate) fn in_session(&self, session: &str) -> Self {
        Self { session: Some(session.into()), ..self.clone() }
    }
}

/// A response, read.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) refusal: Option<Refusal>,
}

impl Reply {
    pub(crate) async fn of(response: Response<Body>) -> Self {
        let refusal = response.extensions().get::<Refusal>().cloned();
        let (head, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Self { status: head.status.as_u16(), headers: head.headers, body, refusal }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn location(&self) -> &str {
        self.header("location")
    }

    /// The cookie that is set, as the browser sends it back.
    pub(crate) fn cookie(&self) -> Option<String> {
        let set = self.headers.get("set-cookie")?.to_str().unwrap();
        set.split(';').next().map(str::to_owned)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn reason(&self) -> Option<&RefusalReason> {
        self.refusal.as_ref().map(Refusal::reason)
    }

    #[track_caller]
    pub(crate) fn assert_refused(&self, reason: &RefusalReason) {
        assert_eq!(self.reason(), Some(reason), "{} {}", self.status, self.text());
        self.assert_private();
    }

    /// T10: what comes from us is neither kept nor told on.
    #[track_caller]
    pub(crate) fn assert_private(&self) {
        assert_eq!(self.header("cache-control"), "no-store");
        assert!(matches!(self.header("referrer-policy"), "no-referrer" | "same-origin"));
        assert_eq!(self.header("x-content-type-options"), "nosniff");
    }

    #[track_caller]
    pub(crate) fn assert_passed(&self) {
        assert_eq!((self.status, self.text()), (200, "done"), "{:?}", self.refusal);
        assert_eq!(self.refusal, None);
    }
}

/// Where the page of a script's approved flow goes on by itself.
pub(crate) fn goes_on(page: &Reply) -> Option<&str> {
    let script = page.text().split_once("<script ").expect("a script that ends a popup").1;
    Some(script.split_once("data-to=\"")?.1.split_once('"')?.0)
}
