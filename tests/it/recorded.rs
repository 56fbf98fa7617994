//! What passes unasked, what is only observed, and who was behind a request: each stands in the audit once.
use std::sync::{Arc, Mutex};
use std::time::Duration;

use authsignal_emulator::{Endpoint, Fault, Outcome};
use axum::Router;
use axum::routing::any;
use axum_authsignal::{Ask, AuditError, AuditEvent, AuditKind, AuditSink, AuthsignalLayer, NoPerson, User};
use test_support::waiting::until;

use crate::support::{Visitor, bench_with, handle, json};

/// Keeps what is recorded.
#[derive(Clone, Default)]
pub(crate) struct Memory(pub(crate) Arc<Mutex<Vec<AuditEvent>>>);

impl AuditSink for Memory {
    async fn record(&self, event: AuditEvent) -> Result<(), AuditError> {
        self.0.lock().unwrap().push(event);
        Ok(())
    }
}

#[tokio::test]
async fn what_passes_unasked_or_is_observed_is_recorded_once() {
    let events = Memory::default();
    let bench = bench_with(|builder| {
        builder.audit(events.clone(), [7; 32]).identify_parts(|parts| {
            let user = User::new(parts.headers.get("x-user")?.to_str().ok()?);
            Some(match parts.headers.get("x-actor").map(|actor| actor.to_str().unwrap_or_default()) {
                None => user,
                Some("machine") => user.machine(),
                Some(other) => user.impersonated_by(other),
            })
        })
    })
    .await;
    bench.emulator.set_outcome("pay", Outcome::Challenge);
    let layer = || AuthsignalLayer::new(&bench.authsignal, "pay");
    let route = |layer: AuthsignalLayer| any(handle).layer(layer);
    let app = Router::new()
        .route("/off", route(layer().off("incident 42")))
        .route("/when", route(layer().when(|_| async { Ask::No("below 100 EUR") })))
        .route("/observed", route(layer().observe().impersonation(NoPerson::AskPerson)))
        .route("/guarded", route(layer()))
        .with_state(bench.effects.clone());
    let mut ada = Visitor::new(&app, "ada");
    let asked = [
        ("/off", ""),
        ("/when", ""),
        ("/observed", ""),
        ("/observed", "bob"),
        ("/observed", "machine"),
        ("/guarded", "machine"),
    ];
    for (target, actor) in asked {
        let ask = json(target, "{}");
        let ask = if actor.is_empty() { ask } else { ask.header("x-actor", actor) };
        ada.send(&ask).await;
    }
    assert_eq!(bench.authsignal.drain(Duration::from_secs(60)).await.sent, 3);
    bench.authsignal.close_audit().await;
    let events = events.0.lock().unwrap().clone();
    let mut recorded: Vec<_> = events
        .iter()
        .filter(|event| event.kind == AuditKind::Decided)
        .map(|event| {
            let words = [
                event.skipped.as_deref(),
                event.would,
                event.actor.as_deref(),
                event.impersonator.as_deref(),
                event.code,
            ];
            let words: Vec<_> = words.into_iter().map(Option::unwrap_or_default).collect();
            let outcome = event.outcome.unwrap_or_default();
            format!(
                "{} {} {outcome} {}",
                event.route.as_deref().unwrap_or_default(),
                event.user.as_deref().unwrap_or_default(),
                words.join("|")
            )
        })
        .collect();
    // What is observed is recorded when it was sent.
    recorded.sort();
    assert_eq!(
        recorded,
        [
            "/guarded ada refused ||machine||AUTHSIGNAL-R034",
            "/observed ada observed |challenged|impersonator|bob|AUTHSIGNAL-R004",
            "/observed ada observed |challenged|||AUTHSIGNAL-R004",
            "/observed ada observed |refused|machine||AUTHSIGNAL-R034",
            "/off ada skipped off: incident 42||||",
            "/when ada skipped when: below 100 EUR||||",
        ]
    );
}

/// What has no room is recorded all the same, with who is behind it.
#[tokio::test]
async fn an_observed_request_that_has_no_room_is_recorded_with_who_acts() {
    let events = Memory::default();
    let bench = bench_with(|builder| {
        let builder = builder.audit(events.clone(), [7; 32]).max_observed(1);
        builder.identify_parts(|_| Some(User::new("ada").impersonated_by("bob")))
    })
    .await;
    bench.emulator.inject_fault(Endpoint::Track, Fault::status(503).always());
    let layer = AuthsignalLayer::new(&bench.authsignal, "pay").observe().impersonation(NoPerson::AskPerson);
    let app = Router::new().route("/observed", any(handle).layer(layer)).with_state(bench.effects.clone());
    let mut ada = Visitor::new(&app, "ada");
    until("an observed request has no room", async || {
        ada.send(&json("/observed", "{}")).await.assert_passed();
        bench.authsignal.observed().lost > 0
    })
    .await;
    bench.authsignal.close_audit().await;
    let recorded = events.0.lock().unwrap().clone();
    let lost: Vec<_> = recorded.iter().filter(|event| event.outage == Some("overloaded")).collect();
    let [lost] = lost[..] else { panic!("{recorded:?}") };
    assert_eq!((lost.user.as_deref(), lost.impersonator.as_deref()), (Some("ada"), Some("bob")), "{lost:?}");
}
