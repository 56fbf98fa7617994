//! The dashboard: one page, which asks for what it shows. How it behaves in a browser is tested in one.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::support::{bench, text};

fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    text.split_once(from).expect(from).1.split_once(to).expect(to).0
}

#[tokio::test]
async fn its_policy_allows_its_own_style_and_script_and_nothing_else() {
    let bench = bench().await;
    for path in ["/emulator", "/emulator/"] {
        let response = bench.http.get(format!("{}{path}", bench.emulator.origin())).send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["cache-control"]),
            (200, &"no-store".parse().unwrap())
        );
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
        let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        let html = response.text().await.unwrap();
        let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
        let expected = format!(
            "default-src 'none'; style-src {}; script-src {}; connect-src 'self'; img-src data:; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'",
            hash(between(&html, "<style>", "</style>")),
            hash(between(&html, "<script>", "</script>")),
        );
        assert_eq!(policy, expected);
        assert!(!html.contains("style=") && !html.contains("onclick"), "nothing inline that the policy would stop");
    }
}

/// T21: what comes from outside is data, in JSON; the page itself has none of it, and no way to make markup of it.
#[tokio::test]
async fn t21_the_page_holds_nothing_from_outside_and_makes_no_markup() {
    let bench = bench().await;
    let hostile = "<img src=x onerror=alert(1)>";
    bench.track_with(json!({ "custom": { "note": hostile }, "userAgent": hostile })).await;
    bench.emulator.user(hostile).email(hostile);
    let html = bench.http.get(format!("{}/emulator", bench.emulator.origin())).send().await.unwrap();
    let html = html.text().await.unwrap();
    assert!(!html.contains("onerror") && !html.contains("withdrawal"));
    for way in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "setAttribute"]
    {
        assert!(!html.contains(way), "{way}");
    }
    let overview = bench.control(Method::GET, "overview", None).await;
    assert_eq!(overview["users"][1]["userId"], "ada");
    assert_eq!(overview["users"][0]["userId"], hostile);
    assert_eq!(overview["actions"][0]["custom"]["note"], hostile);
}

#[tokio::test]
async fn one_answer_has_all_that_is_shown() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    let tracked = bench.track().await;
    bench.open(text(&tracked["url"]), "").await;
    let fault = json!({ "endpoint": "track", "kind": "hangUp" });
    bench.control(Method::POST, "faults", Some(fault)).await;
    let overview = bench.control(Method::GET, "overview", None).await;
    for list in ["users", "actions", "messages", "faults", "challenges"] {
        assert_eq!(overview[list].as_array().unwrap().len(), 1, "{list}");
    }
    assert_eq!(overview["requests"][0]["endpoint"], "challengePage", "the newest first");
    assert_eq!(overview["counts"], json!({ "users": 1, "actions": 1, "requests": 2 }));
    assert_eq!(overview["outcomes"], json!({ "withdrawal": "CHALLENGE" }));
    assert_eq!(overview["baseUrl"], bench.emulator.base_url());
    assert_eq!(
        (overview["secret"].as_str(), overview["tenantId"].as_str()),
        (Some(bench.emulator.secret()), Some(bench.emulator.tenant_id()))
    );
    assert_eq!(overview["now"], "2026-01-15T10:00:00.000Z");
}

#[tokio::test]
async fn it_shows_a_hundred_of_each_and_how_many_there_are() {
    let bench = bench().await;
    for number in 0..120 {
        bench.post(&format!("/users/u{number}/actions/read"), json!({})).await;
    }
    let overview = bench.control(Method::GET, "overview", None).await;
    for list in ["users", "actions", "requests"] {
        assert_eq!(overview[list].as_array().unwrap().len(), 100, "{list}");
        assert_eq!(overview["counts"][list], 120, "{list}");
    }
    assert_eq!(overview["actions"][0]["userId"], "u119");
    assert_eq!(overview["requests"][0]["path"], "/v1/users/u119/actions/read");
    assert_eq!(bench.control(Method::GET, "actions", None).await.as_array().unwrap().len(), 120);
}
