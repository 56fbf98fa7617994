//! Flows with bodies, in parallel, and over a change of keys.
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use authsignal_emulator::{Endpoint, Outcome};
use axum::BoxError;
use axum::body::Body;
use axum_authsignal::store::MemoryStore;
use axum_authsignal::{Authsignal, RefusalReason};
use bytes::Bytes;
use http_body::Frame;
use tokio::task::JoinSet;

use crate::support::{Bench, Effects, Visitor, app, ask, bench, bench_with, builder, form, get, post};

/// A body of pieces whose length nobody knows beforehand; an empty piece stands for a fault.
struct Pieces(VecDeque<Bytes>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Poll::Ready(
            self.0.pop_front().map(|piece| if piece.is_empty() { Err("cut".into()) } else { Ok(Frame::data(piece)) }),
        )
    }
}

fn chunked(body: &Bytes, size: usize) -> Body {
    Body::new(Pieces(body.chunks(size).map(Bytes::copy_from_slice).collect()))
}

/// Numbers that look random and are the same in every run.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn bytes(&mut self, length: u64) -> Bytes {
        (0..length).map(|_| self.next() as u8).collect()
    }
}

/// T62: whatever the body, and in whatever pieces it comes, the handler gets the very bytes that were approved.
#[tokio::test]
async fn t62_the_handler_gets_the_bytes_that_were_approved() {
    const BODIES: u64 = 200;
    let bench = bench().await;
    let mut ada = bench.visitor("ada");
    let mut numbers = Numbers(62);
    let types = [
        "application/json",
        "application/octet-stream",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ];
    for number in 0..BODIES {
        let length = numbers.next() % 700;
        let body = match number % 4 {
            // What a form may hold, in ASCII, so that some are forms and some only call themselves so.
            2 => numbers.bytes(length).iter().map(|byte| b"ab=&%+0aF;"[usize::from(byte % 10)]).collect(),
            _ => numbers.bytes(length),
        };
        let ask = post(&format!("/pay/{number}"), types[usize::try_from(number % 4).unwrap()], body);
        bench.approve(&mut ada, &ask).await;
        let size = usize::try_from(1 + numbers.next() % 100).unwrap();
        let mut changed = ask.clone();
        changed.body = [&ask.body[..], b"!"].concat().into();
        assert_eq!(ada.send(&changed).await.reason(), Some(&RefusalReason::ChallengeRequired));
        let request = ada.request_with(&ask, chunked(&ask.body, size));
        ada.send_request(request).await.assert_passed();
        assert_eq!(bench.effects.last().body, ask.body, "body {number} in pieces of {size}");
    }
    assert_eq!(bench.effects.count() as u64, BODIES);
    println!("{BODIES} of {BODIES} bodies were handed on as they were approved");
}

/// T65: at the limit a body can be approved, past it it cannot; where nothing has to be approved it passes untouched.
#[tokio::test]
async fn t65_a_body_past_the_limit_is_never_challenged() {
    const LIMIT: usize = 1000;
    let bench = bench_with(|builder| builder.body_limit(LIMIT)).await;
    let sized = |size: usize| post("/pay", "application/json", "x".repeat(size));
    for pieces in [None, Some(7), Some(LIMIT)] {
        let mut ada = bench.visitor("ada");
        let send = async |ada: &mut Visitor, size| {
            let ask = sized(size);
            let body = pieces.map_or_else(|| Body::from(ask.body.clone()), |pieces| chunked(&ask.body, pieces));
            ada.send_request(ada.request_with(&ask, body)).await
        };
        // With no cookie, then with one, which makes the body be read earlier.
        for _ in 0..2 {
            bench.emulator.set_outcome("pay", Outcome::Challenge);
            let reply = send(&mut ada, LIMIT + 1).await;
            reply.assert_refused(&RefusalReason::BodyTooLarge);
            assert_eq!((reply.status, reply.cookie()), (413, None));
            bench.emulator.set_outcome("pay", Outcome::Allow);
            send(&mut ada, LIMIT + 1).await.assert_passed();
            assert_eq!(bench.effects.last().body, sized(LIMIT + 1).body, "{pieces:?}");
            bench.emulator.set_outcome("pay", Outcome::Challenge);
            let count = bench.effects.count();
            let challenged = send(&mut ada, LIMIT).await;
            challenged.assert_refused(&RefusalReason::ChallengeRequired);
            ada.send(&bench.prove(challenged.json()["url"].as_str().unwrap())).await;
            send(&mut ada, LIMIT).await.assert_passed();
            assert_eq!(bench.effects.count(), count + 1);
            assert_eq!(bench.effects.last().body, sized(LIMIT).body);
        }
    }
}

