//! The shop's tests: eleven, with all that stands before them.
use axum_authsignal::RefusalReason::{AlreadyDone, NotEnrolled, Unauthenticated};
use axum_authsignal_testing::{Browser, Outcome, Outcome::*, TestAuthsignal};
use serde_json::json;

const REFUND: [(&str, &str); 2] = [("order", "7"), ("amount", "20")];

/// The browser of somebody who is signed in.
async fn browser(user: &str, outcome: Outcome) -> Browser {
    let authsignal = TestAuthsignal::new().enroll("ada").outcome("refund", outcome).outcome("export", outcome);
    let browser = authsignal.browser(super::app::app(authsignal.builder()).unwrap());
    browser.post_form("/sign-in", [("user", user)]).await.assert_text("Refunds: 0").browser().clone()
}

#[tokio::test]
async fn allowed() {
    browser("ada", Allow).await.post_form("/refund", REFUND).await.assert_allowed().assert_text("Refunds: 1");
}

#[tokio::test]
async fn blocked() {
    browser("ada", Block).await.post_form("/refund", REFUND).await.assert_blocked();
}

#[tokio::test]
async fn challenged() {
    browser("ada", Challenge).await.post_form("/refund", REFUND).await.assert_challenged("refund");
}

#[tokio::test]
async fn proved() {
    let last_step = browser("ada", Challenge).await.post_form("/refund", REFUND).await.prove().await;
    last_step.press("Continue").await.assert_verified().assert_text("Refunds: 1");
}

#[tokio::test]
async fn wrong_code() {
    let page = browser("ada", Challenge).await.post_form("/refund", REFUND).await.enter_code("000000").await;
    page.assert_text("That code is wrong").browser().get("/").await.assert_text("Refunds: 0");
}

#[tokio::test]
async fn outage() {
    browser("ada", Outage).await.post_form("/refund", REFUND).await.assert_outage();
}

#[tokio::test]
async fn unenrolled() {
    browser("grace", Challenge).await.post_form("/refund", REFUND).await.assert_refused(&NotEnrolled);
}

#[tokio::test]
async fn logout_in_the_middle() {
    let challenged = browser("ada", Challenge).await.post_form("/refund", REFUND).await;
    challenged.browser().post_form("/sign-out", REFUND).await.assert_text("Who are you?");
    challenged.prove().await.assert_refused(&Unauthenticated);
}

#[tokio::test]
async fn second_tab() {
    let one = browser("ada", Challenge).await.post_form("/refund", REFUND).await;
    let other = one.browser().post_form("/refund", REFUND).await.assert_challenged("refund");
    one.prove().await.press("Continue").await.assert_verified();
    other.prove().await.assert_text("Already passed on").browser().get("/").await.assert_text("Refunds: 1");
}

#[tokio::test]
async fn double_post() {
    let last_step = browser("ada", Challenge).await.post_form("/refund", REFUND).await.prove().await;
    last_step.press("Continue").await.assert_verified();
    last_step.press("Continue").await.assert_refused(&AlreadyDone);
}

#[tokio::test]
async fn json() {
    let asked = browser("ada", Challenge).await.fetch_json("/api/export", &json!({ "year": 2026 })).await;
    asked.assert_challenged("export").repeat_with_token().await.assert_verified().assert_text("2026");
}
