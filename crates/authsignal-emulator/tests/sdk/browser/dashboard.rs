//! The dashboard in Chromium, where it asks for a key.
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
    if let Some(folder) = std::env::var_os("SCREENSHOTS") {
        let picture = std::path::PathBuf::from(folder).join("dashboard-with-key.png");
        std::fs::write(picture, visitor.picture().await).unwrap();
    }
    let told: Vec<_> = visitor.console().into_iter().filter(|line| !line.contains("status of 401")).collect();
    assert_eq!(told, [""; 0]);
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
