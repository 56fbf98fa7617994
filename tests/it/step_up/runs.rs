//! How often a handler is let through: once for each approval, whatever comes together or is dropped.
use std::future::{Future as _, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use authsignal_emulator::Outcome;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::routing::{any, get as routed};
use axum_authsignal::client::CustomData;
use axum_authsignal::{AuthsignalLayer, RefusalReason, StepUp, StepUpResponse};
use futures_util::future::join_all;
use tower::ServiceExt as _;

use super::{amount, scene};
use crate::support::{Bench, MINUTE, Reply, Visitor, bench_with, get, json};

/// T38: whoever asked was let through: what its handler then does is its own, and the approval is gone.
#[tokio::test]
async fn t38_a_handler_that_fails_after_it_asked_has_spent_the_approval() {
    let scene = scene().await;
    let mut ada = scene.visitor("ada");
    let ask = json("/fails", "{}");
    scene.bench.approve(&mut ada, &ask).await;
    assert_eq!(ada.send(&ask).await.status, 500);
    ada.send(&ask).await.assert_refused(&RefusalReason::ChallengeRequired);
}

/// T37: of many at once one runs.
#[tokio::test]
async fn t37_one_approval_is_one_run_of_the_handler() {
    let scene = scene().await;
    let mut ada = scene.visitor("ada");
    let ask = json("/json", r#"{"amount":5000}"#);
    scene.bench.approve(&mut ada, &ask).await;
    let all = (0..20).map(|_| ada.clone()).map(|mut ada| {
        let ask = ask.clone();
        async move { ada.send(&ask).await }
    });
    let passed = join_all(all).await.into_iter().filter(|reply| reply.status == 200).count();
    assert_eq!((passed, scene.runs()), (1, 1));
}

/// What is required twice in one run of a handler, as it was told, and how often Authsignal was asked for it.
async fn requires(
    bench: &Bench,
    layers: Vec<AuthsignalLayer>,
    asked: Vec<(&'static str, CustomData)>,
) -> (Reply, usize) {
    let handler = async move |step_up: StepUp| {
        for (action, data) in asked.clone() {
            step_up.require(action, data).await?;
        }
        Ok::<_, StepUpResponse>("done")
    };
    let mut route = routed(handler).route_layer(bench.authsignal.step_up_layer());
    for layer in layers {
        route = route.route_layer(layer);
    }
    let app = Router::new().route("/x", route);
    let before = bench.tracks();
    let reply = Visitor::new(&app, "ada").send(&get("/x")).await;
    (reply, bench.tracks() - before)
}

/// T61: the very same is asked once, all else by itself, whether by a layer or by the handler.
#[tokio::test]
async fn t61_the_very_same_is_asked_once_in_one_run() {
    let bench = bench_with(|builder| builder).await;
    for action in ["pay", "other"] {
        bench.emulator.set_outcome(action, Outcome::Allow);
    }
    let layer = |action: &str| AuthsignalLayer::new(&bench.authsignal, action);
    let none = CustomData::new;
    let rows = [
        (vec![], vec![("pay", none()), ("pay", none())], 1),
        (vec![], vec![("pay", amount(1)), ("pay", amount(1)), ("pay", amount(1))], 1),
        (vec![], vec![("pay", amount(1)), ("pay", amount(2))], 2),
        (vec![], vec![("pay", amount(1)), ("other", amount(1)), ("pay", amount(1))], 2),
        (vec![layer("pay")], vec![("pay", none())], 1),
        (vec![layer("pay")], vec![("pay", amount(1))], 2),
        (vec![layer("other")], vec![("pay", none())], 2),
        (vec![layer("other")], vec![("pay", none()), ("other", none())], 2),
        (vec![layer("pay").remember(MINUTE)], vec![("pay", none())], 2),
    ];
    for (row, (layers, asked, tracks)) in rows.into_iter().enumerate() {
        let (reply, asked) = requires(&bench, layers, asked).await;
        reply.assert_passed();
        assert_eq!(asked, tracks, "row {row}");
    }
    // Both have to be passed.
    bench.emulator.set_outcome("other", Outcome::Block);
    for asked in [vec![("pay", none()), ("other", none())], vec![("other", none()), ("pay", none())]] {
        let (reply, _) = requires(&bench, vec![], asked).await;
        assert_eq!(reply.status, 403);
    }
}

/// T116: a handler that is run again, with a copy of its request, asks again.
#[tokio::test]
async fn t116_a_copy_of_a_request_is_another_run() {
    let bench = bench_with(|builder| builder).await;
    let runs = Arc::new(AtomicUsize::new(0));
    let handler = {
        let runs = Arc::clone(&runs);
        async move |step_up: StepUp| {
            step_up.require("pay", CustomData::new()).await?;
            runs.fetch_add(1, Ordering::SeqCst);
            Ok::<_, StepUpResponse>("done")
        }
    };
    // Calls its handler twice, as a layer that tries again does.
    let twice = from_fn(|request: Request, next: Next| async move {
        let (parts, _) = request.into_parts();
        let first = next.clone().run(Request::from_parts(parts.clone(), Body::empty())).await;
        let second = next.run(Request::from_parts(parts, Body::empty())).await;
        assert!(first.status().is_success());
        second
    });
    let app = Router::new()
        .route("/pay", routed(handler).route_layer(twice).route_layer(bench.authsignal.step_up_layer()))
        .merge(bench.authsignal.routes());
    let mut ada = Visitor::new(&app, "ada");
    let ask = get("/pay");
    // Only the way back is asked of this application: its handler would run twice.
    let single = Router::new()
        .route("/pay", any(async |step_up: StepUp| step_up.require("pay", CustomData::new()).await.map(|_| "done")))
        .route_layer(bench.authsignal.step_up_layer())
        .merge(bench.authsignal.routes());
    let mut elsewhere = Visitor { app: single, ..ada.clone() };
    bench.approve(&mut elsewhere, &ask).await;
    ada.cookie = elsewhere.cookie;
    let second = ada.send(&ask).await;
    assert_eq!((second.reason(), runs.load(Ordering::SeqCst)), (Some(&RefusalReason::ChallengeRequired), 1));
}

/// T120: a request that is dropped while it waits to be let through keeps its approval.
#[tokio::test]
async fn t120_who_hangs_up_before_the_answer_keeps_the_approval() {
    let scene = scene().await;
    let mut ada = scene.visitor("ada");
    let ask = json("/json", r#"{"amount":5000}"#);
    for (dropped, polls) in (1..60).enumerate() {
        scene.bench.approve(&mut ada, &ask).await;
        let before = scene.runs();
        let mut request = Box::pin(scene.app.clone().oneshot(ada.request(&ask)));
        let mut is_done = false;
        for _ in 0..polls {
            is_done = poll_fn(|cx| Poll::Ready(request.as_mut().poll(cx).is_ready())).await;
            if is_done {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(request);
        if is_done {
            assert_eq!(scene.runs(), before + 1);
            println!("{dropped} requests dropped before their handler was let through, none lost its approval");
            assert!(dropped > 0);
            return;
        }
        // What was spent meanwhile is given back by a task of its own.
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        ada.send(&ask).await.assert_passed();
        assert_eq!(scene.runs(), before + 1);
        scene.bench.clock.advance(Duration::from_secs(11));
    }
    panic!("never done");
}

/// T116: a handler that sends its own request on, extensions and all, has not kept it for another.
#[tokio::test]
async fn t116_a_kept_request_is_its_own_handlers_alone() {
    let bench = bench_with(|builder| builder).await;
    bench.emulator.set_outcome("pay", Outcome::Allow);
    let inner = Router::new().route("/inner", routed(async |_: StepUp| "done"));
    let outer = async move |_: StepUp, request: Request| {
        let mut request = Request::from_parts(request.into_parts().0, Body::empty());
        *request.uri_mut() = "/inner".parse().unwrap();
        inner.clone().oneshot(request).await.unwrap()
    };
    let app = Router::new().route("/outer", routed(outer).route_layer(bench.authsignal.step_up_layer()));
    Visitor::new(&app, "ada").send(&get("/outer")).await.assert_refused(&RefusalReason::Unguarded);
}
