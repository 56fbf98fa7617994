//! Those of Call Connect.

use authsignal_client::{CallChannel, CallState, FinishCall, StartCall};

use super::Call;

pub(super) fn calls() -> Vec<Call> {
    vec![
        call!("startCall"; {
            "referenceId": "call-1", "phoneNumber": "2025550123", "country": "USA", "userId": "user-1",
            "username": "ada", "channel": "SMS", "email": "ada@example.com", "locale": "en-US",
            "actionCode": "support",
        } => { "messageId": "m-1", "channel": "SMS" }; calls.start_call(
            StartCall::new("call-1")
                .phone_number("2025550123")
                .country("USA")
                .user_id("user-1")
                .username("ada")
                .channel(CallChannel::Sms)
                .email("ada@example.com")
                .locale("en-US")
                .action_code("support")
        )),
        call!("startCall", "nothing but its name"; { "referenceId": "call-1" } => {}; calls.start_call("call-1")),
        call!("finishCall"; {
            "referenceId": "call-1", "state": "CHALLENGE_SUCCEEDED", "userId": "user-1",
            "payload": { "agent": "7", "minutes": 4, "notes": { "calm": true, "tags": ["a", "b"] } },
        } => { "success": true }; calls.finish_call(
            FinishCall::new("call-1", CallState::ChallengeSucceeded)
                .user_id("user-1")
                .with("agent", "7")
                .with("minutes", 4)
                .with("notes", serde_json::json!({ "calm": true, "tags": ["a", "b"] }))
        )),
        call!("finishCall", "nothing but how"; { "referenceId": "call-1", "state": "CHALLENGE_FAILED" } => {
            "success": true,
        }; calls.finish_call(("call-1", CallState::ChallengeFailed))),
    ]
}
