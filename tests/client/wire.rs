//! What is sent, and what good answers become.
use axum_authsignal::client::{
    ActionState, AuthenticatorAttachment, CredentialDeviceType, Crypto, CustomData, EnrollVerified, ErrorKind, Token,
    Track, Validate, VerificationMethod,
};
use axum_authsignal::{ActionCode, Client, IdempotencyKey};
use serde_json::json;

use crate::support::{Call, KEY, Reply, Request, Server};

fn good(_: usize, request: &Request) -> Reply {
    Reply::good(request)
}

#[tokio::test]
async fn headers() {
    let server = Server::start(good).await;
    let client = server.client();
    for call in Call::ALL {
        call.make(&client).await.unwrap();
    }
    for request in server.requests() {
        assert_eq!(request.header("authorization"), Some("Basic bXktc2VjcmV0Og=="), "{}", request.line);
        assert_eq!(request.header("accept"), Some("application/json"));
        assert_eq!(request.header("user-agent"), Some(concat!("axum-authsignal/", env!("CARGO_PKG_VERSION"))));
        assert_eq!(request.header("x-authsignal-version"), Some(env!("CARGO_PKG_VERSION")));
        assert_eq!(request.header("host"), Some(server.host().as_str()));
        let with_body = request.line.starts_with("POST ");
        assert_eq!(request.header("content-type"), with_body.then_some("application/json"), "{}", request.line);
        assert_eq!(request.header("accept-encoding"), None, "what is not asked for is not unpacked");
    }
}

#[tokio::test]
async fn paths() {
    let server = Server::start(good).await;
    let client = server.client();
    for call in Call::ALL {
        call.make(&client).await.unwrap();
    }
    client.track("auth0|a/b?c#d%e ü+", ActionCode::new("sign-in").unwrap()).await.unwrap();
    let lines: Vec<_> = server.requests().into_iter().map(|request| request.line).collect();
    let expected = [
        "POST /v1/users/user-1/actions/withdrawal HTTP/1.1".to_owned(),
        format!("GET /v1/users/user-1/actions/withdrawal/{KEY} HTTP/1.1"),
        "POST /v1/validate HTTP/1.1".to_owned(),
        "GET /v1/users/user-1 HTTP/1.1".to_owned(),
        "POST /v1/users/user-1/authenticators HTTP/1.1".to_owned(),
        "POST /v1/users/auth0%7Ca%2Fb%3Fc%23d%25e%20%C3%BC%2B/actions/sign-in HTTP/1.1".to_owned(),
    ];
    assert_eq!(lines, expected);
}

