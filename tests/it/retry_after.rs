//! Whoever comes back when `Retry-After` says comes late enough: it has whole seconds, and what is waited for seldom has.
use std::time::Duration;

use authsignal_emulator::{Endpoint, Fault, Outcome};
use axum::Router;
use axum::routing::any;
use axum_authsignal::{AuthsignalBuilder, AuthsignalLayer, Budget, RefusalReason, SignInError, User};

use crate::support::{Ask, MINUTE, Visitor, bench, bench_with, get, handle};

/// Part of a second.
const PART: Duration = Duration::from_millis(300);

fn page(path: &str) -> Ask {
    get(path).navigating()
}

/// Each budget, used up, and what is left of its time less a part of a second: the next request after it is asked about.
#[tokio::test]
async fn whoever_waits_as_long_as_a_budget_says_has_room_again() {
    type Set = fn(AuthsignalBuilder) -> AuthsignalBuilder;
    let budgets: [(Budget, Outcome, Set, u64); 3] = [
        (Budget::Challenges, Outcome::Challenge, |builder| builder.challenge_budget(1, MINUTE), 60),
        (Budget::Refusals, Outcome::Block, |builder| builder.refusal_budget(1, MINUTE), 60),
        (Budget::PendingFlows, Outcome::Challenge, |builder| builder.pending_flow_budget(1, 1024 * 1024), 600),
    ];
    for (budget, outcome, set, seconds) in budgets {
        let bench = bench_with(set).await;
        bench.emulator.set_outcome("pay", outcome);
        let mut ada = bench.visitor("ada");
        ada.send(&page("/pay/1")).await;
        bench.clock.advance(PART);
        let over = ada.send(&page("/pay/2")).await;
        over.assert_refused(&RefusalReason::OverBudget(budget));
        let wait = Duration::from_secs(over.header("retry-after").parse().unwrap());
        assert_eq!(
            over.refusal.as_ref().unwrap().retry_after(),
            Some(wait),
            "as whoever answers in their own way has it"
        );
        let asked = bench.tracks();
        bench.clock.advance(wait);
        let again = ada.send(&page("/pay/2")).await;
        assert_ne!(again.reason(), Some(&RefusalReason::OverBudget(budget)), "after {wait:?}");
        assert_eq!((bench.tracks(), wait), (asked + 1, Duration::from_secs(seconds)), "{budget:?}");
    }
}

/// Nor does whoever looks at a review too early to have it asked about.
#[tokio::test]
async fn whoever_waits_as_long_as_a_review_says_has_it_looked_at() {
    let bench = bench().await;
    bench.emulator.set_outcome("held", Outcome::Review);
    let layer = AuthsignalLayer::new(&bench.authsignal, "held").review(MINUTE * 60);
    let app = Router::new().route("/held", any(handle).layer(layer)).with_state(bench.effects.clone());
    let mut ada = Visitor::new(&app, "ada");
    ada.send(&page("/held")).await.assert_refused(&RefusalReason::UnderReview);
    bench.clock.advance(PART);
    let waits = ada.send(&page("/held")).await;
    assert_eq!((waits.header("retry-after"), bench.emulator.calls(Endpoint::GetAction)), ("5", 0));
    bench.clock.advance(Duration::from_secs(5));
    ada.send(&page("/held")).await.assert_refused(&RefusalReason::UnderReview);
    assert_eq!(bench.emulator.calls(Endpoint::GetAction), 1);
}

/// Nor is what the application's own sign-in is told: as long as the breaker asks nobody, less what has passed of it.
#[tokio::test]
async fn a_sign_in_is_told_whole_seconds_to_wait() {
    let bench = bench_with(|builder| builder.circuit_breaker(1, MINUTE)).await;
    let mut ada = bench.visitor("ada").in_session("s");
    ada.challenge(&page("/pay")).await;
    bench.emulator.inject_fault(Endpoint::ValidateChallenge, Fault::status(503).always());
    let parts = ada.request(&get("/login")).into_parts().0;
    let user = User::new("ada").session("s");
    let mut told = Vec::new();
    for _ in 0..2 {
        let Err(SignInError::Outage { retry_after, .. }) =
            bench.authsignal.approve(&parts, &user, "signIn", "token").await
        else {
            panic!("the service is out")
        };
        told.push(retry_after);
    }
    assert_eq!(told, [None, Some(MINUTE)]);
}
