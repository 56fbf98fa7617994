//! Routes that are only observed: every request goes on at once, and Authsignal is told of each, once.
mod never_stopped;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use authsignal_emulator::{Endpoint, Fault, Outcome};
use axum::Router;
use axum::routing::any;
use axum_authsignal::{AuthsignalBuilder, AuthsignalLayer, Grounds, Observed, RefusalReason, SkipReason, Unenrolled};

use crate::logs::Log;
use crate::shapes::{raw, serve, status};
use crate::support::{Ask, Bench, MINUTE, Visitor, bench, bench_with, form, get, handle, json};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

fn observing(bench: &Bench, change: fn(AuthsignalLayer) -> AuthsignalLayer) -> Router {
    let layer = change(AuthsignalLayer::new(&bench.authsignal, "pay")).observe();
    Router::new().route("/x", any(handle).layer(layer)).with_state(bench.effects.clone())
}

fn callers() -> [Ask; 4] {
    [
        get("/x").navigating(),
        form("/x", "amount=10"),
        json("/x", "{\"amount\":10}").header("sec-fetch-mode", "cors").header("sec-fetch-site", "same-origin"),
        json("/x", "{\"amount\":10}").header("authorization", "Bearer x"),
    ]
}

fn key(bench: &Bench) -> String {
    let verdict = bench.effects.last().verdict.expect("a verdict");
    assert_eq!(verdict.grounds(), &Grounds::Observed);
    verdict.idempotency_key().as_str().to_owned()
}

/// The keys of what Authsignal was told.
fn told(bench: &Bench) -> BTreeSet<String> {
    bench.emulator.all_actions().into_iter().map(|action| action.idempotency_key.as_str().to_owned()).collect()
}

/// T82: whoever asks, and whatever Authsignal would say, the request goes on with its body as it came; Authsignal has each, and
/// nobody's phone rings.
#[tokio::test]
async fn t82_every_request_goes_on_and_is_told_once_and_nobody_is_sent_a_code() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_push("phone");
    let log = Log::default();
    let _listening = log.listen();
    let app = observing(&bench, |layer| layer.unenrolled(Unenrolled::Deny).remember(MINUTE));
    assert!(log.text().contains("only observed"), "said at start: {}", log.text());
    let mut keys = BTreeSet::new();
    let rows = [
        ("ada", Outcome::Allow, "would=\"allowed\""),
        ("ada", Outcome::Challenge, "would=\"challenged\""),
        ("ada", Outcome::Block, "would=\"refused\""),
        ("ada", Outcome::Review, "would=\"refused\""),
        // With nothing enrolled, on a route that will refuse that.
        ("eve", Outcome::Allow, "would=\"refused\""),
    ];
    for (user, outcome, would) in rows {
        bench.emulator.set_outcome("pay", outcome);
        let before = log.text().matches(would).count();
        for ask in callers() {
            Visitor::new(&app, user).send(&ask).await.assert_passed();
            assert_eq!(bench.effects.last().body, ask.body);
            assert!(keys.insert(key(&bench)), "a key of its own");
        }
        assert_eq!(bench.authsignal.drain(PATIENCE).await.waiting, 0);
        assert_eq!(log.text().matches(would).count() - before, 4, "{user} {outcome:?}: {}", log.text());
    }
    // From a page of another site it would have been refused, not challenged.
    bench.emulator.set_outcome("pay", Outcome::Challenge);
    Visitor::new(&app, "ada").send(&form("/x", "a=b").header("sec-fetch-site", "cross-site")).await.assert_passed();
    keys.insert(key(&bench));
    let state = bench.authsignal.drain(PATIENCE).await;
    assert!(log.text().contains("cross_site"), "{}", log.text());
    println!("{} requests answered, {} events sent, {} lost", bench.effects.count(), state.sent, state.lost);
    assert_eq!((state.sent, state.lost, state.waiting), (21, 0, 0));
    assert_eq!((told(&bench), bench.tracks(), bench.effects.count()), (keys, 21, 21));
    assert!(bench.emulator.messages().is_empty() && bench.emulator.pending_challenges().is_empty());
    assert_eq!(bench.tracked().get("redirectUrl"), None, "nobody is to come back");
}

/// What would stop a request elsewhere does not: a prefetch, a token that is none, a service that hangs. Who is nobody, or has
/// an id that cannot be told, is refused.
#[tokio::test]
async fn only_the_want_of_a_user_stops_an_observed_request() {
    let bench = bench().await;
    bench.emulator.inject_fault(Endpoint::Track, Fault::delay(Duration::from_secs(5)).times(1));
    let app = observing(&bench, |layer| layer);
    let begun = Instant::now();
    let mut ada = Visitor::new(&app, "ada");
    ada.send(&get("/x")).await.assert_passed();
    assert!(begun.elapsed() < Duration::from_secs(4), "nobody waits for Authsignal");
    ada.send(&get("/x").header("authsignal-token", "no token")).await.assert_passed();
    ada.send(&get("/x").header("sec-purpose", "prefetch")).await.assert_passed();
    let grounds = bench.effects.last().verdict.unwrap().grounds().clone();
    assert!(matches!(grounds, Grounds::Skipped { reason: SkipReason::Prefetch, .. }), "nothing was tried: {grounds:?}");
    Visitor { user: None, ..ada.clone() }.send(&get("/x")).await.assert_refused(&RefusalReason::Unauthenticated);
    let hostile = Visitor::new(&app, "..").send(&get("/x")).await;
    assert!(matches!(hostile.reason(), Some(RefusalReason::InvalidUser(_))));
    assert_eq!(bench.effects.count(), 3);
    assert_eq!(bench.authsignal.drain(PATIENCE).await.sent, 2);

    let server = serve(app).await;
    let request =
        "POST /x HTTP/1.1\r\nhost: a.example\r\nx-user: ada\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi";
    assert_eq!(status(&raw(server.address, request.as_bytes()).await), 200);
    assert_eq!((bench.authsignal.drain(PATIENCE).await.sent, bench.effects.count()), (3, 4));
}

