//! Codes by e-mail, SMS and WhatsApp, and those of authenticator apps.
use authsignal_emulator::{Channel, Limits, Outcome, Tenant};
use serde_json::json;
use test_support::waiting::until;

use super::{ADD, code, error, wrong};
use crate::support::{bench, bench_of, read, text};

#[tokio::test]
async fn enrolling_sends_a_code_which_enrols_and_proves() {
    let bench = bench().await;
    let token = bench.token().await;
    let begun = bench.asked(&token, "/user-authenticators/email-otp", json!({ "email": "ada@example.com" })).await;
    let id = text(&begun["userAuthenticatorId"]).to_owned();
    assert_eq!(begun, json!({ "userAuthenticatorId": id, "userId": "ada" }));
    assert!(!bench.emulator.user("ada").is_enrolled(), "begun is not enrolled");
    let message = &bench.emulator.messages()[0];
    assert_eq!((message.channel, &*message.to), (Channel::Email, "ada@example.com"));

    let code = code(&bench.emulator);
    let no = bench.asked(&token, "/verify/email-otp", json!({ "verificationCode": wrong(&code) })).await;
    assert_eq!(no, json!({ "isVerified": false, "failureReason": "CODE_INVALID_OR_EXPIRED" }));

    bench.advance(30);
    let yes = bench.asked(&token, "/verify/email-otp", json!({ "verificationCode": code })).await;
    bench.expect_proved(&yes, "EMAIL_OTP").await;
    assert_eq!(
        yes,
        json!({
            "isVerified": true,
            "accessToken": yes["accessToken"],
            "userAuthenticator": {
                "userAuthenticatorId": id,
                "verificationMethod": "EMAIL_OTP",
                "createdAt": "2026-01-15T10:00:00.000Z",
                "verifiedAt": "2026-01-15T10:00:30.000Z",
                "email": "ada@example.com",
                "isDefault": false
            }
        })
    );
    assert_eq!(bench.state(), "CHALLENGE_SUCCEEDED");
    assert!(bench.emulator.user("ada").is_enrolled());
}

#[tokio::test]
async fn a_method_that_is_enrolled_proves_and_enrols_nothing() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com").enroll_sms("+64270000000");
    for (path, method, channel, to) in [
        ("email-otp", "EMAIL_OTP", Channel::Email, "ada@example.com"),
        ("sms", "SMS", Channel::Sms, "+64270000000"),
        ("whatsapp", "WHATSAPP", Channel::Whatsapp, "+64270000000"),
    ] {
        let token = bench.token().await;
        let (challenge, verify) = (format!("/challenge/{path}"), format!("/verify/{path}"));
        let sent = bench.client(reqwest::Method::POST, &challenge).bearer_auth(&token).send().await.unwrap();
        let (status, sent) = read(sent).await;
        let message = &bench.emulator.messages()[0];
        assert_eq!((status, sent), (200, json!({ "challengeId": message.challenge_id })), "{path}");
        assert_eq!((message.channel, &*message.to), (channel, to));
        let verified = bench.asked(&token, &verify, json!({ "verificationCode": code(&bench.emulator) })).await;
        assert_eq!(verified, json!({ "isVerified": true, "accessToken": verified["accessToken"] }));
        bench.expect_proved(&verified, method).await;
        let again = bench.ask(&token, &verify, json!({ "verificationCode": code(&bench.emulator) })).await;
        assert_eq!(error(&again), (400, "invalid_request"), "{path}: the action is proved");
    }
}

#[tokio::test]
async fn a_code_is_sent_again_and_the_one_before_is_void() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    let token = bench.token().await;
    let mut codes = Vec::new();
    until("another code", async || {
        bench.asked(&token, "/challenge/email-otp", json!({})).await;
        codes.push(code(&bench.emulator));
        codes.dedup();
        codes.len() == 2
    })
    .await;
    let verify = async |code: &str| {
        let answer = bench.asked(&token, "/verify/email-otp", json!({ "verificationCode": code })).await;
        answer["isVerified"] == true
    };
    assert!(!verify(&codes[0]).await);
    assert!(verify(&codes[1]).await);
}

