//! What of the page the tenant's settings decide.
use std::time::Duration;

use authsignal_client::VerificationMethod as Method;
use authsignal_emulator::{ActionSettings, Tenant};
use serde_json::{Value, json};

use super::{state, url_and_token};
use crate::support::{BACK, Bench, bench_of, hidden, location, returned, shown};

fn withdrawal(settings: ActionSettings) -> Tenant {
    Tenant::new().action("withdrawal", settings)
}

#[tokio::test]
async fn length_and_life_of_codes() {
    let bench = bench_of(Tenant::new().verification_code_length(4).code_ttl(Duration::from_secs(90))).await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    let (url, _) = url_and_token(&bench).await;
    let (_, html) = bench.open(&url, "").await;
    assert!(html.contains("a 4-digit code") && html.contains("It is good for 90 seconds."));
    assert_eq!(shown(&html).len(), 4);
}

#[tokio::test]
async fn no_recovery_codes() {
    let bench = bench_of(Tenant::new().recovery_codes(false)).await;
    let (_, token) = url_and_token(&bench).await;
    let done = bench.submit(&token, &[("step", "phone"), ("view", "PUSH"), ("answer", "pair")]).await;
    assert_eq!(bench.validate(&returned(location(&done))).await["isValid"], true, "and so no page in between");
}

#[tokio::test]
async fn only_methods_that_prove_the_action_are_offered_first() {
    let bench = bench_of(withdrawal(ActionSettings::new().methods([Method::Sms, Method::Passkey]))).await;
    let (url, token) = url_and_token(&bench).await;
    let (_, html) = bench.open(&url, "").await;
    assert!(html.contains("Code by text message") && html.contains("Passkey"));
    assert!(!html.contains("Code by e-mail") && !html.contains("QR code"));
    let address = [("step", "address"), ("view", "EMAIL_OTP"), ("email", "ada@example.com")];
    let html = bench.submit_and_see(&token, &address).await;
    assert!(html.contains("Choose how you want to confirm") && bench.emulator.messages().is_empty());

    // Nor does one that is enrolled prove it.
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    let (url, _) = url_and_token(&bench).await;
    assert!(bench.open(&url, "").await.1.contains("This takes a method that you haven’t set up."));
}

#[tokio::test]
async fn which_method_is_asked_for_first() {
    let bench = bench_of(withdrawal(ActionSettings::new().default_method(Method::Sms))).await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com").enroll_sms("+64270000123");
    let (url, _) = url_and_token(&bench).await;
    assert!(bench.open(&url, "").await.1.contains("•••123"));
}

#[tokio::test]
async fn name_and_language() {
    let bench = bench_of(Tenant::new().name("Bank <&> Söhne").locale("de-AT")).await;
    let (url, _) = url_and_token(&bench).await;
    let (_, html) = bench.open(&url, "").await;
    assert!(html.contains("<p class=\"brand\">Bank &#60;&#38;&#62; Söhne</p>") && html.contains("<html lang=\"de\">"));
    let (_, html) = bench.open(bench.emulator.origin(), "/?token=x").await;
    assert!(html.contains("Der Link ist ungültig"));
}

