//! What is asked anew each time, who waits for whom, and what guessing is worth.
use std::time::Duration;

use authsignal_emulator::{Endpoint, Fault, Outcome};
use axum::Router;
use axum::routing::any;
use axum_authsignal::{Authsignal, AuthsignalLayer, Client, Coverage, RefusalReason};
use test_support::waiting::until;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::support::{Ask, CALLBACK, MINUTE, Visitor, app, bench, form, get, handle, json, parameter, way_back, who};

/// T14: a hundred thousand guesses by a browser of its own, with the victim's very user and session: not one finds a flow,
/// nothing is asked of the service, and a guess looks like a flow that is somebody else's, in status, headers and body.
#[tokio::test]
async fn t14_guesses_find_nothing_and_look_like_foreign_flows() {
    const GUESSES: usize = 100_000;
    let bench = bench().await;
    let mut ada = bench.visitor("ada").in_session("s1");
    let paid = get("/pay").navigating();
    let challenge = ada.challenge(&paid).await;
    let proved = bench.emulator.succeed(&challenge).unwrap();
    let (flow, token) = (parameter(&proved, "flow").unwrap(), parameter(&proved, "token").unwrap());
    assert_eq!(flow.len(), 43, "256 bits");
    let mut mallory = ada.elsewhere();
    mallory.challenge(&get("/other")).await;
    let foreign = mallory.send(&way_back(&proved)).await;
    foreign.assert_refused(&RefusalReason::UnknownFlow);

    let mut seed = 0x7431_3400_u64;
    let mut guess = || {
        let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut digit = |bound: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from((seed >> 33) % bound).unwrap()
        };
        // The last digit of 32 bytes in base64 holds four bits.
        let mut text: Vec<u8> = (0..42).map(|_| digits[digit(64)]).collect();
        text.push(digits[digit(16) * 4]);
        String::from_utf8(text).unwrap()
    };
    for number in 0..GUESSES {
        // The most favourable guess every now and then: one character beside the right one.
        let guess = match number % 1000 {
            0 => format!("{}{}", if flow.starts_with('A') { 'B' } else { 'A' }, &flow[1..]),
            _ => guess(),
        };
        let reply = mallory.send(&way_back(&format!("{CALLBACK}?flow={guess}&token={token}"))).await;
        assert_eq!((reply.status, &reply.headers, &reply.body), (404, &foreign.headers, &foreign.body), "{guess}");
    }
    assert_eq!((bench.validates(), bench.effects.count()), (0, 0));
    assert_eq!(ada.send(&way_back(&proved)).await.location(), "/pay", "and it is as good as before");
    ada.send(&paid).await.assert_passed();
    println!("{GUESSES} guesses, 0 hits, 0 calls");
}

/// T35: an application that gives the user a new session (a login that was upgraded, a rotated id) has them prove it anew:
/// whether it rotates before the proof, between proof and request, or behind the handler's back.
#[tokio::test]
async fn t35_a_rotated_session_is_a_new_binding() {
    for ask in [get("/pay").navigating(), form("/pay", "to=bob"), get("/kept").navigating(), json("/action", "{}")] {
        let bench = bench().await;
        let mut ada = bench.visitor("ada").in_session("before");
        let challenge = ada.challenge(&ask).await;
        let back = bench.prove(&challenge);
        // Before the proof: the way back is another sign-in's, and asks nothing.
        let mut rotated = ada.in_session("after");
        rotated.send(&back).await.assert_refused(&RefusalReason::OtherUser);
        assert_eq!(bench.validates(), 0);
        // Between proof and request.
        ada.send(&back).await;
        rotated.challenge(&ask).await;
        assert_eq!((bench.effects.count(), bench.tracks()), (0, 2), "{ask:?}");
        // The new session's own challenge passes the new session.
        bench.approve(&mut rotated, &ask).await;
        rotated.send(&ask).await.assert_passed();
        assert_eq!(bench.effects.count(), 1);
    }
}

/// T29: what was approved ends with the session where the application names one. Where it names none, it does not: an
/// approval then lasts until its own end, through a sign-out and a new password.
#[tokio::test]
async fn t29_an_approval_outlives_a_sign_out_only_where_no_session_is_named() {
    let bench = bench().await;
    let ask = get("/kept").navigating();
    let mut named = bench.visitor("ada").in_session("old password");
    bench.approve(&mut named, &ask).await;
    named.send(&ask).await.assert_passed();
    named.in_session("new password").challenge(&ask).await;

    let mut unnamed = bench.visitor("ada");
    bench.approve(&mut unnamed, &ask).await;
    let mut nobody = Visitor { user: None, ..unnamed.clone() };
    nobody.send(&ask).await.assert_refused(&RefusalReason::Unauthenticated);
    unnamed.send(&ask).await.assert_passed();
    bench.clock.advance(MINUTE * 10);
    unnamed.challenge(&ask).await;
}

/// What would wait with all the others is a failure, and not a test that never ends.
async fn at_once<T>(answers: impl Future<Output = T>) -> T {
    tokio::time::timeout(MINUTE * 2, answers).await.expect("it waits for a call of somebody else's")
}

