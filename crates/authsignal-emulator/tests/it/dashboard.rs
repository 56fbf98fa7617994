//! The dashboard: one page, which asks for what it shows. How it behaves in a browser is tested in one.
use authsignal_emulator::Outcome;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::support::{Bench, bench, text};

/// What browsers say that they like.
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

impl Bench {
    /// The dashboard's page, as a browser gets it.
    async fn page(&self, path: &str) -> reqwest::Response {
        self.http.get(format!("{}{path}", self.emulator.origin())).header("accept", BROWSER).send().await.unwrap()
    }
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    text.split_once(from).expect(from).1.split_once(to).expect(to).0
}

#[tokio::test]
async fn its_policy_allows_its_own_style_and_script_and_nothing_else() {
    let bench = bench().await;
    for path in ["/emulator", "/emulator/"] {
        let response = bench.page(path).await;
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
             form-action 'self'; frame-ancestors 'none'",
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
    let html = bench.page("/emulator").await.text().await.unwrap();
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
    assert_eq!(overview["counts"], json!({ "users": 1, "actions": 1, "messages": 1, "webhooks": 0, "requests": 2 }));
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

#[tokio::test]
async fn what_it_begins_with_is_how_to_connect() {
    let html = bench().await.page("/emulator").await.text().await.unwrap();
    let (main, boxes) = (html.split_once("<main").unwrap().1, "id=\"connect-box\"");
    assert_eq!(main.find("<section"), main.find(boxes).map(|at| at - "<section ".len()), "the first section");
    assert_eq!(html.find("href=\"#"), html.find("href=\"#main"), "first the way past all that");
    let jumps = between(&html, "<nav", "</nav>");
    assert_eq!(jumps.find("href="), jumps.find("href=\"#connect-box\""), "the first of the jumps");
    for jump in jumps.split("href=\"#").skip(1) {
        let to = jump.split('"').next().unwrap();
        assert!(main.contains(&format!("id=\"{to}\"")), "{to}");
    }
}

/// What lets a user through whom the tenant would challenge: there is nothing to challenge them with.
#[tokio::test]
async fn who_had_nothing_enrolled_is_told_apart() {
    let bench = bench().await;
    bench.track().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    bench.track().await;
    let enrolled = bench.track().await;
    let path = format!("actions/ada/withdrawal/{}/state", text(&enrolled["idempotencyKey"]));
    bench.control(Method::POST, &path, Some(json!({ "state": "ALLOW" }))).await;
    let actions = bench.control(Method::GET, "overview", None).await["actions"].take();
    let seen = |at: usize| (&actions[at]["state"], &actions[at]["outcome"], &actions[at]["wasEnrolled"]);
    assert_eq!(seen(0), (&json!("ALLOW"), &json!("CHALLENGE"), &json!(true)), "an operator allowed it");
    assert_eq!(seen(1), (&json!("CHALLENGE_REQUIRED"), &json!("CHALLENGE"), &json!(true)));
    assert_eq!(seen(2), (&json!("ALLOW"), &json!("CHALLENGE"), &json!(false)));
    let enrolled: Vec<_> = bench.emulator.actions("ada").iter().map(|action| action.was_enrolled).collect();
    assert_eq!(enrolled, [true, true, false]);
}

/// What the buttons of an attempt do, which takes its URL from nobody.
#[tokio::test]
async fn an_attempt_is_opened_proved_and_failed() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    for (deed, state) in
        [("succeed", "CHALLENGE_SUCCEEDED"), ("decline", "CHALLENGE_FAILED"), ("quit", "CHALLENGE_REQUIRED")]
    {
        let key = text(&bench.track().await["idempotencyKey"]).to_owned();
        let path = |deed: &str| format!("actions/ada/withdrawal/{key}/{deed}");
        let open = format!("{}/emulator/{}", bench.emulator.origin(), path("open"));
        let opened = bench.http.post(open).send().await.unwrap();
        assert_eq!(opened.status(), 303);
        let to = opened.headers()["location"].to_str().unwrap();
        assert!(to.starts_with("/?token="), "of the origin that the page is of: {to}");
        let (status, html) = bench.open(bench.emulator.origin(), to).await;
        assert!(status == 200 && html.contains("<h1>Withdrawal</h1>"), "{html}");

        let left = bench.control(Method::POST, &path(deed), None).await;
        assert_eq!(crate::support::returned(text(&left["redirectUrl"])), text(&left["token"]));
        assert_eq!(bench.validate(text(&left["token"])).await["state"], state);
        super::control::refused(bench.try_control(Method::POST, &path("dance"), None).await, 404);
    }
    let unknown = "actions/eve/withdrawal/none/succeed";
    super::control::refused(bench.try_control(Method::POST, unknown, None).await, 404);
    bench.emulator.set_outcome("withdrawal", Outcome::Block);
    let key = text(&bench.track().await["idempotencyKey"]).to_owned();
    let blocked = bench.try_control(Method::POST, &format!("actions/ada/withdrawal/{key}/succeed"), None).await;
    assert!(super::control::refused(blocked, 400).contains("BLOCK"));
}
