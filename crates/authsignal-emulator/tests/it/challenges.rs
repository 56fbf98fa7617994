//! Challenges without a page, and Call Connect.
use authsignal_emulator::{Channel, Endpoint, Limits, Tenant};
use reqwest::Method;
use serde_json::{Value, json};
use test_support::waiting::until;

use crate::api::raw;
use crate::support::{Bench, START, bench, bench_of, read, text};

async fn begun(bench: &Bench) -> (String, String) {
    begun_with(bench, json!({})).await
}

async fn begun_with(bench: &Bench, more: Value) -> (String, String) {
    let mut body = json!({ "verificationMethod": "EMAIL_OTP", "action": "signIn", "email": "ada@example.com" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let (status, sent) = bench.post("/challenge", body).await;
    assert_eq!(status, 200, "{sent}");
    (text(&sent["challengeId"]).to_owned(), bench.emulator.messages()[0].code.clone().unwrap())
}

async fn verify(bench: &Bench, challenge: &str, code: &str) -> Value {
    let (status, answer) = bench.post("/verify", json!({ "challengeId": challenge, "verificationCode": code })).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

#[tokio::test]
async fn sent_verified_claimed_and_validated() {
    let bench = bench().await;
    let (status, sent) = bench
        .post("/challenge", json!({ "verificationMethod": "SMS", "action": "signIn", "phoneNumber": "+64270000000" }))
        .await;
    assert_eq!((status, &sent["expiresAt"]), (200, &json!(START + 600)), "whole seconds");
    let message = &bench.emulator.messages()[0];
    assert_eq!((message.channel, message.to.as_str(), &message.user_id), (Channel::Sms, "+64270000000", &None));
    let challenge = text(&sent["challengeId"]);

    let pending = bench.get(&format!("/challenges?challengeId={challenge}")).await.1;
    assert_eq!((text(&pending["phoneNumber"]), text(&pending["smsChannel"])), ("+64270000000", "DEFAULT"));
    assert_eq!(
        verify(&bench, challenge, "0").await,
        json!({ "isVerified": false, "failureReason": "CODE_INVALID_OR_EXPIRED" })
    );
    let code = message.code.as_deref().unwrap();
    assert_eq!(
        verify(&bench, challenge, code).await,
        json!({ "isVerified": true, "phoneNumber": "+64270000000", "verificationMethod": "SMS" })
    );
    assert_eq!(bench.get(&format!("/challenges?challengeId={challenge}")).await, (200, json!({})), "not pending");

    let claim = json!({ "challengeId": challenge, "userId": "ada" });
    let (status, claimed) = bench.post("/claim", claim.clone()).await;
    assert_eq!((status, text(&claimed["verificationMethod"])), (200, "SMS"));
    let valid = bench.validate(text(&claimed["token"])).await;
    assert_eq!((&valid["isValid"], text(&valid["userId"]), text(&valid["action"])), (&json!(true), "ada", "signIn"));
    assert_eq!(valid["idempotencyKey"], sent["idempotencyKey"]);
    assert_eq!(bench.post("/claim", claim).await.0, 400, "once");
    assert_eq!(bench.get("/users/ada").await.1["enrolledVerificationMethods"], json!(["SMS"]));
}

#[tokio::test]
async fn a_text_message_may_be_brought_by_whatsapp() {
    let bench = bench().await;
    for (asked, expected) in [
        (json!({}), Channel::Sms),
        (json!({ "smsChannel": "DEFAULT" }), Channel::Sms),
        (json!({ "smsChannel": "WHATSAPP" }), Channel::Whatsapp),
        (json!({ "verificationMethod": "WHATSAPP" }), Channel::Whatsapp),
    ] {
        let mut request = json!({ "verificationMethod": "SMS", "action": "signIn", "phoneNumber": "+64270000000" });
        request.as_object_mut().unwrap().extend(asked.as_object().unwrap().clone());
        assert_eq!(bench.post("/challenge", request).await.0, 200, "{asked}");
        assert_eq!(bench.emulator.messages()[0].channel, expected, "{asked}");
    }
}

#[tokio::test]
async fn the_next_code_voids_the_one_before() {
    let bench = bench().await;
    let (challenge, first) = begun(&bench).await;
    let mut second = first.clone();
    until("another code", async || {
        bench.advance(60);
        let (status, again) = bench.post("/challenge", json!({ "challengeId": challenge })).await;
        assert_eq!((status, text(&again["challengeId"])), (200, challenge.as_str()));
        second = bench.emulator.messages()[0].code.clone().unwrap();
        second != first
    })
    .await;
    assert_eq!(verify(&bench, &challenge, &first).await["isVerified"], false);
    assert_eq!(verify(&bench, &challenge, &second).await["isVerified"], true);
    assert_eq!(bench.post("/challenge", json!({ "challengeId": challenge })).await.0, 400, "nothing is pending");
}

#[tokio::test]
async fn codes_expire_and_guesses_end() {
    let bench = bench().await;
    let (challenge, code) = begun(&bench).await;
    bench.advance(600);
    assert_eq!(verify(&bench, &challenge, &code).await["failureReason"], "CODE_INVALID_OR_EXPIRED");
    bench.advance(300);
    let (challenge, code) = begun(&bench).await;
    for _ in 0..9 {
        verify(&bench, &challenge, "x").await;
    }
    assert_eq!(verify(&bench, &challenge, "x").await["failureReason"], "MAX_ATTEMPTS_EXCEEDED");
    assert_eq!(verify(&bench, &challenge, &code).await["failureReason"], "MAX_ATTEMPTS_EXCEEDED");
    bench.advance(300);
    assert_eq!(verify(&bench, &challenge, &code).await["isVerified"], true);
}

#[tokio::test]
async fn without_limits_each_code_is_guessed_ten_times_at_most() {
    let bench = bench_of(Tenant::new().limits(Limits::off())).await;
    for _ in 0..20 {
        let (challenge, mut code) = begun(&bench).await;
        for again in [true, false] {
            for guess in 1..10 {
                let given = verify(&bench, &challenge, "x").await;
                assert_eq!(given["failureReason"], "CODE_INVALID_OR_EXPIRED", "guess {guess}");
            }
            for given in ["x", &code] {
                assert_eq!(verify(&bench, &challenge, given).await["failureReason"], "MAX_ATTEMPTS_EXCEEDED");
            }
            bench.advance(301);
            assert_eq!(verify(&bench, &challenge, &code).await["failureReason"], "MAX_ATTEMPTS_EXCEEDED", "nor later");
            if again {
                assert_eq!(bench.post("/challenge", json!({ "challengeId": challenge })).await.0, 200);
                code = bench.emulator.messages()[0].code.clone().unwrap();
            }
        }
    }
    let (challenge, code) = begun(&bench).await;
    assert_eq!(verify(&bench, &challenge, &code).await["isVerified"], true);
}

#[tokio::test]
async fn sending_is_limited() {
    let bench = bench().await;
    for _ in 0..12 {
        begun(&bench).await;
    }
    let body = json!({ "verificationMethod": "EMAIL_OTP", "action": "signIn", "email": "ada@example.com" });
    let response = bench.api(Method::POST, "/challenge").json(&body).send().await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (429, &"600".parse().unwrap()));
    let (_, limited) = read(response).await;
    assert_eq!(limited["errorCode"], "too_many_requests");
    let told = text(&limited["errorDescription"]);
    assert!(told.contains("limits of the service") && told.contains("enabled = false"), "{told}");
    assert_eq!(bench.emulator.messages().len(), 12);
    bench.advance(600);
    begun(&bench).await;
}

#[tokio::test]
async fn a_claim_without_proof_is_proved_later() {
    let bench = bench().await;
    let (challenge, code) = begun(&bench).await;
    let claim = |skip: bool| json!({ "challengeId": challenge, "userId": "ada", "skipVerificationCheck": skip });
    assert_eq!(bench.post("/claim", claim(false)).await.0, 400);
    let (_, claimed) = bench.post("/claim", claim(true)).await;
    let token = text(&claimed["token"]);
    assert_eq!(bench.validate(token).await["isValid"], false);
    verify(&bench, &challenge, &code).await;
    assert_eq!(bench.validate(token).await["isValid"], true);
}

#[tokio::test]
async fn a_track_claims_too() {
    let bench = bench().await;
    let (challenge, code) = begun(&bench).await;
    verify(&bench, &challenge, &code).await;
    let other = bench.post("/users/ada/actions/other", json!({ "challengeId": challenge })).await;
    assert_eq!(other.0, 400, "of another action");
    let (status, tracked) = bench.post("/users/ada/actions/signIn", json!({ "challengeId": challenge })).await;
    assert_eq!((status, text(&tracked["state"])), (200, "CHALLENGE_SUCCEEDED"));
    assert_eq!(bench.validate(text(&tracked["token"])).await["isValid"], true);
    for challenge in [challenge.as_str(), "unknown"] {
        let again = bench.post("/users/eve/actions/signIn", json!({ "challengeId": challenge })).await;
        assert_eq!((again.0, &again.1["error"]), (401, &json!("unauthorized")), "{challenge}");
    }
    bench.emulator.set_outcome("signIn", authsignal_emulator::Outcome::Block);
    let (challenge, code) = begun(&bench).await;
    verify(&bench, &challenge, &code).await;
    let blocked = bench.post("/users/ada/actions/signIn", json!({ "challengeId": challenge })).await.1;
    assert_eq!(blocked["state"], "BLOCK", "a proof doesn't unblock");
}

#[tokio::test]
async fn a_challenge_of_one_user_is_nobody_elses() {
    let bench = bench().await;
    let (challenge, code) = begun_with(&bench, json!({ "userId": "ada" })).await;
    verify(&bench, &challenge, &code).await;
    assert_eq!(bench.post("/claim", json!({ "challengeId": challenge, "userId": "eve" })).await.0, 400);
    assert_eq!(bench.post("/claim", json!({ "challengeId": challenge, "userId": "ada" })).await.0, 200);
}

/// dotnet, java and go mean the same question.
#[tokio::test]
async fn every_form_of_asking_for_a_pending_challenge() {
    let bench = bench().await;
    let (challenge, _) = begun_with(&bench, json!({ "userId": "ada" })).await;
    let expected = json!({
        "challengeId": challenge, "expiresAt": START + 600, "verificationMethod": "EMAIL_OTP",
        "email": "ada@example.com", "action": "signIn",
    });
    let body = json!({ "challengeId": challenge, "action": "signIn" });
    for (method, path, body) in [
        (Method::GET, format!("/challenges?challengeId={challenge}&action=signIn"), None),
        (Method::GET, "/challenges?userId=ada&verificationMethod=EMAIL_OTP".to_owned(), None),
        (Method::GET, format!("/v1/challenges?challengeId={challenge}"), None),
        (Method::POST, format!("/challenges?challengeId={challenge}"), None),
        (Method::POST, "/challenges".to_owned(), Some(body.clone())),
        (Method::POST, format!("/challengeschallengeId={challenge}&action=signIn"), Some(body)),
    ] {
        let mut request = bench.api(method.clone(), &path);
        if let Some(body) = &body {
            request = request.json(body);
        }
        assert_eq!(read(request.send().await.unwrap()).await, (200, expected.clone()), "{method} {path}");
    }
    assert_eq!(bench.emulator.calls(Endpoint::GetChallenge), 6);
    for query in ["challengeId=x", "userId=eve", "userId=ada&action=other"] {
        assert_eq!(bench.get(&format!("/challenges?{query}")).await, (200, json!({})), "{query}");
    }
    assert_eq!(bench.get("/challenges").await.0, 400);
    let answer = raw(&bench.emulator, "POST", "/v1/nowhere").await;
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
}

#[tokio::test]
async fn what_a_challenge_needs() {
    let bench = bench().await;
    for body in [
        json!({}),
        json!({ "verificationMethod": "EMAIL_OTP", "email": "ada@example.com" }),
        json!({ "verificationMethod": "EMAIL_OTP", "action": "signIn" }),
        json!({ "verificationMethod": "SMS", "action": "signIn", "email": "ada@example.com" }),
        json!({ "verificationMethod": "SMS", "action": "signIn", "phoneNumber": "0270000000" }),
        json!({ "verificationMethod": "PASSKEY", "action": "signIn" }),
        json!({ "verificationMethod": "EMAIL_OTP", "action": "sign in", "email": "ada@example.com" }),
        json!({ "challengeId": "unknown" }),
    ] {
        let (status, answer) = bench.post("/challenge", body.clone()).await;
        assert_eq!((status, &answer["error"]), (400, &json!("invalid_request")), "{body}");
    }
    assert!(bench.emulator.messages().is_empty());
    for (path, body, status) in [
        ("/verify", json!({ "challengeId": "x", "verificationCode": "1" }), 400),
        ("/verify", json!({ "challengeId": "x" }), 400),
        ("/claim", json!({ "challengeId": "x", "userId": "ada" }), 400),
        ("/claim", json!({ "challengeId": "x" }), 400),
    ] {
        assert_eq!(bench.post(path, body.clone()).await.0, status, "{path} {body}");
    }
}

#[tokio::test]
async fn calls() {
    let bench = bench().await;
    let call = json!({ "referenceId": "call-1", "phoneNumber": "+12025550123", "channel": "WHATSAPP" });
    let (status, started) = bench.post("/call/start", call).await;
    assert_eq!((status, text(&started["channel"]), text(&started["phoneNumber"])), (200, "WHATSAPP", "+12025550123"));
    assert_eq!(bench.emulator.messages()[0].challenge_id, text(&started["messageId"]));
    let finish = json!({ "referenceId": "call-1", "state": "CHALLENGE_SUCCEEDED", "payload": { "agent": "7" } });
    assert_eq!(bench.post("/call/finish", finish).await, (200, json!({ "success": true })));
    let call = &bench.emulator.calls_of_call_connect()[0];
    assert_eq!(call.state.as_ref().unwrap().as_str(), "CHALLENGE_SUCCEEDED");
    for (path, body, status) in [
        ("/call/start", json!({ "phoneNumber": "+12025550123" }), 400),
        ("/call/start", json!({ "referenceId": "c" }), 400),
        ("/call/start", json!({ "referenceId": "c", "channel": "EMAIL", "phoneNumber": "+1" }), 400),
        ("/call/start", json!({ "referenceId": "c", "channel": "FAX", "phoneNumber": "+1" }), 400),
        ("/call/finish", json!({ "referenceId": "x", "state": "CHALLENGE_FAILED" }), 404),
        ("/call/finish", json!({ "referenceId": "call-1", "state": "ALLOW" }), 400),
    ] {
        assert_eq!(bench.post(path, body.clone()).await.0, status, "{path} {body}");
    }
}
