//! What comes back from a challenge of whoever acts as another: the audit says who acted, and for whose account.
use std::future::IntoFuture as _;
use std::time::Duration;

use axum::Router;
use axum::routing::any;
use axum_authsignal::{AuditKind, AuthsignalLayer, Decision, NoPerson, User};

use crate::actors::who;
use crate::programs::{TOKEN, proof};
use crate::recorded::Memory;
use crate::support::{Bench, Visitor, bench_with, get, handle, json, way_back};

async fn bench() -> (Bench, Memory) {
    let events = Memory::default();
    let bench =
        bench_with(|builder| builder.audit(events.clone(), [7; 32]).identify_parts(who).bearer_challenges()).await;
    (bench, events)
}

fn layer(bench: &Bench) -> AuthsignalLayer {
    AuthsignalLayer::new(&bench.authsignal, "pay").machines(NoPerson::AskPerson).impersonation(NoPerson::AskPerson)
}

/// Each event, as "outcome code user actor impersonator", those that follow each other and are alike as one.
async fn recorded(bench: &Bench, events: &Memory) -> Vec<String> {
    bench.authsignal.close_audit().await;
    let events = events.0.lock().unwrap().clone();
    let decided = events.iter().filter(|event| event.kind == AuditKind::Decided);
    let mut recorded: Vec<_> = decided
        .map(|event| {
            let people = [&event.user, &event.actor, &event.impersonator].map(|person| person.as_deref());
            let words = [event.outcome, event.code].into_iter().chain(people);
            words.map(|word| word.unwrap_or("-")).collect::<Vec<_>>().join(" ")
        })
        .collect();
    recorded.dedup();
    recorded
}

/// Whatever comes of a challenge, the account is named beside whoever acted: also where the way back is somebody else's or nobody's,
/// or brings what is no proof.
#[tokio::test]
async fn whatever_comes_back_is_recorded_with_who_acted_and_for_whom() {
    let (bench, events) = bench().await;
    let app = Router::new()
        .route("/x", any(handle).layer(layer(&bench)))
        .with_state(bench.effects.clone())
        .merge(bench.authsignal.routes());
    let asked = get("/x").navigating();
    let mut bob = Visitor::new(&app, "ada@bob");
    let challenge = bob.challenge(&asked).await;
    bob.send(&way_back(&bench.emulator.quit(&challenge).unwrap())).await;
    let back = bench.prove(&challenge);
    bob.signed_in_as("ada").send(&back).await;
    let page = back.target.split("&token").next().unwrap();
    Visitor { user: None, ..bob.clone() }.send(&get(&format!("{page}&hop=1")).navigating()).await;
    bob.send(&get(&format!("{page}&token=none")).navigating()).await;
    bob.send(&back).await;
    bob.send(&asked).await.assert_passed();
    bench.clock.advance(Duration::from_secs(20));
    let challenge = bob.challenge(&asked).await;
    bob.send(&way_back(&bench.emulator.decline(&challenge).unwrap())).await;
    assert_eq!(
        recorded(&bench, &events).await,
        [
            "challenged AUTHSIGNAL-R004 ada impersonator bob",
            "left - ada impersonator bob",
            "turned_back AUTHSIGNAL-R019 ada impersonator bob",
            "turned_back AUTHSIGNAL-R001 ada impersonator bob",
            "turned_back AUTHSIGNAL-R030 ada impersonator bob",
            "proved - ada impersonator bob",
            "verified - ada impersonator bob",
            "challenged AUTHSIGNAL-R004 ada impersonator bob",
            "failed AUTHSIGNAL-R006 ada impersonator bob",
            "turned_back AUTHSIGNAL-R006 ada impersonator bob",
        ]
    );
}

/// The same of a machine's token, and of a job that is asked for again.
#[tokio::test]
async fn whatever_is_proved_elsewhere_is_recorded_with_who_acted_and_for_whom() {
    let (bench, events) = bench().await;
    let app = Router::new()
        .route("/x", any(handle).layer(layer(&bench)))
        .with_state(bench.effects.clone())
        .merge(bench.authsignal.routes());
    let asked = json("/x", "{}").header("authorization", "Bearer x");
    let mut token = Visitor::new(&app, "ada@machine");
    let challenge = token.challenge(&asked).await;
    token.send(&asked.clone().header(TOKEN, &proof(&bench, &challenge))).await.assert_passed();

    let job = || layer(&bench).decide(User::new("ada").impersonated_by("bob")).idempotency_key("job-7").into_future();
    let Decision::Pending(pending) = job().await else { panic!("it asks bob") };
    bench.emulator.succeed(pending.url().unwrap()).unwrap();
    assert!(matches!(job().await, Decision::Passed(_)));
    assert_eq!(
        recorded(&bench, &events).await,
        [
            "challenged AUTHSIGNAL-R004 ada machine -",
            "proved - ada machine -",
            "verified - ada machine -",
            "challenged AUTHSIGNAL-R004 ada impersonator bob",
            "proved - ada impersonator bob",
            "verified - ada impersonator bob",
        ]
    );
}
