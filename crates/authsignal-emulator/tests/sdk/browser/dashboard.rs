//! The dashboard in Chromium: where it asks for a key, and what its buttons do.
use authsignal_client::{CustomData, Track};
use authsignal_emulator::{Emulator, Outcome};
use fantoccini::Locator;
use serde_json::json;

use test_support::visitor::Visitor;

/// T128: a browser that was given the key once has all of it, at the page's own address too, and its console stays clean.
#[tokio::test]
async fn t128_a_browser_with_the_key_has_the_dashboard() {
    let emulator = Emulator::builder().host([0, 0, 0, 0]).control_key("k3y").start().await.unwrap();
    emulator.user("ada").enroll_email_otp("ada@example.com");
    let address = emulator.local_address().port();
    let visitor = Visitor::arrive_at(format!("http://localhost:{address}"), json!({})).await;
    // Without it there is nothing to see.
    visitor.open("/emulator").await;
    assert!(!visitor.browser.source().await.unwrap().contains("<h1>"), "{}", visitor.browser.source().await.unwrap());

    // What a person types when the browser asks, a link can carry.
    visitor.browser.goto(&format!("http://anybody:k3y@localhost:{address}/emulator")).await.unwrap();
    live(&visitor).await;
    visitor.reads("facts", &format!("http://localhost:{address}/v1")).await;
    visitor.fill("Another action", "withdrawal").await;
    visitor.click("Set").await;
    visitor.reads("rows", "withdrawal").await;
    assert_eq!(emulator.outcomes()["withdrawal"], Outcome::Challenge);

    visitor.open("/emulator").await;
    live(&visitor).await;
    visitor.click("503").await;
    visitor.reads("rows", "any endpoint").await;
    assert_eq!(emulator.faults().len(), 1);
    let told: Vec<_> = visitor.console().into_iter().filter(|line| !line.contains("status of 401")).collect();
    assert_eq!(told, [""; 0]);
    visitor.leaves().await;
}

/// An attempt is proved or failed from the dashboard, by who has clicked there, with the way back into the application.
#[tokio::test]
async fn an_attempt_is_opened_proved_and_failed_by_its_buttons() {
    let emulator = Emulator::start().await.unwrap();
    let client = emulator.client();
    let port = emulator.local_address().port();
    let visitor = Visitor::arrive_at(format!("http://localhost:{port}"), json!({})).await;
    visitor.open("/emulator").await;
    visitor.waits_for(Locator::Css("#live.on")).await;
    visitor.reads("facts", &format!("http://localhost:{port}/v1")).await;
    client.track("bob", Track::new("read")).await.unwrap();
    visitor.reads("soft", "began with CHALLENGE, nothing enrolled").await;
    assert_eq!(visitor.evaluates("return document.querySelectorAll('#actions .acts button').length").await, json!(1));

    emulator.user("ada").enroll_email_otp("ada@example.com");
    let tab = visitor.tab().await;
    for (name, state, came) in
        [("Succeed", "CHALLENGE_SUCCEEDED", "was proved"), ("Fail", "CHALLENGE_FAILED", "has failed")]
    {
        client
            .track("ada", Track::new("pay").redirect_url(format!("http://localhost:{port}/emulator/health")))
            .await
            .unwrap();
        visitor.reads("state", "CHALLENGE_REQUIRED").await;
        assert_eq!(
            visitor.evaluates("return [...document.querySelectorAll('#actions li:first-child .acts button')].map(b => b.textContent)").await,
            json!(["Open", "Succeed", "Fail"])
        );
        visitor.click("Open").await;
        visitor.goes_to_the_window_beside(&tab).await;
        visitor.sees("Pay").await;
        assert_eq!(visitor.evaluates("return window.opener").await, json!(null));
        visitor.browser.close_window().await.unwrap();
        visitor.goes_to(&tab).await;
        assert_eq!(emulator.actions("ada")[0].state.as_str(), "CHALLENGE_REQUIRED", "opening it proves nothing");

        visitor.click(name).await;
        visitor
            .waits_until(&format!("document.querySelector('#done').textContent.startsWith('pay by ada {came}.')"))
            .await;
        assert_eq!(emulator.actions("ada")[0].state.as_str(), state);
        let back = visitor.evaluates("return document.querySelector('#done a').href").await;
        let token = back.as_str().unwrap().split_once("/emulator/health?token=").expect("the way back").1.to_owned();
        let proof = client.validate_challenge(authsignal_client::Validate::new(token)).await.unwrap();
        assert_eq!(proof.state.unwrap().as_str(), state);
        visitor.waits_until("document.querySelectorAll('#actions .acts').length === 1").await;
    }
    // What was asked says what was answered.
    emulator.inject_fault(authsignal_emulator::Endpoint::GetUser, authsignal_emulator::Fault::hang_up());
    assert!(client.get_user("eve").await.is_ok(), "the client tries again");
    visitor.reads("state", "no answer").await;
    visitor.reads("state", "200").await;
    assert_eq!(visitor.console(), [""; 0]);
    visitor.leaves().await;
}

/// T21: whoever approves a review there sees all that it says, as what it is.
#[tokio::test]
async fn t21_a_review_has_nothing_unseen() {
    let emulator = Emulator::start().await.unwrap();
    emulator.set_outcome("pay", Outcome::Review);
    let custom = CustomData::new().with("to", "bob\u{202e}\u{200b}").with("names", vec!["a, b".to_owned(), "c".into()]);
    emulator.client().track("ada\u{2066}", Track::new("pay").custom(custom)).await.unwrap();
    let site = format!("http://localhost:{}", emulator.local_address().port());
    let visitor = Visitor::arrive_at(site, json!({})).await;
    visitor.open("/emulator").await;
    live(&visitor).await;
    visitor.reads("name-of", "by ada[U+2066]").await;
    visitor.reads("facts", "bob[U+202E][U+200B]").await;
    let told = visitor.evaluates(r#"return document.body.textContent.includes('["a, b","c"]')"#).await;
    assert_eq!(told, json!(true), "a list with one text more would look the same");
    visitor.click("Approve").await;
    visitor.reads("state", "REVIEW_SUCCEEDED").await;
    let unseen = visitor.evaluates("return /[\\u200b\\u202e\\u2066]/.test(document.body.textContent)").await;
    assert_eq!(unseen, json!(false));
    visitor.leaves().await;
}

async fn live(visitor: &Visitor) {
    visitor.waits_for(Locator::Css("#live.on")).await;
    visitor.look_over().await;
    visitor.waits_for(Locator::Css("#connect *")).await;
    for (width, is_mobile, scheme) in
        [(1100, false, "light"), (1100, false, "dark"), (360, true, "light"), (360, true, "dark")]
    {
        let metrics = json!({ "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": is_mobile });
        visitor.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        visitor.devtools("Emulation.setEmulatedMedia", features).await;
        visitor.passes_axe().await;
    }
    visitor.devtools("Emulation.clearDeviceMetricsOverride", json!({})).await;
}
