//! Requests that are dropped: at every await of the guard and of the callback, by a timeout layer, by a client that hangs
//! up (threats T85 and T120). What was approved is run once or can still be, and what began can be finished.
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use authsignal_emulator::Outcome;
use axum::body::Body;
use axum::routing::any;
use axum_authsignal::store::{Error, Key, MemoryStore, Store, Version};
use axum_authsignal::{AuthsignalLayer, RefusalReason};
use test_support::waiting::until;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt as _;

use crate::answers::Telling;
use crate::support::{Ask, Bench, Effects, Reply, Visitor, app, bench_with, clock, form, get, handle, json};

/// How many turns others get at most before a drop.
const TURNS: usize = 10;

/// What is not over after so many polls never is.
const MAX_POLLS: usize = 100;

/// A store that makes its caller wait before and after each call, and counts its calls.
#[derive(Clone, Debug)]
struct Slow {
    inner: MemoryStore,
    calls: Arc<AtomicUsize>,
    swaps: Arc<AtomicUsize>,
    /// How many milliseconds the answer to a swap takes.
    late: Arc<AtomicUsize>,
}

impl Store for Slow {
    async fn load(&self, key: &Key) -> Result<Option<(Version, bytes::Bytes)>, Error> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        let loaded = Store::load(&self.inner, key).await;
        tokio::task::yield_now().await;
        loaded
    }

    async fn swap(&self, key: &Key, expected: Option<Version>, value: Vec<u8>, ttl: Duration) -> Result<bool, Error> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.swaps.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        let swapped = Store::swap(&self.inner, key, expected, value, ttl).await;
        tokio::task::yield_now().await;
        let late = self.late.load(Ordering::SeqCst) as u64;
        if late > 0 {
            tokio::time::sleep(Duration::from_millis(late)).await;
        }
        swapped
    }
}

async fn slow() -> (Bench, Slow) {
    let store = Slow {
        inner: MemoryStore::new().clock(clock()),
        calls: Arc::default(),
        swaps: Arc::default(),
        late: Arc::default(),
    };
    (bench_with(|builder| builder.store(store.clone())).await, store)
}

