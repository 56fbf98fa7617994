//! A shop whose page has loaded the SDK, somebody at a browser there, and the emulator behind it.
use std::time::{Duration, UNIX_EPOCH};

use authsignal_client::{ActionState, Clock, Track, Tracked, Validate, Validated};
use authsignal_emulator::{Emulator, Message};
use axum::Router;
use axum::http::header;
use axum::response::Html;
use axum::routing::get;
use serde_json::{Value, json};

use crate::runner::root;
use test_support::visitor::Visitor;

/// 2026-01-15T10:00:00Z.
const START: u64 = 1_768_471_200;

const SHOP: &str = r#"<!DOCTYPE html><html lang="en"><head><title>Shop</title><script src="/authsignal.js"></script></head>
<body><main><h1>Shop</h1></main></body></html>"#;

const BACK: &str = r#"<!DOCTYPE html><html lang="en"><head><title>Back</title></head>
<body><main><h1>Back in the shop</h1></main></body></html>"#;

/// Makes the SDK, and counts how often it says that its token has expired.
const START_SDK: &str = "window.expired = 0;
    window.sdk = new authsignal.Authsignal({ ...args, onTokenExpired: () => { window.expired += 1; } });";

pub(crate) struct Shop {
    pub(crate) site: String,
    pub(crate) emulator: Emulator,
    pub(crate) clock: Clock,
    pub(crate) visitor: Visitor,
    http: reqwest::Client,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        let script = root().join("node_modules/@authsignal/browser/dist/index.min.js");
        let script = std::fs::read_to_string(&script).unwrap_or_else(|error| panic!("npm ci: {script:?}: {error}"));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        // Passkeys need a name, and this one needs no certificate.
        let site = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        let pages = Router::new()
            .route("/", get(|| async { Html(SHOP) }))
            .route("/back", get(|| async { Html(BACK) }))
            .route("/favicon.ico", get(|| async {}))
            .route("/authsignal.js", get(|| async { ([(header::CONTENT_TYPE, "text/javascript")], script) }));
        tokio::spawn(async move { axum::serve(listener, pages).await.unwrap() });

        let clock = Clock::manual(UNIX_EPOCH + Duration::from_secs(START));
        let emulator = Emulator::builder().clock(clock.clone()).start().await.unwrap();
        let visitor = Visitor::arrive_at(site.clone(), json!({})).await;
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let shop = Self { site, emulator, clock, visitor, http };
        shop.enter().await;
        shop
    }

    /// Opens the page anew, where the SDK has no token.
    pub(crate) async fn enter(&self) {
        self.enter_as(self.emulator.tenant_id()).await;
    }

    pub(crate) async fn enter_as(&self, tenant: &str) {
        self.visitor.open("/").await;
        self.visitor.sees("Shop").await;
        let base = self.emulator.base_url().replace("127.0.0.1", "localhost");
        self.js(START_SDK, json!({ "tenantId": tenant, "baseUrl": base })).await;
    }

    /// Runs this in the page, and gives what it returns.
    pub(crate) async fn js(&self, body: &str, args: Value) -> Value {
        self.visitor.runs(body, args).await.unwrap_or_else(|error| panic!("{body}: {error}"))
    }

    /// What a method of the SDK returns. It has to have gone well.
    pub(crate) async fn call(&self, method: &str, args: Value) -> Value {
        let mut answer = self.js(&format!("return sdk.{method}(args)"), args).await;
        assert!(answer["data"].is_object(), "{method}: {answer}");
        assert!(answer.get("errorCode").is_none(), "{method}: {answer}");
        answer["data"].take()
    }

    /// The error code that a method of the SDK returns, with a text beside it.
    pub(crate) async fn fails(&self, method: &str, args: Value) -> String {
        let answer = self.js(&format!("return sdk.{method}(args)"), args).await;
        assert!(answer.get("data").is_none(), "{method}: {answer}");
        assert_eq!(answer["error"], answer["errorDescription"], "{method}: {answer}");
        assert!(answer["errorDescription"].as_str().is_some_and(|text| !text.is_empty()), "{method}: {answer}");
        answer["errorCode"].as_str().unwrap_or_else(|| panic!("{method}: {answer}")).to_owned()
    }

    pub(crate) async fn track(&self, user: &str, action: &str) -> Tracked {
        let request = Track::new(action).redirect_url(format!("{}/back", self.site));
        self.emulator.client().track(user, request).await.unwrap()
    }

    /// Where somebody proves an action.
    pub(crate) async fn challenge(&self, user: &str, action: &str) -> String {
        self.track(user, action).await.url.unwrap().secret().to_owned()
    }

    /// Tracks an action, and hands its token to the SDK.
    pub(crate) async fn with_token(&self, user: &str, action: &str) -> String {
        let token = self.track(user, action).await.token.unwrap().secret().to_owned();
        self.js("sdk.setToken(args)", json!(token)).await;
        token
    }

    /// What the token in an answer of the SDK is worth to the shop's server.
    pub(crate) async fn validated(&self, answer: &Value) -> Validated {
        let token = answer["token"].as_str().unwrap_or_else(|| panic!("no token: {answer}"));
        self.emulator.client().validate_challenge(Validate::new(token)).await.unwrap()
    }

    /// Checks that it proves this action of this user.
    pub(crate) async fn proves(&self, answer: &Value, user: &str, action: &str) {
        let validated = self.validated(answer).await;
        assert!(validated.is_valid && validated.state == Some(ActionState::ChallengeSucceeded), "{validated:?}");
        assert_eq!((validated.user_id.as_deref(), validated.action.as_deref()), (Some(user), Some(action)));
    }

    /// The newest message to a user.
    pub(crate) fn message(&self, user: &str) -> Message {
        let messages = self.emulator.messages().into_iter();
        let mut theirs = messages.filter(|message| message.user_id.as_ref().is_some_and(|id| id.as_str() == user));
        theirs.next().expect("a message")
    }

    /// The methods that the server has of a user, with all that it tells of each.
    pub(crate) async fn authenticators(&self, user: &str) -> Value {
        let url = format!("{}/users/{user}/authenticators", self.emulator.base_url());
        let response = self.http.get(url).basic_auth(self.emulator.secret(), Some("")).send().await.unwrap();
        response.json().await.unwrap()
    }

    /// A call of the Client API from elsewhere: with a token for a new action of `user`, or with none.
    pub(crate) async fn client_api(&self, path: &str, user: Option<&str>, body: Value) -> Value {
        let request = self.http.post(format!("{}/client{path}", self.emulator.base_url())).json(&body);
        let request = match user {
            Some(user) => request.bearer_auth(self.track(user, "signIn").await.token.unwrap().secret()),
            None => request.basic_auth(self.emulator.tenant_id(), Some("")),
        };
        let response = request.send().await.unwrap().error_for_status().unwrap();
        response.json().await.unwrap()
    }

    /// Opens a link that somebody was sent.
    pub(crate) async fn opens(&self, link: &str) {
        assert!(self.http.get(link).send().await.unwrap().status().is_success());
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}
