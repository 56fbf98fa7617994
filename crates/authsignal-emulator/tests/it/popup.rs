//! The popup's half of the contract with the browser SDK: the very messages.
use serde_json::json;

use crate::support::{BACK, Bench, bench, hidden, text};

/// What the page will tell its opener, and with which target origin.
fn told(html: &str) -> (String, String) {
    let attribute = |name: &str| {
        let (_, rest) = html.split_once(&format!("{name}=\"")).expect(name);
        rest.split_once('"').unwrap().0.replace("&#34;", "\"")
    };
    (attribute("data-say"), attribute("data-target"))
}

async fn tracked(bench: &Bench) -> (String, String) {
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    let answer = bench.track().await;
    (text(&answer["url"]).to_owned(), text(&answer["token"]).to_owned())
}

#[tokio::test]
async fn ready_and_height() {
    let bench = bench().await;
    let (url, _) = tracked(&bench).await;
    let (status, html) = bench.open(&url, "&mode=popup").await;
    assert_eq!(status, 200);
    assert_eq!(told(&html), (r#"{"event":"AUTHSIGNAL_READY"}"#.into(), "https://app.example.com".into()));
    assert!(html.contains("tell({ height: Math.ceil("), "an object, not a string");
    assert!(html.contains("window.opener || (window.parent !== window ? window.parent : null)"));
    assert!(html.contains(r#"<input type="hidden" name="mode" value="popup">"#), "every step stays in the popup");
    assert!(!bench.open(&url, "").await.1.contains("<script"), "a page that isn't one has no script");
}

#[tokio::test]
async fn success_closes_with_a_token_that_is_valid() {
    let bench = bench().await;
    let (url, token) = tracked(&bench).await;
    bench.open(&url, "&mode=popup").await;
    let code = bench.emulator.code_for("ada").unwrap();
    let fields = [("mode", "popup"), ("step", "verify"), ("view", "EMAIL_OTP"), ("code", &code)];
    let response = bench.submit(&token, &fields).await;
    assert_eq!(response.status(), 200, "no hop: the message has to come from this origin");
    assert_closes(&bench, &response.text().await.unwrap(), true).await;
}

#[tokio::test]
async fn cancelling_closes_with_a_token_that_is_not() {
    let bench = bench().await;
    let (_, token) = tracked(&bench).await;
    let response = bench.submit(&token, &[("mode", "popup"), ("step", "quit")]).await;
    assert_closes(&bench, &response.text().await.unwrap(), false).await;
}

/// A first method, with all its pages: the popup is told that each is ready, and its token at the end.
#[tokio::test]
async fn a_ceremony_of_several_pages_stays_in_the_popup() {
    let bench = bench().await;
    let token = text(&bench.track().await["token"]).to_owned();
    let is_ready = |html: &str| assert_eq!(told(html).0, r#"{"event":"AUTHSIGNAL_READY"}"#);
    let address = [("mode", "popup"), ("step", "address"), ("view", "SMS"), ("phone", "+64270000123")];
    let html = bench.submit_and_see(&token, &address).await;
    is_ready(&html);
    let wrong = [("mode", "popup"), ("step", "verify"), ("view", "SMS"), ("code", "nope")];
    is_ready(&bench.submit(&token, &wrong).await.text().await.unwrap());
    let code = bench.emulator.code_for("ada").unwrap();
    let right = [("mode", "popup"), ("step", "verify"), ("view", "SMS"), ("code", &*code)];
    let html = bench.submit(&token, &right).await.text().await.unwrap();
    assert!(html.contains("<h1>Recovery codes</h1>"), "they are shown before the popup is gone");
    is_ready(&html);
    let on = bench.submit(&token, &[("mode", "popup"), ("step", "on")]).await;
    assert_eq!(on.status(), 200);
    assert_closes(&bench, &on.text().await.unwrap(), true).await;
}

#[tokio::test]
async fn the_settings_stay_in_the_popup() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_push("Ada’s phone");
    let tracked = bench.track_with(json!({ "redirectUrl": BACK, "redirectToSettings": true })).await;
    let token = text(&tracked["token"]).to_owned();
    let html = bench.submit_and_see(&token, &[("mode", "popup")]).await;
    let challenge = hidden(&html, "challenge");
    let press =
        [("mode", "popup"), ("step", "phone"), ("view", "PUSH"), ("challenge", &*challenge), ("answer", "approve")];
    let menu = bench.submit_and_see(&token, &press).await;
    assert!(menu.contains("<h1>How you confirm</h1>"));
    assert_eq!(told(&menu).0, r#"{"event":"AUTHSIGNAL_READY"}"#);
    let done = bench.submit(&hidden(&menu, "token"), &[("mode", "popup"), ("step", "quit")]).await;
    assert_closes(&bench, &done.text().await.unwrap(), true).await;
}

#[tokio::test]
async fn a_phone_that_declines_leaves_the_popup_to_its_user() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_push("Ada’s phone");
    let token = text(&bench.track().await["token"]).to_owned();
    let html = bench.submit_and_see(&token, &[("mode", "popup")]).await;
    let challenge = hidden(&html, "challenge");
    let press =
        [("mode", "popup"), ("step", "phone"), ("view", "PUSH"), ("challenge", &*challenge), ("answer", "decline")];
    let html = bench.submit_and_see(&token, &press).await;
    assert!(html.contains("The confirmation failed.") && told(&html).0.contains("READY"));
    let back = bench.submit(&token, &[("mode", "popup"), ("step", "quit")]).await;
    assert_closes(&bench, &back.text().await.unwrap(), false).await;
}

async fn assert_closes(bench: &Bench, html: &str, valid: bool) {
    let (say, target) = told(html);
    let token = say.strip_prefix(r#"{"event":"AUTHSIGNAL_CLOSE_POPUP","token":""#).unwrap().strip_suffix(r#""}"#);
    assert_eq!(bench.validate(token.unwrap()).await["isValid"], valid);
    assert_eq!(target, "https://app.example.com");
}

#[tokio::test]
async fn links_that_lead_nowhere_are_errors() {
    let bench = bench().await;
    let (url, _) = tracked(&bench).await;
    bench.advance(600);
    let (status, html) = bench.open(&url, "&mode=popup").await;
    let expired = r#"{"event":"AUTHSIGNAL_API_ERROR","errorCode":"expired_token","statusCode":401}"#;
    assert_eq!((status, told(&html)), (401, (expired.into(), "*".into())));
    assert!(html.contains("The link has expired"));
    let (_, html) = bench.open(bench.emulator.origin(), "/?token=x&mode=popup").await;
    assert_eq!(told(&html).0, r#"{"event":"AUTHSIGNAL_API_ERROR","errorCode":"unauthorized","statusCode":401}"#);
}

#[tokio::test]
async fn the_target_is_the_origin_of_the_redirect_url() {
    let bench = bench().await;
    for (redirect_url, target) in [
        (json!(BACK), "https://app.example.com"),
        (json!("http://localhost:3000/x"), "http://localhost:3000"),
        (json!("https://app.example.com:443/"), "https://app.example.com"),
        (json!("myapp://done"), "*"),
        (json!(null), "*"),
    ] {
        let tracked = bench.track_with(json!({ "redirectUrl": redirect_url })).await;
        let (_, html) = bench.open(text(&tracked["url"]), "&mode=popup").await;
        assert_eq!(told(&html).1, target, "{redirect_url}");
    }
}
