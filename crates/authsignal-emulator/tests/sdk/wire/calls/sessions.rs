//! Sessions of those who have proved themselves.
use authsignal_client::{CreateSession, ValidateSession};
use serde_json::json;

use super::Call;

pub(super) fn calls() -> Vec<Call> {
    let pair = json!({ "accessToken": "eyJ", "refreshToken": "3f72" });
    let valid = json!({
        "user": { "userId": "user-1", "emailVerified": true, "phoneNumberVerified": false },
        "expiresAt": 1_768_472_400, "verificationMethod": "EMAIL_OTP",
    });
    vec![
        call!("createSession"; { "clientId": "client-1", "token": "eyJ", "action": "signIn" } => pair;
            client.create_session(CreateSession::new("eyJ", "client-1").action("signIn"))),
        call!("createSession", "for any action"; { "clientId": "client-1", "token": "eyJ" } => pair;
            client.create_session(("eyJ", "client-1"))),
        call!("validateSession"; { "accessToken": "eyJ", "clientIds": ["client-1", "client-2"] } => valid;
            client.validate_session(ValidateSession::new("eyJ").client_ids(["client-1", "client-2"]))),
        call!("validateSession", "for any client"; { "accessToken": "eyJ" } => valid; client.validate_session("eyJ")),
        call!("refreshSession"; { "refreshToken": "3f72" } => pair; client.refresh_session("3f72")),
        call!("revokeSession"; { "accessToken": "eyJ" } => {}; client.revoke_session("eyJ")),
        call!("revokeUserSessions"; { "userId": "user-1" } => {}; client.revoke_user_sessions("user-1")),
    ]
}
