//! What goes over the wire for Call Connect, and what comes back.
use authsignal_client::{CallChannel, CallState, FinishCall, StartCall};
use serde_json::json;

use super::answering;

#[tokio::test]
async fn a_call_is_started() {
    let body = r#"{"messageId":"m-1","channel":"SMS","phoneNumber":"+12025550123","email":"ada@example.com"}"#;
    let server = answering(body).await;
    let api = server.api();
    let calls = api.calls();
    let request = StartCall::new("call-1")
        .phone_number("(202) 555-0123")
        .country("USA")
        .user_id("user-1")
        .username("ada")
        .channel(CallChannel::Sms)
        .email("ada@example.com")
        .locale("en-US")
        .action_code("call");
    let started = calls.start_call(request).await.unwrap();
    assert!(!started.is_error());
    assert_eq!(started.channel, Some(CallChannel::Sms));
    let texts = [started.message_id, started.phone_number, started.email];
    assert_eq!(texts.map(Option::unwrap), ["m-1", "+12025550123", "ada@example.com"]);
    calls.start_call("call-1").await.unwrap();
    calls.start_call(("call-1", "+12025550123")).await.unwrap();
    let requests = server.requests();
    assert!(requests.iter().all(|request| request.target() == "POST /call/start"), "{requests:?}");
    let expected = json!({
        "referenceId": "call-1", "phoneNumber": "(202) 555-0123", "country": "USA", "userId": "user-1",
        "username": "ada", "channel": "SMS", "email": "ada@example.com", "locale": "en-US", "actionCode": "call",
    });
    assert_eq!(requests[0].json(), expected);
    assert_eq!(requests[1].json(), json!({"referenceId": "call-1"}));
    assert_eq!(requests[2].json(), json!({"referenceId": "call-1", "phoneNumber": "+12025550123"}));
}

/// The service says in a success that nothing was sent.
#[tokio::test]
async fn a_call_that_was_not_started() {
    let body = r#"{"channel":"PIGEON","error":"invalid_request","errorCode":"invalid_request",
        "errorDescription":"The phone number is not valid."}"#;
    let started = answering(body).await.api().calls().start_call("call-1").await.unwrap();
    assert!(started.is_error());
    assert_eq!(started.channel.unwrap().as_str(), "PIGEON");
    assert_eq!(started.error.as_deref(), Some("invalid_request"));
    assert_eq!(started.error_code.as_deref(), Some("invalid_request"));
    assert_eq!(started.error_description.as_deref(), Some("The phone number is not valid."));

    for (body, expected) in [("{}", false), (r#"{"error":"e"}"#, true), (r#"{"errorCode":"e"}"#, true)] {
        let started = answering(body).await.api().calls().start_call("call-1").await.unwrap();
        assert_eq!((started.is_error(), started.message_id), (expected, None), "{body}");
    }
}

#[tokio::test]
async fn a_call_is_finished() {
    for (body, expected) in [
        (r#"{"success":true}"#, true),
        (r#"{"success":"true"}"#, true),
        (r#"{"success":false}"#, false),
        (r#"{"success":"false"}"#, false),
    ] {
        let finished = answering(body).await.api().calls().finish_call(("call-1", CallState::ChallengeFailed)).await;
        assert_eq!(finished.unwrap().success, expected, "{body}");
    }
    let server = answering(r#"{"success":true}"#).await;
    let api = server.api();
    let calls = api.calls();
    calls.finish_call(("call-1", CallState::ChallengeSucceeded)).await.unwrap();
    let payload = json!({"agent": 7, "note": "b"}).as_object().unwrap().clone();
    let request = FinishCall::new("call-1", CallState::ChallengeFailed).user_id("user-1").payload(payload);
    calls.finish_call(request.with("note", vec!["c"])).await.unwrap();
    let requests = server.requests();
    assert!(requests.iter().all(|request| request.target() == "POST /call/finish"), "{requests:?}");
    assert_eq!(requests[0].json(), json!({"referenceId": "call-1", "state": "CHALLENGE_SUCCEEDED"}));
    let expected = json!({
        "referenceId": "call-1", "state": "CHALLENGE_FAILED", "userId": "user-1",
        "payload": {"agent": 7, "note": ["c"]},
    });
    assert_eq!(requests[1].json(), expected);
}
