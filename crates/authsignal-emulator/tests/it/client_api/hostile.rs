//! What nobody should send.
use reqwest::Method;
use serde_json::json;

use super::{ADD, error};
use crate::support::{bench, read};

/// Every call with a body, and members that it reads.
const CALLS: [(&str, &[&str]); 36] = [
    ("/init", &[]),
    ("/user-authenticators/email-otp", &["email"]),
    ("/user-authenticators/email-magic-link", &["email"]),
    ("/user-authenticators/sms", &["phoneNumber"]),
    ("/user-authenticators/totp", &[]),
    ("/user-authenticators/passkey/registration-options", &["username", "displayName", "authenticatorAttachment"]),
    ("/user-authenticators/passkey/registration-options/web", &["username"]),
    ("/user-authenticators/passkey", &["registrationCredential", "challengeId", "deviceId"]),
    ("/user-authenticators/passkey/authentication-options", &["challengeId"]),
    ("/user-authenticators/passkey/authentication-options/web", &["challengeId"]),
    ("/user-authenticators/security-key/registration-options", &[]),
    ("/user-authenticators/security-key", &["id"]),
    ("/user-authenticators/security-key/authentication-options", &[]),
    ("/user-authenticators/push", &["publicKey", "deviceName", "devicePlatform"]),
    ("/user-authenticators/qr-code", &["publicKey"]),
    ("/user-authenticators/in-app", &["publicKey"]),
    ("/user-authenticators/push/remove", &["publicKey", "signature"]),
    ("/user-authenticators/qr-code/remove", &["publicKey", "signature"]),
    ("/user-authenticators/in-app/remove", &["publicKey", "signature"]),
    ("/user-authenticators/push/challenge", &["challengeId", "approved"]),
    ("/user-authenticators/qr-code/challenge", &["challengeId", "approved"]),
    ("/user-authenticators/qr-code/challenge/claim", &["challengeId"]),
    ("/challenge", &["action", "idempotencyKey"]),
    ("/challenge/email-otp", &["userAuthenticatorId"]),
    ("/challenge/sms", &["smsChannel", "userAuthenticatorId"]),
    ("/challenge/whatsapp", &["userAuthenticatorId"]),
    ("/challenge/email-magic-link", &["userAuthenticatorId"]),
    ("/challenge/push", &["action", "userAuthenticatorId"]),
    ("/challenge/qr-code", &["action", "custom"]),
    ("/verify/email-otp", &["verificationCode"]),
    ("/verify/totp", &["verificationCode"]),
    ("/verify/email-magic-link/finalize", &[]),
    ("/verify/push", &["challengeId"]),
    ("/verify/qr-code", &["challengeId", "deviceCode"]),
    ("/verify/passkey", &["authenticationCredential", "deviceId", "challengeId"]),
    ("/verify/in-app", &["challengeId"]),
];

#[tokio::test]
async fn bodies() {
    let bench = bench().await;
    let token = bench.token_with(json!({ "scope": ADD })).await;
    let deep = format!("{}{}", r#"{"email":"#, "[".repeat(50_000));
    for (path, _) in CALLS {
        for body in [&b"{"[..], b"null", b"[]", b"\"text\"", b"{\"a\":\"\xff\"}", b"\0", deep.as_bytes()] {
            let request = bench.client(Method::POST, path).bearer_auth(&token).body(body.to_vec());
            let answer = read(request.send().await.unwrap()).await;
            let shown = String::from_utf8_lossy(&body[..body.len().min(9)]);
            assert_eq!(error(&answer), (400, "invalid_request"), "{path} {shown}");
        }
        let request = bench.client(Method::POST, path).bearer_auth(&token).body("x".repeat(300_000));
        assert_eq!(error(&read(request.send().await.unwrap()).await), (413, "invalid_request"), "{path}");
    }
}

#[tokio::test]
async fn members_of_other_types() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com").enroll_push("Pixel").enroll_sms("+64270000000");
    let token = bench.token_with(json!({ "scope": ADD })).await;
    for (path, members) in CALLS {
        for member in members {
            for value in [json!(7), json!([]), json!("\0"), json!({ "a": { "b": [] } })] {
                // Whatever else the call asks for is there.
                let mut body = json!({
                    "challengeId": "c", "deviceCode": "d", "publicKey": "k", "signature": "s", "action": "withdrawal",
                    "registrationCredential": {}, "authenticationCredential": {}
                });
                body[*member] = value.clone();
                let answer = bench.ask(&token, path, body).await;
                // A text may be just any, where it is only shown.
                let is_taken = answer.0 == 200 && value.is_string();
                assert!(is_taken || matches!(error(&answer).0, 400 | 404), "{path} {member} {value}: {answer:?}");
            }
        }
    }
}

