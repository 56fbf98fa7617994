//! What stands under `/emulator`, as a test in another language sees it.
mod access;
mod directory;
mod faults;
mod requests;
mod users;

use authsignal_emulator::{Emulator, Endpoint, Fault, Outcome};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Bench, bench, read, returned, text};

impl Bench {
    /// A call that has to go well; null where it answers nothing.
    pub(crate) async fn control(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let (status, answer) = self.try_control(method, path, body).await;
        assert!((200..300).contains(&status), "{path}: {status} {answer}");
        answer
    }

    pub(crate) async fn try_control(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = self.http.request(method, format!("{}/emulator/{path}", self.emulator.origin()));
        let request = if let Some(body) = body { request.json(&body) } else { request };
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        if status != 204 {
            assert_eq!(response.headers()["content-type"], "application/json", "{path}");
        }
        (status, serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default())
    }
}

/// Why a call is refused, in the service's own form.
pub(crate) fn refused((status, answer): (u16, Value), expected: u16) -> String {
    assert_eq!(status, expected, "{answer}");
    assert_eq!(answer["error"], answer["errorCode"]);
    text(&answer["errorDescription"]).to_owned()
}

#[tokio::test]
async fn messages_are_found_by_user_and_challenge() {
    let bench = bench().await;
    for user in ["ada", "eve"] {
        bench.emulator.user(user).enroll_email_otp(format!("{user}@example.com"));
        let tracked = bench.post(&format!("/users/{user}/actions/pay"), json!({})).await.1;
        bench.open(text(&tracked["url"]), "").await;
    }
    let all = bench.control(Method::GET, "messages", None).await;
    assert_eq!(all.as_array().unwrap().len(), 2);
    assert_eq!(all[0]["to"], "eve@example.com", "newest first");
    let ada = &all[1];
    assert_eq!(
        (&ada["channel"], &ada["userId"], &ada["action"], &ada["time"]),
        (&json!("EMAIL"), &json!("ada"), &json!("pay"), &json!("2026-01-15T10:00:00.000Z"))
    );
    assert_eq!(ada["code"], bench.emulator.code_for("ada").unwrap());
    assert!(ada.get("link").is_none());
    assert_eq!(bench.control(Method::GET, "messages?userId=ada", None).await, json!([ada]));
    let by_challenge = format!("messages?challengeId={}", text(&ada["challengeId"]));
    assert_eq!(bench.control(Method::GET, &by_challenge, None).await, json!([ada]));
    let neither = format!("{by_challenge}&userId=eve");
    assert_eq!(bench.control(Method::GET, &neither, None).await, json!([]));
    bench.control(Method::DELETE, "messages", None).await;
    assert!(bench.emulator.messages().is_empty());
}

#[tokio::test]
async fn requests_are_told_as_they_came() {
    let bench = bench().await;
    bench.track_with(json!({ "email": "ada@example.com" })).await;
    bench.get("/users/ada%2F1?x=%20").await;
    bench.submit("x", &[("step", "quit")]).await;
    let all = bench.control(Method::GET, "requests", None).await;
    let endpoints: Vec<_> = all.as_array().unwrap().iter().map(|asked| text(&asked["endpoint"])).collect();
    assert_eq!(endpoints, ["track", "getUser", "challengePage"], "in the order of arrival");
    let track = &all[0];
    assert_eq!(
        (&track["method"], &track["path"], &track["body"]),
        (&json!("POST"), &json!("/v1/users/ada/actions/withdrawal"), &json!({ "email": "ada@example.com" }))
    );
    assert_eq!(track["headers"]["content-type"], "application/json");
    assert!(text(&track["headers"]["authorization"]).starts_with("Basic "));
    assert_eq!((&all[1]["path"], &all[1]["body"]), (&json!("/v1/users/ada%2F1?x=%20"), &Value::Null));
    assert_eq!(all[2]["body"], "token=x&step=quit");

    assert_eq!(bench.control(Method::GET, "requests?endpoint=getUser", None).await, json!([all[1]]));
    refused(bench.try_control(Method::GET, "requests?endpoint=getUsers", None).await, 400);
    bench.control(Method::DELETE, "requests", None).await;
    assert!(bench.emulator.received_requests().is_empty(), "and asking for them is none");
}

