//! Jobs that were held for a review: for how long its answer is good.
use authsignal_emulator::Outcome;
use axum_authsignal::client::ActionState;
use axum_authsignal::{AuthsignalLayer, Decision, RefusalReason, Unproven, User, Waited};

use super::{office, office_with, pending};
use crate::audit::Memory;
use crate::support::MINUTE;

/// T29, T107: no review passes a job once it is revoked, has run out or was used up: not by the service's word about the same key, and not
/// under a layer that waits for none. What is refused is told so, and nothing passes in the audit.
#[tokio::test]
async fn t29_t107_a_review_that_is_over_passes_no_job() {
    for how in ["revoked", "revoked first", "run out", "used up"] {
        let sink = Memory::default();
        let office = office_with(|builder| builder.audit(sink.clone(), "an audit's key, of 32 bytes or more"));
        office.emulator.set_outcome("payout", Outcome::Review);
        let plain = AuthsignalLayer::new(&office.authsignal, "payout");
        let layer = plain.clone().review(MINUTE * 60);
        let decide = |layer: &AuthsignalLayer| layer.decide(User::new("ada")).idempotency_key("job-7").into_future();
        let held = pending(decide(&layer).await);
        let key = held.idempotency_key().clone();
        office.emulator.set_state("ada", "payout", key.as_str(), ActionState::ReviewSucceeded).unwrap();
        office.clock.advance(MINUTE);
        if how != "revoked first" {
            assert!(matches!(held.check().await, Waited::Verified(_)), "{how}");
        }
        match how {
            "run out" => office.clock.advance(MINUTE * 90),
            "used up" => assert!(matches!(decide(&layer).await, Decision::Passed(_))),
            _ => office.authsignal.revoke("ada").await.unwrap(),
        }
        if how != "used up" {
            assert!(matches!(held.check().await, Waited::Expired), "{how}");
        }
        for layer in [&layer, &plain, &layer] {
            let decided = decide(layer).await;
            let Decision::Refused(refusal) = decided else { panic!("{how}: {decided:?}") };
            assert_eq!(refusal.reason(), &RefusalReason::Unproven(Unproven::Expired), "{how}");
            office.clock.advance(MINUTE);
        }
        office.authsignal.close_audit().await.unwrap();
        let passes = sink.events().iter().filter(|event| event.to_line().contains("\"settled\"")).count();
        assert_eq!(passes, usize::from(how == "used up"), "{how}");
    }
}

/// A review that was noticed is good for five minutes to whoever waits, as a proof is.
#[tokio::test]
async fn a_review_that_was_noticed_is_good_for_five_minutes() {
    let office = office();
    office.emulator.set_outcome("payout", Outcome::Review);
    let layer = AuthsignalLayer::new(&office.authsignal, "payout").review(MINUTE * 60 * 24);
    let held = pending(layer.decide(User::new("ada")).idempotency_key("job-7").await);
    let key = held.idempotency_key().as_str();
    office.emulator.set_state("ada", "payout", key, ActionState::ReviewSucceeded).unwrap();
    office.clock.advance(MINUTE * 60);
    for _ in 0..5 {
        assert!(matches!(held.check().await, Waited::Verified(_)));
        office.clock.advance(MINUTE);
    }
    assert!(matches!(held.check().await, Waited::Expired));
}
