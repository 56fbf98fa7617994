//! Phones with the mobile SDK.
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reqwest::Method;
use serde_json::{Value, json};

use super::{ADD, error};
use crate::support::{Bench, bench, read, text};

/// Its base64 has each of `+`, `/` and `=`.
const KEY: &str = "MFk~~~?key>";

async fn find(bench: &Bench, path: &str, key: &str) -> (u16, Value) {
    let path = format!("/user-authenticators/{path}?publicKey={key}");
    let request = bench.client(Method::GET, &path).basic_auth(bench.emulator.tenant_id(), Some(""));
    read(request.send().await.unwrap()).await
}

async fn enroll(bench: &Bench, method: &str) -> String {
    let token = bench.token_with(json!({ "scope": ADD })).await;
    let body = json!({ "publicKey": KEY, "deviceName": "Ada's Pixel", "devicePlatform": "android" });
    let added = bench.asked(&token, &format!("/user-authenticators/{method}"), body).await;
    let id = text(&added["userAuthenticatorId"]).to_owned();
    let expected = json!({ "userAuthenticatorId": id, "userId": "ada", "verifiedAt": "2026-01-15T10:00:00.000Z" });
    assert_eq!(added, expected);
    id
}

fn encoded() -> String {
    URL_SAFE_NO_PAD.encode(KEY)
}

#[tokio::test]
async fn keys_are_enrolled_found_and_removed() {
    let bench = bench().await;
    for (method, name) in [("push", "PUSH"), ("qr-code", "QR_CODE"), ("in-app", "IN_APP")] {
        assert_eq!(error(&find(&bench, method, &encoded()).await), (404, "not_found"), "{method}");
        let id = enroll(&bench, method).await;
        for key in [encoded(), STANDARD.encode(KEY)] {
            let (status, found) = find(&bench, method, &key).await;
            assert_eq!((status, &found["userAuthenticatorId"], &found["userId"]), (200, &json!(id), &json!("ada")));
        }
        let token = bench.token().await;
        let listed = bench.client(Method::GET, "/user-authenticators").bearer_auth(&token).send().await.unwrap();
        let listed = read(listed).await.1;
        assert_eq!((&listed[0]["verificationMethod"], &listed[0]["devicePlatform"]), (&json!(name), &json!("ANDROID")));

        let path = format!("/user-authenticators/{method}/remove");
        let unsigned = bench.anonymous(&path, json!({ "publicKey": KEY })).await;
        assert_eq!(error(&unsigned), (400, "invalid_request"));
        let body = json!({ "publicKey": KEY, "signature": "s" });
        assert_eq!(bench.anonymous(&path, body.clone()).await, (200, json!({ "removedAuthenticatorId": id })));
        assert_eq!(error(&bench.anonymous(&path, body).await), (404, "not_found"), "{method}");
    }
    for query in ["?publicKey=", "?publicKey=!", "?", "?publicKey=%FF"] {
        let path = format!("/user-authenticators/push{query}");
        let request = bench.client(Method::GET, &path).basic_auth(bench.emulator.tenant_id(), Some(""));
        assert_eq!(error(&read(request.send().await.unwrap()).await), (400, "invalid_request"), "{query}");
    }
}

#[tokio::test]
async fn a_first_phone_proves_its_action_and_a_second_takes_the_scope() {
    let bench = bench().await;
    let token = bench.token().await;
    bench.asked(&token, "/user-authenticators/push", json!({ "publicKey": KEY })).await;
    assert_eq!(bench.state(), "CHALLENGE_SUCCEEDED");
    let token = bench.token().await;
    let second = bench.ask(&token, "/user-authenticators/push", json!({ "publicKey": "other" })).await;
    assert_eq!(error(&second), (401, "unauthorized"));
}

#[tokio::test]
async fn a_push_message_is_answered_by_its_phone() {
    let bench = bench().await;
    let id = enroll(&bench, "push").await;
    let at = "/user-authenticators/push/challenge";
    assert_eq!(find(&bench, "push/challenge", &encoded()).await, (200, json!({})), "nothing is asked");
    let signs = bench.anonymous(&format!("{at}/sign?publicKey={}", encoded()), json!({})).await;
    assert!(signs.1["message"].is_string());
    for (approved, state) in [(true, "CHALLENGE_SUCCEEDED"), (false, "CHALLENGE_FAILED")] {
        let told =
            json!({ "ipAddress": "203.0.113.42", "userAgent": "Firefox", "deviceId": "d1", "custom": { "a": 1 } });
        let token = bench.token_with(told).await;
        let sent = bench.asked(&token, "/challenge/push", json!({})).await;
        let key = bench.emulator.actions("ada")[0].idempotency_key.to_string();
        let asked = json!({
            "challengeId": sent["challengeId"], "userId": "ada", "actionCode": "withdrawal", "idempotencyKey": key,
            "ipAddress": "203.0.113.42", "userAgent": "Firefox", "deviceId": "d1", "custom": { "a": 1 }
        });
        assert_eq!(find(&bench, "push/challenge", &encoded()).await, (200, asked));

        let mut answer = json!({ "challengeId": sent["challengeId"], "publicKey": KEY, "approved": approved });
        assert_eq!(error(&bench.anonymous(at, answer.clone()).await), (400, "invalid_request"), "not signed");
        answer["signature"] = json!("s");
        answer["publicKey"] = json!("other");
        assert_eq!(error(&bench.anonymous(at, answer.clone()).await), (404, "not_found"), "another's key");
        answer["publicKey"] = json!(KEY);
        assert_eq!(bench.anonymous(at, answer.clone()).await, (200, json!({ "isVerified": approved })));
        assert_eq!(bench.state(), state);
        let action = &bench.emulator.actions("ada")[0];
        assert_eq!(action.verified_by.as_ref(), approved.then_some(&id));
        let polled = bench.asked(&token, "/verify/push", json!({ "challengeId": sent["challengeId"] })).await;
        assert_eq!((&polled["isVerified"], &polled["isConsumed"]), (&json!(approved), &json!(true)));
        assert_eq!(error(&bench.anonymous(at, answer).await), (400, "invalid_request"), "once");
    }
}

