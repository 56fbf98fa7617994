//! Users, as a program in any language tells of them.
use reqwest::Method;
use serde_json::json;

use super::refused;
use crate::support::{bench, text};

#[tokio::test]
async fn told_users_are_enrolled_as_if_they_had_proved_it() {
    let bench = bench().await;
    let facts = json!({
        "email": "ada@example.com",
        "phoneNumber": "+64270000000",
        "username": "ada",
        "methods": ["EMAIL_OTP", "EMAIL_MAGIC_LINK", "SMS", "WHATSAPP", "AUTHENTICATOR_APP"],
    });
    let told = bench.control(Method::PUT, "users/ada%2F1", Some(facts.clone())).await;
    let app = &told["authenticatorApp"];
    assert_eq!(text(&app["secret"]).len(), 32);
    assert!(text(&app["uri"]).starts_with("otpauth://totp/") && text(&app["uri"]).contains(text(&app["secret"])));

    let known = bench.get("/users/ada%2F1").await.1;
    assert_eq!((&known["email"], &known["phoneNumber"]), (&facts["email"], &facts["phoneNumber"]));
    assert_eq!(known["username"], "ada");
    assert_eq!(known["enrolledVerificationMethods"], facts["methods"]);
    assert_eq!((&known["emailVerified"], &known["phoneNumberVerified"]), (&json!(true), &json!(true)));

    let again = bench.control(Method::PUT, "users/ada%2F1", Some(facts)).await;
    assert_eq!(&again["authenticatorApp"], app, "who has an app keeps it");
    let all = bench.control(Method::GET, "users", None).await;
    assert_eq!(all.as_array().unwrap().len(), 1);
    let methods = all[0]["authenticators"].as_array().unwrap();
    assert_eq!(methods.len(), 5);
    let code = methods.iter().find_map(|method| method["code"].as_str()).unwrap();
    assert_eq!(code.len(), 6, "what the app shows now");
    assert_eq!(bench.control(Method::GET, "users/ada%2F1", None).await, all[0]);
}

#[tokio::test]
async fn what_is_not_told_stays() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com").username("ada");
    let told = bench.control(Method::PUT, "users/ada", Some(json!({ "phoneNumber": "+64270000000" }))).await;
    assert_eq!(told, json!({}));
    let known = bench.control(Method::GET, "users/ada", None).await;
    assert_eq!((&known["email"], &known["username"]), (&json!("ada@example.com"), &json!("ada")));
    assert_eq!((&known["emailVerified"], &known["phoneNumberVerified"]), (&json!(true), &json!(false)));
    bench.control(Method::PUT, "users/ada", Some(json!({ "methods": ["EMAIL_MAGIC_LINK"] }))).await;
    let known = bench.control(Method::GET, "users/ada", None).await;
    assert_eq!(known["authenticators"].as_array().unwrap().len(), 2, "to the address that is known");
    bench.control(Method::PUT, "users/ada", Some(json!({ "email": "new@example.com" }))).await;
    assert_eq!(bench.control(Method::GET, "users/ada", None).await["emailVerified"], false);
}

#[tokio::test]
async fn users_who_cannot_be() {
    let bench = bench().await;
    for (user, facts, named) in [
        ("ada", json!({ "email": "nobody" }), "body.email"),
        ("ada", json!({ "phoneNumber": "0800" }), "body.phoneNumber"),
        ("ada", json!({ "methods": ["SMS"] }), "body.methods[0]"),
        ("ada", json!({ "email": "a@b", "methods": ["EMAIL_OTP", "PASSKEY"] }), "body.methods[1]"),
        ("ada", json!({ "methods": ["email_otp"] }), "body.methods[0]"),
        ("ada", json!({ "displayName": "Ada" }), "body.displayName"),
        ("%00", json!({}), "params.userId"),
    ] {
        let why = refused(bench.try_control(Method::PUT, &format!("users/{user}"), Some(facts)).await, 400);
        assert!(why.starts_with(named), "{why}");
    }
    assert!(bench.emulator.users().is_empty(), "and none was made");
    refused(bench.try_control(Method::GET, "users/ada", None).await, 404);
    bench.control(Method::DELETE, "users/ada", None).await;
}

#[tokio::test]
async fn removed_users_have_nothing_enrolled() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    bench.track().await;
    bench.control(Method::DELETE, "users/ada", None).await;
    assert_eq!(bench.get("/users/ada").await.1["isEnrolled"], false);
    assert_eq!(bench.emulator.actions("ada").len(), 1, "what they tried stays");
}
