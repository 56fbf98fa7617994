//! What one user can take from others: scripts of an attacker for each budget, with what others feel meanwhile.
use authsignal_emulator::{Endpoint, Fault, Outcome};
use axum::Router;
use axum_authsignal::store::MemoryStore;
use axum_authsignal::{AuthsignalBuilder, Budget, Outage, RefusalReason, Unproven};

use crate::support::{Ask, Bench, MINUTE, app, bench_with, builder, get, parameter};

/// The budgets as a handle that sets nothing has them.
fn defaults(builder: AuthsignalBuilder) -> AuthsignalBuilder {
    builder.challenge_budget(5, MINUTE * 10).refusal_budget(5, MINUTE * 10).validate_budget(10)
}

async fn bench() -> Bench {
    bench_with(defaults).await
}

/// T117, T118, T105: 680 requests of one user, with and without a cookie, begin five challenges; everybody else's are served,
/// the same user's in another session too.
#[tokio::test]
async fn t117_t118_a_flood_of_one_user_begins_five_challenges() {
    let bench = bench().await;
    let mut thief = bench.visitor("ada").in_session("stolen");
    let (mut begun, mut refused) = (0, 0);
    for number in 0..680 {
        if number % 2 == 0 {
            thief.cookie = None;
        }
        let reply = thief.send(&get(&format!("/pay/{number}")).navigating()).await;
        match reply.reason() {
            Some(RefusalReason::ChallengeRequired) => begun += 1,
            Some(RefusalReason::OverBudget(Budget::Challenges)) => {
                assert_eq!((reply.status, reply.header("retry-after")), (429, "600"));
                assert!(reply.text().contains("confirm one of those"), "{}", reply.text());
                refused += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    println!("680 requests: {begun} challenges, {refused} refused, {} tracks", bench.tracks());
    assert_eq!((begun, refused, bench.tracks()), (5, 675, 5));
    for mut other in [bench.visitor("bob"), bench.visitor("ada").in_session("own"), bench.visitor("ada")] {
        bench.approve(&mut other, &get("/pay").navigating()).await;
        other.send(&get("/pay").navigating()).await.assert_passed();
    }
    // T106: nor does a page of another site use up what the user's own pages have.
    let mut ada = bench.visitor("ada").in_session("visited");
    for number in 0..8 {
        ada.send(&get(&format!("/pay/{number}")).navigating().header("sec-fetch-site", "cross-site")).await;
    }
    ada.challenge(&get("/pay/own").navigating().header("sec-fetch-site", "same-origin")).await;
    bench.clock.advance(MINUTE * 10);
    thief.challenge(&get("/pay/later").navigating()).await;
}

/// T118: whoever proves what they begin meets no budget, and neither does whoever asks for the same thing again.
#[tokio::test]
async fn t118_who_proves_what_they_begin_meets_no_budget() {
    let bench = bench().await;
    let mut ada = bench.visitor("ada").in_session("one");
    for number in 0..30 {
        let ask = get(&format!("/pay/{number}")).navigating();
        bench.approve(&mut ada, &ask).await;
        ada.send(&ask).await.assert_passed();
    }
    for _ in 0..30 {
        ada.challenge(&get("/pay/same").navigating()).await;
    }
    assert_eq!((bench.effects.count(), bench.tracks()), (30, 31));
}

/// T106, T118: after a few blocks Authsignal is not asked any more in that session, though it would say ALLOW by now.
#[tokio::test]
async fn t106_t118_who_is_blocked_does_not_fish_for_an_allow() {
    let bench = bench().await;
    bench.emulator.set_outcome("pay", Outcome::Block);
    let mut thief = bench.visitor("ada").in_session("stolen");
    for _ in 0..5 {
        assert!(matches!(thief.send(&get("/pay")).await.reason(), Some(RefusalReason::State(_))));
    }
    bench.emulator.set_outcome("pay", Outcome::Allow);
    for _ in 0..50 {
        let reply = thief.send(&get("/pay")).await;
        reply.assert_refused(&RefusalReason::OverBudget(Budget::Refusals));
        assert_eq!((reply.status, reply.header("retry-after")), (429, "600"));
    }
    println!("55 tries after a block: {} tracks", bench.tracks());
    assert_eq!((bench.tracks(), bench.effects.count()), (5, 0));
    bench.visitor("ada").in_session("own").send(&get("/pay")).await.assert_passed();
    bench.emulator.set_outcome("other", Outcome::Allow);
    thief.send(&get("/other")).await.assert_passed();
    bench.clock.advance(MINUTE * 10);
    thief.send(&get("/pay")).await.assert_passed();
}

/// T118: 500 ways back with tokens that fit nothing ask Authsignal ten times, over two nodes that share a store; what others
/// began is proved meanwhile, and what the same browser began besides.
#[tokio::test]
async fn t118_500_wrong_ways_back_ask_ten_times() {
    let (bench, nodes) = two_nodes(defaults).await;
    let mut thief = bench.visitor("ada").in_session("stolen");
    let challenge = thief.challenge(&get("/pay").navigating()).await;
    let right = bench.prove(&challenge);
    let token = parameter(&right.target, "token").unwrap();
    let (mut asked, mut refused) = (0, 0);
    for number in 0..500 {
        thief.app = nodes[number % 2].clone();
        let reply = thief.send(&way_back_with(&right, &token, &format!("wrong-{number}"))).await;
        match reply.reason() {
            Some(RefusalReason::Unproven(Unproven::Token)) => asked += 1,
            Some(RefusalReason::OverBudget(Budget::Validates)) => {
                assert_eq!((reply.status, reply.header("retry-after")), (429, "600"));
                reply.assert_private();
                refused += 1;
            }
            other => panic!("{number}: {other:?}"),
        }
    }
    println!("500 ways back: {asked} asked, {refused} refused, {} validates", bench.validates());
    assert_eq!((asked, refused, bench.validates()), (10, 490, 10));
    for mut other in [bench.visitor("bob"), bench.visitor("ada").in_session("own"), thief.clone()] {
        let ask = get("/pay/other").navigating();
        bench.approve(&mut other, &ask).await;
        other.send(&ask).await.assert_passed();
    }
    assert_eq!(thief.send(&right).await.status, 429, "there is no more to be had of this flow");
    bench.clock.advance(MINUTE * 10);
    bench.approve(&mut thief, &get("/pay").navigating()).await;
    thief.send(&get("/pay").navigating()).await.assert_passed();
}

/// T118: who proved it is not asked to wait, however often the way back is delivered: the answer is known.
#[tokio::test]
async fn t118_a_proved_way_back_has_its_answer_without_a_budget() {
    let bench = bench().await;
    let mut ada = bench.visitor("ada");
    let back = bench.prove(&ada.challenge(&get("/pay").navigating()).await);
    for _ in 0..30 {
        let reply = ada.send(&back).await;
        assert_eq!((reply.status, reply.location()), (303, "/pay"));
    }
    assert_eq!(bench.validates(), 10);
    ada.send(&get("/pay").navigating()).await.assert_passed();
}

/// T118: what Authsignal did not answer is not counted, unless it asked to slow down.
#[tokio::test]
async fn t118_an_outage_takes_nothing_of_the_budget() {
    let bench = bench_with(|builder| builder.validate_budget(1)).await;
    let mut ada = bench.visitor("ada");
    let back = bench.prove(&ada.challenge(&get("/pay").navigating()).await);
    bench.emulator.inject_fault(Endpoint::ValidateChallenge, Fault::status(503).always());
    for _ in 0..5 {
        ada.send(&back).await.assert_refused(&RefusalReason::Outage(Outage::Server));
    }
    bench.emulator.clear_faults();
    bench.emulator.inject_fault(Endpoint::ValidateChallenge, Fault::status(429).always());
    ada.send(&back).await.assert_refused(&RefusalReason::Outage(Outage::RateLimited));
    let before = bench.validates();
    ada.send(&back).await.assert_refused(&RefusalReason::OverBudget(Budget::Validates));
    assert_eq!(bench.validates(), before);
}

/// The same way back with another token.
fn way_back_with(back: &Ask, token: &str, other: &str) -> Ask {
    Ask { target: back.target.replace(token, other), ..back.clone() }
}

/// A bench whose application stands on two nodes that share a store; its visitors ask the first.
async fn two_nodes(change: impl Fn(AuthsignalBuilder) -> AuthsignalBuilder) -> (Bench, [Router; 2]) {
    let mut bench = bench().await;
    let store = MemoryStore::new().clock(bench.clock.clone());
    let node = || {
        let handle = change(builder(&bench.emulator, &bench.clock)).store(store.clone()).build().unwrap();
        app(&handle, &bench.effects)
    };
    let nodes = [node(), node()];
    bench.app = nodes[0].clone();
    (bench, nodes)
}
