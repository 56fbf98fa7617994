//! The page that people go on to is not there: where a browser's own headers say so, the log does.
use axum::Router;
use axum::routing::get;
use axum_authsignal::AuthsignalLayer;
use serde_json::json;
use test_support::visitor::Visitor;

use crate::logs::Log;
use crate::sites::{emulator, handle, listen, page, serve};

#[tokio::test]
async fn a_click_that_leads_nowhere_is_told() {
    let emulator = emulator().await;
    let (listener, port) = listen().await;
    let site = format!("http://localhost:{port}");
    let authsignal = handle(&emulator, &site).build().unwrap();
    let pay = get(async || page("Paid", "")).route_layer(AuthsignalLayer::new(&authsignal, "pay"));
    let app = Router::new()
        .route("/start", get(async || page("Start", "<a href=\"/pay\">Pay</a>")))
        .route("/pay", pay)
        .route("/favicon.ico", get(async || ()))
        .merge(authsignal.routes())
        .layer(authsignal.browser_layer());
    let log = Log::default();
    let _listening = log.listen();
    serve(listener, app);
    let ada = Visitor::arrive_at(site, json!({})).await;
    ada.open("/start").await;
    ada.click("Pay").await;
    ada.click("Cancel").await;
    ada.sees("Not confirmed yet").await;
    assert!(!log.text().contains("not there"), "{}", log.text());
    ada.click("Cancel").await;
    ada.waits_until("location.pathname === '/'").await;
    assert!(log.text().contains("Name one that is there with `AuthsignalBuilder::home`"), "{}", log.text());
}
