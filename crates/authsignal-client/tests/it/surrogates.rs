//! Texts that are none: escapes of half a character, as JavaScript writes them.
use authsignal_client::{ErrorKind, QueryActions, QueryUsers, VerifiedCredential};
use serde_json::Value;

use crate::support::{KEY, Reply, Server};

/// The half of a character, as `JSON.stringify` writes it.
const HALF: &str = r"\ud83d";

async fn answering(body: &str) -> Server {
    Server::replying(Reply::json(200, &body.replace("HALF", HALF))).await
}

/// A text that people wrote makes no answer unreadable: what is half a character is U+FFFD (RFC 8259, section 8.2, leaves
/// open what becomes of it).
#[tokio::test]
async fn half_characters_in_texts_are_replaced() {
    let whole =
        answering(r#"{"isEnrolled":true,"displayName":"Jane HALF","custom":{"noteHALF":["HALFx",{"a":"HALF"}]}}"#);
    let user = whole.await.client().get_user("user-1").await.unwrap();
    assert_eq!(user.display_name.as_deref(), Some("Jane \u{fffd}"));
    assert_eq!(user.custom["note\u{fffd}"], serde_json::json!(["\u{fffd}x", {"a": "\u{fffd}"}]));

    let page = answering(r#"{"users":[{"userId":"a","username":"HALF"},{"userId":"b","email":"HALF"}]}"#).await;
    let page = page.client().query_users(QueryUsers::new().email("x")).await.unwrap();
    assert_eq!(page.users.len(), 2);

    let list =
        answering(r#"[{"actionCode":"a","idempotencyKey":"k","createdAt":"t","state":"ALLOW","userAgent":"HALF"}]"#);
    let list = list.await.client().query_user_actions("user-1", QueryActions::new()).await.unwrap();
    assert_eq!(list[0].user_agent.as_deref(), Some("\u{fffd}"));

    let action = format!(
        r#"{{"state":"ALLOW","createdAt":"t","stateUpdatedAt":"t","output":{{"accountId":"HALF","n":"{HALF}\ud83d\ude00"}},
        "rules":[{{"ruleId":"r","name":"HALF"}}]}}"#
    );
    let action = answering(&action).await.client().get_action("user-1", "a", KEY).await.unwrap();
    assert_eq!(action.output["accountId"], "\u{fffd}", "what the application calls an id is a text of its own");
    assert_eq!(action.output["n"], "\u{fffd}\u{1f600}", "a pair is the character that it stands for");

    let batch = answering(r#"{"total":1,"succeeded":0,"failed":1,"failures":[{"errorDescription":"HALF"}]}"#).await;
    let credential = VerifiedCredential::new("user-1", "q83v", "pQEC");
    let batch = batch.client().batch_enroll_verified_authenticators([credential]).await.unwrap();
    assert_eq!(batch.failures[0].error_description.as_deref(), Some("\u{fffd}"));

    let refusal = Reply::json(400, r#"{"errorCode":"invalid_request","errorDescription":"no \ud83d"}"#);
    let error = Server::replying(refusal).await.client().get_user("user-1").await.unwrap_err();
    assert_eq!((error.code(), error.description()), (Some("invalid_request"), Some("no \u{fffd}")));
}

/// An id or a token is itself or it is nothing: two of them must not become one.
#[tokio::test]
async fn half_characters_in_ids_and_tokens_are_refused() {
    let bodies = [
        (r#"{"token":"HALF"}"#, "claim"),
        (r#"{"accessToken":"HALF","refreshToken":"r"}"#, "refresh"),
        (r#"{"accessToken":"a","refreshToken":"rHALF"}"#, "refresh"),
        (r#"{"user":{"userId":"HALF"},"expiresAt":1}"#, "session"),
        (r#"{"isValid":true,"state":"CHALLENGE_SUCCEEDED","userId":"adaHALF"}"#, "validate"),
        (r#"{"isValid":true,"state":"CHALLENGE_SUCCEEDED","idempotencyKey":"HALF"}"#, "validate"),
        (r#"{"isValid":true,"state":"CHALLENGE_SUCCEEDED","actionCode":"HALF"}"#, "validate"),
        (r#"{"isValid":true,"state":"HALFCHALLENGE_SUCCEEDED"}"#, "validate"),
        (r#"{"challengeId":"HALF"}"#, "challenge"),
        (r#"{"users":[{"userId":"HALF"}]}"#, "users"),
        (r#"{"users":[],"lastEvaluatedUserId":"HALF"}"#, "users"),
        (r#"{"state":"ALLOW","createdAt":"t","stateUpdatedAt":"t","ruleIds":["r",{"x":"HALF"},"HALF"]}"#, "action"),
    ];
    for (body, call) in bodies {
        let server = answering(body).await;
        let client = server.client();
        let error = match call {
            "claim" => client.claim_challenge(("c", "u")).await.map(drop),
            "refresh" => client.refresh_session("r").await.map(drop),
            "session" => client.validate_session("a").await.map(drop),
            "validate" => client.validate_challenge("t").await.map(drop),
            "challenge" => client.challenge(authsignal_client::Challenge::sms("a", "+64")).await.map(drop),
            "users" => client.query_users(QueryUsers::new().email("x")).await.map(drop),
            _ => client.get_action("u", "a", KEY).await.map(drop),
        };
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Malformed, "{body}");
    }
}

/// What is no half stays: a real U+FFFD in an id, a pair, an escaped backslash in front of a `u`.
#[tokio::test]
async fn what_is_whole_is_left_as_it_is() {
    let body = r#"{"isValid":true,"userId":"a\ufffd\ud83d\ude00\\ud83d","error":"HALF"}"#;
    let validated = answering(body).await.client().validate_challenge("t").await.unwrap();
    assert_eq!(validated.user_id.as_deref(), Some("a\u{fffd}\u{1f600}\\ud83d"));
    let same: Value = serde_json::from_str(&body.replace("HALF", "")).unwrap();
    assert_eq!(same["userId"], validated.user_id.unwrap());
}
