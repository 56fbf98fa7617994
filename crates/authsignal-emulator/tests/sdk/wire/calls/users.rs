//! Users, and what they have enrolled.
use authsignal_client::{EnrollVerified, QueryUsers, UpdateUser, VerificationMethod};
use serde_json::json;

use super::{Call, custom};

const ID: &str = "8f1c2d34-5a6b-4c7d-8e9f-0a1b2c3d4e5f";

pub(super) fn calls() -> Vec<Call> {
    let enrolled = json!({ "authenticator": {
        "userId": "user-1", "userAuthenticatorId": ID, "verificationMethod": "SMS",
        "createdAt": "2026-01-15T10:00:00.000Z",
    } });
    vec![
        call!("getUser"; { "userId": "user-1" } => { "isEnrolled": true }; client.get_user("user-1")),
        call!("getUser", "an id of Auth0"; { "userId": "auth0|6f1c" } => { "isEnrolled": true };
            client.get_user("auth0|6f1c")),
        call!("getUser", "an id that looks like an address"; { "userId": "user-1/authenticators?limit=1" } => {
            "isEnrolled": true,
        }; client.get_user("user-1/authenticators?limit=1")),
        call!("queryUsers"; {
            "username": "ada l", "email": "ada+1@example.com", "phoneNumber": "+64270000000", "token": "eyJ.x_-",
            "limit": 10, "lastEvaluatedUserId": "auth0|6f1c",
        } => { "users": [] }; client.query_users(
            QueryUsers::new()
                .username("ada l")
                .email("ada+1@example.com")
                .phone_number("+64270000000")
                .token("eyJ.x_-")
                .limit(10)
                .last_evaluated_user_id("auth0|6f1c")
        )),
        call!("queryUsers", "by e-mail address"; { "email": "ada@example.com" } => { "users": [] };
            client.query_users(QueryUsers::new().email("ada@example.com"))),
        call!("queryUsers", "by name"; { "username": "ada" } => { "users": [] };
            client.query_users(QueryUsers::new().username("ada"))),
        call!("updateUser"; { "userId": "user-1", "attributes": {
            "email": "ada@example.com", "emailVerified": true, "phoneNumber": "+64270000000",
            "phoneNumberVerified": false, "username": "ada", "displayName": "Ada L.", "locale": "en-NZ",
            "custom": { "tier": "gold", "amount": 100, "ratio": 0.5, "instant": true },
        } } => { "email": "ada@example.com" }; client.update_user(
            "user-1",
            UpdateUser::new()
                .email("ada@example.com")
                .email_verified(true)
                .phone_number("+64270000000")
                .phone_number_verified(false)
                .username("ada")
                .display_name("Ada L.")
                .locale("en-NZ")
                .custom(custom())
        )),
        call!("updateUser", "nothing of it"; { "userId": "user-1", "attributes": {} } => {};
            client.update_user("user-1", UpdateUser::new())),
        call!("deleteUser"; { "userId": "user-1" } => { "success": true }; client.delete_user("user-1")),
        call!("getAuthenticators"; { "userId": "user-1" } => []; client.get_authenticators("user-1")),
        call!("enrollVerifiedAuthenticator"; { "userId": "user-1", "attributes": {
            "verificationMethod": "SMS", "phoneNumber": "+64270000000", "email": "ada@example.com", "isDefault": true,
        } } => enrolled; client.enroll_verified_authenticator(
            "user-1",
            EnrollVerified::new(VerificationMethod::Sms)
                .phone_number("+64270000000")
                .email("ada@example.com")
                .is_default(true)
        )),
        call!("enrollVerifiedAuthenticator", "nothing but the method"; { "userId": "user-1", "attributes": {
            "verificationMethod": "PASSKEY",
        } } => enrolled; client.enroll_verified_authenticator(
            "user-1",
            EnrollVerified::new(VerificationMethod::Passkey)
        )),
        call!("deleteAuthenticator"; { "userId": "user-1", "userAuthenticatorId": ID } => { "success": true };
            client.delete_authenticator("user-1", ID)),
    ]
}
