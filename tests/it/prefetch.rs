//! Requests that a browser or a library makes ahead of its user.
use axum_authsignal::RefusalReason;

use crate::support::{Ask, Reply, Visitor, ask, bench, bench_with, get};

/// One spelling for each header; `src/request/prefetch.rs` has them all.
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
    assert_eq!((bench.effects.count(), bench.emulator.received_requests().len()), (0, 0));
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
    let asked = bench.emulator.received_requests().len();
    for (name, value) in PREFETCHES {
        assert_declined(&ada.send(&paid.clone().header(name, value)).await, &format!("{name}: {value}"));
    }
    assert_eq!((bench.effects.count(), bench.emulator.received_requests().len()), (0, asked));
    ada.send(&paid).await.assert_passed();
    println!("{} prefetches spent nothing", PREFETCHES.len());
}

/// T12: a scanner of links and a bot open what they find, without the browser's cookie or with an extension's copy of it, before
/// the browser and after it. Nothing is asked of the service for those without, and the browser comes back all the same.
#[tokio::test]
async fn t12_scanners_of_links_spoil_no_way_back() {
    let bench = bench().await;
    let paid = get("/pay").navigating();
    let mut ada = bench.visitor("ada");
    let url = ada.challenge(&paid).await;
    let back = bench.prove(&url);
    let scanners = [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "facebookexternalhit/1.1",
        "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) SafeLinks",
        "WhatsApp/2.23",
        "curl/8.5.0",
        "",
    ];
    let mut opened = 0;
    for agent in scanners {
        for method in ["GET", "HEAD", "OPTIONS", "POST"] {
            let mut scanner = Visitor { user: None, ..ada.elsewhere() };
            let opens = Ask { method: method.parse().unwrap(), ..back.clone() };
            let reply = scanner.send(&opens.header("user-agent", agent)).await;
            let reason = if method == "GET" { RefusalReason::UnknownFlow } else { RefusalReason::InvalidCallback };
            reply.assert_refused(&reason);
            assert_eq!(reply.cookie(), None, "{method} {agent}");
            opened += 1;
        }
    }
    for method in ["HEAD", "OPTIONS", "POST"] {
        let copies = Ask { method: method.parse().unwrap(), ..back.clone() };
        ada.clone().send(&copies).await.assert_refused(&RefusalReason::InvalidCallback);
        opened += 1;
    }
    assert_eq!(bench.validates(), 0);
    assert_eq!(ada.clone().send(&back).await.location(), "/pay", "an extension with the cookie");
    assert_eq!(ada.send(&back).await.location(), "/pay");
    ada.send(&paid).await.assert_passed();
    println!("{opened} openings by others, 0 calls");
}
