//! A client without cookies that listens on loopback, as command lines and desktop apps do (RFC 8252): its user proves the
//! challenge in a browser, and the client brings the token with its request.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use authsignal_emulator::Emulator;
use axum::Router;
use axum::extract::RawQuery;
use axum::http::HeaderMap;
use axum::routing::{get, post};
use axum_authsignal::{Authsignal, AuthsignalLayer, User};
use serde_json::{Value, json};
use test_support::visitor::Visitor;
use test_support::waiting::in_time;
use tokio::sync::mpsc;

use crate::sites::{emulator, listen, page, serve};

/// A program of Ada's, with her key.
struct Program {
    http: reqwest::Client,
    site: String,
    /// What her browser has brought back.
    queries: mpsc::UnboundedReceiver<String>,
    paid: Arc<AtomicUsize>,
    ada: Visitor,
    _emulator: Emulator,
}

impl Program {
    async fn start() -> Self {
        let emulator = emulator().await;
        let ((api, api_port), (own, own_port)) = (listen().await, listen().await);
        let (site, app) = (format!("http://localhost:{api_port}"), format!("http://localhost:{own_port}"));
        let authsignal = Authsignal::builder(emulator.client())
            .callback_url(format!("{site}/authsignal/callback"))
            .bearer_callback_url(format!("{app}/proved"))
            .bearer_challenges()
            .with_insecure_cookies()
            .identify(|headers: HeaderMap| async move {
                (headers.get("authorization")? == "Bearer the-key-of-ada").then(|| User::new("ada").bearer("key-1"))
            })
            .build()
            .unwrap();
        let paid = Arc::new(AtomicUsize::new(0));
        let effect = Arc::clone(&paid);
        let pay = move |headers: HeaderMap, body: String| async move {
            assert!(!headers.contains_key("authsignal-token"));
            effect.fetch_add(1, Ordering::SeqCst);
            format!("paid {body}")
        };
        let pay = post(pay).route_layer(AuthsignalLayer::new(&authsignal, "pay"));
        serve(api, Router::new().route("/pay", pay).merge(authsignal.routes()));
        let (sender, queries) = mpsc::unbounded_channel();
        let proved = move |RawQuery(query): RawQuery| async move {
            let _ = sender.send(query.unwrap_or_default());
            // The token is in the address of the program's own page, which leaves it there no longer than it has to.
            page("Back to the program", "<script>history.replaceState(null, '', '/proved')</script>")
        };
        serve(own, Router::new().route("/proved", get(proved)).route("/favicon.ico", get(async || ())));
        let ada = Visitor::arrive_at(app, json!({})).await;
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { http, site, queries, paid, ada, _emulator: emulator }
    }

    async fn pays(&self, amount: &str, token: Option<&str>) -> (u16, Value) {
        let request = self.http.post(format!("{}/pay", self.site)).bearer_auth("the-key-of-ada");
        let request = token.into_iter().fold(request, |request, token| request.header("authsignal-token", token));
        let response = request.body(amount.to_owned()).send().await.unwrap();
        assert!(!response.headers().contains_key("set-cookie"));
        let status = response.status().as_u16();
        if status == 401 {
            let challenge = response.headers()["www-authenticate"].to_str().unwrap();
            assert!(challenge.starts_with("Bearer error=\"insufficient_user_authentication\""), "{challenge}");
        }
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Asks, has its user do something with the challenge, and gives the problem and the token that came back.
    async fn asks_for_proof(&mut self, amount: &str, act: impl AsyncFnOnce(&Visitor)) -> (Value, String) {
        let (status, problem) = self.pays(amount, None).await;
        assert_eq!(status, 401);
        self.ada.browser.goto(problem["url"].as_str().unwrap()).await.unwrap();
        act(&self.ada).await;
        self.ada.sees("Back to the program").await;
        let query = in_time("the program gets its token", self.queries.recv()).await.unwrap();
        let token = query.split('&').find_map(|pair| pair.strip_prefix("token=")).expect("a token").to_owned();
        (problem, token)
    }
}

fn reason(problem: &Value) -> &str {
    problem["type"].as_str().unwrap().rsplit('.').next().unwrap()
}

#[tokio::test]
async fn a_bearer_client_runs_once_and_tells_cancelled_and_failed_apart() {
    let mut program = Program::start().await;
    let (_, token) = program.asks_for_proof("10", async |ada| ada.confirms("Pay").await).await;
    let (status, other) = program.pays("99", Some(&token)).await;
    assert_eq!((status, reason(&other)), (401, "ChallengeRequired"), "another amount is another request");
    assert_eq!(program.pays("10", Some(&token)).await, (200, json!("paid 10")));
    let (status, again) = program.pays("10", Some(&token)).await;
    assert_eq!((status, reason(&again)), (409, "AlreadyDone"));
    assert_eq!(program.pays("10", None).await.0, 401);
    assert_eq!(program.paid.load(Ordering::SeqCst), 1);

    // Cancelled: the same challenge waits.
    let (problem, token) = program.asks_for_proof("20", async |ada| ada.click("Cancel").await).await;
    let (status, again) = program.pays("20", Some(&token)).await;
    assert_eq!((status, reason(&again)), (401, "ChallengeRequired"));
    assert_eq!(again["idempotencyKey"], problem["idempotencyKey"]);

    // Failed: it is over, and the next is another.
    let (same, token) = program.asks_for_proof("20", async |ada| ada.click("Fail this challenge").await).await;
    assert_eq!(same["idempotencyKey"], problem["idempotencyKey"]);
    let (status, failed) = program.pays("20", Some(&token)).await;
    assert_eq!((status, reason(&failed), failed["state"].as_str()), (403, "State", Some("CHALLENGE_FAILED")));
    assert_ne!(program.pays("20", None).await.1["idempotencyKey"], problem["idempotencyKey"]);
    assert_eq!(program.paid.load(Ordering::SeqCst), 1);
    program.ada.leaves().await;
}