#[tokio::test]
async fn a_qr_code_is_read_and_answered_by_a_phone() {
    let bench = bench().await;
    enroll(&bench, "qr-code").await;
    let at = "/user-authenticators/qr-code/challenge";
    for (approved, last) in [(true, "CHALLENGE_SUCCEEDED"), (false, "CHALLENGE_FAILED")] {
        let (_, shown) = bench.anonymous("/challenge/qr-code", json!({ "action": "signIn" })).await;
        let body = json!({ "challengeId": shown["challengeId"], "deviceCode": shown["deviceCode"] });
        let poll = async || bench.anonymous("/verify/qr-code", body.clone()).await.1;
        let mut answer = json!({ "challengeId": shown["challengeId"], "publicKey": KEY, "signature": "s" });
        let claimed = bench.anonymous(&format!("{at}/claim"), answer.clone()).await.1;
        assert_eq!((&claimed["success"], &claimed["actionCode"]), (&json!(true), &json!("signIn")));
        assert_eq!(poll().await, json!({ "isClaimed": true, "isVerified": false, "isConsumed": false }));
        assert_eq!(bench.state(), "CHALLENGE_REQUIRED");
        bench.emulator.user("eve").enroll_qr_code("iPhone");
        assert!(bench.emulator.approve(text(&shown["challengeId"]), Some("eve")).await.is_err(), "ada has read it");

        answer["approved"] = json!(approved);
        assert_eq!(bench.anonymous(at, answer).await, (200, json!({ "isVerified": approved })));
        assert_eq!(bench.state(), last);
        let polled = poll().await;
        assert_eq!((&polled["isVerified"], &polled["isConsumed"]), (&json!(approved), &json!(true)));
    }
    let unknown = json!({ "challengeId": "unknown", "publicKey": KEY, "signature": "s", "approved": true });
    assert_eq!(error(&bench.anonymous(at, unknown.clone()).await), (404, "not_found"));
    assert_eq!(error(&bench.anonymous(&format!("{at}/claim"), unknown).await), (400, "invalid_request"));
}

#[tokio::test]
async fn an_app_proves_things_to_itself() {
    let bench = bench().await;
    let id = enroll(&bench, "in-app").await;
    bench.emulator.user("ada").username("ada@example.com");
    let verify = |challenge: &Value| json!({ "challengeId": challenge, "publicKey": KEY, "signature": "s" });

    // A sign-in that names its action.
    let (_, begun) = bench.anonymous("/challenge", json!({ "action": "signIn" })).await;
    let (status, answer) = bench.anonymous("/verify/in-app", verify(&begun["challengeId"])).await;
    let token = text(&answer["accessToken"]);
    let expected = json!({
        "isVerified": true, "accessToken": token, "token": token, "userId": "ada", "userAuthenticatorId": id,
        "username": "ada@example.com"
    });
    assert_eq!((status, &answer), (200, &expected));
    bench.expect_proved(&answer, "IN_APP").await;
    assert_eq!(bench.emulator.actions("ada")[0].action.as_ref(), "signIn");
    let again = bench.anonymous("/verify/in-app", verify(&begun["challengeId"])).await;
    assert_eq!(error(&again), (400, "invalid_request"), "once");

    // A challenge without an action, for the action of a token.
    let token = bench.token().await;
    let (_, begun) = bench.anonymous("/challenge", json!({})).await;
    let answer = bench.asked(&token, "/verify/in-app", verify(&begun["challengeId"])).await;
    bench.expect_proved(&answer, "IN_APP").await;
    assert_eq!(bench.state(), "CHALLENGE_SUCCEEDED");

    let (_, eves) = bench.post("/users/eve/actions/withdrawal", json!({})).await;
    let (_, begun) = bench.anonymous("/challenge", json!({})).await;
    let mixed = bench.ask(text(&eves["token"]), "/verify/in-app", verify(&begun["challengeId"])).await;
    assert_eq!(error(&mixed), (400, "invalid_credential"), "ada's key, eve's token");
}