#[tokio::test]
async fn a_code_expires() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    bench.emulator.user("ada").enroll_sms("+64270000000");
    bench.token_with(json!({ "idempotencyKey": "k" })).await;
    for (seconds, taken) in [(599, true), (600, false)] {
        let key = format!("after-{seconds}");
        let first = bench.token_with(json!({ "idempotencyKey": key })).await;
        bench.asked(&first, "/challenge/email-otp", json!({})).await;
        bench.advance(seconds);
        // The token lives as long as the code: another one of the same attempt.
        let token = bench.token_with(json!({ "idempotencyKey": key })).await;
        let answer =
            bench.asked(&token, "/verify/email-otp", json!({ "verificationCode": code(&bench.emulator) })).await;
        assert_eq!(answer["isVerified"], taken, "after {seconds} s");
    }
}

#[tokio::test]
async fn whoever_has_several_may_choose() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("one@example.com").enroll_email_otp("two@example.com");
    let token = bench.token().await;
    let listed = bench.client(reqwest::Method::GET, "/user-authenticators").bearer_auth(&token).send().await.unwrap();
    let listed = read(listed).await.1;
    for known in listed.as_array().unwrap() {
        let wanted = json!({ "userAuthenticatorId": known["userAuthenticatorId"] });
        bench.asked(&token, "/challenge/email-otp", wanted).await;
        assert_eq!(bench.emulator.messages()[0].to, text(&known["email"]));
    }
    let unknown = bench.ask(&token, "/challenge/email-otp", json!({ "userAuthenticatorId": "nope" })).await;
    assert_eq!(error(&unknown), (404, "not_found"));
    let other = bench.ask(&token, "/challenge/sms", json!({ "userAuthenticatorId": listed[0]["userAuthenticatorId"] }));
    assert_eq!(error(&other.await), (400, "invalid_request"), "not by SMS");
}

#[tokio::test]
async fn an_address_from_track_is_enrolled_by_its_first_code() {
    let bench = bench().await;
    let told = json!({ "email": "ada@example.com", "phoneNumber": "+64270000000" });
    let token = bench.token_with(told).await;
    bench.asked(&token, "/challenge/email-otp", json!({})).await;
    assert_eq!(bench.emulator.messages()[0].to, "ada@example.com");
    bench.asked(&token, "/challenge/sms", json!({})).await;
    assert_eq!(bench.emulator.messages()[0].to, "+64270000000");
    let verified = bench.asked(&token, "/verify/sms", json!({ "verificationCode": code(&bench.emulator) })).await;
    assert_eq!(verified["userAuthenticator"]["phoneNumber"], "+64270000000");
    bench.expect_proved(&verified, "SMS").await;
}

#[tokio::test]
async fn without_a_method_or_an_address_there_is_nothing_to_send() {
    let bench = bench().await;
    let token = bench.token().await;
    for method in ["email-otp", "sms", "whatsapp", "email-magic-link", "push"] {
        let answer = bench.ask(&token, &format!("/challenge/{method}"), json!({})).await;
        assert_eq!(error(&answer), (400, "invalid_request"), "{method}");
    }
    for method in ["email-otp", "sms", "whatsapp", "totp"] {
        let answer = bench.ask(&token, &format!("/verify/{method}"), json!({ "verificationCode": "000000" })).await;
        assert_eq!(error(&answer), (400, "invalid_request"), "{method}");
    }
    assert!(bench.emulator.messages().is_empty());
}

#[tokio::test]
async fn a_text_message_by_whatsapp() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_sms("+64270000000");
    let token = bench.token().await;
    for (channel, expected) in [("WHATSAPP", Channel::Whatsapp), ("DEFAULT", Channel::Sms)] {
        bench.asked(&token, "/challenge/sms", json!({ "smsChannel": channel })).await;
        assert_eq!(bench.emulator.messages()[0].channel, expected);
        let listed = bench.client(reqwest::Method::GET, "/user-authenticators").bearer_auth(&token).send();
        assert_eq!(read(listed.await.unwrap()).await.1[0]["previousSmsChannel"], channel);
    }
    let odd = bench.ask(&token, "/challenge/sms", json!({ "smsChannel": "PIGEON" })).await;
    assert_eq!(error(&odd), (400, "invalid_request"));
    let verified = bench.asked(&token, "/verify/sms", json!({ "verificationCode": code(&bench.emulator) })).await;
    bench.expect_proved(&verified, "SMS").await;
}

