//! What goes over the wire for users, and what comes back.
use authsignal_client::UserId;
use authsignal_client::{CustomData, DeleteUser, ErrorKind, QueryUsers, UpdateUser, VerificationMethod};
use serde_json::json;

use super::answering;
use crate::support::{Reply, Server};

#[tokio::test]
async fn a_user() {
    let body = r#"{"userId":"user-1","isEnrolled":true,"email":"ada@example.com","emailVerified":true,
        "phoneNumber":"+64270000000","phoneNumberVerified":false,"username":"ada","displayName":"Ada L.",
        "locale":"en-NZ","custom":{"tier":"gold","age":36,"staff":false},
        "allowedVerificationMethods":["EMAIL_OTP","PASSKEY"],"enrolledVerificationMethods":["PASSKEY"],
        "defaultVerificationMethod":"HOLOGRAM"}"#;
    let server = answering(body).await;
    let user = server.client().get_user("user-1").await.unwrap();
    assert!(user.is_enrolled && user.email_verified && !user.phone_number_verified);
    let texts = [user.user_id, user.email, user.phone_number, user.username, user.display_name, user.locale];
    let expected = ["user-1", "ada@example.com", "+64270000000", "ada", "Ada L.", "en-NZ"];
    assert_eq!(texts.map(Option::unwrap), expected);
    assert_eq!(user.custom["age"], 36);
    assert_eq!(user.allowed_verification_methods, [VerificationMethod::EmailOtp, VerificationMethod::Passkey]);
    assert_eq!(user.enrolled_verification_methods, [VerificationMethod::Passkey]);
    assert_eq!(user.default_verification_method.unwrap().as_str(), "HOLOGRAM");

    let user = answering(r#"{"isEnrolled":false}"#).await.client().get_user("u").await.unwrap();
    assert!(!user.is_enrolled && !user.email_verified && user.email.is_none() && user.custom.is_empty());
}

#[tokio::test]
async fn a_change() {
    let body = r#"{"userId":"user-1","email":"ada@example.com","emailVerified":true,"phoneNumber":"+64270000000",
        "phoneNumberVerified":true,"username":"ada","displayName":"Ada L.","locale":"en-NZ",
        "defaultVerificationMethod":"EMAIL_OTP","custom":{"tier":"gold"}}"#;
    let server = answering(body).await;
    let request = UpdateUser::new()
        .email("ada@example.com")
        .email_verified(true)
        .phone_number("+64270000000")
        .phone_number_verified(false)
        .username("ada")
        .display_name("Ada L.")
        .custom(CustomData::new().with("tier", "gold").with("age", 36).with("staff", false))
        .locale("en-NZ")
        .default_verification_method(VerificationMethod::EmailOtp);
    let user = server.client().update_user("user-1", request).await.unwrap();
    let sent = &server.requests()[0];
    assert_eq!(sent.target(), "PATCH /v1/users/user-1");
    let expected = json!({
        "email": "ada@example.com", "emailVerified": true, "phoneNumber": "+64270000000",
        "phoneNumberVerified": false, "username": "ada", "displayName": "Ada L.",
        "custom": {"tier": "gold", "age": 36, "staff": false}, "locale": "en-NZ",
        "defaultVerificationMethod": "EMAIL_OTP",
    });
    assert_eq!(sent.json(), expected);
    let texts = [user.user_id, user.email, user.phone_number, user.username, user.display_name, user.locale];
    let expected = ["user-1", "ada@example.com", "+64270000000", "ada", "Ada L.", "en-NZ"];
    assert_eq!(texts.map(Option::unwrap), expected);
    assert!(user.email_verified && user.phone_number_verified);
    assert_eq!(user.default_verification_method, Some(VerificationMethod::EmailOtp));
    assert_eq!(user.custom["tier"], "gold");
}

/// What is not set stays as it is; data that is set to be none is not the same.
#[tokio::test]
async fn a_change_of_nothing() {
    let server = answering("{}").await;
    let user = server.client().update_user("user-1", UpdateUser::new()).await.unwrap();
    assert!(user.user_id.is_none() && !user.email_verified && user.custom.is_empty());
    server.client().update_user("user-1", UpdateUser::new().custom(CustomData::new())).await.unwrap();
    let bodies: Vec<_> = server.requests().iter().map(|request| request.json()).collect();
    assert_eq!(bodies, [json!({}), json!({"custom": {}})]);
}

