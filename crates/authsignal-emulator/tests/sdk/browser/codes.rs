//! What is proved by typing a code: e-mail, text messages, WhatsApp, authenticator apps. And what goes wrong.
use authsignal_emulator::{Channel, Endpoint, Fault};
use serde_json::{Value, json};
use totp_rs::Totp;

use super::shop::Shop;

const EMAIL: &str = "ada@example.com";
const PHONE: &str = "+64270000000";

/// The code that was sent to ada, with one that is none.
fn codes(shop: &Shop) -> (String, String) {
    let code = shop.message("ada").code.expect("a code");
    let wrong = if code == "000000" { "000001" } else { "000000" };
    (code, wrong.to_owned())
}

/// Types a wrong code, then the right one, and gives what the SDK says then.
async fn verify(shop: &Shop, method: &str, wrong: &str, right: &str) -> Value {
    let refused = shop.call(&format!("{method}.verify"), json!({ "code": wrong })).await;
    assert_eq!(refused["isVerified"], false, "{refused}");
    assert_eq!(refused["failureReason"], "CODE_INVALID_OR_EXPIRED", "{refused}");
    assert!(refused.get("token").is_none(), "{refused}");
    let accepted = shop.call(&format!("{method}.verify"), json!({ "code": right })).await;
    assert_eq!(accepted["isVerified"], true, "{accepted}");
    assert!(accepted.get("accessToken").is_none(), "the SDK calls it token: {accepted}");
    accepted
}

#[tokio::test]
async fn email_is_enrolled_and_then_asked_for() {
    let shop = Shop::open().await;
    shop.with_token("ada", "signIn").await;
    let enrolling = shop.call("email.enroll", json!({ "email": EMAIL })).await;
    assert_eq!(enrolling["userId"], "ada");
    assert_eq!(shop.authenticators("ada").await, json!([]), "nothing is proved yet");
    assert_eq!(shop.message("ada").to, EMAIL, "enrolling sends a code");
    let (right, wrong) = codes(&shop);
    let enrolled = verify(&shop, "email", &wrong, &right).await;
    shop.proves(&enrolled, "ada", "signIn").await;
    let authenticator = &enrolled["userAuthenticator"];
    assert_eq!(authenticator["userAuthenticatorId"], enrolling["userAuthenticatorId"]);
    assert_eq!((&authenticator["verificationMethod"], &authenticator["email"]), (&json!("EMAIL_OTP"), &json!(EMAIL)));
    assert!(authenticator["createdAt"].is_string() && authenticator["verifiedAt"].is_string());
    assert_eq!(shop.authenticators("ada").await[0]["email"], EMAIL);

    // The next time nothing has to be enrolled. Asked again, it is sent again.
    shop.with_token("ada", "withdrawal").await;
    let first = shop.call("email.challenge", json!(null)).await;
    let second = shop.call("email.challenge", json!(null)).await;
    assert!(first["challengeId"].is_string() && second["challengeId"].is_string());
    let (right, wrong) = codes(&shop);
    let proved = verify(&shop, "email", &wrong, &right).await;
    shop.proves(&proved, "ada", "withdrawal").await;
    assert!(proved.get("userAuthenticator").is_none(), "that comes when something was enrolled: {proved}");
    shop.visitor.leaves().await;
}

#[tokio::test]
async fn text_messages_and_whatsapp() {
    let shop = Shop::open().await;
    shop.with_token("ada", "signIn").await;
    let enrolling = shop.call("sms.enroll", json!({ "phoneNumber": PHONE })).await;
    assert_eq!(enrolling["userId"], "ada");
    let (right, wrong) = codes(&shop);
    let enrolled = verify(&shop, "sms", &wrong, &right).await;
    shop.proves(&enrolled, "ada", "signIn").await;
    assert_eq!(enrolled["userAuthenticator"]["phoneNumber"], PHONE);
    assert_eq!(enrolled["userAuthenticator"]["verificationMethod"], "SMS");

    for (method, channel) in [("sms", Channel::Sms), ("whatsapp", Channel::Whatsapp)] {
        shop.with_token("ada", "withdrawal").await;
        assert!(shop.call(&format!("{method}.challenge"), json!(null)).await["challengeId"].is_string());
        let message = shop.message("ada");
        assert_eq!((message.channel, &*message.to), (channel, PHONE));
        let (right, wrong) = codes(&shop);
        let proved = verify(&shop, method, &wrong, &right).await;
        shop.proves(&proved, "ada", "withdrawal").await;
    }
    shop.visitor.leaves().await;
}

#[tokio::test]
async fn an_authenticator_app() {
    let shop = Shop::open().await;
    shop.with_token("ada", "signIn").await;
    let enrolling = shop.call("totp.enroll", json!(null)).await;
    assert_eq!(enrolling["userId"], "ada");
    let uri = enrolling["uri"].as_str().unwrap();
    assert!(uri.starts_with("otpauth://totp/") && uri.contains(enrolling["secret"].as_str().unwrap()), "{uri}");
    let app = Totp::from_url_unchecked(uri).unwrap();
    let shown = || app.generate(shop.clock.unix_seconds()).to_string();
    let never = |code: &str| if code == "000000" { "000001" } else { "000000" };
    let right = shown();
    let enrolled = verify(&shop, "totp", never(&right), &right).await;
    shop.proves(&enrolled, "ada", "signIn").await;
    assert_eq!(enrolled["userAuthenticator"]["verificationMethod"], "AUTHENTICATOR_APP");
    assert_eq!(enrolled["userAuthenticator"]["userAuthenticatorId"], enrolling["userAuthenticatorId"]);

    shop.with_token("ada", "withdrawal").await;
    let used = shop.call("totp.verify", json!({ "code": right })).await;
    assert_eq!(used["isVerified"], false, "a code is good once: {used}");
    shop.advance(30);
    let right = shown();
    let proved = verify(&shop, "totp", never(&right), &right).await;
    shop.proves(&proved, "ada", "withdrawal").await;
    shop.visitor.leaves().await;
}

