//! What one user can take from others: scripts of an attacker for each budget, with what others feel meanwhile.
use axum_authsignal::emulator::Outcome;
use axum_authsignal::{Budget, RefusalReason};

use crate::support::{Bench, MINUTE, bench_with, get};

async fn bench() -> Bench {
    // As a handle that sets nothing has them.
    bench_with(|builder| builder.challenge_budget(5, MINUTE * 10).refusal_budget(5, MINUTE * 10)).await
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
    bench.emulator.outcome("pay", Outcome::Block);
    let mut thief = bench.visitor("ada").in_session("stolen");
    for _ in 0..5 {
        assert!(matches!(thief.send(&get("/pay")).await.reason(), Some(RefusalReason::State(_))));
    }
    bench.emulator.outcome("pay", Outcome::Allow);
    for _ in 0..50 {
        let reply = thief.send(&get("/pay")).await;
        reply.assert_refused(&RefusalReason::OverBudget(Budget::Refusals));
        assert_eq!((reply.status, reply.header("retry-after")), (429, "600"));
    }
    println!("55 tries after a block: {} tracks", bench.tracks());
    assert_eq!((bench.tracks(), bench.effects.count()), (5, 0));
    bench.visitor("ada").in_session("own").send(&get("/pay")).await.assert_passed();
    bench.emulator.outcome("other", Outcome::Allow);
    thief.send(&get("/other")).await.assert_passed();
    bench.clock.advance(MINUTE * 10);
    thief.send(&get("/pay")).await.assert_passed();
}
