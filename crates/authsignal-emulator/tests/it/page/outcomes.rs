//! Every way in which a challenge can end is brought about on the page by hand, whatever it asks for.
use reqwest::Method;
use serde_json::json;

use super::key::{at_localhost, enrolled};
use super::url_and_token;
use crate::support::{bench, hidden, location, text};

#[tokio::test]
async fn each_outcome_is_brought_about_by_hand() {
    let bench = bench().await;
    enrolled(&bench, "PASSKEY").await;
    let methods = json!(["EMAIL_OTP", "EMAIL_MAGIC_LINK", "SMS", "AUTHENTICATOR_APP", "PUSH", "QR_CODE"]);
    let ada = json!({ "email": "ada@example.com", "phoneNumber": "+64270000000", "methods": methods });
    bench.control(Method::PUT, "users/ada", Some(ada)).await;
    let mut looked_at = 0;
    for view in [
        "",
        "methods",
        "EMAIL_OTP",
        "EMAIL_MAGIC_LINK",
        "SMS",
        "AUTHENTICATOR_APP",
        "PUSH",
        "QR_CODE",
        "PASSKEY",
        "RECOVERY_CODE",
    ] {
        let (url, token) = url_and_token(&bench).await;
        let html = at_localhost(&bench, &format!("{url}&view={view}")).await;
        if !["", "methods"].contains(&view) {
            assert_eq!(hidden(&html, "view"), view, "it shows what is asked for");
        }
        let has = |step: &str| html.contains(&format!("name=\"step\" value=\"{step}\""));
        let declines = html.contains("name=\"answer\" value=\"decline\"");
        assert!(has("quit") && has("expire") && (has("decline") != declines), "{view}: {html}");
        looked_at += 1;
        // Messages may be sent so often.
        bench.advance(60);

        let expired = bench.submit(&token, &[("step", "expire")]).await;
        assert_eq!(expired.status(), 303, "{view}");
        let (status, html) = bench.open(bench.emulator.origin(), location(&expired)).await;
        assert!(status == 401 && html.contains("The link has expired"), "{view}: {html}");
        let (status, validated) = bench.post("/validate", json!({ "token": token })).await;
        assert!(status != 200 || validated["isValid"] == false, "{view}: {status} {validated}");
        let action = &bench.emulator.actions("ada")[0];
        assert_eq!(action.state.as_str(), "CHALLENGE_REQUIRED", "{view}: nothing was decided");
        // Who asks again gets another link, which is good.
        let again = json!({ "idempotencyKey": action.idempotency_key.as_str() });
        let again = bench.track_with(again).await;
        at_localhost(&bench, text(&again["url"])).await;
        let failed = bench.submit(text(&again["token"]), &[("step", "decline")]).await;
        assert_eq!(failed.status(), 303, "{view}");
        assert_eq!(bench.emulator.actions("ada")[0].state.as_str(), "CHALLENGE_FAILED", "{view}");
    }
    println!("{looked_at} views can be left, failed and had expire");
}

/// Whoever opens the bare address of the emulator is shown the way to its dashboard; the user of a bad link isn't.
#[tokio::test]
async fn the_bare_address_leads_to_the_dashboard() {
    let bench = bench().await;
    for (query, leads) in [("", true), ("?token=", true), ("?token=x", false), ("?mode=popup&token=x", false)] {
        let (status, html) = bench.open(&format!("{}/{query}", bench.emulator.origin()), "").await;
        assert_eq!((status, html.contains("href=\"/emulator\"")), (401, leads), "{query}");
    }
}