/// T84: while five hundred guarded requests wait for a service that does not answer, what needs no answer from it does
/// not wait: routes without the layer, requests that an approval covers, challenges that are shown again, the callback.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t84_a_service_that_hangs_holds_only_those_who_ask_it() {
    const WAITING: usize = 500;
    let bench = bench().await;
    // It takes every connection, by its backlog, and never answers.
    let dead = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/v1", dead.local_addr().unwrap());
    let client = Client::builder(bench.emulator.secret()).base_url(base_url);
    let client = client.deadline(MINUTE * 5).connect_timeout(MINUTE * 5).build().unwrap();
    let hanging = Authsignal::builder(client)
        .callback_url(CALLBACK)
        .clock(bench.clock.clone())
        .identify(|headers: axum::http::HeaderMap| async move { who(&headers) })
        .build()
        .unwrap();
    let app = app(&hanging, &bench.effects);
    let mut waiting = JoinSet::new();
    for number in 0..WAITING {
        let mut visitor = Visitor::new(&app, &format!("user-{number}"));
        waiting.spawn(async move { visitor.send(&get("/pay")).await });
    }
    // The last of them has sent what it wants to know.
    let mut taken = Vec::new();
    while taken.len() < 16 {
        taken.push(at_once(dead.accept()).await.unwrap());
    }
    let mut answered = 0;
    at_once(async {
        for number in 0..1000 {
            let mut visitor = Visitor::new(&app, &format!("user-{}", number % WAITING));
            visitor.send(&get("/open")).await.assert_passed();
            let lost = visitor.send(&way_back(&format!("{CALLBACK}?flow={}&token=a", "A".repeat(43)))).await;
            lost.assert_refused(&RefusalReason::UnknownFlow);
            visitor.user = None;
            visitor.send(&get("/pay")).await.assert_refused(&RefusalReason::Unauthenticated);
            answered += 3;
        }
    })
    .await;
    assert_eq!(waiting.len(), WAITING);
    assert!(waiting.try_join_next().is_none(), "they still wait");
    println!("{answered} answers while {WAITING} requests waited");
    waiting.shutdown().await;
}

/// T84: nor do those whose decision the store has already, or the service's other calls: no lock is held over a call.
#[tokio::test]
async fn t84_what_is_in_the_store_does_not_wait_for_a_call_of_others() {
    const WAITING: usize = 50;
    let bench = bench().await;
    let [mut approved, mut challenged, mut back] = ["ada", "bob", "ada"].map(|user| bench.visitor(user));
    let (paid, other) = (get("/pay").navigating(), get("/other").navigating());
    bench.approve(&mut approved, &paid).await;
    let waits = challenged.challenge(&other).await;
    let proved = back.challenge(&paid).await;
    let proved = bench.prove(&proved);
    let before = bench.tracks();
    bench.emulator.inject_fault(Endpoint::Track, Fault::delay(MINUTE * 5).always());
    let mut waiting = JoinSet::new();
    for _ in 0..WAITING {
        let mut ada = bench.visitor("ada");
        waiting.spawn(async move { ada.send(&get("/pay")).await });
    }
    at_once(async {
        until("all of them have asked", async || bench.tracks() - before >= WAITING).await;
        approved.send(&paid).await.assert_passed();
        assert_eq!(challenged.challenge(&other).await, waits);
        assert_eq!(back.send(&proved).await.location(), "/pay");
        back.send(&paid).await.assert_passed();
    })
    .await;
    assert!(waiting.try_join_next().is_none() && waiting.len() == WAITING, "they still wait");
    waiting.shutdown().await;
}

/// T87: no decision is kept: an `ALLOW` is asked for with every request, with our cookie and without, and a service that
/// changes its mind is heard at once.
#[tokio::test]
async fn t87_no_decision_is_remembered_that_the_user_did_not_prove() {
    let bench = bench().await;
    let mut with_cookie = bench.visitor("ada").in_session("s1");
    with_cookie.challenge(&get("/other")).await;
    assert!(with_cookie.cookie.is_some());
    let without = bench.visitor("ada").in_session("s1");
    let asks = [get("/pay"), get("/kept"), get("/kept").navigating(), form("/pay", "a=b"), json("/action", "{}")];
    let mut allowed = 0;
    for mut visitor in [with_cookie, without] {
        for ask in &asks {
            for action in ["pay", "kept", "action"] {
                bench.emulator.set_outcome(action, Outcome::Allow);
            }
            for _ in 0..5 {
                let before = bench.tracks();
                visitor.send(ask).await.assert_passed();
                assert_eq!(bench.tracks(), before + 1, "{ask:?}");
                allowed += 1;
            }
            for action in ["pay", "kept", "action"] {
                bench.emulator.set_outcome(action, Outcome::Block);
            }
            let before = bench.effects.count();
            assert!(matches!(visitor.send(ask).await.reason(), Some(RefusalReason::State(_))), "{ask:?}");
            assert_eq!(bench.effects.count(), before);
        }
    }
    println!("{allowed} requests allowed, as many calls");
}

/// T87: beside a proof that is remembered nothing is asked; once it has run out, every request is.
#[tokio::test]
async fn t87_a_proof_is_kept_and_an_allow_beside_it_is_not() {
    let bench = bench().await;
    let layer =
        AuthsignalLayer::new(&bench.authsignal, "pay").covers(Coverage::Action).remember(Duration::from_secs(60));
    let app = Router::new()
        .route("/x/{id}", any(handle).layer(layer))
        .with_state(bench.effects.clone())
        .merge(bench.authsignal.routes());
    let mut ada = Visitor::new(&app, "ada");
    let ask = |id: u8| -> Ask { get(&format!("/x/{id}")).navigating() };
    bench.approve(&mut ada, &ask(1)).await;
    let before = bench.tracks();
    for id in 0..5 {
        ada.send(&ask(id)).await.assert_passed();
    }
    assert_eq!(bench.tracks(), before, "a proof that is remembered needs no call");
    bench.clock.advance(MINUTE);
    bench.emulator.set_outcome("pay", Outcome::Allow);
    for id in 0..5 {
        ada.send(&ask(id)).await.assert_passed();
    }
    assert_eq!(bench.tracks(), before + 5);
}
