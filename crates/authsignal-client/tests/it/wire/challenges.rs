//! What goes over the wire for challenges, and what comes back.
use std::time::{Duration, SystemTime};

use authsignal_client::IdempotencyKey;
use authsignal_client::{
    ActionState, Challenge, Claim, CustomData, ErrorKind, FailureReason, GetChallenge, Scope, SmsChannel, Token,
    Validate, VerificationMethod, Verify,
};
use serde_json::json;

use super::answering;
use crate::support::{KEY, Reply, Server};

#[tokio::test]
async fn every_member_of_a_challenge() {
    let body = format!(r#"{{"challengeId":"c-1","idempotencyKey":"{KEY}","expiresAt":1768471800}}"#);
    let server = answering(&body).await;
    let request = Challenge::new(VerificationMethod::Sms, "signIn")
        .idempotency_key(IdempotencyKey::new(KEY).unwrap())
        .user_id("user-1")
        .email("ada@example.com")
        .phone_number("+64270000000")
        .sms_channel(SmsChannel::Whatsapp)
        .locale("en-NZ")
        .device_id("d-1")
        .ip_address("203.0.113.42")
        .user_agent("Mozilla/5.0")
        .custom(CustomData::new().with("amount", 100))
        .scope(Scope::Add);
    let challenged = server.client().challenge(request).await.unwrap();
    let sent = &server.requests()[0];
    assert_eq!(sent.target(), "POST /v1/challenge");
    let expected = json!({
        "verificationMethod": "SMS", "action": "signIn", "idempotencyKey": KEY, "userId": "user-1",
        "email": "ada@example.com", "phoneNumber": "+64270000000", "smsChannel": "WHATSAPP", "locale": "en-NZ",
        "deviceId": "d-1", "ipAddress": "203.0.113.42", "userAgent": "Mozilla/5.0", "custom": {"amount": 100},
        "scope": "add:authenticators",
    });
    assert_eq!(sent.json(), expected);
    assert_eq!((challenged.challenge_id.as_str(), challenged.idempotency_key.as_deref()), ("c-1", Some(KEY)));
    let expires = challenged.expires_at.unwrap().to_system_time();
    assert_eq!(expires, Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_768_471_800)));
}

#[tokio::test]
async fn short_challenges() {
    let server = answering(r#"{"challengeId":"c-1"}"#).await;
    let table = [
        (
            Challenge::email_otp("signIn", "ada@example.com"),
            json!({"verificationMethod": "EMAIL_OTP", "action": "signIn", "email": "ada@example.com"}),
        ),
        (
            Challenge::sms("signIn", "+64270000000"),
            json!({"verificationMethod": "SMS", "action": "signIn", "phoneNumber": "+64270000000"}),
        ),
        (
            Challenge::whatsapp("signIn", "+64270000000"),
            json!({"verificationMethod": "WHATSAPP", "action": "signIn", "phoneNumber": "+64270000000"}),
        ),
        (Challenge::resend("c-1"), json!({"challengeId": "c-1"})),
    ];
    for (request, expected) in table {
        let challenged = server.client().challenge(request).await.unwrap();
        assert!(challenged.idempotency_key.is_none() && challenged.expires_at.is_none());
        assert_eq!(server.requests().last().unwrap().json(), expected);
    }
}

#[tokio::test]
async fn a_code_is_verified() {
    let body = r#"{"isVerified":true,"email":"ada@example.com","phoneNumber":"+64270000000",
        "verificationMethod":"EMAIL_OTP"}"#;
    let server = answering(body).await;
    let client = server.client();
    let verified = client.verify(("c-1", "123456")).await.unwrap();
    client.verify(Verify::new(String::from("c-1"), Token::new("123456"))).await.unwrap();
    for sent in server.requests() {
        assert_eq!(sent.target(), "POST /v1/verify");
        assert_eq!(sent.json(), json!({"challengeId": "c-1", "verificationCode": "123456"}));
    }
    assert!(verified.is_verified && verified.failure_reason.is_none());
    assert_eq!(verified.email.as_deref(), Some("ada@example.com"));
    assert_eq!(verified.phone_number.as_deref(), Some("+64270000000"));
    assert_eq!(verified.verification_method, Some(VerificationMethod::EmailOtp));
}

