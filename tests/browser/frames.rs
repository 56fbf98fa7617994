//! A guarded page in a frame: its challenge is opened in a window of its own, and ends well there (threat T125).
use authsignal_emulator::Emulator;
use axum::Router;
use axum::routing::{get, post};
use axum_authsignal::AuthsignalLayer;
use serde_json::json;

use crate::looks::look;
use crate::sites::{emulator, handle, listen, page, serve};
use test_support::visitor::{PATIENCE, Visitor};

const FORM: &str = "<form method=\"post\" action=\"/pay\"><label>Amount <input name=\"amount\" value=\"10\"></label>\
                    <button>Pay</button></form>";

/// A page with a frame in it.
async fn arrive_at(content: &'static str) -> (Visitor, Emulator) {
    let emulator = emulator().await;
    let (listener, port) = listen().await;
    let site = format!("http://localhost:{port}");
    let authsignal = handle(&emulator, &site).build().unwrap();
    let guard = |action| AuthsignalLayer::new(&authsignal, action);
    let paid = async |body: String| page("Paid", &format!("<p class=\"sent\">{body}</p>"));
    let app = Router::new()
        .route("/", get(async move || page("Around", content)))
        .route("/favicon.ico", get(async || ()))
        .route("/card", get(async || page("Your card", "")).route_layer(guard("view-card")))
        .route("/form", get(async || page("Form", FORM)))
        .route("/pay", post(paid).route_layer(guard("pay")))
        .merge(authsignal.routes());
    serve(listener, app);
    let ada = Visitor::arrive_at(site, json!({})).await;
    ada.open("/").await;
    ada.sees("Around").await;
    (ada, emulator)
}

/// Waits until a script says so.
async fn waits_until(ada: &Visitor, script: &str) {
    let begun = std::time::Instant::now();
    while ada.evaluates(&format!("return Boolean({script})")).await != json!(true) {
        assert!(begun.elapsed() < PATIENCE, "never: {script}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// Follows the link in the frame, to the window that it opens.
async fn follows_the_link(ada: &Visitor) {
    let around = ada.tab().await;
    waits_until(ada, "window[0]?.document.querySelector('h1')?.textContent == 'Please confirm it’s you'").await;
    ada.evaluates("window[0].document.querySelector('a.go').click()").await;
    let begun = std::time::Instant::now();
    loop {
        let windows = ada.browser.windows().await.unwrap();
        if let Some(opened) = windows.iter().find(|window| **window != around) {
            return ada.goes_to(opened).await;
        }
        assert!(begun.elapsed() < PATIENCE, "no window was opened");
    }
}

#[tokio::test]
async fn t125_a_page_in_a_frame_is_confirmed_in_its_own_window() {
    for frame in [
        "<iframe src=\"/card\" title=\"Card\" style=\"width: 100%; height: 20rem; border: 0\"></iframe>",
        "<object data=\"/card\" type=\"text/html\"></object>",
        "<embed src=\"/card\" type=\"text/html\">",
    ] {
        let (ada, _emulator) = arrive_at(frame).await;
        if frame.starts_with("<iframe") {
            waits_until(&ada, "window[0]?.document.querySelector('a.go')").await;
            ada.browser.clone().enter_frame(0).await.unwrap();
            look(&ada, "own-window").await;
            ada.browser.clone().enter_parent_frame().await.unwrap();
        }
        follows_the_link(&ada).await;
        ada.confirms("View card").await;
        ada.sees("Your card").await;
        ada.is_at("/card").await;
        ada.leaves().await;
    }
}

#[tokio::test]
async fn t125_a_form_in_a_frame_is_kept_and_sent_from_the_new_window() {
    let (ada, _emulator) = arrive_at("<iframe src=\"/form\" title=\"Form\"></iframe>").await;
    waits_until(&ada, "window[0]?.document.querySelector('form')").await;
    ada.evaluates("window[0].document.querySelector('form').requestSubmit()").await;
    follows_the_link(&ada).await;
    ada.confirms("Pay").await;
    ada.sees("One last step").await;
    ada.click("Continue").await;
    ada.sees("Paid").await;
    ada.reads(".sent", "amount=10").await;
    ada.leaves().await;
}
