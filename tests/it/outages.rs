//! Outages: every fault by every call and policy, as documented; what no caller can bring about; the breaker.
use std::io;
use std::time::Duration;

use authsignal_emulator::{Endpoint, Fault, Outcome};
use axum::Router;
use axum::routing::any;
use axum_authsignal::client::TransportError;
use axum_authsignal::{
    AuthsignalBuilder, AuthsignalLayer, Circuit, Client, FallbackRequest, Grounds, NoFailover, OnOutage, Outage,
    RefusalReason,
};
use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use tower::service_fn;

use crate::logs::Log;
use crate::support::{Effects, Reply, Visitor, clock, emulator, get, handle, post};

mod attacks;
mod cells;
mod hang;
mod wire;

/// The application's own proof, in a header.
pub(crate) async fn is_proven(request: FallbackRequest) -> Result<bool, io::Error> {
    Ok(request.parts().headers.get("x-proof").is_some_and(|proof| proof == "right"))
}

/// A client of a service that nobody can connect to.
pub(crate) fn unreachable() -> Client {
    let refused = service_fn(|_: http::Request<Bytes>| async {
        Err::<Response<Full<Bytes>>, _>(TransportError::connect(io::Error::from(io::ErrorKind::ConnectionRefused)))
    });
    Client::builder("any-key").base_url("http://127.0.0.1:9/v1").transport(refused).retries(0).build().unwrap()
}

/// A handle on that, for routes that a test makes.
fn out(change: impl FnOnce(AuthsignalBuilder) -> AuthsignalBuilder) -> axum_authsignal::Authsignal {
    let builder = axum_authsignal::Authsignal::builder(unreachable())
        .callback_url(crate::support::CALLBACK)
        .identify(|headers: http::HeaderMap| async move { crate::support::who(&headers) });
    change(builder.clock(clock())).build().unwrap()
}

fn route(layers: impl IntoIterator<Item = AuthsignalLayer>) -> (Router, Effects) {
    let effects = Effects::default();
    let mut handler = any(handle);
    // The first is the innermost.
    for layer in layers {
        handler = handler.layer(layer);
    }
    (Router::new().route("/pay", handler).with_state(effects.clone()), effects)
}

#[track_caller]
fn assert_stopped(reply: &Reply, outage: Outage, why: Option<NoFailover>) {
    assert_eq!((reply.status, reply.reason()), (503, Some(&RefusalReason::Outage(outage))));
    assert_eq!(reply.refusal.as_ref().unwrap().no_failover(), why);
}

/// A pass in an outage says so, to the handler, in the log and to whoever is over the budget; and it is bounded.
#[tokio::test]
async fn t77_a_failover_is_bounded_and_says_what_it_is() {
    let log = Log::default();
    let listening = log.listen();
    let authsignal = out(|builder| builder.failover_budget(4, 2));
    let (app, effects) = route([AuthsignalLayer::new(&authsignal, "pay").on_outage(OnOutage::Admit)]);
    let mut passed = 0;
    for user in ["ada", "ada", "ada", "bob", "eve", "ivy"] {
        let reply = Visitor::new(&app, user).send(&get("/pay")).await;
        if reply.status == 200 {
            passed += 1;
            let verdict = effects.last().verdict.unwrap();
            assert!(verdict.is_failover() && !verdict.is_verified());
            assert!(matches!(verdict.grounds(), Grounds::Failover { outage: Outage::Connect, is_proven: false, .. }));
        } else {
            assert_stopped(&reply, Outage::Connect, Some(NoFailover::OverBudget));
            let problem = reply.json();
            assert_eq!((&problem["outage"], &problem["failover"]), (&"connect".into(), &"over_budget".into()));
            assert_eq!(reply.header("retry-after"), "60");
        }
    }
    assert_eq!((passed, effects.count()), (4, 4));
    drop(listening);
    let text = log.text();
    assert_eq!(text.matches("request passed without a decision of Authsignal's").count(), 4, "{text}");
    assert_eq!(text.matches("failover=\"admitted\"").count(), 4);
    assert_eq!(text.matches("failover=\"over_budget\"").count(), 2);
    assert!(text.contains("AuthsignalBuilder::failover_budget"));
    println!("4 of 6 requests passed in an outage, of a budget of 4");
}

