//! What a browser follows, and how a person goes on.
use std::time::Duration;

use axum_authsignal::{AuthsignalLayer, RefusalReason, client::ActionState};
use axum_authsignal_testing::{Outcome, TestAuthsignal, words};

use crate::support::{app, signed_in};

#[tokio::test]
async fn a_page_that_is_proved_is_shown() {
    let browser = signed_in(Outcome::Challenge).await;
    // The session's cookie is strict: the callback's page hops, and is followed.
    let page = browser.get("/pay").await.assert_challenged("pay").prove().await.assert_verified();
    assert_eq!((page.address(), page.status().as_u16()), ("/pay", 200));
    assert!(browser.cookie("__Host-authsignal").is_some());
    browser.authsignal().assert_tracked(1);
    browser.get("/then-pay").await.assert_challenged("pay");
}

#[tokio::test]
async fn a_challenge_is_left_declined_and_tried_again() {
    let browser = signed_in(Outcome::Challenge).await;
    let challenged = browser.post_form("/pay", [("to", "bob")]).await;
    let left = challenged.leave().await.assert_text("Not confirmed yet");
    left.press(words::CANCEL).await.assert_text("home");
    let again = challenged.leave().await;
    assert!(!again.address().contains("token"), "{}", again.address());
    let failed = challenged.decline().await;
    failed.assert_refused(&RefusalReason::State(ActionState::ChallengeFailed));
}

/// A link to the challenge's own page is followed there, and back.
#[tokio::test]
async fn somebody_tries_again_on_the_page_itself() {
    let browser = signed_in(Outcome::Challenge).await;
    let challenged = browser.post_form("/pay", [("to", "bob")]).await;
    let page = challenged.leave().await.press(words::TRY_AGAIN).await;
    let code = browser.authsignal().emulator().code_for("ada").unwrap();
    let last_step = page.fill("code", &code).press("Confirm").await;
    last_step.press(words::CONTINUE).await.assert_verified().assert_text("to=bob");
}

#[tokio::test]
async fn what_is_approved_before_is_proved_by_itself() {
    let browser = signed_in(Outcome::Challenge).await;
    browser.authsignal().approved_as("bob", "pay");
    browser.get("/pay").await.assert_challenged("pay");
    browser.authsignal().approved_as("ada", "pay");
    browser.get("/pay").await.assert_verified();
    browser.post_form("/pay", [("to", "bob")]).await.assert_verified().assert_text("to=bob");
    browser.fetch_json("/pay", &serde_json::json!({ "to": "bob" })).await.assert_verified();
    browser.get("/kept").await.assert_challenged("kept");
}

#[tokio::test]
async fn a_script_goes_on_by_a_page_or_by_its_token() {
    let browser = signed_in(Outcome::Challenge).await;
    let json = serde_json::json!({ "to": "bob" });
    let asked = browser.fetch_json("/pay", &json).await.assert_challenged("pay");
    assert_eq!(asked.json()["status"], 403);
    asked.prove().await;
    asked.repeat().await.assert_verified().assert_text("bob");
    let asked = browser.fetch_json("/pay", &json).await.assert_challenged("pay");
    asked.repeat_with_token().await.assert_verified();
}

#[tokio::test]
async fn time_passes_as_the_test_says() {
    let browser = signed_in(Outcome::Challenge).await;
    browser.get("/kept").await.prove().await.assert_verified();
    browser.authsignal().set_outcome("kept", Outcome::Block);
    browser.authsignal().advance(Duration::from_secs(590));
    browser.get("/kept").await.assert_verified();
    browser.authsignal().advance(Duration::from_secs(20));
    browser.get("/kept").await.assert_blocked();
    browser.authsignal().assert_tracked(2);
}

#[tokio::test]
async fn a_service_that_is_down_comes_back() {
    let browser = signed_in(Outcome::Allow).await;
    browser.authsignal().goes_down();
    browser.get("/pay").await.assert_outage().assert_text("Try again");
    browser.authsignal().comes_back();
    browser.get("/pay").await.assert_allowed();
    browser.authsignal().assert_tracked(2);
}

/// T7: what somebody else proves in their browser is worth nothing in another.
#[tokio::test]
async fn t7_another_browser_proves_nothing() {
    let browser = signed_in(Outcome::Challenge).await;
    let challenged = browser.get("/pay").await;
    let other = browser.elsewhere();
    other.post_form("/sign-in", [("user", "ada")]).await;
    other.prove(&challenged).await.assert_refused(&RefusalReason::UnknownFlow);
    browser.get("/pay").await.assert_challenged("pay");
}

