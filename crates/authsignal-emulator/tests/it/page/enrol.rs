//! Enrolling each of the methods as a first one.
use authsignal_emulator::Channel;
use serde_json::json;

use super::url_and_token;
use crate::support::{BACK, Bench, bench, hidden, location, returned, shown, text};

/// Looks at the recovery codes that a first method brings, and goes on.
async fn keeps_codes(bench: &Bench, token: &str, response: reqwest::Response) -> String {
    assert_eq!(response.status(), 200);
    let html = response.text().await.unwrap();
    assert!(html.contains("<h1>Recovery codes</h1>"), "{html}");
    let codes: Vec<_> = html.split("<li><code>").skip(1).map(|rest| rest.split_once('<').unwrap().0).collect();
    assert_eq!(codes.len(), 10);
    assert!(html.contains(&format!("data:text/plain;charset=utf-8,{}", codes.join("%0A"))));
    let on = bench.submit(token, &[("step", "on")]).await;
    let back = returned(location(&on));
    assert_eq!(bench.validate(&back).await["state"], "CHALLENGE_SUCCEEDED");
    bench.validate(&back).await["verificationMethod"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_code_by_email() {
    let bench = bench().await;
    let tracked = bench.track_with(json!({ "redirectUrl": BACK, "email": "ada@example.com" })).await;
    assert_eq!((&tracked["state"], &tracked["isEnrolled"]), (&json!("ALLOW"), &json!(false)));
    let (url, token) = (text(&tracked["url"]), text(&tracked["token"]));
    let (_, html) = bench.open(url, "").await;
    assert!(html.contains("Set up verification") && html.contains("Not now"));
    let (_, html) = bench.open(url, "&view=EMAIL_OTP").await;
    assert!(html.contains(r#"value="ada@example.com""#), "prefilled from track");

    let address = |email| [("step", "address"), ("view", "EMAIL_OTP"), ("email", email)];
    let refused = bench.submit(token, &address("not one")).await;
    assert_eq!(refused.status(), 422);
    assert!(refused.text().await.unwrap().contains(r#"value="not one""#));
    let html = bench.submit_and_see(token, &address(" ada@work.example ")).await;
    assert_eq!(bench.emulator.messages()[0].to, "ada@work.example");
    assert!(html.contains("a•••@work.example") && html.contains("Change the address"));
    assert_eq!(bench.emulator.messages().len(), 1);
    assert!(!bench.emulator.user("ada").is_enrolled());
    let (_, html) = bench.open(url, "&view=EMAIL_OTP&change=1").await;
    assert!(html.contains(r#"value="ada@work.example""#), "to be changed");

    let code = bench.emulator.code_for("ada").unwrap();
    let done = bench.submit(token, &[("step", "verify"), ("view", "EMAIL_OTP"), ("code", &code)]).await;
    assert_eq!(keeps_codes(&bench, token, done).await, "EMAIL_OTP");
    assert!(bench.emulator.user("ada").is_enrolled());
    assert_eq!(bench.track().await["state"], "CHALLENGE_REQUIRED", "from now on it is asked for");
    let again = bench.open(url, "").await.1;
    assert!(again.contains("You have confirmed this already.") && !again.contains("<code>"), "shown once");
}

#[tokio::test]
async fn a_link_by_email() {
    let bench = bench().await;
    let (_, token) = url_and_token(&bench).await;
    let address = [("step", "address"), ("view", "EMAIL_MAGIC_LINK"), ("email", "ada@example.com")];
    let html = bench.submit_and_see(&token, &address).await;
    assert!(html.contains("We sent a link to") && html.contains("Change the address"));
    assert!(!html.contains("Fail this challenge"), "there is none");
    bench.open(bench.emulator.messages()[0].link.as_deref().unwrap(), "").await;
    assert!(!bench.emulator.user("ada").is_enrolled(), "the browser that asked has to say so");
    let done = bench.submit(&token, &[("step", "wait"), ("view", "EMAIL_MAGIC_LINK")]).await;
    assert_eq!(keeps_codes(&bench, &token, done).await, "EMAIL_MAGIC_LINK");
}

#[tokio::test]
async fn a_code_by_text_message_and_by_whatsapp() {
    for (view, channel) in [("SMS", Channel::Sms), ("WHATSAPP", Channel::Whatsapp)] {
        let bench = bench().await;
        let tracked = bench.track_with(json!({ "redirectUrl": BACK, "phoneNumber": "+64270000123" })).await;
        let (url, token) = (text(&tracked["url"]), text(&tracked["token"]));
        let (_, html) = bench.open(url, &format!("&view={view}")).await;
        assert!(html.contains(r#"value="+64270000123""#) || html.contains(r#"value="&#43;64270000123""#));
        let number = |phone| [("step", "address"), ("view", view), ("phone", phone)];
        for wrong in ["", "027 000 0123", "+64", "+64 27 000 0123 0123 0123", "ada@example.com", "+0427000123"] {
            let refused = bench.submit(token, &number(wrong)).await;
            assert_eq!(refused.status(), 422, "{wrong}");
            assert!(refused.text().await.unwrap().contains("Enter a phone number with its country code"));
        }
        assert!(bench.emulator.messages().is_empty());
        let html = bench.submit_and_see(token, &number("0064 27 000-0199")).await;
        assert!(html.contains("•••199") && html.contains("Change the number"));
        let message = bench.emulator.messages()[0].clone();
        assert_eq!((message.channel, message.to.as_str()), (channel, "+64270000199"));
        let code = message.code.unwrap();
        let done = bench.submit(token, &[("step", "verify"), ("view", view), ("code", &code)]).await;
        assert_eq!(keeps_codes(&bench, token, done).await, view);
        assert_eq!(bench.get("/users/ada").await.1["enrolledVerificationMethods"], json!([view]));
    }
}

#[tokio::test]
async fn a_number_begun_for_text_messages_is_not_one_for_whatsapp() {
    let bench = bench().await;
    let (url, token) = url_and_token(&bench).await;
    bench.submit_and_see(&token, &[("step", "address"), ("view", "SMS"), ("phone", "+64270000123")]).await;
    assert!(bench.open(&url, "&view=WHATSAPP").await.1.contains("by WhatsApp to see that it is yours"));
    assert_eq!(bench.emulator.messages().len(), 1);
}

#[tokio::test]
async fn an_app() {
    let bench = bench().await;
    let (url, token) = url_and_token(&bench).await;
    let (_, html) = bench.open(&url, "&view=AUTHENTICATOR_APP").await;
    assert!(html.contains("<svg class=\"qr\"") && html.contains("Can’t scan it?"));
    let code = shown(&html);
    let again = bench.open(&url, "&view=AUTHENTICATOR_APP").await.1;
    assert_eq!(shown(&again), code, "the secret stays the same");
    let fields = [("step", "verify"), ("view", "AUTHENTICATOR_APP"), ("code", &*code)];
    let done = bench.submit(&token, &fields).await;
    assert_eq!(keeps_codes(&bench, &token, done).await, "AUTHENTICATOR_APP");
    assert_eq!(bench.get("/users/ada").await.1["enrolledVerificationMethods"], json!(["AUTHENTICATOR_APP"]));
}

#[tokio::test]
async fn a_phone() {
    for view in ["PUSH", "QR_CODE"] {
        let bench = bench().await;
        let (url, token) = url_and_token(&bench).await;
        let (_, html) = bench.open(&url, &format!("&view={view}")).await;
        assert!(html.contains("Open our app on your phone") && html.contains("Set up this phone"));
        let since = hidden(&html, "since");
        let early = bench.submit(&token, &[("step", "wait"), ("view", view), ("since", &since)]).await;
        assert!(early.text().await.unwrap().contains("No phone has been set up yet."));
        let done = bench.submit(&token, &[("step", "phone"), ("view", view), ("answer", "pair")]).await;
        assert_eq!(keeps_codes(&bench, &token, done).await, view);
    }
}

#[tokio::test]
async fn only_a_first_method_is_enrolled_without_the_settings() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    let all = json!({ "redirectUrl": BACK, "scope": "add:authenticators update:authenticators remove:authenticators" });
    for body in [json!({ "redirectUrl": BACK }), all] {
        let token = text(&bench.track_with(body).await["token"]).to_owned();
        for fields in [
            &[("step", "address"), ("view", "EMAIL_OTP"), ("email", "eve@example.com")][..],
            &[("step", "address"), ("view", "SMS"), ("phone", "+64270000123")],
            &[("step", "phone"), ("view", "PUSH"), ("answer", "pair")],
            &[("step", "phone"), ("view", "QR_CODE"), ("answer", "pair")],
            &[("step", "phone"), ("view", "SMS"), ("answer", "pair")],
        ] {
            assert_eq!(bench.submit(&token, fields).await.status(), 303, "{fields:?}");
        }
        assert_eq!(bench.get("/users/ada").await.1["enrolledVerificationMethods"], json!(["EMAIL_OTP"]));
    }
    assert!(bench.emulator.messages().is_empty());
}