#[tokio::test]
async fn what_is_offered_after_the_challenge() {
    let bench =
        bench_of(withdrawal(ActionSettings::new().prompt_to_enroll([Method::Push, Method::AuthenticatorApp]))).await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    let prove = async || {
        let (url, token) = url_and_token(&bench).await;
        bench.open(&url, "").await;
        let code = bench.emulator.code_for("ada").unwrap();
        bench.submit(&token, &[("step", "verify"), ("view", "EMAIL_OTP"), ("code", &code)]).await
    };
    let proved = prove().await;
    let (_, html) = bench.open(bench.emulator.origin(), location(&proved)).await;
    for part in ["<h1>Confirm faster next time</h1>", "Push message", "Authenticator app", "Not now"] {
        assert!(html.contains(part), "{part}");
    }
    let token = hidden(&html, "token");
    let later = bench.submit(&token, &[("step", "quit")]).await;
    assert_eq!(bench.validate(&returned(location(&later))).await["isValid"], true);

    // Nothing else is, and nothing to a token that came from track.
    let address = [("step", "address"), ("view", "SMS"), ("phone", "+64270000123")];
    bench.submit(&token, &address).await;
    let (_, first) = url_and_token(&bench).await;
    bench.submit(&first, &[("step", "phone"), ("view", "PUSH"), ("answer", "pair")]).await;
    assert_eq!(enrolled(&bench).await, json!(["EMAIL_OTP"]));

    let proved = prove().await;
    let (_, html) = bench.open(bench.emulator.origin(), location(&proved)).await;
    let token = hidden(&html, "token");
    let done = bench.submit(&token, &[("step", "phone"), ("view", "PUSH"), ("answer", "pair")]).await;
    assert_eq!(bench.validate(&returned(location(&done))).await["isValid"], true);
    assert_eq!(enrolled(&bench).await, json!(["EMAIL_OTP", "PUSH"]));

    // Whoever has one of them is not asked again.
    let proved = prove().await;
    assert!(location(&proved).starts_with("https://app.example.com/back"));
    assert_eq!(state(&bench).as_str(), "CHALLENGE_SUCCEEDED");
}

#[tokio::test]
async fn one_that_is_offered_alone_is_begun_at_once_and_the_settings_go_first() {
    let bench = bench_of(withdrawal(ActionSettings::new().prompt_to_enroll([Method::AuthenticatorApp]))).await;
    bench.emulator.user("ada").enroll_push("Ada’s phone");
    let prove = async |body: Value| {
        let tracked = bench.track_with(body).await;
        let token = tracked["token"].as_str().unwrap().to_owned();
        let (_, html) = bench.open(tracked["url"].as_str().unwrap(), "").await;
        let challenge = hidden(&html, "challenge");
        let press = [("step", "phone"), ("view", "PUSH"), ("challenge", &*challenge), ("answer", "approve")];
        bench.submit_and_see(&token, &press).await
    };
    let html = prove(json!({ "redirectUrl": BACK })).await;
    assert!(html.contains("Scan this with your authenticator app") && html.contains("Not now"));
    let html = prove(json!({ "redirectUrl": BACK, "redirectToSettings": true })).await;
    assert!(html.contains("<h1>How you confirm</h1>"));
}

async fn enrolled(bench: &Bench) -> Value {
    bench.get("/users/ada").await.1["enrolledVerificationMethods"].clone()
}

/// Nobody listens there.
const NOWHERE: &str = "http://127.0.0.1:1/webhook";

#[tokio::test]
async fn an_application_that_sends_no_message_and_one_that_vetoes() {
    let bench = bench_of(Tenant::new()).await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    let (url, token) = url_and_token(&bench).await;
    bench.emulator.send_webhooks(Some(NOWHERE), None, &[]).unwrap();
    let (status, html) = bench.open(&url, "").await;
    assert_eq!(status, 422);
    assert!(html.contains("The message couldn’t be sent. Try again.") && bench.emulator.messages().is_empty());

    bench.emulator.send_webhooks(None, None, &[("withdrawal", NOWHERE)]).unwrap();
    bench.open(&url, "").await;
    let code = bench.emulator.code_for("ada").unwrap();
    let right = [("step", "verify"), ("view", "EMAIL_OTP"), ("code", &*code)];
    let vetoed = bench.submit(&token, &right).await;
    assert_eq!(vetoed.status(), 422);
    assert!(vetoed.text().await.unwrap().contains("The application didn’t accept this. Try again."));
    assert_eq!(state(&bench).as_str(), "CHALLENGE_REQUIRED");
    bench.emulator.send_webhooks(None, None, &[]).unwrap();
    assert_eq!(bench.submit(&token, &right).await.status(), 303, "the code is still good");
}
