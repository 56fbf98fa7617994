//! Push messages and QR codes, seen from the browser, with the buttons in the hand of the test.
use authsignal_client::VerificationMethod;
use authsignal_emulator::{Channel, EmulatorError};
use serde_json::{Value, json};

use super::error;
use crate::support::{Bench, bench, text};

async fn pushed(bench: &Bench, token: &str) -> String {
    text(&bench.asked(token, "/challenge/push", json!({ "action": "withdrawal" })).await["challengeId"]).to_owned()
}

async fn poll(bench: &Bench, token: &str, challenge: &str) -> Value {
    bench.asked(token, "/verify/push", json!({ "challengeId": challenge })).await
}

#[tokio::test]
async fn a_push_message_is_approved() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_push("Pixel");
    let token = bench.token().await;
    let sent = bench.asked(&token, "/challenge/push", json!({ "action": "withdrawal" })).await;
    let challenge = text(&sent["challengeId"]);
    let id = &sent["deliveryResults"][0]["userAuthenticatorId"];
    assert!(id.is_string());
    assert_eq!(sent, json!({ "challengeId": challenge, "deliveryResults": [{ "userAuthenticatorId": id }] }));
    let message = &bench.emulator.messages()[0];
    assert_eq!((message.channel, &*message.to, &message.code), (Channel::Push, "Pixel", &None));

    let pending = &bench.emulator.pending_challenges()[0];
    assert_eq!((&*pending.id, &pending.method), (challenge, &VerificationMethod::Push));
    assert_eq!(pending.user_id.as_ref().map(AsRef::as_ref), Some("ada"));
    assert_eq!(pending.action.as_ref().map(AsRef::as_ref), Some("withdrawal"));
    assert_eq!(pending.expires_at.duration_since(pending.created_at).unwrap().as_secs(), 600);

    assert_eq!(poll(&bench, &token, challenge).await, json!({ "isVerified": false, "isConsumed": false }));
    bench.emulator.approve(challenge, None).await.unwrap();
    assert_eq!(bench.state(), "CHALLENGE_SUCCEEDED", "before anybody asks");
    assert!(bench.emulator.pending_challenges().is_empty());
    for _ in 0..2 {
        let answer = poll(&bench, &token, challenge).await;
        let fresh = &answer["accessToken"];
        assert_eq!(answer, json!({ "isVerified": true, "isConsumed": true, "accessToken": fresh }));
        bench.expect_proved(&answer, "PUSH").await;
    }
    let again = bench.emulator.approve(challenge, None).await;
    assert!(matches!(again, Err(EmulatorError::UnknownChallenge)), "once");
}

#[tokio::test]
async fn a_push_message_is_declined() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_push("Pixel");
    let token = bench.token().await;
    let challenge = pushed(&bench, &token).await;
    bench.emulator.decline_challenge(&challenge).unwrap();
    assert_eq!(bench.state(), "CHALLENGE_FAILED");
    assert_eq!(poll(&bench, &token, &challenge).await, json!({ "isVerified": false, "isConsumed": true }));
    assert!(bench.emulator.approve(&challenge, None).await.is_err(), "an answer stands");
    assert!(bench.emulator.decline_challenge(&challenge).is_err());
    let more = bench.ask(&token, "/challenge/push", json!({})).await;
    assert_eq!(error(&more), (400, "invalid_request"));
}

#[tokio::test]
async fn which_push_message_which_phone_and_which_action() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_push("Pixel").enroll_push("iPhone").enroll_email_otp("ada@example.com");
    let (one, two) = (bench.token().await, bench.token().await);
    let sent = bench.asked(&one, "/challenge/push", json!({})).await;
    assert_eq!(sent["deliveryResults"].as_array().unwrap().len(), 2, "every phone is asked");
    let wanted = sent["deliveryResults"][1]["userAuthenticatorId"].clone();
    let newer = bench.asked(&one, "/challenge/push", json!({ "userAuthenticatorId": wanted })).await;
    assert_eq!(newer["deliveryResults"], json!([{ "userAuthenticatorId": wanted }]));
    assert_eq!(bench.emulator.messages()[0].to, "iPhone");

    let ask = async |token: &str, challenge: &Value| {
        let answer = bench.ask(token, "/verify/push", json!({ "challengeId": challenge })).await;
        (answer.0, answer.1["errorCode"].clone())
    };
    let not_found = (404, json!("not_found"));
    assert_eq!(ask(&one, &sent["challengeId"]).await, not_found, "there is a newer one");
    assert_eq!(ask(&two, &newer["challengeId"]).await, not_found, "another attempt");
    assert_eq!(ask(&one, &json!("unknown")).await, not_found);
    bench.asked(&one, "/challenge/email-otp", json!({})).await;
    let code = json!(bench.emulator.messages()[0].challenge_id);
    assert_eq!(ask(&one, &code).await, not_found, "another method");
    assert!(bench.emulator.approve(text(&code), None).await.is_err(), "that has no button");

    for (body, status) in [
        (json!({ "action": "other" }), 400),
        (json!({ "action": 7 }), 400),
        (json!({ "userAuthenticatorId": "unknown" }), 404),
    ] {
        assert_eq!(bench.ask(&one, "/challenge/push", body).await.0, status);
    }
    bench.emulator.approve(text(&newer["challengeId"]), Some("ada")).await.unwrap();
    assert_eq!(bench.emulator.actions("ada")[1].verified_by.as_deref(), wanted.as_str());
    assert_eq!(bench.state(), "CHALLENGE_REQUIRED", "the other attempt");
}