/// T61: an outer layer's failover never answers for an inner layer that refuses, or asks for a proof of its own.
#[tokio::test]
async fn t61_an_outer_failover_is_no_answer_for_a_stricter_layer() {
    let authsignal = out(|builder| builder.failover_budget(100, 100));
    let refuse = || AuthsignalLayer::new(&authsignal, "pay");
    let admit = || refuse().on_outage(OnOutage::Admit);
    let fallback = || refuse().fallback(is_proven);
    let refused = Some((503, None));
    let unproven = Some((503, Some(NoFailover::Unproven)));
    // inner, outer, with a proof; and what becomes of it
    let cells = [
        (refuse(), admit(), false, refused),
        (refuse(), fallback(), true, refused),
        (admit(), admit(), false, None),
        (admit(), fallback(), true, None),
        (fallback(), admit(), false, unproven),
        (fallback(), admit(), true, None),
        (fallback(), fallback(), true, None),
        (admit(), refuse(), false, refused),
        (fallback(), refuse(), true, refused),
    ];
    for (number, (inner, outer, proves, stopped)) in cells.into_iter().enumerate() {
        let (app, effects) = route([inner, outer]);
        let ask = post("/pay", "text/plain", number.to_string());
        let ask = if proves { ask.header("x-proof", "right") } else { ask };
        let reply = Visitor::new(&app, "ada").send(&ask).await;
        assert_eq!(reply.refusal.as_ref().map(|refusal| (503, refusal.no_failover())), stopped, "cell {number}");
        assert_eq!(effects.count(), usize::from(stopped.is_none()), "cell {number}");
    }
}

/// A proof is for one user, session and request, and passes once on whatever node; whatever is no plain yes refuses.
#[tokio::test]
async fn t86_a_proof_of_the_applications_own_passes_once_and_its_faults_refuse() {
    let store = axum_authsignal::store::MemoryStore::new().clock(clock());
    let node = || out(|builder| builder.store(store.clone()).failover_budget(1_000, 1_000));
    let (one, two) = (node(), node());
    let layer = |authsignal| AuthsignalLayer::new(authsignal, "pay").fallback(is_proven);
    let (first, effects) = route([layer(&one)]);
    let (second, others) = route([layer(&two)]);
    let ask = |body: &'static str| post("/pay", "text/plain", body).header("x-proof", "right");
    let mut ada = Visitor::new(&first, "ada");
    assert_stopped(&ada.send(&post("/pay", "text/plain", "10")).await, Outage::Connect, Some(NoFailover::Unproven));
    ada.send(&ask("10")).await.assert_passed();
    let grounds = effects.last().verdict.unwrap();
    assert!(matches!(grounds.grounds(), Grounds::Failover { is_proven: true, .. }));
    assert_eq!(effects.last().body, "10");
    for app in [&first, &second] {
        let again = Visitor::new(app, "ada").send(&ask("10")).await;
        assert_eq!((again.status, again.reason()), (409, Some(&RefusalReason::AlreadyDone)));
    }
    // Another request, session and user are others.
    Visitor::new(&second, "ada").send(&ask("11")).await.assert_passed();
    Visitor::new(&second, "ada").in_session("two").send(&ask("10")).await.assert_passed();
    Visitor::new(&second, "bob").send(&ask("10")).await.assert_passed();
    assert_eq!((effects.count(), others.count()), (1, 3));

    // Of many at once, one passes.
    let at_once = (0..100).map(|number| {
        let mut ada = Visitor::new(if number % 2 == 0 { &first } else { &second }, "ada");
        async move { ada.send(&ask("raced")).await.status }
    });
    let statuses = futures_util::future::join_all(at_once).await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1);
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 99);
    println!("1 of 100 requests with one proof passed");
}

/// T92, T86: while keys rotate, a proof that was spent at a node with the newer secret is spent at one that has the older alone,
/// and the other way round.
#[tokio::test]
async fn t92_t86_a_proof_is_spent_once_while_keys_rotate() {
    let store = axum_authsignal::store::MemoryStore::new().clock(clock());
    let older = out(|builder| builder.store(store.clone()).secret([1; 32]));
    let newer = out(|builder| builder.store(store.clone()).secret([2; 32]).older_secret([1; 32]));
    let layer = |authsignal| AuthsignalLayer::new(authsignal, "pay").fallback(is_proven);
    let (old, effects) = route([layer(&older)]);
    let (new, others) = route([layer(&newer)]);
    for (name, first, second) in [("old, new", &old, &new), ("new, old", &new, &old)] {
        let ask = post("/pay", "text/plain", name).header("x-proof", "right");
        Visitor::new(first, "ada").send(&ask).await.assert_passed();
        for app in [second, first] {
            assert_eq!(Visitor::new(app, "ada").send(&ask).await.status, 409, "{name}");
        }
    }
    assert_eq!((effects.count(), others.count()), (1, 1));
}

