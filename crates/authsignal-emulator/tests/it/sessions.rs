//! Sessions of app clients: with the emulator's word, and offline with its keys alone.
use std::time::Duration;

use authsignal_client::{Client, Clock, ErrorKind, SessionFault, ValidateSession, VerificationMethod};
use authsignal_emulator::{AppClient, Emulator, Tenant};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Bench, START, bench, bench_of, read, returned, text};

/// A token of ada's that has proved `withdrawal`.
async fn proved(bench: &Bench) -> String {
    let tracked = bench.track().await;
    returned(&bench.emulator.succeed(text(&tracked["url"])).unwrap())
}

async fn begun(bench: &Bench) -> (String, String) {
    let body = json!({ "token": proved(bench).await, "clientId": "web", "action": "withdrawal" });
    let (status, pair) = bench.post("/sessions", body).await;
    assert_eq!(status, 200, "{pair}");
    (text(&pair["accessToken"]).to_owned(), text(&pair["refreshToken"]).to_owned())
}

async fn valid(bench: &Bench, access_token: &str) -> (u16, Value) {
    bench.post("/sessions/validate", json!({ "accessToken": access_token })).await
}

async fn revoke(bench: &Bench, path: &str, body: Value) -> u16 {
    let response = bench.api(Method::POST, path).json(&body).send().await.unwrap();
    let status = response.status().as_u16();
    assert!(status != 204 || response.bytes().await.unwrap().is_empty());
    status
}

#[tokio::test]
async fn a_session_is_good_until_it_expires() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com").username("ada");
    let (access, _) = begun(&bench).await;
    let (status, session) = valid(&bench, &access).await;
    assert_eq!((status, &session["expiresAt"]), (200, &json!(START + 900)), "whole seconds");
    assert_eq!((text(&session["user"]["userId"]), text(&session["user"]["email"])), ("ada", "ada@example.com"));
    assert_eq!((&session["user"]["emailVerified"], text(&session["verificationMethod"])), (&json!(true), "EMAIL_OTP"));
    let limited = |clients: Value| json!({ "accessToken": access, "clientIds": clients });
    assert_eq!(bench.post("/sessions/validate", limited(json!(["app", "web"]))).await.0, 200);
    assert_eq!(bench.post("/sessions/validate", limited(json!(["app"]))).await.0, 401);
    bench.advance(900);
    let expired =
        json!({ "error": "unauthorized", "errorCode": "unauthorized", "errorDescription": "Session expired" });
    assert_eq!(valid(&bench, &access).await, (401, expired));
}

#[tokio::test]
async fn refreshing_revokes_the_pair_before() {
    let bench = bench().await;
    let (access, refresh) = begun(&bench).await;
    bench.advance(3600);
    let (status, next) = bench.post("/sessions/refresh", json!({ "refreshToken": refresh })).await;
    assert_eq!(status, 200, "the access token has expired, the refresh token has not");
    assert_eq!(valid(&bench, text(&next["accessToken"])).await.0, 200);
    assert_eq!(valid(&bench, &access).await.0, 401);
    assert_eq!(bench.post("/sessions/refresh", json!({ "refreshToken": refresh })).await.0, 401, "once");
    bench.advance(30 * 24 * 60 * 60);
    let late = json!({ "refreshToken": text(&next["refreshToken"]) });
    assert_eq!(bench.post("/sessions/refresh", late).await.0, 401, "30 days");
}

#[tokio::test]
async fn revoking_one_and_all() {
    let bench = bench().await;
    let (one, refresh) = begun(&bench).await;
    let (two, _) = begun(&bench).await;
    assert_eq!(revoke(&bench, "/sessions/revoke", json!({ "accessToken": one })).await, 204);
    assert_eq!(valid(&bench, &one).await.0, 401);
    assert_eq!(bench.post("/sessions/refresh", json!({ "refreshToken": refresh })).await.0, 401);
    assert_eq!(valid(&bench, &two).await.0, 200);
    assert_eq!(revoke(&bench, "/sessions/user/revoke", json!({ "userId": "ada" })).await, 204);
    assert_eq!(valid(&bench, &two).await.0, 401);
    assert_eq!(revoke(&bench, "/sessions/revoke", json!({ "accessToken": "x" })).await, 401);
}