/// A body that breaks off is refused where it has to be read.
#[tokio::test]
async fn a_body_that_breaks_off_is_no_request() {
    let bench = bench().await;
    let mut ada = bench.visitor("ada");
    let broken = || Body::new(Pieces([Bytes::from("abc"), Bytes::new()].into()));
    for _ in 0..2 {
        let reply = ada.send_request(ada.request_with(&ask("POST", "/pay"), broken())).await;
        reply.assert_refused(&RefusalReason::BodyUnreadable);
        assert_eq!(reply.status, 400);
        ada.challenge(&get("/other")).await;
    }
    assert_eq!(bench.effects.count(), 0);
}

async fn at_once(visitor: &Visitor, ask: &crate::support::Ask, times: usize) -> Vec<crate::support::Reply> {
    let mut set = JoinSet::new();
    for _ in 0..times {
        let (mut visitor, ask) = (visitor.clone(), ask.clone());
        set.spawn(async move { visitor.send(&ask).await });
    }
    set.join_all().await
}

/// T24, T37: of any number of requests at once, one spends an approval, and the handler runs once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t24_t37_one_of_many_requests_at_once_spends_an_approval() {
    let bench = bench().await;
    let mut tried = 0;
    for round in 0..12 {
        for parallel in [2, 20] {
            let mut ada = bench.visitor("ada");
            let ask = form("/pay", "to=bob");
            bench.approve(&mut ada, &ask).await;
            let before = bench.effects.count();
            let replies = at_once(&ada, &ask, parallel).await;
            assert_eq!(bench.effects.count(), before + 1, "round {round}, {parallel} at once");
            assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1);
            let refused = |reply: &&crate::support::Reply| reply.reason() == Some(&RefusalReason::AlreadyDone);
            assert_eq!(replies.iter().filter(refused).count(), parallel - 1);
            tried += parallel;
        }
    }
    println!("{tried} spends at once of {} approvals", bench.effects.count());
}

/// A double click, or a second tab: they share one flow, and one proof lets one of them pass.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_at_once_share_one_flow() {
    let bench = bench().await;
    for _ in 0..10 {
        let mut ada = bench.visitor("ada");
        ada.challenge(&get("/other")).await;
        let ask = form("/pay", "to=bob");
        let replies = at_once(&ada, &ask, 8).await;
        let challenge = replies[0].location().to_owned();
        assert!(challenge.starts_with(bench.emulator.origin()));
        assert!(replies.iter().all(|reply| reply.location() == challenge), "one challenge for all");
        let before = bench.effects.count();
        assert_eq!(ada.send(&bench.prove(&challenge)).await.status, 303);
        at_once(&ada, &ask, 8).await;
        assert_eq!(bench.effects.count(), before + 1);
    }
}

