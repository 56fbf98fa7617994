//! Members that this version does not know, sent and received.
use std::time::SystemTime;

use authsignal_client::IdempotencyKey;
use authsignal_client::{
    ActionState, CallState, Challenge, Claim, CreateSession, EnrollVerified, Error, ErrorKind, FinishCall,
    OtherMembers, QueryActions, QueryUsers, StartCall, Track, UpdateAction, UpdateDevice, UpdateUser, Validate,
    ValidateSession, VerificationMethod, VerifiedCredential, Verify,
};
use serde_json::{Value, json};

use crate::calls::Call;
use crate::support::{KEY, Reply, Server};

/// A good answer with something new in each of its objects.
fn grown(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(grown),
        Value::Object(members) => {
            members.values_mut().for_each(grown);
            members.insert("brandNew".to_owned(), json!({ "secret": ["CANARY"] }));
        }
        _ => {}
    }
}

async fn answering(body: &str) -> Server {
    let mut body: Value = serde_json::from_str(body).expect("a body of ours is JSON");
    grown(&mut body);
    Server::replying(Reply::json(200, &body.to_string())).await
}

/// T97: what is new is taken by every call, kept, and not shown.
#[tokio::test]
async fn new_members_make_no_answer_unreadable_and_do_not_show() {
    let server = Server::start(|_, request| {
        let call = Call::of(request);
        let mut body: Value = serde_json::from_str(&call.good_body()).unwrap();
        if call.has_key() {
            body["idempotencyKey"] = request.key().into();
        }
        grown(&mut body);
        Reply::json(200, &body.to_string())
    })
    .await;
    let api = server.api();
    for call in Call::ALL {
        let printed = call.make(&api).await.unwrap();
        assert!(!printed.contains("CANARY") && !printed.contains("brandNew"), "{call:?}: {printed}");
        let keeps_none = call.says_nothing() || matches!(call, Call::UsersStream | Call::TrackDecision);
        assert!(keeps_none || printed.contains("OtherMembers(1)"), "{call:?}: {printed}");
    }
}

#[tokio::test]
async fn new_members_are_kept_beside_what_is_known() {
    let new = |other: &OtherMembers| {
        assert_eq!(other.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["brandNew"]);
        assert_eq!(other.get("brandNew"), Some(&json!({ "secret": ["CANARY"] })));
        assert!(!other.is_empty() && other.get("state").is_none());
    };
    let body = format!(r#"{{"state":"ALLOW","idempotencyKey":"{KEY}","ruleIds":["r"]}}"#);
    let request = Track::new("a").idempotency_key(IdempotencyKey::new(KEY).unwrap());
    let tracked = answering(&body).await.client().track("u", request).await.unwrap();
    assert_eq!((tracked.state, &*tracked.rule_ids), (ActionState::Allow, &["r".to_owned()][..]));
    new(&tracked.other);

    let body = r#"{"state":"ALLOW","createdAt":"t","stateUpdatedAt":"t","rules":[{"ruleId":"r"}]}"#;
    let action = answering(body).await.client().get_action("u", "a", KEY).await.unwrap();
    new(&action.other);
    new(&action.rules[0].other);

    let page = answering(r#"{"users":[{"userId":"a"}]}"#).await;
    let page = page.client().query_users(QueryUsers::new().email("x")).await.unwrap();
    new(&page.other);
    new(&page.users[0].other);

    let body = r#"[{"actionCode":"a","idempotencyKey":"k","createdAt":"t","state":"ALLOW"}]"#;
    let list = answering(body).await.client().query_user_actions("u", QueryActions::new()).await.unwrap();
    new(&list[0].other);

    let body = r#"{"isValid":true,"state":"CHALLENGE_SUCCEEDED","actionCode":"a"}"#;
    let validated = answering(body).await.client().validate_challenge("t").await.unwrap();
    assert!(validated.is_valid && validated.action.as_deref() == Some("a"));
    new(&validated.other);

    let body = r#"{"user":{"userId":"u"},"expiresAt":1}"#;
    let session = answering(body).await.client().validate_session("a").await.unwrap();
    new(&session.other);
    new(&session.user.other);

    let body = r#"[{"userAuthenticatorId":"a","verificationMethod":"PASSKEY","createdAt":"t",
        "webauthnCredential":{"credentialId":"c"}}]"#;
    let list = answering(body).await.client().get_authenticators("u").await.unwrap();
    new(&list[0].other);
    new(&list[0].webauthn_credential.as_ref().unwrap().other);

    let body = r#"{"total":1,"succeeded":0,"failed":1,"failures":[{"userId":"u"}]}"#;
    let credential = VerifiedCredential::new("u", "c", "k");
    let batch = answering(body).await.client().batch_enroll_verified_authenticators([credential]).await.unwrap();
    new(&batch.other);
    new(&batch.failures[0].other);
}