/// The address that `track` told is enough: it is enrolled by the proof.
#[tokio::test]
async fn an_address_that_the_server_knows() {
    let shop = Shop::open().await;
    shop.emulator.user("ada").email(EMAIL);
    shop.with_token("ada", "signIn").await;
    shop.call("email.challenge", json!(null)).await;
    let (right, wrong) = codes(&shop);
    let proved = verify(&shop, "email", &wrong, &right).await;
    shop.proves(&proved, "ada", "signIn").await;
    assert!(shop.emulator.user("ada").is_enrolled());

    shop.with_token("nobody-knows-where", "signIn").await;
    assert_eq!(shop.fails("email.challenge", json!(null)).await, "invalid_request");
    shop.visitor.leaves().await;
}

/// Another method for somebody who has one takes the scope for it.
#[tokio::test]
async fn enrolling_more_takes_a_scope() {
    let shop = Shop::open().await;
    shop.emulator.user("ada").enroll_email_otp(EMAIL);
    shop.with_token("ada", "signIn").await;
    assert_eq!(shop.fails("sms.enroll", json!({ "phoneNumber": PHONE })).await, "unauthorized");
    assert_eq!(shop.fails("totp.enroll", json!(null)).await, "unauthorized");

    // As has the token of a proof.
    shop.call("email.challenge", json!(null)).await;
    let (right, wrong) = codes(&shop);
    verify(&shop, "email", &wrong, &right).await;
    shop.call("totp.enroll", json!(null)).await;
    shop.visitor.leaves().await;
}

#[tokio::test]
async fn no_token_a_forged_one_and_one_that_has_expired() {
    let shop = Shop::open().await;
    let calls = [
        ("email.enroll", json!({ "email": EMAIL })),
        ("email.challenge", json!(null)),
        ("email.verify", json!({ "code": "123456" })),
        ("emailML.enroll", json!({ "email": EMAIL })),
        ("emailML.challenge", json!(null)),
        ("sms.enroll", json!({ "phoneNumber": PHONE })),
        ("sms.challenge", json!(null)),
        ("sms.verify", json!({ "code": "123456" })),
        ("whatsapp.challenge", json!(null)),
        ("whatsapp.verify", json!({ "code": "123456" })),
        ("totp.enroll", json!(null)),
        ("totp.verify", json!({ "code": "123456" })),
        ("securityKey.verify", json!(null)),
        ("push.challenge", json!({ "action": "signIn" })),
        ("push.verify", json!({ "challengeId": "challenge-1" })),
        ("passkey.signUp", json!({ "username": EMAIL })),
    ];
    for (method, args) in &calls {
        // It says so itself, and asks nobody.
        let answer = shop.js(&format!("return sdk.{method}(args)"), args.clone()).await;
        assert_eq!(answer["errorCode"], "token_not_set", "{method}");
    }
    shop.js("sdk.setToken('forged')", json!(null)).await;
    for (method, args) in &calls {
        assert_eq!(shop.fails(method, args.clone()).await, "unauthorized", "{method}");
    }
    assert_eq!(shop.js("return expired", json!(null)).await, 0);
    shop.emulator.user("ada").enroll_email_otp(EMAIL).enroll_sms(PHONE).enroll_authenticator_app();
    shop.with_token("ada", "signIn").await;
    shop.advance(600);
    for (times, (method, args)) in (1..).zip(&calls) {
        assert_eq!(shop.fails(method, args.clone()).await, "expired_token", "{method}");
        assert_eq!(shop.js("return expired", json!(null)).await, times, "{method}: the application is told");
    }
}

#[tokio::test]
async fn what_is_not_in_order() {
    let shop = Shop::open().await;
    shop.with_token("ada", "signIn").await;
    for (method, args) in [
        ("email.enroll", json!({})),
        ("email.enroll", json!({ "email": "no address" })),
        ("emailML.enroll", json!({ "email": "" })),
        ("sms.enroll", json!({ "phoneNumber": "no number" })),
        ("email.verify", json!({})),
    ] {
        assert_eq!(shop.fails(method, args).await, "invalid_request", "{method}");
    }
    shop.visitor.leaves().await;
}

/// Guesses are counted; sending is, too.
#[tokio::test]
async fn too_many() {
    let shop = Shop::open().await;
    shop.emulator.user("ada").enroll_email_otp(EMAIL);
    shop.with_token("ada", "signIn").await;
    shop.call("email.challenge", json!(null)).await;
    let (right, wrong) = codes(&shop);
    for guess in 1..=10 {
        let refused = shop.call("email.verify", json!({ "code": wrong })).await;
        let reason = if guess < 10 { "CODE_INVALID_OR_EXPIRED" } else { "MAX_ATTEMPTS_EXCEEDED" };
        assert_eq!(refused["failureReason"], reason, "{guess}: {refused}");
    }
    let refused = shop.call("email.verify", json!({ "code": right })).await;
    assert_eq!((&refused["isVerified"], &refused["failureReason"]), (&json!(false), &json!("MAX_ATTEMPTS_EXCEEDED")));

    shop.emulator.inject_fault(Endpoint::ClientChallengeEmailOtp, Fault::status(429));
    assert_eq!(shop.fails("email.challenge", json!(null)).await, "too_many_requests");
    shop.visitor.leaves().await;
}
