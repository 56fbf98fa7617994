//! What goes over the wire for sessions, and what comes back.
use std::time::{Duration, SystemTime};

use authsignal_client::{CreateSession, ErrorKind, Token, ValidateSession, VerificationMethod};
use serde_json::json;

use super::answering;
use crate::support::{Reply, Server};

const TOKENS: &str = r#"{"accessToken":"eyJ.a","refreshToken":"3f72a26e"}"#;

#[tokio::test]
async fn a_session() {
    let server = answering(TOKENS).await;
    let client = server.client();
    let session = client.create_session(("eyJ", "client-1")).await.unwrap();
    assert_eq!((session.access_token.secret(), session.refresh_token.secret()), ("eyJ.a", "3f72a26e"));
    client.create_session(CreateSession::new(Token::new("eyJ"), "client-1").action("signIn")).await.unwrap();
    let requests = server.requests();
    assert_eq!(requests[0].target(), "POST /v1/sessions");
    assert_eq!(requests[0].json(), json!({"token": "eyJ", "clientId": "client-1"}));
    assert_eq!(requests[1].json(), json!({"token": "eyJ", "clientId": "client-1", "action": "signIn"}));
}

#[tokio::test]
async fn a_session_is_refreshed() {
    let server = answering(TOKENS).await;
    let session = server.client().refresh_session("old").await.unwrap();
    assert_eq!((session.access_token.secret(), session.refresh_token.secret()), ("eyJ.a", "3f72a26e"));
    let sent = &server.requests()[0];
    assert_eq!((sent.target(), sent.json()), ("POST /v1/sessions/refresh", json!({"refreshToken": "old"})));
}

#[tokio::test]
async fn a_session_is_validated() {
    let body = r#"{"user":{"userId":"user-1","email":"ada@example.com","emailVerified":true,
        "phoneNumber":"+64270000000","phoneNumberVerified":true,"username":"ada","displayName":"Ada L.",
        "locale":"en-NZ","custom":{"tier":"gold"}},"expiresAt":1768472400,"verificationMethod":"EMAIL_OTP"}"#;
    let server = answering(body).await;
    let client = server.client();
    let session = client.validate_session("eyJ").await.unwrap();
    let user = session.user;
    assert_eq!(user.user_id, "user-1");
    let texts = [user.email, user.phone_number, user.username, user.display_name, user.locale];
    assert_eq!(texts.map(Option::unwrap), ["ada@example.com", "+64270000000", "ada", "Ada L.", "en-NZ"]);
    assert!(user.email_verified && user.phone_number_verified && user.custom["tier"] == "gold");
    assert_eq!(session.expires_at.as_secs(), 1_768_472_400);
    let moment = SystemTime::UNIX_EPOCH + Duration::from_secs(1_768_472_400);
    assert_eq!(session.expires_at.to_system_time(), Some(moment));
    assert_eq!(session.verification_method, Some(VerificationMethod::EmailOtp));
    client.validate_session(ValidateSession::new("eyJ").client_ids(["a", "b"])).await.unwrap();
    let requests = server.requests();
    assert_eq!(requests[0].target(), "POST /v1/sessions/validate");
    assert_eq!(requests[0].json(), json!({"accessToken": "eyJ"}));
    assert_eq!(requests[1].json(), json!({"accessToken": "eyJ", "clientIds": ["a", "b"]}));

    let server = answering(r#"{"user":{"userId":"user-1"},"expiresAt":0}"#).await;
    let session = server.client().validate_session("eyJ").await.unwrap();
    assert!(session.verification_method.is_none() && !session.user.email_verified && session.user.email.is_none());
}

/// An answer that does not say whose session it is, or until when, is none.
#[tokio::test]
async fn a_session_of_nobody_is_malformed() {
    for body in [
        r#"{"expiresAt":1}"#,
        r#"{"user":{},"expiresAt":1}"#,
        r#"{"user":{"userId":null},"expiresAt":1}"#,
        r#"{"user":"user-1","expiresAt":1}"#,
        r#"{"user":["user-1"],"expiresAt":1}"#,
        r#"{"user":["user-1",null,true,null,true,null,null,null,{}],"expiresAt":1}"#,
        r#"{"user":{"userId":"user-1"}}"#,
        r#"{"user":{"userId":"user-1"},"expiresAt":"1768472400"}"#,
        r#"{"user":{"userId":"user-1"},"expiresAt":-1}"#,
        r#"{"user":{"userId":"user-1"},"expiresAt":1.5}"#,
    ] {
        let error = answering(body).await.client().validate_session("eyJ").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{body}");
    }
}

/// Nobody's session is good for a list without clients, and a service may take that for no list.
#[tokio::test]
async fn an_empty_list_of_clients_is_not_sent() {
    let server = answering(r#"{"user":{"userId":"user-1"},"expiresAt":1}"#).await;
    let request = ValidateSession::new("eyJ").client_ids(Vec::<String>::new());
    assert_eq!(server.client().validate_session(request).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_session_that_is_over() {
    let body = r#"{"error":"unauthorized","errorDescription":"Session expired"}"#;
    let server = Server::replying(Reply::json(401, body)).await;
    let error = server.client().validate_session("eyJ").await.unwrap_err();
    assert_eq!((error.kind(), error.description()), (ErrorKind::Unauthorized, Some("Session expired")));
}

#[tokio::test]
async fn sessions_are_revoked() {
    let server = Server::replying(Reply::nothing()).await;
    server.client().revoke_session("eyJ").await.unwrap();
    server.client().revoke_user_sessions("user-1").await.unwrap();
    let requests = server.requests();
    assert_eq!(requests[0].target(), "POST /v1/sessions/revoke");
    assert_eq!(requests[0].json(), json!({"accessToken": "eyJ"}));
    assert_eq!(requests[1].target(), "POST /v1/sessions/user/revoke");
    assert_eq!(requests[1].json(), json!({"userId": "user-1"}));
}
