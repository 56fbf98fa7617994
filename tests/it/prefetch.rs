//! Requests that a browser or a library makes ahead of its user.
use axum_authsignal::RefusalReason;

use crate::support::{Reply, ask, bench, bench_with, get};

/// One spelling for each header; `src/prefetch.rs` has them all.
const PREFETCHES: [(&str, &str); 10] = [
    ("sec-purpose", "prefetch"),
    ("sec-purpose", "prefetch;prerender"),
    ("purpose", "prefetch"),
    ("x-purpose", "preview"),
    ("x-moz", "prefetch"),
    ("x-sec-purpose", "prefetch"),
    ("hx-preloaded", "true"),
    ("vnd.prefetch", "true"),
    ("next-router-prefetch", "1"),
    ("x-middleware-prefetch", "1"),
];

/// T121: a failure with nothing in it, which the browser forgets.
#[track_caller]
fn assert_declined(reply: &Reply, name: &str) {
    assert_eq!((reply.status, reply.text(), reply.cookie()), (503, "", None), "{name}");
    assert_eq!(reply.headers.get("retry-after"), None, "{name}");
    reply.assert_refused(&RefusalReason::Prefetch);
}

#[tokio::test]
async fn t12_t121_a_prefetch_is_declined_and_not_tracked() {
    let bench = bench().await;
    let mut ada = bench.visitor("ada");
    for (name, value) in PREFETCHES {
        for ask in [get("/pay").navigating(), get("/pay"), ask("HEAD", "/pay")] {
            let reply = ada.send(&ask.header(name, value)).await;
            assert_declined(&reply, &format!("{name}: {value}"));
        }
    }
    assert_eq!((bench.effects.count(), bench.emulator.requests().len()), (0, 0));
}

/// T121: a responder that would answer with a success is not asked, and the click that follows is answered.
#[tokio::test]
async fn t121_no_responder_makes_a_prefetch_a_success() {
    let bench = bench_with(|builder| builder.respond(|_, _| Some(http::Response::new("fine".into())))).await;
    let mut ada = bench.visitor("ada");
    let reply = ada.send(&get("/pay").navigating().header("sec-purpose", "prefetch")).await;
    assert_declined(&reply, "with a responder");
    assert_eq!(ada.send(&get("/pay").navigating()).await.text(), "fine");
}

/// T122: whatever a prefetch is called, it spends no approval that waits, and the request it was made for passes.
#[tokio::test]
async fn t122_no_prefetch_spends_an_approval() {
    let bench = bench().await;
    let paid = get("/pay").navigating();
    let mut ada = bench.visitor("ada");
    let url = ada.challenge(&paid).await;
    let back = bench.prove(&url);
    assert_eq!(ada.send(&back).await.location(), "/pay");
    let asked = bench.emulator.requests().len();
    for (name, value) in PREFETCHES {
        assert_declined(&ada.send(&paid.clone().header(name, value)).await, &format!("{name}: {value}"));
    }
    assert_eq!((bench.effects.count(), bench.emulator.requests().len()), (0, asked));
    ada.send(&paid).await.assert_passed();
    println!("{} prefetches spent nothing", PREFETCHES.len());
}
