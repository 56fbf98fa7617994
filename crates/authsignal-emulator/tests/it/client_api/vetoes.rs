//! What was right, and yet not taken: the tenant's webhooks have their say here too.
use authsignal_emulator::EmulatorError;
use serde_json::{Value, json};

use super::keys::{ORIGIN, proof, registered};
use super::soft_key::SoftKey;
use super::{code, error};
use crate::support::{bench, text};
use crate::webhooks::Receiver;

const OK: u16 = 200;
const NO: u16 = 403;

#[tokio::test]
async fn a_code_that_was_right_can_be_given_again() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    let receiver = Receiver::of(&bench).await;
    let token = bench.token().await;
    receiver.answers([OK, NO]);
    bench.asked(&token, "/challenge/email-otp", json!({})).await;
    let body = json!({ "verificationCode": code(&bench.emulator) });
    assert_eq!(bench.asked(&token, "/verify/email-otp", body.clone()).await, json!({ "isVerified": false }));
    assert_eq!(bench.state(), "CHALLENGE_REQUIRED");
    let verified = bench.asked(&token, "/verify/email-otp", body).await;
    bench.expect_proved(&verified, "EMAIL_OTP").await;
}

#[tokio::test]
async fn a_message_that_nobody_sends() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com").enroll_push("Pixel");
    let receiver = Receiver::of(&bench).await;
    let token = bench.token().await;
    for method in ["email-otp", "push"] {
        receiver.answers([500]);
        let answer = bench.ask(&token, &format!("/challenge/{method}"), json!({})).await;
        assert_eq!(error(&answer), (502, "unexpected_error"), "{method}");
        assert!(bench.emulator.pending_challenges().is_empty(), "{method}");
    }
    assert!(bench.emulator.messages().is_empty());
}

#[tokio::test]
async fn a_signature() {
    let bench = bench().await;
    let mut key = registered(&bench).await;
    let receiver = Receiver::of(&bench).await;
    let token = bench.token().await;
    for (answer, expected) in [(NO, false), (OK, true)] {
        receiver.answers([answer]);
        let path = "/user-authenticators/passkey/authentication-options";
        let begun = bench.asked(&token, path, json!({})).await;
        let verified = bench.asked(&token, "/verify/passkey", proof(&mut key, &begun)).await;
        assert_eq!(verified["isVerified"], expected);
        assert_eq!(verified["accessToken"].is_string(), expected);
    }
    assert_eq!(bench.state(), "CHALLENGE_SUCCEEDED");
}

#[tokio::test]
async fn a_first_passkey() {
    let bench = bench().await;
    let receiver = Receiver::of(&bench).await;
    let token = bench.token().await;
    for (answer, expected) in [(NO, false), (OK, true)] {
        receiver.answers([answer]);
        let path = "/user-authenticators/passkey";
        let begun = bench.asked(&token, &format!("{path}/registration-options"), json!({})).await;
        let made = SoftKey::es256().create(&begun["options"], ORIGIN);
        let added = bench.asked(&token, path, json!({ "registrationCredential": made })).await;
        assert_eq!((&added["isVerified"], added["userId"].is_string()), (&json!(expected), expected));
        assert_eq!(bench.emulator.user("ada").is_enrolled(), expected);
    }
}

#[tokio::test]
async fn a_button() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_push("Pixel");
    let receiver = Receiver::of(&bench).await;
    let token = bench.token().await;
    receiver.answers([OK, NO]);
    let sent = bench.asked(&token, "/challenge/push", json!({})).await;
    let challenge = text(&sent["challengeId"]);
    assert!(matches!(bench.emulator.approve(challenge, None).await, Err(EmulatorError::Vetoed)));
    let poll = async || -> Value { bench.asked(&token, "/verify/push", json!({ "challengeId": challenge })).await };
    assert_eq!(poll().await, json!({ "isVerified": false, "isConsumed": false }));
    bench.emulator.approve(challenge, None).await.unwrap();
    bench.expect_proved(&poll().await, "PUSH").await;
}