#[tokio::test]
async fn outcomes_and_an_operators_decision() {
    let bench = bench().await;
    bench.control(Method::PUT, "outcomes/withdrawal", Some(json!({ "outcome": "REVIEW" }))).await;
    let tracked = bench.track_with(json!({ "idempotencyKey": "a/b c", "custom": { "amount": 7 } })).await;
    assert_eq!(tracked["state"], "REVIEW_REQUIRED");
    assert_eq!(bench.control(Method::GET, "outcomes", None).await, json!({ "withdrawal": "REVIEW" }));

    let all = bench.control(Method::GET, "actions", None).await;
    let action = &all[0];
    assert_eq!(
        (&action["userId"], &action["action"], &action["idempotencyKey"]),
        (&json!("ada"), &json!("withdrawal"), &json!("a/b c"))
    );
    assert_eq!(
        (&action["outcome"], &action["state"], &action["custom"]),
        (&json!("REVIEW"), &json!("REVIEW_REQUIRED"), &json!({ "amount": 7 }))
    );
    let path = "actions/ada/withdrawal/a%2Fb%20c/state";
    bench.control(Method::POST, path, Some(json!({ "state": "REVIEW_SUCCEEDED" }))).await;
    let found = bench.control(Method::GET, "actions?userId=ada", None).await;
    assert_eq!(found[0]["state"], "REVIEW_SUCCEEDED");
    assert_eq!(bench.control(Method::GET, "actions?userId=eve", None).await, json!([]));

    for (path, body, status) in [
        (path, json!({ "state": "DONE" }), 400),
        (path, json!({}), 400),
        ("actions/eve/withdrawal/a/state", json!({ "state": "BLOCK" }), 404),
        ("actions/ada/with%20drawal/a/state", json!({ "state": "BLOCK" }), 400),
    ] {
        refused(bench.try_control(Method::POST, path, Some(body)).await, status);
    }
    for (action, outcome) in [("pay", "PAY"), ("pay", "allow"), ("p%20y", "ALLOW")] {
        let told = Some(json!({ "outcome": outcome }));
        refused(bench.try_control(Method::PUT, &format!("outcomes/{action}"), told).await, 400);
    }
}

#[tokio::test]
async fn the_clock() {
    let bench = bench().await;
    assert_eq!(bench.control(Method::GET, "clock", None).await, json!({ "now": "2026-01-15T10:00:00.000Z" }));
    for (told, now) in [
        (json!({ "advanceSeconds": 90 }), "2026-01-15T10:01:30.000Z"),
        (json!({ "advanceSeconds": 0.25 }), "2026-01-15T10:01:30.250Z"),
        (json!({ "advanceSeconds": 0 }), "2026-01-15T10:01:30.250Z"),
        (json!({ "set": "2030-06-01T12:00:00+02:00" }), "2030-06-01T10:00:00.000Z"),
        (json!({ "set": "1999-12-31T23:59:59.5Z" }), "1999-12-31T23:59:59.500Z"),
        (json!({ "advanceSeconds": 31_622_400_000_u64 }), "3002-01-27T23:59:59.500Z"),
    ] {
        let answer = bench.control(Method::POST, "clock", Some(told.clone())).await;
        assert_eq!(answer, json!({ "now": now }), "{told}");
    }
    for told in [
        json!({}),
        json!({ "advanceSeconds": 1, "set": "2030-01-01T00:00:00Z" }),
        json!({ "advanceSeconds": -1 }),
        json!({ "advanceSeconds": 31_622_400_001_u64 }),
        json!({ "advanceSeconds": 1e300 }),
        json!({ "advanceSeconds": "1" }),
        json!({ "advance": 1 }),
        json!({ "set": "2030-01-01" }),
        json!({ "set": "2030-01-01T00:00:00" }),
        json!({ "set": "1969-12-31T23:59:59Z" }),
        json!({ "set": "9999-12-31T00:00:00Z" }),
        json!({ "set": 5 }),
    ] {
        refused(bench.try_control(Method::POST, "clock", Some(told)).await, 400);
    }
    bench.control(Method::POST, "clock", Some(json!({ "set": "9999-12-30T00:00:00Z" }))).await;
    let late = bench.try_control(Method::POST, "clock", Some(json!({ "advanceSeconds": 86_400 }))).await;
    assert!(refused(late, 400).contains("9999"));
    assert_eq!(bench.track().await["state"], "ALLOW", "and it goes on");
}