/// T1, T118: the same way back many times at once approves once, and asks no more often than the budget has it: what finds
/// that used up before the first answer is told to wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t1_the_same_way_back_many_times_at_once_gives_one_approval() {
    let bench = bench_with(|builder| builder.validate_budget(10)).await;
    let mut ada = bench.visitor("ada");
    let ask = get("/pay").navigating();
    let challenge = ada.challenge(&ask).await;
    let back = bench.prove(&challenge);
    let (mut back_at_once, mut waits) = (0, 0);
    for reply in at_once(&ada, &back, 40).await {
        match reply.status {
            429 => waits += 1,
            _ => back_at_once += usize::from((reply.status, reply.location()) == (303, "/pay")),
        }
    }
    println!("40 at once: {back_at_once} are back, {waits} wait, {} validates", bench.validates());
    assert!(back_at_once >= 10 && back_at_once + waits == 40 && bench.validates() <= 10);
    ada.send(&ask).await.assert_passed();
    for reply in at_once(&ada, &back, 40).await {
        assert_eq!((reply.status, reply.location()), (303, "/pay"), "the first one's answer");
    }
    ada.challenge(&ask).await;
    assert_eq!(bench.effects.count(), 1);
    // Nor does it approve the flow that came after.
    ada.send(&back).await;
    ada.challenge(&ask).await;
    assert_eq!((bench.effects.count(), bench.tracks()), (1, 2));
}

/// T92: a change of the master secret in the middle of a flow loses nothing while the older one is still named, and
/// everything once it is not.
#[tokio::test]
async fn t92_flows_outlive_a_change_of_keys() {
    let bench = bench().await;
    let store = MemoryStore::new().clock(bench.clock.clone());
    let node = |secret: u8, older: &[u8]| {
        let mut handle = builder(&bench.emulator, &bench.clock).store(store.clone()).secret([secret; 32]);
        for older in older {
            handle = handle.older_secret([*older; 32]);
        }
        let handle: Authsignal = handle.build().unwrap();
        app(&handle, &bench.effects)
    };
    let (old, new, later) = (node(1, &[]), node(2, &[1]), node(3, &[2]));
    let ask = get("/pay").navigating();
    let at = |visitor: &Visitor, app: &axum::Router| Visitor { app: app.clone(), ..visitor.clone() };

    // Begun before, proved and spent after.
    let mut ada = Visitor::new(&old, "ada");
    let challenge = ada.challenge(&ask).await;
    let mut there = at(&ada, &new);
    assert_eq!(there.challenge(&ask).await, challenge);
    let back = bench.prove(&challenge);
    let gone = at(&ada, &later).send(&back).await;
    gone.assert_refused(&RefusalReason::UnknownFlow);
    assert_eq!(there.send(&back).await.status, 303);
    there.send(&ask).await.assert_passed();
    assert_eq!(bench.effects.count(), 1);
    there.challenge(&ask).await;

    // Proved before, spent after; and not a second time by a node that still has the old one only.
    let mut bob = Visitor::new(&old, "bob");
    bench.approve(&mut bob, &ask).await;
    at(&bob, &later).challenge(&ask).await;
    at(&bob, &new).send(&ask).await.assert_passed();
    bob.challenge(&ask).await;
    at(&bob, &new).challenge(&ask).await;
    assert_eq!(bench.effects.count(), 2);

    // A remembered one as well.
    let mut eve = Visitor::new(&old, "ada");
    bench.approve(&mut eve, &get("/kept").navigating()).await;
    at(&eve, &new).send(&get("/kept")).await.assert_passed();
    at(&eve, &later).challenge(&get("/kept")).await;
}

/// Without a secret of its own, every node derives the same from the API secret.
#[tokio::test]
async fn nodes_agree_without_configuration() {
    let bench = bench().await;
    let store = MemoryStore::new().clock(bench.clock.clone());
    let effects = Effects::default();
    let node = || app(&builder(&bench.emulator, &bench.clock).store(store.clone()).build().unwrap(), &effects);
    let mut ada = Visitor::new(&node(), "ada");
    let challenge = ada.challenge(&form("/pay", "a=b")).await;
    ada.app = node();
    let Bench { emulator, .. } = &bench;
    assert_eq!(ada.send(&bench.prove(&challenge)).await.status, 303);
    ada.app = node();
    ada.send(&form("/pay", "a=b")).await.assert_passed();
    assert_eq!((effects.count(), emulator.calls(Endpoint::Track)), (1, 1));
}