#[tokio::test]
async fn credentials_that_are_none() {
    let bench = bench().await;
    let token = bench.token_with(json!({ "scope": ADD })).await;
    let nested = (0..100).fold(json!(1), |inner, _| json!({ "a": inner }));
    let long = "A".repeat(100_000);
    for credential in [
        json!({}),
        json!({ "id": "", "rawId": "", "type": "public-key", "response": {} }),
        json!({ "id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": { "clientDataJSON": "e30" } }),
        json!({ "id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": {
            "clientDataJSON": "e30", "attestationObject": "oA", "authenticatorData": "AAAA", "signature": "AAAA" } }),
        json!({ "id": long, "rawId": long, "type": "public-key", "response": {} }),
        nested,
    ] {
        let begun = bench.asked(&token, "/user-authenticators/passkey/registration-options", json!({})).await;
        let body = json!({ "registrationCredential": credential, "challengeId": begun["challengeId"] });
        let answer = bench.ask(&token, "/user-authenticators/passkey", body).await;
        assert!(matches!(error(&answer), (400, "invalid_request" | "invalid_credential")), "{answer:?}");
        let (_, begun) = bench.anonymous("/user-authenticators/passkey/authentication-options", json!({})).await;
        let body = json!({ "authenticationCredential": credential, "challengeId": begun["challengeId"] });
        let answer = bench.anonymous("/verify/passkey", body).await;
        assert!(matches!(error(&answer), (400, "invalid_request" | "unknown_credential")), "{answer:?}");
        bench.asked(&token, "/user-authenticators/security-key/registration-options", json!({})).await;
        let answer = bench.ask(&token, "/user-authenticators/security-key", credential).await;
        assert!(matches!(error(&answer), (400, "invalid_request" | "invalid_credential")), "{answer:?}");
    }
    assert!(!bench.emulator.user("ada").is_enrolled());
}

#[tokio::test]
async fn addresses_and_numbers_that_are_none() {
    let bench = bench().await;
    let token = bench.token().await;
    for (path, member, values) in [
        (
            "email-otp",
            "email",
            [json!(null), json!(""), json!("ada"), json!("a b@c.example"), json!("a@b\r\nbcc: c@d")],
        ),
        ("sms", "phoneNumber", [json!(null), json!(""), json!("0270000000"), json!("+64 27"), json!("+1")]),
    ] {
        for value in values {
            let answer = bench.ask(&token, &format!("/user-authenticators/{path}"), json!({ member: value })).await;
            assert_eq!(error(&answer), (400, "invalid_request"), "{path} {value}");
        }
    }
    assert!(bench.emulator.messages().is_empty());
}

#[tokio::test]
async fn what_opens_no_link() {
    let bench = bench().await;
    for query in ["", "?", "?token=", "?token=.", "?token=a.b", "?token=%FF.%00", "?token=a&token=b"] {
        let url = format!("{}/api/verify-magic-link{query}", bench.emulator.origin());
        let response = bench.http.get(url).send().await.unwrap();
        assert_eq!(response.status(), 401, "{query}");
        assert!(response.text().await.unwrap().contains("can’t be used"), "{query}");
    }
}
