//! The way through a recipe's pages, for its tests: what holds in each, whoever keeps its sessions.
use std::net::SocketAddr;

use authsignal_emulator::Emulator;
use axum::Router;
use axum_authsignal::RefusalReason::{AlreadyDone, Unauthenticated};
use axum_authsignal::{Authsignal, AuthsignalBuilder, ConfigError};
use axum_authsignal_testing::{Browser, Outcome, Page, TestAuthsignal};
use serde_json::json;
use test_support::visitor::Visitor;
use tokio::net::TcpListener;

/// A recipe's application, from the builder of its handle.
pub(crate) trait App: FnOnce(AuthsignalBuilder) -> Result<Router, ConfigError> {}

impl<F: FnOnce(AuthsignalBuilder) -> Result<Router, ConfigError>> App for F {}

/// A form without a field.
pub(crate) const NOTHING: [(&str, &str); 0] = [];

/// Ada's browser, in which she is signed in.
pub(crate) async fn signed_in(app: impl App) -> Browser {
    let authsignal = TestAuthsignal::new().enroll("ada").outcome("pay", Outcome::Challenge);
    let browser = authsignal.browser(app(authsignal.builder()).unwrap());
    browser.post_form("/login", [("user", "ada")]).await.assert_text("Payments: 0").browser().clone()
}

pub(crate) async fn asks_to_pay(browser: &Browser) -> Page {
    browser.get("/").await.fill("amount", "10").press("Pay").await.assert_challenged("pay")
}

/// Challenged, proved, and paid once, however often Continue is pressed.
pub(crate) async fn pays_once(app: impl App) {
    let browser = signed_in(app).await;
    let last_step = asks_to_pay(&browser).await.prove().await;
    last_step.press("Continue").await.assert_verified().assert_text("Payments: 1");
    last_step.press("Continue").await.assert_refused(&AlreadyDone);
    browser.get("/").await.assert_text("Payments: 1");
    browser.authsignal().assert_tracked(1);
}

/// What was approved is worth nothing after a logout, nor after the next login.
pub(crate) async fn a_logout_ends_what_was_approved(app: impl App) {
    let browser = signed_in(app).await;
    let last_step = asks_to_pay(&browser).await.prove().await;
    browser.post_form("/logout", NOTHING).await.assert_text("Who are you?");
    last_step.press("Continue").await.assert_refused(&Unauthenticated);
    browser.post_form("/login", [("user", "ada")]).await;
    last_step.press("Continue").await.assert_challenged("pay");
    browser.get("/").await.assert_text("Payments: 0");
}

/// Who leaves the challenge is led back to where they were.
pub(crate) async fn cancel_leads_back(app: impl App) {
    let left = asks_to_pay(&signed_in(app).await).await.leave().await;
    let home = left.assert_text("Not confirmed yet").press("Cancel").await.assert_text("Payments: 0");
    assert_eq!(home.address(), "/");
}

/// The same in Chromium, where the challenge is on another site than the application.
pub(crate) async fn in_chromium(app: impl App) {
    let (site, _emulator) = serve(app).await;
    walks(site).await;
}

/// Through a recipe that is served there: Ada leaves a challenge, proves one, and signs out before the last step of one.
pub(crate) async fn walks(site: String) {
    let ada = Visitor::arrive_at(site, json!({})).await;
    signs_in(&ada).await;
    pays(&ada, "10").await;
    ada.sees("Pay").await;
    ada.click("Cancel").await;
    ada.sees("Not confirmed yet").await;
    ada.click("Cancel").await;
    ada.sees("Payments: 0").await;

    proves_to_pay(&ada, "10").await;
    ada.click("Continue").await;
    ada.sees("Payments: 1").await;
    ada.is_at("/").await;

    proves_to_pay(&ada, "20").await;
    let last_step = ada.tab().await;
    ada.opens_a_tab().await;
    ada.open("/").await;
    ada.click("Sign out").await;
    ada.sees("Who are you?").await;
    signs_in(&ada).await;
    ada.goes_to(&last_step).await;
    ada.click("Continue").await;
    ada.sees("Pay").await;
    ada.open("/").await;
    ada.sees("Payments: 1").await;
    ada.leaves().await;
}

async fn proves_to_pay(ada: &Visitor, amount: &str) {
    pays(ada, amount).await;
    ada.confirms("Pay").await;
    ada.sees("One last step").await;
}

pub(crate) async fn signs_in(ada: &Visitor) {
    ada.open("/").await;
    ada.fill("Name", "ada").await;
    ada.click("Sign in").await;
    ada.sees_one_of(&["Payments: 0", "Payments: 1"]).await;
}

pub(crate) async fn pays(ada: &Visitor, amount: &str) {
    ada.fill("Amount", amount).await;
    ada.click("Pay").await;
}

/// The recipe at a port of its own, with an emulator that knows Ada.
pub(crate) async fn serve(app: impl App) -> (String, Emulator) {
    let emulator = emulator().await;
    let (listener, port) = listen().await;
    let site = format!("http://localhost:{port}");
    let authsignal = Authsignal::builder(emulator.client()).callback_url(format!("{site}/authsignal/callback"));
    serve_at(listener, app(authsignal.with_insecure_cookies()).unwrap());
    (site, emulator)
}

pub(crate) async fn emulator() -> Emulator {
    let emulator = Emulator::start().await.unwrap();
    emulator.user("ada").enroll_email_otp("ada@example.com");
    emulator
}

/// A port that nobody else has.
pub(crate) async fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

pub(crate) fn serve_at(listener: TcpListener, app: Router) {
    tokio::spawn(async move {
        axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await.unwrap();
    });
}