#[tokio::test]
async fn a_session_takes_a_challenge_that_succeeded() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    let unproved = text(&bench.track().await["token"]).to_owned();
    let token = proved(&bench).await;
    let (access, _) = begun(&bench).await;
    for body in [
        json!({ "token": unproved, "clientId": "web" }),
        json!({ "token": "x", "clientId": "web" }),
        json!({ "token": access, "clientId": "web" }),
        json!({ "token": token }),
        json!({ "token": token, "clientId": "web", "action": "other" }),
    ] {
        let (status, answer) = bench.post("/sessions", body.clone()).await;
        assert_eq!((status, &answer["errorCode"]), (400, &json!("invalid_request")), "{body}");
    }
    let token = json!({ "accessToken": token });
    assert_eq!(bench.post("/sessions/validate", token).await.0, 401, "a challenge's token is no session");
}

#[tokio::test]
async fn app_clients_have_their_own_lives_and_claims() {
    let minute = Duration::from_secs(60);
    let web = AppClient::new("web").access_ttl(minute).refresh_ttl(2 * minute).claim("plan", "pro");
    let bench = bench_of(Tenant::new().app_client(web)).await;
    let (access, refresh) = begun(&bench).await;
    let verifier = bench.emulator.client().session_verifier(bench.emulator.tenant_id());
    let verifier = verifier.client_ids(["web"]).clock(bench.clock.clone()).build().unwrap();
    let session = verifier.verify(&access).await.unwrap();
    assert_eq!((session.user_id.as_str(), session.claims["plan"].as_str()), ("ada", Some("pro")));

    let body = json!({ "token": proved(&bench).await, "clientId": "unknown" });
    assert_eq!(bench.post("/sessions", body).await.0, 400);
    bench.advance(120);
    assert_eq!(bench.post("/sessions/refresh", json!({ "refreshToken": refresh })).await.0, 401);
}

#[tokio::test]
async fn offline_needs_the_keys_and_nothing_else() {
    let bench = bench().await;
    let (access, _) = begun(&bench).await;
    let builder = || bench.emulator.client().session_verifier(bench.emulator.tenant_id()).clock(bench.clock.clone());
    let verifier = builder().client_ids(["web"]).build().unwrap();
    assert_eq!(verifier.verify(&access).await.unwrap().user_id, "ada");
    let keys = bench.emulator.received_requests().into_iter().filter(|request| request.path.ends_with("jwks"));
    let keys: Vec<_> = keys.collect();
    assert_eq!(keys.len(), 1);
    assert!(!keys[0].headers.contains_key("authorization"), "they are public");

    let other = builder().client_ids(["app"]).build().unwrap();
    assert!(matches!(other.verify(&access).await, Err(SessionFault::Audience)));
    let unproved = text(&bench.track().await["token"]).to_owned();
    assert!(verifier.verify(&unproved).await.is_err(), "a challenge's token is no session");
    revoke(&bench, "/sessions/revoke", json!({ "accessToken": access })).await;
    assert!(verifier.verify(&access).await.is_ok(), "what it cannot see");
    bench.advance(900 + 31);
    assert!(verifier.verify(&access).await.is_err());
    let foreign = format!("{}/client/public/x/.well-known/jwks", bench.emulator.base_url());
    assert_eq!(read(bench.http.get(foreign).send().await.unwrap()).await.0, 404, "another tenant's keys");
}

#[tokio::test]
async fn the_crates_own_client_gets_on_with_it() {
    let emulator = Emulator::builder().clock(Clock::adjustable()).start().await.unwrap();
    let client: Client = emulator.client();
    let tracked = client.track("ada", "signIn").await.unwrap();
    let why = emulator.succeed(tracked.url.unwrap().secret()).unwrap_err();
    assert!(why.to_string().contains("without a redirectUrl"), "{why}");
    let session = client.create_session((tracked.token.unwrap().secret(), "web")).await.unwrap();
    let valid = client.validate_session(ValidateSession::new(session.access_token.secret())).await.unwrap();
    assert_eq!((valid.user.user_id.as_str(), valid.verification_method), ("ada", Some(VerificationMethod::EmailOtp)));
    let next = client.refresh_session(session.refresh_token.secret()).await.unwrap();
    assert_eq!(
        client.validate_session(session.access_token.secret()).await.unwrap_err().kind(),
        ErrorKind::Unauthorized
    );
    client.revoke_session(next.access_token.secret()).await.unwrap();
    client.revoke_user_sessions("ada").await.unwrap();
    assert!(client.validate_session(next.access_token.secret()).await.is_err());
}