#[tokio::test]
async fn an_authenticator_app() {
    let bench = bench().await;
    let token = bench.token_with(json!({ "email": "ada@example.com" })).await;
    let begun = bench.asked(&token, "/user-authenticators/totp", json!({})).await;
    let (uri, secret) = (text(&begun["uri"]), text(&begun["secret"]));
    assert!(uri.starts_with("otpauth://totp/") && uri.contains(&format!("secret={secret}")), "{uri}");
    let id = text(&begun["userAuthenticatorId"]);
    assert_eq!(begun, json!({ "uri": uri, "secret": secret, "userAuthenticatorId": id, "userId": "ada" }));
    let no = bench.asked(&token, "/verify/totp", json!({ "verificationCode": "nope" })).await;
    assert_eq!(no, json!({ "isVerified": false, "failureReason": "CODE_INVALID_OR_EXPIRED" }));

    let app = bench.emulator.user("eve").enroll_authenticator_app();
    let of_eve = bench.asked(&token, "/verify/totp", json!({ "verificationCode": app.code() })).await;
    assert_eq!(of_eve["isVerified"], false, "another's app");
    let (_, answer) = bench.post("/users/eve/actions/withdrawal", json!({})).await;
    let token = text(&answer["token"]);
    let verified = bench.asked(token, "/verify/totp", json!({ "verificationCode": app.code() })).await;
    assert_eq!(verified, json!({ "isVerified": true, "accessToken": verified["accessToken"] }));
    bench.expect_proved(&verified, "AUTHENTICATOR_APP").await;
}

#[tokio::test]
async fn an_app_is_enrolled_by_its_own_code() {
    let bench = bench().await;
    let token = bench.token().await;
    let begun = bench.asked(&token, "/user-authenticators/totp", json!({})).await;
    let app = totp(text(&begun["secret"]), crate::support::START);
    let verified = bench.asked(&token, "/verify/totp", json!({ "verificationCode": app })).await;
    assert_eq!(verified["userAuthenticator"]["verificationMethod"], "AUTHENTICATOR_APP");
    assert_eq!(verified["userAuthenticator"]["userAuthenticatorId"], begun["userAuthenticatorId"]);
    bench.expect_proved(&verified, "AUTHENTICATOR_APP").await;
}

/// The code of RFC 6238, with the defaults of every app.
fn totp(secret: &str, seconds: u64) -> String {
    let uri = format!("otpauth://totp/ada?secret={secret}");
    totp_rs::Totp::from_url_unchecked(uri).unwrap().generate(seconds).to_string()
}

#[tokio::test]
async fn ten_guesses_and_no_more() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    let token = bench.token_with(json!({ "idempotencyKey": "k" })).await;
    bench.asked(&token, "/challenge/email-otp", json!({})).await;
    let code = code(&bench.emulator);
    let give = async |token: &str, code: &str| {
        bench.asked(token, "/verify/email-otp", json!({ "verificationCode": code })).await
    };
    for guess in 1..10 {
        assert_eq!(give(&token, &wrong(&code)).await["failureReason"], "CODE_INVALID_OR_EXPIRED", "guess {guess}");
    }
    let enough = json!({ "isVerified": false, "failureReason": "MAX_ATTEMPTS_EXCEEDED" });
    assert_eq!(give(&token, &wrong(&code)).await, enough);
    assert_eq!(give(&token, &code).await, enough, "not even the right one");
    assert_eq!(bench.state(), "CHALLENGE_REQUIRED");

    bench.advance(300);
    assert_eq!(give(&token, &code).await["failureReason"], "CODE_INVALID_OR_EXPIRED", "the old code is void");
    bench.asked(&token, "/challenge/email-otp", json!({})).await;
    assert_eq!(give(&token, &super::code(&bench.emulator)).await["isVerified"], true);
}