#[tokio::test]
async fn a_deletion() {
    let server = answering(r#"{"success":true}"#).await;
    let client = server.client();
    let id = UserId::new("user-1").unwrap();
    client.delete_user("user-1").await.unwrap();
    client.delete_user("user-1".to_owned()).await.unwrap();
    client.delete_user(&id).await.unwrap();
    client.delete_user(id).await.unwrap();
    client.delete_user(DeleteUser::new("user-1").actions(false)).await.unwrap();
    client.delete_user(DeleteUser::new("user-1").actions(true)).await.unwrap();
    let targets: Vec<_> = server.requests().iter().map(|request| request.target().to_owned()).collect();
    assert_eq!(targets[..5], ["DELETE /v1/users/user-1"; 5]);
    assert_eq!(targets[5..], ["DELETE /v1/users/user-1?actions=true"]);

    let server = Server::replying(Reply::json(404, r#"{"errorCode":"not_found"}"#)).await;
    assert!(server.client().delete_user("user-1").await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn every_parameter_of_a_query() {
    let server = answering(r#"{"users":[]}"#).await;
    let query = QueryUsers::new()
        .username("ada lovelace")
        .email("ada+1@example.com")
        .phone_number("+64270000000")
        .token("ey.J-_~")
        .limit(20)
        .last_evaluated_user_id("auth0|a&b=c");
    server.client().query_users(query).await.unwrap();
    let expected = "GET /v1/users?username=ada%20lovelace&email=ada%2B1%40example.com&phoneNumber=%2B64270000000\
                    &token=ey.J-_~&limit=20&lastEvaluatedUserId=auth0%7Ca%26b%3Dc";
    assert_eq!(server.requests()[0].target(), expected);
}

#[tokio::test]
async fn a_page_of_users() {
    let body = r#"{"users":[{"userId":"user-1","email":"ada@example.com","emailVerified":true,
        "phoneNumber":"+64270000000","phoneNumberVerified":true,"username":"ada","displayName":"Ada L.",
        "isEnrolled":true,"enrolledVerificationMethods":["EMAIL_OTP"],"createdAt":"2026-01-15T10:00:00.000Z"},
        {"userId":"user-2"}],"lastEvaluatedUserId":"user-2",
        "tokenPayload":{"iss":"https://accounts.google.com","email_verified":true}}"#;
    let server = answering(body).await;
    let page = server.client().query_users(QueryUsers::new().email("ada@example.com").limit(2)).await.unwrap();
    let [ada, other] = &page.users[..] else { panic!("{:?}", page.users) };
    assert_eq!(ada.user_id, "user-1");
    assert_eq!(ada.email.as_deref(), Some("ada@example.com"));
    assert_eq!(ada.phone_number.as_deref(), Some("+64270000000"));
    assert_eq!((ada.username.as_deref(), ada.display_name.as_deref()), (Some("ada"), Some("Ada L.")));
    assert!(ada.email_verified && ada.phone_number_verified && ada.is_enrolled == Some(true));
    assert_eq!(ada.enrolled_verification_methods, [VerificationMethod::EmailOtp]);
    assert_eq!(ada.created_at.as_ref().unwrap().as_str(), "2026-01-15T10:00:00.000Z");
    assert!(!other.email_verified && other.is_enrolled.is_none() && other.created_at.is_none());
    assert_eq!(page.token_payload.as_ref().unwrap()["iss"], "https://accounts.google.com");

    server.client().query_users(page.next().unwrap()).await.unwrap();
    let expected = "GET /v1/users?email=ada%40example.com&limit=2&lastEvaluatedUserId=user-2";
    assert_eq!(server.requests()[1].target(), expected);
}

#[tokio::test]
async fn the_last_page_of_users() {
    for body in
        [r#"{"users":[]}"#, r#"{"users":[],"lastEvaluatedUserId":null}"#, r#"{"users":[],"lastEvaluatedUserId":""}"#]
    {
        let page = answering(body).await.client().query_users(QueryUsers::new().email("a")).await.unwrap();
        assert!(page.next().is_none() && page.users.is_empty() && page.token_payload.is_none(), "{body}");
    }
}

/// Nobody is looked for by mistake: not by nothing, not by an attribute that is empty.
#[tokio::test]
async fn a_query_for_nobody_is_not_sent() {
    let server = answering(r#"{"users":[]}"#).await;
    let queries = [
        QueryUsers::new(),
        QueryUsers::new().limit(10).last_evaluated_user_id("user-1"),
        QueryUsers::new().email(""),
        QueryUsers::new().username("ada").email(""),
        QueryUsers::new().phone_number(""),
        QueryUsers::new().token(""),
    ];
    for query in queries {
        let error = server.client().query_users(query.clone()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{query:?}");
    }
    assert_eq!(server.connections(), 0);
}