/// What becomes of a request with a new member, and with one that is set twice.
macro_rules! sends {
    ($server:ident, $client:ident, $(($request:expr, $known:literal, |$with:ident| $call:expr),)*) => { $({
        let before = $server.requests().len();
        let $with = $request.other("brandNew", json!([1, null]));
        let _: Result<_, Error> = $call.await;
        let sent = $server.requests();
        assert_eq!(sent.len(), before + 1, stringify!($call));
        let body = sent[before].json();
        let body = if stringify!($call).contains("batch") { &body["authenticators"][0] } else { &body };
        assert_eq!(body["brandNew"], json!([1, null]), stringify!($call));
        assert!(body.get($known).is_some(), "{}: {body}", stringify!($call));

        let $with = $request.other($known, "again");
        let error = $call.await.map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, stringify!($call));
        assert_eq!($server.requests().len(), before + 1, stringify!($call));
    })* };
}

#[tokio::test]
async fn new_members_are_sent_and_none_twice() {
    let server = Server::start(|_, _| Reply::json(404, "")).await;
    let (client, api) = (server.client(), server.api());
    let calls = api.calls();
    sends!(
        server,
        client,
        (Track::new("a"), "idempotencyKey", |request| client.track("u", request)),
        (Track::new("a").email("x"), "email", |request| client.track("u", request)),
        (UpdateAction::new(ActionState::Allow), "state", |request| client.update_action("u", "a", KEY, request)),
        (Challenge::sms("a", "+64"), "phoneNumber", |request| client.challenge(request)),
        (Verify::new("c", "1"), "verificationCode", |request| client.verify(request)),
        (Claim::new("c", "u"), "userId", |request| client.claim_challenge(request)),
        (Validate::new("t").user_id("u"), "userId", |request| client.validate_challenge(request)),
        (CreateSession::new("t", "c"), "token", |request| client.create_session(request)),
        (ValidateSession::new("t"), "accessToken", |request| client.validate_session(request)),
        (UpdateUser::new().email("x"), "email", |request| client.update_user("u", request)),
        (EnrollVerified::new(VerificationMethod::Sms), "verificationMethod", |request| client
            .enroll_verified_authenticator("u", request)),
        (VerifiedCredential::new("u", "c", "k"), "userId", |request| client
            .batch_enroll_verified_authenticators([request])),
        (UpdateDevice::from(SystemTime::UNIX_EPOCH), "rememberedUntil", |request| client
            .update_device("u", "d", request)),
        (UpdateDevice::forgotten(), "rememberedUntil", |request| client.update_device("u", "d", request)),
        (StartCall::new("c"), "referenceId", |request| calls.start_call(request)),
        (FinishCall::new("c", CallState::ChallengeFailed), "state", |request| calls.finish_call(request)),
    );
    // One that no setter has set may be: `null` is said by no setter.
    client.update_user("u", UpdateUser::new().other("email", Value::Null)).await.unwrap_err();
    assert_eq!(server.requests().last().unwrap().json(), json!({ "email": null }));
}

/// As the SDKs do it: no key goes out, the service's comes back, and a copy would be a second action.
#[tokio::test]
async fn a_track_under_the_services_own_key_is_sent_once() {
    let server = Server::start(|before, _| match before {
        0 => Reply::json(200, r#"{"state":"ALLOW","idempotencyKey":"of-the-service"}"#),
        _ => Reply::hang_up(),
    })
    .await;
    let client = server.client();
    let request = || Track::new("withdrawal").without_idempotency_key();
    let tracked = client.track("u", request()).await.unwrap();
    assert_eq!(tracked.idempotency_key.as_str(), "of-the-service");
    assert_eq!(server.requests()[0].json(), json!({}));
    assert_eq!(client.track("u", request()).await.unwrap_err().kind(), ErrorKind::Interrupted);
    assert_eq!(server.requests().len(), 2, "nothing is repeated");

    let keyed = request().idempotency_key(IdempotencyKey::new(KEY).unwrap());
    client.track("u", keyed).await.unwrap_err();
    assert_eq!(server.requests()[2].key(), KEY);
    assert_eq!(server.requests().len(), 5, "with a key it is");
}

#[tokio::test]
async fn dates_may_be_texts() {
    let server = Server::replying(Reply::json(404, "")).await;
    let client = server.client();
    let since = QueryActions::new().from_date("2026-01-01T00:00:00Z");
    client.query_user_actions("u", since).await.unwrap_err();
    client.update_device("u", "d", UpdateDevice::remembered_until("2026-02-01T00:00:00+13:00")).await.unwrap_err();
    let sent = server.requests();
    assert_eq!(sent[0].target(), "GET /v1/users/u/actions?fromDate=2026-01-01T00%3A00%3A00Z");
    assert_eq!(sent[1].json(), json!({ "rememberedUntil": "2026-02-01T00:00:00+13:00" }));
}