/// T86: a check that fails, panics before or in its future, or never ends is no proof, and the next request is as before.
#[tokio::test]
async fn t86_a_check_that_breaks_refuses() {
    let log = Log::default();
    let listening = log.listen();
    let authsignal = out(|builder| builder.failover_budget(1_000, 1_000));
    let layer = || AuthsignalLayer::new(&authsignal, "pay");
    async fn fails(_: FallbackRequest) -> Result<bool, io::Error> {
        Err(io::Error::other("no directory"))
    }
    async fn panics(_: FallbackRequest) -> Result<bool, io::Error> {
        tokio::task::yield_now().await;
        panic!("of the application's")
    }
    async fn hangs(_: FallbackRequest) -> Result<bool, io::Error> {
        std::future::pending().await
    }
    type Never = std::future::Ready<Result<bool, io::Error>>;
    let at_once = |_: FallbackRequest| -> Never { panic!("before there is a future") };
    let broken = [
        layer().fallback(fails),
        layer().fallback(panics),
        layer().fallback(at_once),
        layer().fallback(hangs).fallback_timeout(Duration::from_millis(20)),
    ];
    for layer in broken {
        let (app, effects) = route([layer]);
        for number in 0..3 {
            let ask = post("/pay", "text/plain", number.to_string()).header("x-proof", "right");
            let reply = Visitor::new(&app, "ada").send(&ask).await;
            assert_stopped(&reply, Outage::Connect, Some(NoFailover::Broken));
        }
        assert_eq!(effects.count(), 0);
    }
    assert_eq!(authsignal.upstream().in_flight, 0);
    let (app, _) = route([layer().fallback(is_proven)]);
    Visitor::new(&app, "ada").send(&get("/pay").header("x-proof", "right")).await.assert_passed();
    drop(listening);
    for words in ["no directory", "panicked", "took too long", "AuthsignalLayer::fallback_timeout"] {
        assert!(log.text().contains(words), "{words}");
    }
}

/// T79, T83: open, the breaker asks nobody and says what opened it, once in the log; a probe closes it.
#[tokio::test]
async fn t79_t83_the_breaker_opens_says_so_and_closes_by_a_probe() {
    let log = Log::default();
    let listening = log.listen();
    let clock = clock();
    let emulator = emulator(&clock).await;
    let client = Client::builder(emulator.secret()).base_url(emulator.base_url()).retries(0).build().unwrap();
    let pause = Duration::from_millis(300);
    let authsignal = axum_authsignal::Authsignal::builder(client)
        .callback_url(crate::support::CALLBACK)
        .clock(clock)
        .circuit_breaker(3, pause)
        .failover_budget(1, 1)
        .identify(|headers: http::HeaderMap| async move { crate::support::who(&headers) })
        .build()
        .unwrap();
    emulator.set_outcome("pay", Outcome::Allow);
    let (app, effects) = route([AuthsignalLayer::new(&authsignal, "pay")]);
    let (open, admitted) = route([AuthsignalLayer::new(&authsignal, "pay").on_outage(OnOutage::Admit)]);
    let ask = async || Visitor::new(&app, "ada").send(&get("/pay")).await;
    // T79: what a caller can bring about opens nothing.
    for fault in [Fault::status(429), Fault::status(400), Fault::body(200, "text/html", "x"), Fault::hang_up()] {
        emulator.inject_fault(Endpoint::Track, fault.times(50));
        for _ in 0..50 {
            assert_eq!(ask().await.status, 503);
        }
        assert_eq!(authsignal.upstream().circuit, Circuit::Closed);
    }
    ask().await.assert_passed();

    emulator.inject_fault(Endpoint::Track, Fault::status(503).always());
    for _ in 0..100 {
        assert_stopped(&ask().await, Outage::Server, None);
    }
    let state = authsignal.upstream();
    assert_eq!((state.outage, state.in_flight), (Some(Outage::Server), 0));
    assert_ne!(state.circuit, Circuit::Closed);
    let opened = log.text();
    assert_eq!(opened.matches("circuit=\"open\"").count(), 1, "{opened}");
    // A policy sees the outage that opened it.
    Visitor::new(&open, "ada").send(&get("/pay")).await.assert_passed();
    assert!(matches!(admitted.last().verdict.unwrap().grounds(), Grounds::Failover { outage: Outage::Server, .. }));
    // Once more, so that what is counted here is asked while it is open.
    let (before, begun) = (emulator.calls(Endpoint::Track), tokio::time::Instant::now());
    for _ in 0..1_000 {
        assert_stopped(&ask().await, Outage::Server, None);
    }
    let (asked, probes) =
        (emulator.calls(Endpoint::Track) - before, 1 + begun.elapsed().as_millis() / pause.as_millis());
    assert!(asked as u128 <= probes, "{asked} calls for 1,000 requests, {probes} probes");
    println!("1,000 requests while it is open: {asked} calls");

    emulator.clear_faults();
    let begun = tokio::time::Instant::now();
    while ask().await.status != 200 {
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert!(begun.elapsed() < Duration::from_secs(5), "it does not close");
    }
    println!("closed after {:?}, of a pause of {pause:?}", begun.elapsed());
    assert_eq!(authsignal.upstream().circuit, Circuit::Closed);
    assert_eq!(effects.count(), 2);
    drop(listening);
    assert_eq!(log.text().matches("circuit=\"closed\"").count(), 1);
}
