//! The calls that are compared: what the SDK is handed, the same for the client, and what a service would answer.
use std::pin::Pin;

use axum_authsignal::client::{CustomData, EnrollVerified, Error, Track, Validate, VerificationMethod};
use axum_authsignal::{Client, IdempotencyKey};
use serde_json::{Value, json};

type Made = Pin<Box<dyn Future<Output = Result<(), Error>>>>;

pub(super) struct Call {
    /// The method, and what is special about this call of it.
    pub(super) name: &'static str,
    /// The SDK's method.
    pub(super) method: &'static str,
    /// What it is handed.
    pub(super) request: Value,
    /// What both are answered.
    pub(super) answer: Value,
    /// The same call of the client.
    pub(super) ours: Option<fn(Client) -> Made>,
}

/// Names a call by its method, or by that and a remark.
macro_rules! call {
    ($method:literal $(, $remark:literal)?; $request:tt => $answer:tt $(; $client:ident $(. $ours:ident $arguments:tt)+)?) => {
        Call {
            name: concat!($method $(, ", ", $remark)?),
            method: $method,
            request: json!($request),
            answer: json!($answer),
            ours: ours!($($client $(. $ours $arguments)+)?),
        }
    };
}

macro_rules! ours {
    () => {
        None
    };
    ($client:ident $(. $ours:ident $arguments:tt)+) => {
        Some(|$client: Client| Box::pin(async move { $client$(.$ours $arguments)+.await.map(drop) }))
    };
}

const KEY: &str = "5d1f9c52-8c1a-4c55-8e35-0b6a0ad0a001";
const ID: &str = "8f1c2d34-5a6b-4c7d-8e9f-0a1b2c3d4e5f";

fn custom() -> CustomData {
    CustomData::new().with("tier", "gold").with("amount", 100).with("ratio", 0.5).with("instant", true)
}

pub(super) fn calls() -> Vec<Call> {
    let mut calls = users();
    calls.extend(authenticators());
    calls.extend(actions());
    calls.extend(challenges());
    calls.extend(sessions());
    calls.extend(telephone());
    calls
}

fn users() -> Vec<Call> {
    vec![
        call!("getUser"; { "userId": "user-1" } => { "isEnrolled": true }; client.get_user("user-1")),
        call!("getUser", "an id of Auth0"; { "userId": "auth0|6f1c" } => { "isEnrolled": true };
            client.get_user("auth0|6f1c")),
        call!("queryUsers"; {
            "username": "ada", "email": "ada+1@example.com", "phoneNumber": "+64270000000", "token": "eyJ",
            "limit": 10, "lastEvaluatedUserId": "user-0",
        } => { "users": [] }),
        call!("updateUser"; { "userId": "user-1", "attributes": {
            "email": "ada@example.com", "emailVerified": true, "phoneNumber": "+64270000000",
            "phoneNumberVerified": false, "username": "ada", "displayName": "Ada L.", "locale": "en-NZ",
            "custom": { "tier": "gold", "amount": 100, "ratio": 0.5, "instant": true },
        } } => { "email": "ada@example.com" }),
        call!("deleteUser"; { "userId": "user-1" } => { "success": true }),
    ]
}

fn authenticators() -> Vec<Call> {
    let enrolled = json!({ "authenticator": {
        "userId": "user-1", "userAuthenticatorId": ID, "verificationMethod": "SMS",
        "createdAt": "2026-01-15T10:00:00.000Z",
    } });
    vec![
        call!("getAuthenticators"; { "userId": "user-1" } => []),
        call!("enrollVerifiedAuthenticator"; { "userId": "user-1", "attributes": {
            "verificationMethod": "SMS", "phoneNumber": "+64270000000", "email": "ada@example.com", "isDefault": true,
        } } => enrolled; client.enroll_verified_authenticator(
            "user-1",
            EnrollVerified::new(VerificationMethod::Sms)
                .phone_number("+64270000000")
                .email("ada@example.com")
                .is_default(true)
        )),
        call!("deleteAuthenticator"; { "userId": "user-1", "userAuthenticatorId": ID } => { "success": true }),
    ]
}