/// A wrong code is an answer; an answer that does not say whether it was is none.
#[tokio::test]
async fn a_code_that_is_wrong() {
    for (body, expected) in [
        (r#"{"isVerified":false}"#, Ok(None)),
        (
            r#"{"isVerified":false,"failureReason":"MAX_ATTEMPTS_EXCEEDED"}"#,
            Ok(Some(FailureReason::MaxAttemptsExceeded)),
        ),
        (
            r#"{"isVerified":false,"failureReason":"CODE_INVALID_OR_EXPIRED"}"#,
            Ok(Some(FailureReason::CodeInvalidOrExpired)),
        ),
        (r#"{"isVerified":false,"failureReason":"TIRED"}"#, Ok(Some(FailureReason::Unknown("TIRED".to_owned())))),
        (r#"{}"#, Err(ErrorKind::Malformed)),
        (r#"{"isVerified":null}"#, Err(ErrorKind::Malformed)),
        (r#"{"isVerified":"true"}"#, Err(ErrorKind::Malformed)),
    ] {
        let got = answering(body).await.client().verify(("c-1", "123456")).await;
        if let Ok(verified) = &got {
            assert!(!verified.is_verified, "{body}");
        }
        assert_eq!(got.map(|verified| verified.failure_reason).map_err(|error| error.kind()), expected, "{body}");
    }
}

#[tokio::test]
async fn a_challenge_is_claimed() {
    let server = answering(r#"{"token":"eyJ","verificationMethod":"EMAIL_OTP"}"#).await;
    let client = server.client();
    let claimed = client.claim_challenge(("c-1", "user-1")).await.unwrap();
    assert_eq!(claimed.token.secret(), "eyJ");
    assert_eq!(claimed.verification_method, Some(VerificationMethod::EmailOtp));
    client.claim_challenge(Claim::new("c-1", "user-1").skip_verification_check(true)).await.unwrap();
    let requests = server.requests();
    assert_eq!(requests[0].target(), "POST /v1/claim");
    assert_eq!(requests[0].json(), json!({"challengeId": "c-1", "userId": "user-1"}));
    let expected = json!({"challengeId": "c-1", "userId": "user-1", "skipVerificationCheck": true});
    assert_eq!(requests[1].json(), expected);
    let claimed = answering(r#"{"token":"eyJ"}"#).await.client().claim_challenge(("c-1", "u")).await.unwrap();
    assert!(claimed.verification_method.is_none());
}

#[tokio::test]
async fn a_pending_challenge() {
    let body = r#"{"challengeId":"c-1","expiresAt":1768471800,"verificationMethod":"SMS","smsChannel":"DEFAULT",
        "phoneNumber":"+64270000000","email":"ada@example.com","action":"signIn"}"#;
    let server = answering(body).await;
    let client = server.client();
    let pending = client.get_challenge("c-1").await.unwrap();
    let texts = [pending.challenge_id, pending.phone_number, pending.email, pending.action];
    assert_eq!(texts.map(Option::unwrap), ["c-1", "+64270000000", "ada@example.com", "signIn"]);
    assert_eq!(pending.expires_at.unwrap().as_secs(), 1_768_471_800);
    assert_eq!(pending.verification_method, Some(VerificationMethod::Sms));
    assert_eq!(pending.sms_channel, Some(SmsChannel::Default));
    let request = GetChallenge::by_user("auth0|a").action("signIn").verification_method(VerificationMethod::Sms);
    client.get_challenge(request).await.unwrap();
    client.get_challenge(GetChallenge::by_id("c-1").user_id("user-1")).await.unwrap();
    let requests = server.requests();
    let targets: Vec<_> = requests.iter().map(|request| request.target()).collect();
    let expected = [
        "GET /v1/challenges?challengeId=c-1",
        "GET /v1/challenges?userId=auth0%7Ca&action=signIn&verificationMethod=SMS",
        "GET /v1/challenges?challengeId=c-1&userId=user-1",
    ];
    assert_eq!(targets, expected);

    let none = answering("{}").await.client().get_challenge("c-1").await.unwrap();
    assert!(none.challenge_id.is_none() && none.expires_at.is_none() && none.action.is_none());
}

/// What asks for nothing in particular is not sent: the service might take anybody's challenge for an answer.
#[tokio::test]
async fn a_question_about_no_challenge_is_not_sent() {
    let server = answering(r#"{"challengeId":"somebody's","email":"ada@example.com"}"#).await;
    let client = server.client();
    let nobodys = [
        GetChallenge::default(),
        GetChallenge::default().action("signIn"),
        GetChallenge::default().verification_method(VerificationMethod::Sms),
    ];
    for request in nobodys {
        let error = client.get_challenge(request.clone()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{request:?}");
    }
    let incomplete = [Challenge::default(), Challenge::default().email("ada@example.com"), Challenge::resend("")];
    for request in incomplete {
        let error = client.challenge(request.clone()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{request:?}");
    }
    assert_eq!(server.connections(), 0);
}

/// T72: a challenge that was not asked for.
#[tokio::test]
async fn an_answer_about_another_challenge_is_malformed() {
    let server = answering(r#"{"challengeId":"c-2","action":"signIn","verificationMethod":"SMS"}"#).await;
    let client = server.client();
    let table = [
        (GetChallenge::by_id("c-1"), false),
        (GetChallenge::by_user("u").action("withdrawal"), false),
        (GetChallenge::by_user("u").verification_method(VerificationMethod::EmailOtp), false),
        (GetChallenge::by_id("c-2").action("signIn").verification_method(VerificationMethod::Sms), true),
        (GetChallenge::by_user("u"), true),
    ];
    for (request, expected) in table {
        let got = client.get_challenge(request.clone()).await.map(drop).map_err(|error| error.kind());
        assert_eq!(got, if expected { Ok(()) } else { Err(ErrorKind::Malformed) }, "{request:?}");
    }
}

#[tokio::test]
async fn what_validate_sends() {
    let server = answering(r#"{"isValid":false}"#).await;
    let client = server.client();
    client.validate_challenge("t").await.unwrap();
    client.validate_challenge(Validate::from(Token::new("t")).user_id("u").action("a")).await.unwrap();
    let requests = server.requests();
    assert_eq!(requests[0].json(), json!({"token": "t"}));
    assert_eq!(requests[1].json(), json!({"token": "t", "userId": "u", "action": "a"}));
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