#[tokio::test]
async fn a_browser_says_what_it_is_about() {
    let browser = signed_in(Outcome::Allow).await;
    let home = "https://app.example.com/";
    browser.get("/seen").await.assert_text("GET none navigate - - - \"\"");
    let seen = format!("{home}seen");
    let form = "application/x-www-form-urlencoded";
    let post = browser.post_form("/seen", [("a", "1 2"), ("b", "ä&")]).await;
    let origin = "https://app.example.com";
    post.assert_text(&format!("POST same-origin navigate {origin} {seen} {form} \"a=1+2&b=%C3%A4%26\""));
    let fetched = browser.fetch_json("/seen", &serde_json::json!({})).await;
    fetched.assert_text(&format!("POST same-origin cors {origin} {seen} application/json \"{{}}\""));
    browser.post_form("/moved", [("a", "1")]).await.assert_text("POST same-origin navigate");
    browser.post_form("/found", [("a", "1")]).await.assert_text("GET same-origin navigate");
}

/// As HTML has forms sent, whatever ends a line in the page: the layer keeps the form as the browser has sent it.
#[tokio::test]
async fn lines_end_as_browsers_end_them() {
    let browser = signed_in(Outcome::Challenge).await;
    browser.post_form("/seen", [("a", "1\n2\r\n3\r4")]).await.assert_text("a=1%0D%0A2%0D%0A3%0D%0A4");
    let last_step = browser.post_form("/pay", [("a", "1\n2")]).await.prove().await;
    last_step.press("Continue").await.assert_verified().assert_text("a=1%0D%0A2");
}

#[tokio::test]
async fn a_browser_stays_with_its_application_and_gives_up() {
    let browser = signed_in(Outcome::Allow).await;
    let away = browser.get("/away").await.assert_status(303);
    assert_eq!((away.address(), away.verdict().is_none()), ("/away", true));
    let text = format!("{:?}", browser.get("/loop").await);
    assert!(text.contains("the browser gives up after 20 redirects"), "{text}");
}

/// An application on plain http of this machine, as while it is developed.
#[tokio::test]
async fn an_application_has_another_origin() {
    let authsignal = TestAuthsignal::new().enroll("ada");
    let (origin, callback) = ("http://localhost:3000", "http://localhost:3000/back");
    let app = app(authsignal.builder().callback_url(callback).with_insecure_cookies());
    let browser = authsignal.browser_at(origin, app);
    browser.post_form("/sign-in", [("user", "ada")]).await;
    let page = browser.post_form("/pay", [("to", "bob")]).await.prove().await.press("Continue").await;
    page.assert_verified();
    assert!(browser.cookie("authsignal").is_some());
}

/// The helper's own handle is one like any other: who is asking is told by the application.
#[tokio::test]
async fn nobody_is_signed_in_by_itself() {
    let authsignal = TestAuthsignal::new();
    let handle = authsignal.builder().identify_parts(|_| None).build().unwrap();
    let layer = AuthsignalLayer::new(&handle, "pay");
    let guarded = axum::routing::get(async || "ran").route_layer(layer);
    let app = axum::Router::new().route("/pay", guarded).merge(handle.routes());
    authsignal.browser(app).get("/pay").await.assert_refused(&RefusalReason::Unauthenticated);
}

/// A multipart form comes back as the form that it is: its file is chosen again, and the boundary is another one.
#[tokio::test]
async fn a_multipart_form_is_sent_and_sent_again() {
    let browser = signed_in(Outcome::Challenge).await;
    let form = browser.get("/parts").await.fill("to", "Zo\u{eb}\nCo").fill("receipt", "42");
    let last_step = form.press("Send").await.assert_challenged("pay").prove().await;
    let last_step = last_step.assert_text("These could not be kept: Receipt (file)");
    assert!(last_step.text().contains("receipt.txt"));
    last_step.clone().fill("receipt", "43").press(words::CONTINUE).await.assert_challenged("pay");
    let page = last_step.fill("receipt", "42").press(words::CONTINUE).await.assert_verified();
    page.assert_text("Zo\u{eb}");
    browser.authsignal().assert_tracked(2);
}