/// Without the service's limits a code is still none that can be guessed: of each, ten are wrong at most. Another code can be
/// asked for at once.
#[tokio::test]
async fn without_limits_each_code_is_guessed_ten_times_at_most() {
    let bench = bench_of(Tenant::new().limits(Limits::off())).await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com").enroll_authenticator_app();
    let token = async || bench.token_with(json!({ "idempotencyKey": "k" })).await;
    let failed = |reason| json!({ "isVerified": false, "failureReason": reason });
    let (wrong_one, enough) = (failed("CODE_INVALID_OR_EXPIRED"), failed("MAX_ATTEMPTS_EXCEEDED"));
    let give =
        async |path: &str, code: &str| bench.asked(&token().await, path, json!({ "verificationCode": code })).await;
    for _ in 0..20 {
        bench.asked(&token().await, "/challenge/email-otp", json!({})).await;
        let code = code(&bench.emulator);
        for guess in 1..10 {
            assert_eq!(give("/verify/email-otp", &wrong(&code)).await, wrong_one, "guess {guess}");
        }
        assert_eq!(give("/verify/email-otp", &wrong(&code)).await, enough);
        assert_eq!(give("/verify/email-otp", &code).await, enough, "not even the right one");
        bench.advance(301);
        assert_eq!(give("/verify/email-otp", &code).await, enough, "nor later");
    }
    // An app has a code of its own all the time: those of one attempt are counted.
    for _ in 1..10 {
        assert_eq!(give("/verify/totp", "nope").await, wrong_one);
    }
    for _ in 0..2 {
        assert_eq!(give("/verify/totp", "nope").await, enough);
        bench.advance(301);
    }
    bench.asked(&token().await, "/challenge/email-otp", json!({})).await;
    assert_eq!(give("/verify/email-otp", &code(&bench.emulator)).await["isVerified"], true);
}

#[tokio::test]
async fn so_many_messages_and_no_more() {
    for (method, most) in [("email-otp", 12), ("sms", 6), ("whatsapp", 6)] {
        let bench = bench().await;
        bench.emulator.user("ada").enroll_email_otp("ada@example.com").enroll_sms("+64270000000");
        let path = format!("/challenge/{method}");
        let token = bench.token().await;
        for sent in 0..most {
            assert_eq!(bench.ask(&token, &path, json!({})).await.0, 200, "{method}, {sent} sent");
            bench.advance(1);
        }
        let request = bench.client(reqwest::Method::POST, &path).bearer_auth(&token).send().await.unwrap();
        let wait = (600 - most).to_string();
        assert_eq!(request.headers()["retry-after"], wait.as_str(), "{method}");
        let limited = read(request).await;
        assert_eq!(error(&limited), (429, "too_many_requests"));
        let told = text(&limited.1["errorDescription"]);
        for named in ["limits of the service", "[limits]", "enabled = false", "Limits::off()"] {
            assert!(told.contains(named), "{told}");
        }
        assert_eq!(bench.emulator.messages().len() as u64, most, "{method}");

        bench.advance(600 - most);
        let token = bench.token().await;
        assert_eq!(bench.ask(&token, &path, json!({})).await.0, 200, "the first is forgotten");
    }
}

#[tokio::test]
async fn an_action_that_is_closed_sends_and_takes_nothing() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    for outcome in [Outcome::Block, Outcome::Review] {
        bench.emulator.set_outcome("withdrawal", outcome);
        let token = bench.token_with(json!({ "scope": ADD })).await;
        for (path, body) in [
            ("/challenge/email-otp", json!({})),
            ("/verify/email-otp", json!({ "verificationCode": "000000" })),
            ("/user-authenticators/email-otp", json!({ "email": "new@example.com" })),
            ("/user-authenticators/totp", json!({})),
        ] {
            let answer = bench.ask(&token, path, body).await;
            assert_eq!(error(&answer), (400, "invalid_request"), "{outcome:?} {path}");
        }
    }
    assert!(bench.emulator.messages().is_empty());
}