#[tokio::test]
async fn what_users_do_on_the_page() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    for (deed, state) in
        [("succeed", "CHALLENGE_SUCCEEDED"), ("quit", "CHALLENGE_REQUIRED"), ("decline", "CHALLENGE_FAILED")]
    {
        let tracked = bench.track().await;
        let path = format!("challenge/{deed}");
        let left = bench.control(Method::POST, &path, Some(json!({ "url": tracked["url"] }))).await;
        assert_eq!(returned(text(&left["redirectUrl"])), text(&left["token"]));
        let validated = bench.validate(text(&left["token"])).await;
        assert_eq!((&validated["state"], &validated["isValid"]), (&json!(state), &json!(deed == "succeed")));
    }
    let bare = bench.track_with(json!({})).await;
    let left = bench.control(Method::POST, "challenge/succeed", Some(json!({ "url": bare["url"] }))).await;
    assert!(left.get("redirectUrl").is_none());
    assert_eq!(bench.validate(text(&left["token"])).await["isValid"], true);

    // More often than messages may be sent.
    for _ in 0..20 {
        let url = bench.track().await["url"].clone();
        bench.control(Method::POST, "challenge/succeed", Some(json!({ "url": url }))).await;
    }
    bench.emulator.set_outcome("withdrawal", Outcome::Block);
    let blocked = json!({ "url": bench.track().await["url"] });
    let told = bench.try_control(Method::POST, "challenge/succeed", Some(blocked)).await;
    assert!(refused(told, 400).contains("BLOCK"));
    for body in [json!({}), json!({ "url": "nonsense" }), json!({ "url": "http://localhost/?token=x" })] {
        refused(bench.try_control(Method::POST, "challenge/quit", Some(body)).await, 400);
    }
    refused(bench.try_control(Method::POST, "challenge/dance", Some(json!({ "url": "" }))).await, 404);
}

#[tokio::test]
async fn challenges_that_wait() {
    let bench = bench().await;
    let body = json!({ "action": "signIn", "verificationMethod": "EMAIL_OTP", "email": "ada@example.com" });
    let begun = bench.post("/challenge", body).await.1;
    let waiting = bench.control(Method::GET, "challenges", None).await;
    assert_eq!(waiting[0]["challengeId"], begun["challengeId"]);
    assert_eq!(
        (&waiting[0]["verificationMethod"], &waiting[0]["to"], &waiting[0]["waitsForButton"]),
        (&json!("EMAIL_OTP"), &json!("ada@example.com"), &json!(false))
    );
    bench.advance(600);
    assert_eq!(bench.control(Method::GET, "challenges", None).await, json!([]), "it is over");
}