/// An outage holds nobody up, and what was noted meanwhile is sent once it is over, each once.
#[tokio::test]
async fn what_is_observed_in_an_outage_is_sent_when_it_is_over() {
    let bench = bench_with(AuthsignalBuilder::without_circuit_breaker).await;
    bench.emulator.inject_fault(Endpoint::Track, Fault::status(503).times(10_000));
    let log = Log::default();
    let _listening = log.listen();
    let app = observing(&bench, |layer| layer);
    let mut keys = BTreeSet::new();
    for _ in 0..40 {
        Visitor::new(&app, "ada").send(&json("/x", "{}")).await.assert_passed();
        keys.insert(key(&bench));
    }
    let state = bench.authsignal.drain(Duration::from_millis(300)).await;
    assert_eq!((state.waiting, state.sent, state.lost), (40, 0, 0), "nothing is given up yet");
    assert!(log.text().contains("not sent yet"), "a drain that does not end says so");
    bench.emulator.clear_faults();
    let state = bench.authsignal.drain(PATIENCE).await;
    assert_eq!((state.waiting, state.sent, state.lost), (0, 40, 0));
    assert_eq!((told(&bench), bench.emulator.all_actions().len()), (keys, 40));

    // What Authsignal refuses is refused again: it is lost at once, and said.
    bench.emulator.inject_fault(Endpoint::Track, Fault::status(400).times(1));
    Visitor::new(&app, "ada").send(&json("/x", "{}")).await.assert_passed();
    assert_eq!(bench.authsignal.drain(PATIENCE).await.lost, 1);
    assert!(log.text().contains("is lost: Authsignal refused it"), "{}", log.text());
}

/// A queue that is full holds a request up for a moment and no longer; what is lost is counted and said, by its id.
#[tokio::test]
async fn a_full_queue_loses_events_loudly_and_stops_nobody() {
    let bench = bench_with(|builder| builder.max_observed(8)).await;
    bench.emulator.inject_fault(Endpoint::Track, Fault::status(503).times(100_000));
    let log = Log::default();
    let _listening = log.listen();
    let app = observing(&bench, |layer| layer);
    let mut longest = Duration::ZERO;
    for _ in 0..50 {
        let begun = Instant::now();
        Visitor::new(&app, "ada").send(&json("/x", "{}")).await.assert_passed();
        longest = longest.max(begun.elapsed());
    }
    let Observed { waiting, sent, lost, .. } = bench.authsignal.observed();
    println!("50 requests, 8 have room and 32 are on their way: {waiting} wait, {lost} lost, {longest:?} at most");
    assert_eq!((bench.effects.count(), waiting, sent, lost), (50, 40, 0, 10));
    assert!(longest < Duration::from_secs(5), "{longest:?}");
    assert_eq!(log.text().matches("max_observed").count(), 10, "{}", log.text());
    bench.emulator.clear_faults();
    let state = bench.authsignal.drain(PATIENCE).await;
    assert_eq!((state.waiting, state.sent, state.lost), (0, 40, 10));
}

/// T61: what is observed outside is decided inside, and what is observed twice is told once.
#[tokio::test]
async fn t61_an_observed_pass_is_no_answer_for_a_layer_that_asks() {
    let bench = bench().await;
    bench.emulator.set_outcome("pay", Outcome::Challenge);
    let layer = || AuthsignalLayer::new(&bench.authsignal, "pay");
    let rows = [
        ("both observe", layer().observe(), layer().observe(), 200, 1),
        ("the inner one asks", layer().observe(), layer(), 403, 2),
        ("the outer one asks", layer(), layer().observe(), 403, 1),
        ("the outer one is off", layer().off("a reason"), layer().observe(), 200, 1),
        ("the inner one is off", layer().observe(), layer().off("a reason"), 200, 1),
    ];
    for (why, outer, inner, want, tracks) in rows {
        let app = Router::new().route("/x", any(handle).layer((outer, inner))).with_state(bench.effects.clone());
        let before = bench.tracks();
        let reply = Visitor::new(&app, "ada").send(&json("/x", "{}")).await;
        bench.authsignal.drain(PATIENCE).await;
        assert_eq!((reply.status, bench.tracks() - before), (want, tracks), "{why}");
    }
}