#[tokio::test]
async fn a_push_message_expires() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_push("Pixel");
    let key = json!({ "idempotencyKey": "k" });
    let challenge = pushed(&bench, &bench.token_with(key.clone()).await).await;
    bench.advance(600);
    assert!(bench.emulator.approve(&challenge, None).await.is_err());
    assert!(bench.emulator.pending_challenges().is_empty());
    let token = bench.token_with(key.clone()).await;
    let late = bench.ask(&token, "/verify/push", json!({ "challengeId": challenge })).await;
    assert_eq!(error(&late), (400, "invalid_request"));

    let challenge = pushed(&bench, &token).await;
    bench.emulator.approve(&challenge, None).await.unwrap();
    bench.advance(600);
    let token = bench.token_with(key).await;
    let late = bench.ask(&token, "/verify/push", json!({ "challengeId": challenge })).await;
    assert_eq!(error(&late), (400, "invalid_request"), "an approval is no token for ever");
}

#[tokio::test]
async fn a_qr_code_signs_in_whoever_reads_it() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_qr_code("Pixel");
    let (status, shown) =
        bench.anonymous("/challenge/qr-code", json!({ "action": "signIn", "custom": { "a": 1 } })).await;
    let (challenge, device) = (text(&shown["challengeId"]), text(&shown["deviceCode"]));
    let expected = json!({ "challengeId": challenge, "deviceCode": device, "expiresAt": "2026-01-15T10:10:00.000Z" });
    assert_eq!((status, &shown), (200, &expected));

    let body = json!({ "challengeId": challenge, "deviceCode": device });
    let poll = async || bench.anonymous("/verify/qr-code", body.clone()).await.1;
    assert_eq!(poll().await, json!({ "isClaimed": false, "isVerified": false, "isConsumed": false }));
    for wrong in [
        json!({ "challengeId": challenge, "deviceCode": "guess" }),
        json!({ "challengeId": "x", "deviceCode": device }),
    ] {
        assert_eq!(error(&bench.anonymous("/verify/qr-code", wrong).await), (404, "not_found"));
    }
    assert!(bench.emulator.approve(challenge, None).await.is_err(), "nobody has read it");
    assert!(bench.emulator.approve(challenge, Some("eve")).await.is_err(), "eve has no phone");
    assert_eq!(poll().await["isClaimed"], false, "and that leaves no trace");

    bench.emulator.approve(challenge, Some("ada")).await.unwrap();
    let answer = poll().await;
    let token = text(&answer["accessToken"]);
    let all =
        json!({ "isClaimed": true, "isVerified": true, "isConsumed": true, "accessToken": token, "token": token });
    assert_eq!(answer, all);
    bench.expect_proved(&answer, "QR_CODE").await;
    let action = &bench.emulator.actions("ada")[0];
    assert_eq!((action.action.as_ref(), &action.custom["a"]), ("signIn", &json!(1)));
    assert!(bench.emulator.actions("eve").is_empty());
}

#[tokio::test]
async fn a_qr_code_for_an_action_that_was_tracked() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_qr_code("Pixel");
    bench.emulator.user("eve").enroll_qr_code("iPhone");
    let token = bench.token().await;
    let shown = bench.asked(&token, "/challenge/qr-code", json!({ "action": "withdrawal" })).await;
    let challenge = text(&shown["challengeId"]);
    assert!(bench.emulator.approve(challenge, Some("eve")).await.is_err(), "it is ada's");
    bench.emulator.approve(challenge, Some("ada")).await.unwrap();
    assert_eq!(bench.state(), "CHALLENGE_SUCCEEDED");

    let token = bench.token().await;
    let shown = bench.asked(&token, "/challenge/qr-code", json!({})).await;
    bench.emulator.decline_challenge(text(&shown["challengeId"])).unwrap();
    assert_eq!(bench.state(), "CHALLENGE_FAILED");
    let body = json!({ "challengeId": shown["challengeId"], "deviceCode": shown["deviceCode"] });
    let (_, rejected) = bench.anonymous("/verify/qr-code", body).await;
    assert_eq!(rejected, json!({ "isClaimed": true, "isVerified": false, "isConsumed": true }));
    let other = bench.ask(&token, "/challenge/qr-code", json!({ "action": "other" })).await;
    assert_eq!(error(&other), (400, "invalid_request"));
}

#[tokio::test]
async fn a_qr_code_needs_an_action_and_expires() {
    let bench = bench().await;
    for body in [json!({}), json!({ "action": "" }), json!({ "action": "a b" }), json!({ "action": "a", "custom": [] })]
    {
        assert_eq!(error(&bench.anonymous("/challenge/qr-code", body).await), (400, "invalid_request"));
    }
    let (_, shown) = bench.anonymous("/challenge/qr-code", json!({ "action": "signIn" })).await;
    bench.advance(600);
    let body = json!({ "challengeId": shown["challengeId"], "deviceCode": shown["deviceCode"] });
    assert_eq!(error(&bench.anonymous("/verify/qr-code", body).await), (400, "invalid_request"));
}