/// T70: what is no id is refused before anything is sent.
#[tokio::test]
async fn ids_that_are_none_are_not_sent() {
    let server = Server::start(good).await;
    let client = server.client();
    for user in ["", ".", "..", "a\tb", "a\nb", &"x".repeat(257)] {
        let errors = [
            client.track(user, "pay").await.map(drop),
            client.get_user(user).await.map(drop),
            client.get_action(user, "pay", KEY).await.map(drop),
            client.enroll_verified_authenticator(user, EnrollVerified::new(VerificationMethod::Sms)).await.map(drop),
        ];
        for error in errors {
            assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidInput, "{user:?}");
        }
    }
    for action in ["", "..", "a b", "a/b", "pay/../../x"] {
        assert_eq!(client.track("u", action).await.unwrap_err().kind(), ErrorKind::InvalidInput, "{action:?}");
        assert_eq!(client.get_action("u", action, "k").await.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    for key in ["", ".", "..", "\0", &"x".repeat(129)] {
        assert_eq!(client.get_action("u", "a", key).await.unwrap_err().kind(), ErrorKind::InvalidInput, "{key:?}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn every_member_of_track() {
    let server = Server::start(good).await;
    let request = Track::new("withdrawal")
        .idempotency_key(IdempotencyKey::new(KEY).unwrap())
        .redirect_url("https://app.example.com/cb?flow=1")
        .redirect_to_settings(true)
        .email("ada@example.com")
        .phone_number("+64270000000")
        .username("ada")
        .ip_address("203.0.113.42")
        .user_agent("Mozilla/5.0")
        .device_id("device-1")
        .scope("read:authenticators")
        .custom(CustomData::new().with("amount", 100).with("ok", true).with("tags", vec!["a".to_owned()]))
        .challenge_id("challenge-1")
        .locale("en-NZ")
        .custom_domain("mfa.example.com")
        .crypto(Crypto::new().asset("BTC").address("bc1").txn_hash("ff").asset_amount(0.5).asset_amount_usd(30_000));
    let tracked = server.client().track("user-1", request).await.unwrap();
    assert_eq!(tracked.idempotency_key.as_str(), KEY);
    let expected = json!({
        "idempotencyKey": KEY, "redirectUrl": "https://app.example.com/cb?flow=1", "redirectToSettings": true,
        "email": "ada@example.com", "phoneNumber": "+64270000000", "username": "ada",
        "ipAddress": "203.0.113.42", "userAgent": "Mozilla/5.0", "deviceId": "device-1",
        "scope": "read:authenticators", "custom": {"amount": 100, "ok": true, "tags": ["a"]},
        "challengeId": "challenge-1", "locale": "en-NZ", "customDomain": "mfa.example.com",
        "crypto": {"asset": "BTC", "address": "bc1", "txnHash": "ff", "assetAmount": 0.5, "assetAmountUsd": 30000},
    });
    assert_eq!(server.requests()[0].json(), expected);
}

#[tokio::test]
async fn what_is_not_set_is_not_sent() {
    let server = Server::start(good).await;
    let client = server.client();
    client.track("user-1", "withdrawal").await.unwrap();
    client.track("user-1", "withdrawal").await.unwrap();
    client.validate_challenge("t").await.unwrap();
    client.validate_challenge(Validate::from(Token::new("t")).user_id("u").action("a")).await.unwrap();
    Call::Enroll.make(&client).await.unwrap();
    let requests = server.requests();
    assert_eq!(requests[0].json(), json!({"idempotencyKey": requests[0].key()}));
    assert_ne!(requests[0].key(), requests[1].key(), "every call is an attempt of its own");
    assert_eq!(requests[2].json(), json!({"token": "t"}));
    assert_eq!(requests[3].json(), json!({"token": "t", "userId": "u", "action": "a"}));
    assert_eq!(requests[4].json(), json!({"verificationMethod": "SMS", "phoneNumber": "+64270000000"}));
}

#[tokio::test]
async fn numbers_that_json_has_not_are_refused() {
    let server = Server::start(good).await;
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let request = Track::new("a").custom(CustomData::new().with("n", number));
        assert_eq!(server.client().track("u", request).await.unwrap_err().kind(), ErrorKind::InvalidInput);
        let request = Track::new("a").crypto(Crypto::new().asset_amount(number));
        assert_eq!(server.client().track("u", request).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_tracked_answer() {
    let body = format!(
        r#"{{"state":"CHALLENGE_REQUIRED","idempotencyKey":"{KEY}","isEnrolled":true,
        "url":"https://mfa.authsignal.com/?token=eyJ","token":"eyJ",
        "allowedVerificationMethods":["EMAIL_OTP","HOLOGRAM"],"enrolledVerificationMethods":["EMAIL_OTP"],
        "defaultVerificationMethod":"EMAIL_OTP","ruleIds":["6b0e8f3a"]}}"#
    );
    let server = Server::replying(Reply::json(200, &body)).await;
    let request = Track::new("withdrawal").idempotency_key(IdempotencyKey::new(KEY).unwrap());
    let tracked = server.client().track("user-1", request).await.unwrap();
    assert_eq!(tracked.state, ActionState::ChallengeRequired);
    assert_eq!(tracked.is_enrolled, Some(true));
    assert_eq!(tracked.url.unwrap().secret(), "https://mfa.authsignal.com/?token=eyJ");
    assert_eq!(tracked.token.unwrap().secret(), "eyJ");
    let hologram = VerificationMethod::Unknown("HOLOGRAM".to_owned());
    assert_eq!(tracked.allowed_verification_methods, [VerificationMethod::EmailOtp, hologram]);
    assert_eq!(tracked.default_verification_method, Some(VerificationMethod::EmailOtp));
    assert_eq!(tracked.rule_ids, ["6b0e8f3a"]);
}

/// T72
#[tokio::test]
async fn an_answer_about_another_attempt_is_malformed() {
    for key in ["other", "5D1F9C52-8C1A-4C55-8E35-0B6A0AD0A001", "5d1f9c52-8c1a-4c55-8e35-0b6a0ad0a001 ", ""] {
        let body = format!(r#"{{"state":"ALLOW","idempotencyKey":"{key}"}}"#);
        let server = Server::replying(Reply::json(200, &body)).await;
        let request = Track::new("a").idempotency_key(IdempotencyKey::new(KEY).unwrap());
        assert_eq!(server.client().track("u", request).await.unwrap_err().kind(), ErrorKind::Malformed, "{key:?}");
    }
}

#[tokio::test]
async fn an_action() {
    let body = r#"{"state":"CHALLENGE_SUCCEEDED","createdAt":"2026-01-15T10:00:00.000Z",
        "stateUpdatedAt":"2026-01-15T10:00:30.000Z","verificationMethod":"EMAIL_OTP","ruleIds":["r"],
        "priorityRuleId":"r","rules":[{"ruleId":"r","name":"New device","description":"d","metadata":{"a":1}}],
        "output":{"device.isNew":true}}"#;
    let server = Server::replying(Reply::json(200, body)).await;
    let action = server.client().get_action("user-1", "withdrawal", KEY).await.unwrap();
    assert_eq!(action.state, ActionState::ChallengeSucceeded);
    assert_eq!(action.created_at.as_str(), "2026-01-15T10:00:00.000Z");
    assert_eq!(action.rules[0].metadata["a"], 1);
    assert_eq!(action.output["device.isNew"], true);
    assert_eq!(action.priority_rule_id.as_deref(), Some("r"));
}

#[tokio::test]
async fn a_user() {
    let body = r#"{"isEnrolled":true,"email":"ada@example.com","emailVerified":true,"phoneNumberVerified":false,
        "displayName":"Ada L.","custom":{"tier":"gold","age":36},"enrolledVerificationMethods":["PASSKEY"]}"#;
    let server = Server::replying(Reply::json(200, body)).await;
    let user = server.client().get_user("user-1").await.unwrap();
    assert!(user.is_enrolled && user.email_verified && !user.phone_number_verified);
    assert_eq!(user.display_name.as_deref(), Some("Ada L."));
    assert_eq!(user.custom["age"], 36);
    assert_eq!(user.enrolled_verification_methods, [VerificationMethod::Passkey]);
}

#[tokio::test]
async fn an_enrolment() {
    let body = r#"{"authenticator":{"userId":"user-1","userAuthenticatorId":"8f1c","verificationMethod":"PASSKEY",
        "createdAt":"2026-01-15T10:00:00.000Z","previousSmsChannel":"DEFAULT","isDefault":true,
        "webauthnCredential":{"credentialId":"q83v","deviceId":"d","name":"Chrome on Mac OS",
        "aaguidMapping":{"name":"Apple Passwords","svgIconLight":"data:"},"credentialBackedUp":true,
        "credentialDeviceType":"multiDevice","authenticatorAttachment":"cross-platform",
        "parsedUserAgent":{"ua":"M","browser":{"name":"Chrome","major":"131"},"device":{"type":""},
        "engine":{"name":"Blink"},"os":{"name":"Mac OS"},"cpu":{"architecture":"arm64"}}}},
        "recoveryCodes":["7k2m-9xqa"]}"#;
    let server = Server::replying(Reply::json(200, body)).await;
    let request = EnrollVerified::new(VerificationMethod::AuthenticatorApp).otp_uri("otpauth://totp/a?secret=b");
    let enrolled = server.client().enroll_verified_authenticator("user-1", request).await.unwrap();
    assert_eq!(server.requests()[0].json()["otpUri"], "otpauth://totp/a?secret=b");
    let credential = enrolled.authenticator.webauthn_credential.unwrap();
    assert_eq!(credential.credential_device_type, Some(CredentialDeviceType::MultiDevice));
    assert_eq!(credential.authenticator_attachment, Some(AuthenticatorAttachment::CrossPlatform));
    assert_eq!(credential.parsed_user_agent.unwrap().cpu.unwrap().architecture.as_deref(), Some("arm64"));
    assert_eq!(enrolled.recovery_codes[0].secret(), "7k2m-9xqa");
}