fn actions() -> Vec<Call> {
    let tracked = json!({ "state": "ALLOW", "idempotencyKey": KEY, "isEnrolled": true, "url": "u", "token": "t" });
    let action = json!({
        "state": "ALLOW", "createdAt": "2026-01-15T10:00:00.000Z", "stateUpdatedAt": "2026-01-15T10:00:00.000Z",
    });
    vec![
        call!("track"; { "userId": "user-1", "action": "withdrawal", "attributes": {
            "idempotencyKey": KEY, "redirectUrl": "https://app.example.com/back?flow=1", "redirectToSettings": false,
            "ipAddress": "203.0.113.42", "userAgent": "Mozilla/5.0 (X11)", "deviceId": "device-1",
            "scope": "read:authenticators add:authenticators", "email": "ada@example.com",
            "phoneNumber": "+64270000000", "username": "ada", "challengeId": "challenge-1", "locale": "en-NZ",
            "customDomain": "mfa.example.com",
            "custom": { "tier": "gold", "amount": 100, "ratio": 0.5, "instant": true },
        } } => tracked; client.track(
            "user-1",
            Track::new("withdrawal")
                .idempotency_key(IdempotencyKey::new(KEY).unwrap())
                .redirect_url("https://app.example.com/back?flow=1")
                .redirect_to_settings(false)
                .ip_address("203.0.113.42")
                .user_agent("Mozilla/5.0 (X11)")
                .device_id("device-1")
                .scope("read:authenticators add:authenticators")
                .email("ada@example.com")
                .phone_number("+64270000000")
                .username("ada")
                .challenge_id("challenge-1")
                .locale("en-NZ")
                .custom_domain("mfa.example.com")
                .custom(custom())
        )),
        call!("track", "nothing but names"; { "userId": "user-1", "action": "withdrawal" } => tracked;
            client.track("user-1", "withdrawal")),
        call!("validateChallenge"; { "token": "eyJ", "userId": "user-1", "action": "withdrawal" } => {
            "isValid": true, "state": "CHALLENGE_SUCCEEDED",
        }; client.validate_challenge(Validate::new("eyJ").user_id("user-1").action("withdrawal"))),
        call!("validateChallenge", "the token alone"; { "token": "eyJ" } => { "isValid": false };
            client.validate_challenge("eyJ")),
        call!("getAction"; { "userId": "user-1", "action": "withdrawal", "idempotencyKey": KEY } => action;
            client.get_action("user-1", "withdrawal", KEY)),
        call!("queryUserActions"; {
            "userId": "user-1", "fromDate": "2026-01-01T00:00:00.000Z", "actionCodes": ["withdrawal", "signIn"],
            "state": "CHALLENGE_SUCCEEDED",
        } => []),
        call!("updateAction"; { "userId": "user-1", "action": "withdrawal", "idempotencyKey": KEY, "attributes": {
            "state": "REVIEW_SUCCEEDED",
        } } => action),
    ]
}

fn challenges() -> Vec<Call> {
    let started = json!({ "challengeId": "challenge-1", "idempotencyKey": KEY, "expiresAt": 1_768_471_800 });
    vec![
        call!("challenge"; {
            "verificationMethod": "SMS", "action": "signIn", "challengeId": "challenge-1", "idempotencyKey": KEY,
            "userId": "user-1", "email": "ada@example.com", "phoneNumber": "+64270000000", "smsChannel": "WHATSAPP",
            "locale": "en-NZ", "deviceId": "device-1", "ipAddress": "203.0.113.42", "userAgent": "Mozilla/5.0 (X11)",
            "custom": { "tier": "gold", "amount": 100, "ratio": 0.5, "instant": true }, "scope": "add:authenticators",
        } => started),
        call!("challenge", "by e-mail"; {
            "verificationMethod": "EMAIL_OTP", "action": "signIn", "email": "ada@example.com",
        } => started),
        call!("verify"; { "challengeId": "challenge-1", "verificationCode": "012345" } => { "isVerified": true }),
        call!("claimChallenge"; { "challengeId": "challenge-1", "userId": "user-1", "skipVerificationCheck": true } => {
            "token": "eyJ", "verificationMethod": "EMAIL_OTP",
        }),
        call!("getChallenge"; {
            "challengeId": "challenge-1", "userId": "user-1", "action": "signIn", "verificationMethod": "EMAIL_OTP",
        } => {}),
    ]
}

fn sessions() -> Vec<Call> {
    let pair = json!({ "accessToken": "eyJ", "refreshToken": "3f72" });
    vec![
        call!("createSession"; { "clientId": "client-1", "token": "eyJ", "action": "signIn" } => pair),
        call!("validateSession"; { "accessToken": "eyJ", "clientIds": ["client-1", "client-2"] } => {
            "user": { "userId": "user-1", "emailVerified": true, "phoneNumberVerified": false },
            "expiresAt": 1_768_472_400, "verificationMethod": "EMAIL_OTP",
        }),
        call!("refreshSession"; { "refreshToken": "3f72" } => pair),
        call!("revokeSession"; { "accessToken": "eyJ" } => {}),
        call!("revokeUserSessions"; { "userId": "user-1" } => {}),
    ]
}

/// Those of Call Connect.
fn telephone() -> Vec<Call> {
    vec![
        call!("startCall"; {
            "referenceId": "call-1", "phoneNumber": "2025550123", "country": "USA", "userId": "user-1",
            "username": "ada", "channel": "SMS", "email": "ada@example.com", "locale": "en-US",
            "actionCode": "support",
        } => { "messageId": "m-1", "channel": "SMS" }),
        call!("finishCall"; {
            "referenceId": "call-1", "state": "CHALLENGE_SUCCEEDED", "userId": "user-1", "payload": { "agent": "7" },
        } => { "success": true }),
    ]
}
