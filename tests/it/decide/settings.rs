//! What each setting of a layer does where there is no request, as docs/handlers.md says.
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use authsignal_emulator::{Endpoint, Fault, Outcome};
use axum_authsignal::client::{CustomData, VerificationMethod};
use axum_authsignal::{
    Ask, AuthsignalLayer, Coverage, Decision, FallbackRequest, Grounds, NoPerson, OnOutage, RefusalReason, SkipReason,
    Transaction, Unenrolled, User, WhenRequest,
};
use serde::Deserialize;
use serde_json::Value;

use super::{Office, amount, office, pending};
use crate::logs::Log;
use crate::support::MINUTE;

#[derive(Debug, Deserialize, Transaction)]
struct Payout {
    amount: u64,
}

/// Authsignal asks for a proof, unless told otherwise.
fn challenging() -> (Office, AuthsignalLayer) {
    let office = office();
    office.emulator.set_outcome("payout", Outcome::Challenge);
    let layer = AuthsignalLayer::new(&office.authsignal, "payout");
    (office, layer)
}

#[track_caller]
fn refused(decision: Decision) -> RefusalReason {
    match decision {
        Decision::Refused(refusal) | Decision::Unavailable(refusal) => refusal.reason().clone(),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn grounds(decision: Decision) -> Grounds {
    match decision {
        Decision::Passed(verdict) => verdict.grounds().clone(),
        other => panic!("{other:?}"),
    }
}

/// An empty body in the place of what is decided would be another value: such a layer asks nobody, and the log says what does.
#[tokio::test]
async fn a_layer_that_reads_bodies_decides_nothing_without_one() {
    let (office, layer) = challenging();
    let log = Log::default();
    let _listening = log.listen();
    let points = |value: Value| CustomData::new().with("amount", value.to_string());
    let optional = |value: Option<u64>| CustomData::new().with("amount", value.unwrap_or_default());
    let reading = [
        layer.clone().transaction::<Payout>(),
        layer.clone().custom_json(points),
        layer.clone().custom_form(points),
        // What an empty body would be read as.
        layer.clone().custom_json(optional),
        layer.clone().custom_json(points).off("an incident"),
        layer.clone().custom_json(points).observe(),
    ];
    for (number, layer) in reading.into_iter().enumerate() {
        let decision = layer.decide(User::new("ada")).data(amount(10)).await;
        assert_eq!(refused(decision), RefusalReason::Unguarded, "{number}");
    }
    assert_eq!(office.emulator.calls(Endpoint::Track), 0);
    assert_eq!(log.text().matches("setter=\"Decide::data\"").count(), 6, "{}", log.text());
    pending(layer.decide(User::new("ada")).data(amount(10)).await);
}

#[tokio::test]
async fn which_requests_are_asked_about_holds_for_decisions() {
    let (office, layer) = challenging();
    let ada = || User::new("ada");
    let off = grounds(layer.clone().off("an incident").decide(ada()).await);
    assert!(matches!(off, Grounds::Skipped { reason: SkipReason::Off(_), .. }), "{off:?}");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let seeing = Arc::clone(&seen);
    let small = layer.clone().when(move |request: WhenRequest| {
        seeing.lock().unwrap().push((request.parts().method.to_string(), request.parts().uri.to_string()));
        async { Ask::No("below 100 EUR") }
    });
    let when = grounds(small.decide(ada()).await);
    assert!(matches!(when, Grounds::Skipped { reason: SkipReason::When(_), .. }), "{when:?}");
    assert_eq!(*seen.lock().unwrap(), [("POST".to_owned(), "/".to_owned())], "no request is there to be seen");
    let few = layer.clone().share(1);
    let mut skipped = 0;
    for number in 0..100 {
        let decision = few.decide(User::new(format!("user-{number}"))).await;
        skipped += u32::from(matches!(&decision, Decision::Passed(verdict)
            if matches!(verdict.grounds(), Grounds::Skipped { reason: SkipReason::Share, .. })));
    }
    assert!((80..=100).contains(&skipped), "{skipped}");
    let told = office.emulator.calls(Endpoint::Track);
    assert_eq!(grounds(layer.clone().observe().decide(ada()).await), Grounds::Observed);
    office.authsignal.drain(MINUTE).await;
    assert_eq!(office.emulator.calls(Endpoint::Track), told + 1);
}

#[tokio::test]
async fn what_a_proof_has_to_be_and_who_asks_hold_for_decisions() {
    let (office, layer) = challenging();
    let ada = || User::new("ada");
    let strict = layer.clone().methods([VerificationMethod::Passkey]);
    let reason = refused(strict.decide(ada()).await);
    assert!(matches!(reason, RefusalReason::NotEnrolled | RefusalReason::MethodsNotOffered), "{reason:?}");
    let denying = layer.clone().unenrolled(Unenrolled::Deny);
    assert_eq!(refused(denying.decide(User::new("eve")).await), RefusalReason::NotEnrolled);
    for layer in [layer.clone(), layer.clone().machines(NoPerson::AllowedOnly)] {
        assert_eq!(refused(layer.decide(ada().machine()).await), RefusalReason::NoPerson);
    }
    assert_eq!(refused(layer.decide(ada().impersonated_by("bob")).await), RefusalReason::NoPerson);
    // Too old, once it is asked for again.
    let fresh = layer.clone().max_age(MINUTE);
    let waiting = pending(fresh.decide(ada()).idempotency_key("job-7").await);
    office.emulator.succeed(waiting.url().unwrap()).unwrap();
    office.clock.advance(MINUTE * 2);
    let again = fresh.decide(ada()).idempotency_key("job-7").await;
    assert!(!matches!(again, Decision::Passed(_)), "{again:?}");

    office.emulator.set_outcome("payout", Outcome::Review);
    let waiting = pending(layer.clone().review(MINUTE).decide(ada()).await);
    assert!(waiting.url().is_none());
}

#[tokio::test]
async fn what_becomes_of_an_outage_holds_for_decisions() {
    let (office, layer) = challenging();
    office.emulator.inject_fault(Endpoint::Track, Fault::status(503).always());
    let ada = || User::new("ada");
    assert!(matches!(refused(layer.decide(ada()).await), RefusalReason::Outage(_)));
    let admitted = grounds(layer.clone().on_outage(OnOutage::Admit).decide(ada()).await);
    assert!(matches!(admitted, Grounds::Failover { is_proven: false, .. }), "{admitted:?}");
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let asked = Arc::clone(&bodies);
    let proving = layer.clone().fallback(move |request: FallbackRequest| {
        asked.lock().unwrap().push(request.body().len());
        async { Ok::<_, Infallible>(true) }
    });
    let proved = grounds(proving.decide(ada()).await);
    assert!(matches!(proved, Grounds::Failover { is_proven: true, .. }), "{proved:?}");
    assert_eq!(*bodies.lock().unwrap(), [0], "no body is there to be seen");
}

/// What is a request's, or a browser's, does not count.
#[tokio::test]
async fn what_is_of_a_request_does_not_count_for_decisions() {
    let (office, layer) = challenging();
    let ada = || User::new("ada").session("one");
    for layer in [
        layer.clone().covers(Coverage::Action).remember(MINUTE * 10),
        layer.clone().covers(Coverage::Route),
        layer.clone().covers(Coverage::Action).accepts_sign_in("signIn", MINUTE),
    ] {
        let waiting = pending(layer.decide(ada()).await);
        office.emulator.succeed(waiting.url().unwrap()).unwrap();
        assert!(matches!(waiting.wait(Duration::ZERO).await, axum_authsignal::Waited::Verified(_)));
        // Another decision is another attempt, whatever was proved before.
        pending(layer.decide(ada()).await);
    }
    let told = layer.clone().custom(|parts| CustomData::new().with("path", parts.uri.path()));
    pending(told.decide(ada()).data(amount(10)).await);
    let requests = office.emulator.received_requests();
    let last = requests.iter().rev().find(|request| request.endpoint == Endpoint::Track).unwrap().json();
    assert_eq!(last["custom"], serde_json::json!({ "path": "/", "amount": 10 }));
}
