//! Methods, the tenant's and the user's, and what the React SDK begins with.
use reqwest::Method;
use serde_json::{Value, json};

use super::error;
use crate::support::{Bench, bench, read, text};

async fn get(bench: &Bench, path: &str, token: &str) -> (u16, Value) {
    read(bench.client(Method::GET, path).bearer_auth(token).send().await.unwrap()).await
}

#[tokio::test]
async fn a_users_methods_without_those_that_are_not_verified() {
    let bench = bench().await;
    let token = bench.token().await;
    assert_eq!(get(&bench, "/user-authenticators", &token).await, (200, json!([])));
    bench.asked(&token, "/user-authenticators/totp", json!({})).await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com").enroll_sms("+64270000000");
    bench.emulator.user("eve").enroll_email_otp("eve@example.com");
    let (_, listed) = get(&bench, "/user-authenticators", &token).await;
    let (one, two) = (&listed[0]["userAuthenticatorId"], &listed[1]["userAuthenticatorId"]);
    let at = "2026-01-15T10:00:00.000Z";
    assert_eq!(
        listed,
        json!([
            { "userAuthenticatorId": one, "verificationMethod": "EMAIL_OTP", "createdAt": at, "verifiedAt": at,
              "email": "ada@example.com", "isDefault": false },
            { "userAuthenticatorId": two, "verificationMethod": "SMS", "createdAt": at, "verifiedAt": at,
              "phoneNumber": "+64270000000", "isDefault": false }
        ])
    );
}

#[tokio::test]
async fn the_tenants_methods() {
    let bench = bench().await;
    let (_, of_tenant) = bench.get("/authenticators").await;
    let request = bench.client(Method::GET, "/authenticators").basic_auth(bench.emulator.tenant_id(), Some(""));
    assert_eq!(read(request.send().await.unwrap()).await, (200, of_tenant.clone()));
    assert_eq!(get(&bench, "/authenticators", &bench.token().await).await, (200, of_tenant));
}

#[tokio::test]
async fn what_the_react_sdk_begins_with() {
    let bench = bench().await;
    let token = bench.token_with(json!({ "email": "ada@example.com", "scope": super::ADD })).await;
    let begun = bench.asked(&token, "/init", json!({})).await["challengeOptions"].clone();
    assert_eq!(begun["user"], json!({ "email": "ada@example.com" }));
    assert_eq!(begun.get("defaultVerificationMethod"), None, "there is none yet");
    assert!(begun["verificationMethods"].as_array().unwrap().contains(&json!("PASSKEY")), "what may be enrolled");
    let fresh = text(&begun["token"]);
    assert_ne!(fresh, token);
    assert_eq!(super::claims(fresh)["scope"], super::ADD);

    bench.emulator.user("ada").enroll_email_otp("ada@example.com").enroll_authenticator_app();
    let begun = bench.asked(&bench.token().await, "/init", json!({})).await["challengeOptions"].clone();
    assert_eq!(begun["defaultVerificationMethod"], "EMAIL_OTP");
    assert_eq!(begun["verificationMethods"], json!(["EMAIL_OTP", "AUTHENTICATOR_APP"]));
}

#[tokio::test]
async fn how_text_messages_go_is_changed() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_sms("+64270000000");
    let token = bench.token_with(json!({ "scope": super::ALL })).await;
    let (_, listed) = get(&bench, "/user-authenticators", &token).await;
    let path = format!("/user-authenticators/{}", text(&listed[0]["userAuthenticatorId"]));
    let patch = async |path: &str, body: Value| {
        read(bench.client(Method::PATCH, path).bearer_auth(&token).json(&body).send().await.unwrap()).await
    };
    let (status, changed) = patch(&path, json!({ "previousSmsChannel": "WHATSAPP" })).await;
    assert_eq!((status, &changed["previousSmsChannel"]), (200, &json!("WHATSAPP")));
    assert_eq!(get(&bench, "/user-authenticators", &token).await.1[0], changed);
    for body in [json!({}), json!({ "previousSmsChannel": "PIGEON" }), json!({ "previousSmsChannel": 7 })] {
        assert_eq!(error(&patch(&path, body).await), (400, "invalid_request"));
    }
    let unknown = patch("/user-authenticators/unknown", json!({ "previousSmsChannel": "DEFAULT" })).await;
    assert_eq!(error(&unknown), (404, "not_found"));
}

#[tokio::test]
async fn what_a_tenant_or_an_action_does_not_have_is_not_enrolled() {
    use authsignal_client::VerificationMethod;
    use authsignal_emulator::{ActionSettings, Emulator, Tenant};

    let only_apps = ActionSettings::new().methods([VerificationMethod::AuthenticatorApp]);
    let tenant = Tenant::new()
        .methods([VerificationMethod::EmailOtp, VerificationMethod::AuthenticatorApp])
        .action("transfer", only_apps);
    let mut bench = bench().await;
    bench.emulator = Emulator::builder().clock(bench.clock.clone()).tenant(tenant).start().await.unwrap();
    let email = json!({ "email": "ada@example.com" });
    let token = bench.token().await;
    for (path, body) in [("sms", json!({ "phoneNumber": "+64270000000" })), ("email-magic-link", email.clone())] {
        let answer = bench.ask(&token, &format!("/user-authenticators/{path}"), body).await;
        assert_eq!(error(&answer), (400, "invalid_configuration"), "{path}");
    }
    bench.asked(&token, "/user-authenticators/email-otp", email.clone()).await;
    let (_, transfer) = bench.post("/users/ada/actions/transfer", json!({})).await;
    let token = text(&transfer["token"]);
    let answer = bench.ask(token, "/user-authenticators/email-otp", email).await;
    assert_eq!(error(&answer), (400, "invalid_configuration"), "a first method proves the action, and this may not");
    bench.asked(token, "/user-authenticators/totp", json!({})).await;
}