/// Drops a future after so many polls; its output if it was ready before that. Each poll that is not the last was woken
/// for, so this walks from await to await. Before the drop the others get so many turns, so that what the future waits for
/// is in each state that it goes through.
async fn after_polls<F: Future>(future: F, polls: usize, turns: usize) -> Option<F::Output> {
    assert!(polls < MAX_POLLS, "it has not ended after {polls} polls");
    let mut future = pin!(future);
    let mut done = 0;
    let output = std::future::poll_fn(|cx| {
        if done == polls {
            return Poll::Ready(None);
        }
        done += 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if done == polls => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await;
    for _ in 0..turns {
        tokio::task::yield_now().await;
    }
    output
}

/// Waits until whatever goes on in the background has nothing more to ask of the store.
async fn settled(store: &Slow) {
    let (mut quiet, mut before) = (0, store.calls.load(Ordering::SeqCst));
    until("the store is asked nothing more", async || {
        let calls = store.calls.load(Ordering::SeqCst);
        quiet = if calls == before { quiet + 1 } else { 0 };
        before = calls;
        quiet > 50
    })
    .await;
}

async fn dropped(visitor: &Visitor, ask: &Ask, polls: usize, turns: usize) -> Option<Reply> {
    let response = after_polls(visitor.app.clone().oneshot(visitor.request(ask)), polls, turns).await?;
    Some(Reply::of(response.unwrap()).await)
}

/// A body that makes its reader wait.
fn waiting_body(ask: &Ask) -> Body {
    let bytes = ask.body.clone();
    let pieces = futures_util::stream::unfold(bytes, |mut bytes| async move {
        if bytes.is_empty() {
            return None;
        }
        tokio::task::yield_now().await;
        let piece = bytes.split_to(bytes.len().min(4));
        Some((Ok::<_, std::convert::Infallible>(piece), bytes))
    });
    Body::from_stream(pieces)
}

/// T120, T85: a request that spends an approval, dropped after each of its polls: the handler ran, and then it is over;
/// or it did not, and then the approval is as good as before.
#[tokio::test]
async fn t120_t85_an_approved_request_dropped_at_every_await_runs_or_can_still_run() {
    for (name, ask) in [
        ("a page", get("/pay").navigating()),
        ("a form", form("/pay", "to=bob&amount=10")),
        ("a script", json("/pay", "{\"to\":\"bob\"}")),
        ("remembered", get("/kept").navigating()),
    ] {
        let mut table = BTreeMap::new();
        let (mut polls, mut tried) = (0, 0);
        let mut ended = false;
        while !ended {
            polls += 1;
            for turns in 0..TURNS {
                let (bench, store) = slow().await;
                let mut ada = bench.visitor("ada");
                bench.approve(&mut ada, &ask).await;
                let request = ada.request_with(&ask, waiting_body(&ask));
                ended = after_polls(ada.app.clone().oneshot(request), polls, turns).await.is_some();
                let at_once = bench.effects.count();
                settled(&store).await;
                assert_eq!(bench.effects.count(), at_once, "{name}, {polls} polls: nothing runs after the drop");
                let again = ada.send(&ask).await;
                let outcome = match (at_once, again.status, name) {
                    (0, 200, _) => "not run, and its approval is good",
                    (1, 200, "remembered") => "run, and remembered",
                    (1, 303 | 403 | 409, _) => "run, and its approval is spent",
                    other => panic!("{name}, {polls} polls: {other:?} {:?}", again.refusal),
                };
                assert!(bench.effects.count() <= 1 || name == "remembered");
                *table.entry(outcome).or_insert(0) += 1;
                tried += 1;
            }
        }
        println!("{name}: dropped {tried} times at {polls} awaits: {table:?}");
        assert!(table["not run, and its approval is good"] >= 2 * TURNS, "{table:?}");
    }
}

/// T85: a request that begins a challenge, dropped after each of its polls, leaves nothing in the way of the next.
#[tokio::test]
async fn t85_a_challenge_dropped_at_every_await_can_be_begun_again() {
    let ask = form("/pay", "to=bob&amount=10");
    for has_cookie in [false, true] {
        let mut polls = 1;
        loop {
            let (bench, store) = slow().await;
            let mut ada = bench.visitor("ada");
            if has_cookie {
                ada.challenge(&get("/other")).await;
            }
            let request = ada.request_with(&ask, waiting_body(&ask));
            let ended = after_polls(ada.app.clone().oneshot(request), polls, 0).await.is_some();
            settled(&store).await;
            bench.approve(&mut ada, &ask).await;
            assert_eq!(bench.effects.count(), 0);
            ada.send(&ask).await.assert_passed();
            assert_eq!(bench.effects.count(), 1);
            if ended {
                break;
            }
            polls += 1;
        }
        println!("a new challenge (cookie: {has_cookie}), dropped at {polls} awaits: each could be begun again");
        assert!(polls > 4);
    }
}

/// T13, T85: the way back, dropped after each of its polls, is the same the second time, and approves once.
#[tokio::test]
async fn t13_t85_a_way_back_dropped_at_every_await_is_the_same_the_second_time() {
    let (mut polls, mut tried, mut ended) = (0, 0, false);
    while !ended {
        polls += 1;
        for turns in 0..TURNS {
            let (bench, store) = slow().await;
            let mut ada = bench.visitor("ada");
            let ask = get("/pay").navigating();
            let back = bench.prove(&ada.challenge(&ask).await);
            ended = dropped(&ada, &back, polls, turns).await.is_some();
            settled(&store).await;
            let again = ada.send(&back).await;
            assert_eq!((again.status, again.location()), (303, "/pay"), "{polls} polls");
            ada.send(&ask).await.assert_passed();
            ada.challenge(&ask).await;
            assert_eq!(bench.effects.count(), 1, "{polls} polls");
            tried += 1;
        }
    }
    println!("the way back, dropped {tried} times at {polls} awaits: each had the same answer the second time");
    assert!(polls > 3);
}

/// An allowed request that is dropped: nothing was kept of it, and the store was not asked.
#[tokio::test]
async fn an_allowed_request_costs_one_call_and_none_of_the_store() {
    let (bench, store) = slow().await;
    bench.emulator.set_outcome("pay", Outcome::Allow);
    let ada = bench.visitor("ada");
    let guarded = any(async || "done").layer(AuthsignalLayer::new(&bench.authsignal, "pay"));
    let mut unread = Visitor { app: axum::Router::new().route("/pay", guarded), ..ada.clone() };
    let mut passed = 0;
    for number in 1..=20 {
        let ask = json("/pay", "{\"to\":\"bob\"}");
        passed += usize::from(ada.clone().send(&ask).await.status == 200);
        let polled = Arc::<AtomicBool>::default();
        let request = unread.request_with(&ask, Body::new(Telling(Arc::clone(&polled))));
        unread.send_request(request).await.assert_passed();
        assert!(!polled.load(Ordering::SeqCst), "the body was read");
        assert_eq!((bench.tracks(), store.calls.load(Ordering::SeqCst)), (2 * number, 0));
    }
    assert_eq!(passed, 20);
}

/// T120: a timeout layer above the guard, while the store takes its time over the spend: the approval is not lost.
#[tokio::test]
async fn t120_a_timeout_layer_above_the_guard_loses_no_approval() {
    let (bench, store) = slow().await;
    let ask = get("/pay").navigating();
    let mut ada = bench.visitor("ada");
    bench.approve(&mut ada, &ask).await;
    let guarded = any(handle).layer(AuthsignalLayer::new(&bench.authsignal, "pay"));
    let router = axum::Router::new().route("/pay", guarded).with_state(bench.effects.clone());
    let timed = tower::timeout::Timeout::new(router, Duration::from_millis(30));
    store.late.store(120, Ordering::SeqCst);
    let before = store.swaps.load(Ordering::SeqCst);
    assert!(timed.oneshot(ada.request(&ask)).await.unwrap_err().is::<tower::timeout::error::Elapsed>());
    assert_eq!(bench.effects.count(), 0);
    undone(&store, before).await;
    ada.send(&ask).await.assert_passed();
    assert_eq!(bench.effects.count(), 1);
}

/// T120: a browser that hangs up on a real socket in the middle of the spend.
#[tokio::test]
async fn t120_a_client_that_hangs_up_loses_no_approval() {
    let (bench, store) = slow().await;
    let ask = get("/pay").navigating();
    let mut ada = bench.visitor("ada");
    bench.approve(&mut ada, &ask).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let effects = Effects::default();
    let served = app(&bench.authsignal, &effects);
    let server = tokio::spawn(async move { axum::serve(listener, served).await.unwrap() });
    store.late.store(150, Ordering::SeqCst);
    let before = store.swaps.load(Ordering::SeqCst);
    let mut socket = TcpStream::connect(address).await.unwrap();
    let cookie = ada.cookie.clone().unwrap();
    let text =
        format!("GET /pay HTTP/1.1\r\nhost: app\r\nx-user: ada\r\ncookie: {cookie}\r\naccept: text/html\r\n\r\n");
    socket.write_all(text.as_bytes()).await.unwrap();
    // The flow was loaded, and its swap is under way.
    until("the swap is under way", async || store.swaps.load(Ordering::SeqCst) > before).await;
    drop(socket);
    undone(&store, before).await;
    ada.send(&ask).await.assert_passed();
    assert_eq!((effects.count(), bench.effects.count()), (0, 1));
    server.abort();
}

/// Waits until a spend was undone, which is a second swap.
async fn undone(store: &Slow, before: usize) {
    store.late.store(0, Ordering::SeqCst);
    until("the spend is undone", async || store.swaps.load(Ordering::SeqCst) >= before + 2).await;
    settled(store).await;
}

/// T38: a handler that fails after the spend has had its one try: at most once.
#[tokio::test]
async fn t38_a_handler_that_fails_has_spent_its_approval() {
    let (bench, _) = slow().await;
    let runs = Effects::default();
    let fails = {
        let runs = runs.clone();
        move |request: axum::extract::Request| async move {
            let _ = handle(axum::extract::State(runs), None, request).await;
            axum::http::StatusCode::INTERNAL_SERVER_ERROR
        }
    };
    let router: axum::Router = axum::Router::new()
        .route("/pay", any(fails).layer(AuthsignalLayer::new(&bench.authsignal, "pay")))
        .merge(bench.authsignal.routes());
    let mut ada = Visitor::new(&router, "ada");
    let ask = form("/pay", "to=bob");
    bench.approve(&mut ada, &ask).await;
    assert_eq!(ada.send(&ask).await.status, 500);
    let again = ada.send(&ask).await;
    again.assert_refused(&RefusalReason::AlreadyDone);
    assert_eq!(again.status, 409);
    assert!(again.text().contains("Look whether it was done"), "{}", again.text());
    assert_eq!(runs.count(), 1);
}