#[tokio::test]
async fn buttons_on_phones() {
    let bench = bench().await;
    bench.control(Method::PUT, "users/ada", Some(json!({ "methods": ["PUSH", "QR_CODE"] }))).await;
    for (deed, state) in [("approve", "CHALLENGE_SUCCEEDED"), ("decline", "CHALLENGE_FAILED")] {
        let token = text(&bench.track().await["token"]).to_owned();
        let client = |path: &str| {
            let url = format!("{}/client/{path}", bench.emulator.base_url());
            bench.http.post(url).bearer_auth(&token).json(&json!({})).send()
        };
        let asked = read(client("challenge/push").await.unwrap()).await.1;
        let waiting = bench.control(Method::GET, "challenges", None).await;
        assert_eq!(waiting[0]["challengeId"], asked["challengeId"]);
        assert_eq!(
            (&waiting[0]["waitsForButton"], &waiting[0]["userId"], &waiting[0]["to"]),
            (&json!(true), &json!("ada"), &json!("Emulated phone"))
        );
        let path = format!("challenges/{}/{deed}", text(&asked["challengeId"]));
        let other = Some(json!({ "userId": "eve" }));
        refused(bench.try_control(Method::POST, &path, other).await, 404);
        bench.control(Method::POST, &path, None).await;
        assert_eq!(bench.emulator.actions("ada")[0].state.as_str(), state);
        refused(bench.try_control(Method::POST, &path, None).await, 404);
        assert_eq!(bench.control(Method::GET, "challenges", None).await, json!([]));
    }
}

#[tokio::test]
async fn a_qr_code_is_read_by_a_user_and_then_approved() {
    let bench = bench().await;
    bench.control(Method::PUT, "users/ada", Some(json!({ "methods": ["QR_CODE"] }))).await;
    for by_handle in [false, true] {
        let url = format!("{}/client/challenge/qr-code", bench.emulator.base_url());
        let begin = bench.http.post(url).basic_auth(bench.emulator.tenant_id(), Some(""));
        let begun = read(begin.json(&json!({ "action": "signIn" })).send().await.unwrap()).await.1;
        let id = text(&begun["challengeId"]);
        let path = |deed: &str| format!("challenges/{id}/{deed}");
        refused(bench.try_control(Method::POST, &path("approve"), None).await, 404);
        refused(bench.try_control(Method::POST, &path("claim"), None).await, 400);
        refused(bench.try_control(Method::POST, &path("dance"), None).await, 404);
        if by_handle {
            bench.emulator.claim(id, "ada").unwrap();
            bench.emulator.approve(id, None).await.unwrap();
        } else {
            bench.control(Method::POST, &path("claim"), Some(json!({ "userId": "ada" }))).await;
            assert_eq!(bench.control(Method::GET, "challenges", None).await[0]["isClaimed"], true);
            bench.control(Method::POST, &path("approve"), None).await;
        }
        let action = &bench.emulator.actions("ada")[0];
        assert_eq!((action.action.as_str(), action.state.as_str()), ("signIn", "CHALLENGE_SUCCEEDED"));
    }
}

#[tokio::test]
async fn webhooks_go_where_they_are_told_to() {
    let bench = bench().await;
    // Nobody is there, which is told as well.
    let nobody = "http://127.0.0.1:9/hook";
    bench.control(Method::PUT, "webhooks", Some(json!({ "url": nobody, "logUrl": nobody }))).await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    let url = bench.track().await["url"].clone();
    let refusal = bench.try_control(Method::POST, "challenge/succeed", Some(json!({ "url": url }))).await;
    assert!(refused(refusal, 400).contains("webhook"));
    bench.control(Method::POST, "webhooks/flush", None).await;
    let sent = bench.control(Method::GET, "webhooks", None).await;
    assert_eq!((&sent[0]["type"], &sent[0]["url"]), (&json!("email.created"), &json!(nobody)));
    assert_eq!((&sent[0]["isAccepted"], &sent[0]["attempts"]), (&json!(false), &json!(1)));
    assert!(sent[0].get("status").is_none() && sent[0]["error"].is_string(), "{sent}");
    assert_eq!(sent[0]["body"]["data"]["to"], "ada@example.com");
    assert!(sent.as_array().unwrap().iter().any(|sent| sent["type"] == "records"), "{sent}");

    bench.control(Method::PUT, "webhooks", Some(json!({}))).await;
    let url = bench.track().await["url"].clone();
    bench.control(Method::POST, "challenge/succeed", Some(json!({ "url": url }))).await;

    let verify = json!({ "verify": { "withdrawal": nobody } });
    bench.control(Method::PUT, "webhooks", Some(verify)).await;
    let url = bench.track().await["url"].clone();
    refused(bench.try_control(Method::POST, "challenge/succeed", Some(json!({ "url": url }))).await, 400);
    for body in [json!({ "url": "http://app.example.com" }), json!({ "verify": { "pay": "x" } }), json!({ "to": "" })] {
        refused(bench.try_control(Method::PUT, "webhooks", Some(body)).await, 400);
    }
}

