//! Policies over sockets: the application, its callers and the emulator each at an address of their own.
use std::net::SocketAddr;
use std::time::Duration;

use authsignal_emulator::Outcome;
use axum::Router;
use axum::routing::post;
use axum_authsignal::AuthsignalLayer;
use axum_authsignal::client::VerificationMethod::{AuthenticatorApp, EmailOtp};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::programs::{TOKEN, bearers};
use crate::support::{Bench, MINUTE, bench_with, handle, parameter};

struct Site {
    bench: Bench,
    address: SocketAddr,
}

async fn site() -> Site {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let callback = format!("http://{address}/authsignal/callback");
    let bench = bench_with(|builder| bearers(builder).callback_url(callback).with_insecure_cookies()).await;
    let _app = bench.emulator.user("ada").enroll_authenticator_app();
    bench.emulator.set_outcome("held", Outcome::Review);
    let layer = |action: &str| AuthsignalLayer::new(&bench.authsignal, action);
    let app = Router::new()
        .route("/held", post(handle).layer(layer("held").review(MINUTE * 60)))
        .route("/strict", post(handle).layer(layer("strict").methods([AuthenticatorApp])))
        .route("/fresh", post(handle).layer(layer("fresh").max_age(MINUTE)))
        .with_state(bench.effects.clone())
        .merge(bench.authsignal.routes());
    tokio::spawn(async move {
        axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await.unwrap();
    });
    Site { bench, address }
}

/// Who calls: a page's script with our cookie, and a program without any.
#[derive(Clone, Copy, Debug)]
enum Caller {
    Script,
    Bearer,
}

struct Program<'a> {
    site: &'a Site,
    client: Client,
    caller: Caller,
}

impl<'a> Program<'a> {
    fn new(site: &'a Site, caller: Caller) -> Self {
        let client = Client::builder().no_proxy();
        let client = if let Caller::Script = caller { client.cookie_store(true) } else { client };
        Self { site, client: client.build().unwrap(), caller }
    }

    fn request(&self, path: &str) -> RequestBuilder {
        let request = self.client.post(format!("http://{}{path}", self.site.address)).header("x-user", "ada");
        let request = if let Caller::Bearer = self.caller { request.header("x-bearer", "key-1") } else { request };
        request.json(&json!({ "amount": 10 }))
    }

    async fn send(&self, path: &str) -> Response {
        self.request(path).send().await.unwrap()
    }

    async fn challenged(&self, path: &str) -> Value {
        let response = self.send(path).await;
        assert!(matches!(response.status().as_u16(), 401 | 403), "{:?} {path}: {}", self.caller, response.status());
        response.json().await.unwrap()
    }

    async fn send_with(&self, path: &str, token: &str) -> Response {
        self.request(path).header(TOKEN, token).send().await.unwrap()
    }
}

fn url(problem: &Value) -> &str {
    problem["url"].as_str().unwrap()
}

/// T34: the weaker method, then the one that counts.
#[tokio::test]
async fn t34_weak_then_strong_over_sockets() {
    let site = site().await;
    for (done, caller) in [Caller::Script, Caller::Bearer].into_iter().enumerate() {
        let program = Program::new(&site, caller);
        let proof = |problem: &Value, method| {
            // A code of an app's is taken once.
            site.bench.clock.advance(Duration::from_secs(31));
            parameter(&site.bench.emulator.succeed_by(url(problem), method).unwrap(), "token").unwrap()
        };
        let weak = proof(&program.challenged("/strict").await, &EmailOtp);
        let again: Value = program.send_with("/strict", &weak).await.json().await.unwrap();
        assert_eq!(again["methods"], json!(["AUTHENTICATOR_APP"]), "{again}");
        let strong = proof(&again, &AuthenticatorApp);
        assert_eq!(program.send_with("/strict", &strong).await.status(), 200, "{caller:?}");
        assert_eq!(site.bench.effects.count(), done + 1);
    }
}

/// T31: too late, then in time.
#[tokio::test]
async fn t31_late_then_in_time_over_sockets() {
    let site = site().await;
    for (done, caller) in [Caller::Script, Caller::Bearer].into_iter().enumerate() {
        let program = Program::new(&site, caller);
        let proof = |problem: &Value| parameter(&site.bench.emulator.succeed(url(problem)).unwrap(), "token").unwrap();
        let late = proof(&program.challenged("/fresh").await);
        site.bench.clock.advance(MINUTE);
        let again: Value = program.send_with("/fresh", &late).await.json().await.unwrap();
        let token = proof(&again);
        site.bench.clock.advance(MINUTE - Duration::from_secs(1));
        assert_eq!(program.send_with("/fresh", &token).await.status(), 200, "{caller:?}");
        assert_eq!(site.bench.effects.count(), done + 1);
    }
}

/// T107: polled with the very same request until an operator has decided, by the emulator's control over HTTP.
#[tokio::test]
async fn t107_a_review_is_polled_over_sockets() {
    let site = site().await;
    let decide = async |state: &str| {
        let newest = site.bench.emulator.actions("ada")[0].clone();
        let url = format!(
            "{}/emulator/actions/ada/{}/{}/state",
            site.bench.emulator.origin(),
            newest.action,
            newest.idempotency_key
        );
        let client = Client::builder().no_proxy().build().unwrap();
        let answer = client.post(url).json(&json!({ "state": state })).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
    };
    for (done, caller) in [Caller::Script, Caller::Bearer].into_iter().enumerate() {
        let program = Program::new(&site, caller);
        for (state, status) in [("REVIEW_FAILED", 403), ("REVIEW_SUCCEEDED", 200)] {
            let waits = program.send("/held").await;
            assert_eq!(waits.status(), 202, "{caller:?}");
            let pause: u64 = waits.headers()["retry-after"].to_str().unwrap().parse().unwrap();
            let problem: Value = waits.json().await.unwrap();
            assert_eq!((&problem["state"], &problem["code"]), (&json!("REVIEW_REQUIRED"), &json!("AUTHSIGNAL-R035")));
            assert!(problem["expiresAt"].is_u64(), "{problem}");
            decide(state).await;
            site.bench.clock.advance(Duration::from_secs(pause));
            assert_eq!(program.send("/held").await.status(), status, "{caller:?} {state}");
            // What was refused is so for ten minutes; what passed does so once.
            site.bench.clock.advance(MINUTE * 11);
        }
        assert_eq!(site.bench.effects.count(), done + 1);
    }
}
