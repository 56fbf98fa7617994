//! A page that uses htmx: its buttons are no dead ends (complaint C8).
use std::net::SocketAddr;
use std::path::Path;

use authsignal_emulator::Emulator;
use axum::Router;
use axum::http::{HeaderMap, header};
use axum::response::Html;
use axum::routing::{get, post};
use axum_authsignal::{Authsignal, AuthsignalLayer, User, Verdict};
use serde_json::json;

use test_support::visitor::Visitor;

const PAGE: &str = r#"<!DOCTYPE html><html lang="en"><head><title>Cart</title><script src="/htmx.js"></script></head>
<body><main><h1>Cart</h1><button hx-post="/pay" hx-target=".paid" hx-vals='{"amount":"10"}'>Pay</button>
<p class="paid">Not paid</p></main></body></html>"#;

async fn paid(verdict: Verdict, body: String) -> String {
    assert!(verdict.is_verified());
    format!("Paid: {body}")
}

/// A shop whose one button is guarded, with this version of htmx.
async fn shop(package: &str) -> (String, Emulator) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("node_modules").join(package).join("dist/htmx.min.js");
    let script = std::fs::read_to_string(&script).unwrap_or_else(|error| panic!("run `npm ci`: {script:?}: {error}"));
    let emulator = Emulator::start().await.unwrap();
    emulator.user("ada").enroll_email_otp("ada@example.com");
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let site = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    let authsignal = Authsignal::builder(emulator.client())
        .challenge_budget(10_000, std::time::Duration::from_secs(60))
        .pending_flow_budget(1_000, 16 * 1024 * 1024)
        .callback_url(format!("{site}/authsignal/callback"))
        .with_insecure_cookies()
        .identify(|_: HeaderMap| async { User::new("ada") })
        .build()
        .unwrap();
    let app = Router::new()
        .route("/cart", get(|| async { Html(PAGE) }))
        .route("/htmx.js", get(|| async { ([(header::CONTENT_TYPE, "text/javascript")], script) }))
        .route("/favicon.ico", get(|| async {}))
        .route("/pay", post(paid).route_layer(AuthsignalLayer::new(&authsignal, "pay")))
        .merge(authsignal.routes());
    tokio::spawn(async move {
        axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await.unwrap();
    });
    (site, emulator)
}

async fn a_button_leads_through_its_challenge(package: &str) {
    let (site, _emulator) = shop(package).await;
    let ada = Visitor::arrive_at(site, json!({})).await;
    ada.open("/cart").await;
    ada.sees("Cart").await;
    ada.click("Pay").await;
    ada.confirms("Pay").await;
    ada.sees("One last step").await;
    ada.click("Continue").await;
    ada.sees("Cart").await;
    ada.is_at("/cart").await;
    ada.click("Pay").await;
    ada.reads(".paid", "Paid: amount=10").await;
    ada.leaves().await;
}

#[tokio::test]
async fn c8_a_button_of_htmx_2_leads_through_its_challenge() {
    a_button_leads_through_its_challenge("htmx.org").await;
}

#[tokio::test]
async fn c8_a_button_of_htmx_4_leads_through_its_challenge() {
    a_button_leads_through_its_challenge("htmx4").await;
}