/// Every form in which a service has said that a token proves nothing, and the one that says the key is wrong.
#[tokio::test]
async fn what_validate_takes_for_not_valid() {
    let unauthorized = r#"{"error":"unauthorized","errorCode":"unauthorized","errorDescription":"no"}"#;
    // status, body, the error kept with "not valid", or the kind of error
    let table = [
        (200, r#"{"isValid":false}"#, Ok(None)),
        (200, r#"{"isValid":false,"error":"User is invalid."}"#, Ok(Some("User is invalid."))),
        (200, r#"{"error":"invalid_request","errorDescription":"x"}"#, Ok(Some("invalid_request"))),
        (
            400,
            r#"{"error":"invalid_request","errorDescription":"The user is invalid."}"#,
            Ok(Some("The user is invalid.")),
        ),
        (400, r#"{"error":"invalid_request"}"#, Ok(Some("invalid_request"))),
        (400, "", Ok(None)),
        (422, r#"{"errorCode":"invalid_request_token"}"#, Ok(Some("invalid_request_token"))),
        (401, r#"{"errorCode":"expired_token"}"#, Ok(Some("expired_token"))),
        (401, unauthorized, Err(ErrorKind::Unauthorized)),
        (401, "", Err(ErrorKind::Unauthorized)),
        (403, r#"{"errorCode":"forbidden"}"#, Err(ErrorKind::Rejected)),
        (404, r#"{"message":"Not Found"}"#, Err(ErrorKind::Rejected)),
        (429, "", Err(ErrorKind::RateLimited)),
        (500, r#"{"isValid":true}"#, Err(ErrorKind::Server)),
        (302, r#"{"isValid":true}"#, Err(ErrorKind::Redirected)),
    ];
    for (status, body, expected) in table {
        let server = Server::replying(Reply::json(status, body)).await;
        let client = server.builder().retries(0).build().unwrap();
        let got = client.validate_challenge("t").await;
        if let Ok(validated) = &got {
            assert!(!validated.is_valid, "{status} {body}");
        }
        let got = got.map(|validated| validated.error).map_err(|error| error.kind());
        assert_eq!(got, expected.map(|error| error.map(str::to_owned)), "{status} {body}");
    }
}

#[tokio::test]
async fn a_validated_answer() {
    let body = r#"{"isValid":true,"state":"CHALLENGE_SUCCEEDED","stateUpdatedAt":"2026-01-15T10:00:30.000Z",
        "userId":"user-1","action":"signIn","actionCode":"signIn","idempotencyKey":"k",
        "verificationMethod":"EMAIL_OTP","veriffSessionId":"v"}"#;
    let server = Server::replying(Reply::json(200, body)).await;
    let validated = server.client().validate_challenge("t").await.unwrap();
    assert!(validated.is_valid);
    assert_eq!(validated.state, Some(ActionState::ChallengeSucceeded));
    let texts = (validated.user_id, validated.action, validated.idempotency_key, validated.veriff_session_id);
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(texts, (some("user-1"), some("signIn"), some("k"), some("v")));
}

#[tokio::test]
async fn connections_are_kept() {
    let server = Server::start(good).await;
    let client = server.client();
    for call in Call::ALL {
        call.make(&client.clone()).await.unwrap();
    }
    assert_eq!((server.requests().len(), server.connections()), (5, 1));
}

#[tokio::test]
async fn http2_is_a_choice_that_plain_http_does_without() {
    let server = Server::start(good).await;
    Call::GetUser.make(&server.builder().http2().build().unwrap()).await.unwrap();
    assert!(server.requests()[0].line.ends_with("HTTP/1.1"));
}

/// Calls can be spawned: their futures are `Send`, whatever the arguments.
#[test]
fn futures_are_send() {
    fn send<T: Send>(_: T) {}
    let client = Client::builder("s").build().unwrap();
    send(client.track(String::new(), Track::new("a")));
    send(client.get_action("u", "a", "k"));
    send(client.validate_challenge("t"));
    send(client.get_user(&String::new()));
    send(client.enroll_verified_authenticator("u", EnrollVerified::new(VerificationMethod::Sms)));
}
