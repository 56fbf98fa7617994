//! Actions, and what they prove.
use std::time::{Duration, UNIX_EPOCH};

use authsignal_client::{ActionState, CustomData, CustomValue, IdempotencyKey, QueryActions, Track, Validate};
use serde_json::json;

use super::{Call, KEY, custom};

/// 2026-01-01T00:00:00Z.
const NEW_YEAR: Duration = Duration::from_secs(1_767_225_600);

pub(super) fn calls() -> Vec<Call> {
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
        call!("track", "under the service's key, with what no type knows"; {
            "userId": "user-1", "action": "withdrawal", "attributes": {
                "brandNew": { "deep": [1, null] },
                "custom": { "tier": null, "cart": { "items": [1, "a", null] }, "mixed": [true, "b", 0.5] },
            },
        } => tracked; client.track(
            "user-1",
            Track::new("withdrawal").without_idempotency_key().other("brandNew", json!({ "deep": [1, null] })).custom(
                CustomData::new()
                    .with("tier", CustomValue::Null)
                    .with("cart", json!({ "items": [1, "a", null] }))
                    .with("mixed", json!([true, "b", 0.5])),
            )
        )),
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
        } => []; client.query_user_actions(
            "user-1",
            QueryActions::new()
                .from_date(UNIX_EPOCH + NEW_YEAR)
                .codes(["withdrawal", "signIn"])
                .state(ActionState::ChallengeSucceeded)
        )),
        call!("queryUserActions", "all of them"; { "userId": "user-1" } => [];
            client.query_user_actions("user-1", QueryActions::new())),
        call!("updateAction"; { "userId": "user-1", "action": "withdrawal", "idempotencyKey": KEY, "attributes": {
            "state": "REVIEW_SUCCEEDED",
        } } => action; client.update_action("user-1", "withdrawal", KEY, ActionState::ReviewSucceeded)),
    ]
}