#[tokio::test]
async fn everything_goes_back_to_the_start() {
    let bench = bench().await;
    let mut empty = Value::Null;
    for round in 0..2 {
        for path in ["users", "actions", "messages", "requests", "outcomes", "faults", "webhooks", "challenges"] {
            let found = bench.control(Method::GET, path, None).await;
            assert!(found == json!([]) || found == json!({}), "{path}, round {round}: {found}");
        }
        let mut overview = bench.control(Method::GET, "overview", None).await;
        overview["now"] = Value::Null;
        assert!(empty.is_null() || empty == overview, "{empty} {overview}");
        empty = overview;
        bench.emulator.user("ada").enroll_email_otp("ada@example.com");
        bench.emulator.set_outcome("read", Outcome::Allow);
        bench.emulator.send_webhooks(Some("http://127.0.0.1:9/"), None, &[]).unwrap();
        let tracked = bench.track().await;
        bench.open(text(&tracked["url"]), "").await;
        bench.emulator.inject_fault(Endpoint::Track, Fault::status(503).always());
        if round == 0 {
            bench.control(Method::POST, "reset", None).await;
            assert_eq!(bench.validate(text(&tracked["token"])).await["isValid"], false, "its action is gone");
            bench.emulator.clear_received_requests();
        }
    }
    bench.emulator.reset();
    assert!(bench.emulator.users().is_empty() && bench.emulator.faults().is_empty());
}

#[tokio::test]
async fn an_adjustable_clock_goes_back_too() {
    let emulator = Emulator::start().await.unwrap();
    let before = emulator.now();
    emulator.advance(std::time::Duration::from_secs(1_000_000));
    assert!(emulator.now().duration_since(before).unwrap().as_secs() >= 1_000_000);
    emulator.reset();
    assert!(emulator.now().duration_since(before).unwrap().as_secs() < 1_000);
    emulator.set_time(before - std::time::Duration::from_secs(1_000_000));
    assert!(before.duration_since(emulator.now()).unwrap().as_secs() > 999_000);
}

#[tokio::test]
async fn the_handle_sees_what_the_control_api_sees() {
    let bench = bench().await;
    for (user, action) in [("eve", "read"), ("ada", "pay")] {
        bench.post(&format!("/users/{user}/actions/{action}"), json!({})).await;
    }
    bench.emulator.set_outcome("read", Outcome::Review);
    assert_eq!(bench.emulator.users(), ["ada", "eve"]);
    let actions: Vec<_> = bench.emulator.all_actions().iter().map(|record| record.action.to_string()).collect();
    assert_eq!(actions, ["pay", "read"]);
    let outcomes: Vec<_> = bench.emulator.outcomes().into_values().collect();
    assert_eq!(outcomes, [Outcome::Challenge, Outcome::Review]);
    bench.emulator.inject_fault_for_any(Fault::hang_up());
    bench.emulator.inject_fault(Endpoint::Track, Fault::status(503).times(2));
    let endpoints: Vec<_> = bench.emulator.faults().into_iter().map(|(endpoint, _)| endpoint).collect();
    assert_eq!(endpoints, [None, Some(Endpoint::Track)]);
}
