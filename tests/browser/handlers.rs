//! A handler that asks by itself, as somebody meets it who posts a form in Chromium.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::State;
use axum::response::Html;
use axum::routing::{get, post};
use axum::{Form, Router};
use axum_authsignal::client::CustomData;
use axum_authsignal::{StepUp, StepUpResponse};
use serde::Deserialize;
use test_support::visitor::Visitor;

use crate::sites::{emulator, handle, listen, page, serve};

#[derive(Deserialize)]
struct Transfer {
    to: String,
    amount: u64,
}

const FORM: &str = "<form method=\"post\" action=\"/send\"><label>To <input name=\"to\" value=\"Grace\"></label>\
    <label>Amount <input name=\"amount\"></label><button>Send</button></form>";

async fn send(
    State(sent): State<Arc<AtomicUsize>>,
    step_up: StepUp,
    Form(transfer): Form<Transfer>,
) -> Result<Html<String>, StepUpResponse> {
    let Transfer { to, amount } = transfer;
    let mut how = "at once".to_owned();
    if amount > 1_000 {
        let data = CustomData::new().with("amount", amount).with("to", &*to);
        how = format!("{:?}", step_up.require("large-transfer", data).await?.is_verified());
    }
    sent.fetch_add(1, Ordering::SeqCst);
    Ok(page("Sent", &format!("<p class=\"sent\">{amount} to {to}, {how}</p>")))
}

/// A small sum goes through; a large one is proved, comes back in its form, and is sent once.
#[tokio::test]
async fn a_form_is_challenged_for_what_the_handler_finds_in_it() {
    let emulator = emulator().await;
    let (listener, port) = listen().await;
    let site = format!("http://localhost:{port}");
    let authsignal = handle(&emulator, &site).build().unwrap();
    let sent = Arc::new(AtomicUsize::new(0));
    let app = Router::new()
        .route("/", get(async || page("Shop", FORM)))
        .route("/favicon.ico", get(async || ()))
        .route("/send", post(send).route_layer(authsignal.step_up_layer()))
        .with_state(Arc::clone(&sent))
        .merge(authsignal.routes());
    serve(listener, app);
    let ada = Visitor::arrive_blocking_popups_at(site).await;
    ada.open("/").await;
    ada.fill("Amount", "10").await;
    ada.click("Send").await;
    ada.sees("Sent").await;
    assert_eq!(ada.text(".sent").await, "10 to Grace, at once");

    ada.open("/").await;
    ada.fill("Amount", "5000").await;
    ada.click("Send").await;
    ada.confirms("Large transfer").await;
    ada.sees("One last step").await;
    let shown = ada.text("dl").await;
    assert!(shown.contains("5000") && shown.contains("Grace"), "{shown}");
    assert_eq!(sent.load(Ordering::SeqCst), 1);
    ada.click("Continue").await;
    ada.sees("Sent").await;
    assert_eq!(ada.text(".sent").await, "5000 to Grace, true");
    ada.reload().await;
    ada.sees_one_of(&["Already passed on", "Large transfer"]).await;
    assert_eq!(sent.load(Ordering::SeqCst), 2);
    ada.leaves().await;
}
