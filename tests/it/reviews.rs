//! Requests that wait until somebody has looked at them.
use std::time::Duration;

use authsignal_emulator::{Endpoint, Fault, Outcome};
use axum::Router;
use axum::routing::any;
use axum_authsignal::client::ActionState::{self, ReviewFailed, ReviewSucceeded};
use axum_authsignal::store::MemoryStore;
use axum_authsignal::{AuthsignalLayer, Budget, Grounds, OnOutage, Outage, RefusalReason, Unenrolled};
use futures_util::future::join_all;

use crate::audit::Memory;
use crate::programs::{TOKEN, bearers};
use crate::support::{Ask, Bench, MINUTE, Reply, Visitor, bench_with, form, get, handle, json};

const WAITS: RefusalReason = RefusalReason::UnderReview;

/// `/held` waits for an hour, `/plain` for nothing.
async fn bench() -> (Bench, Router) {
    let bench = bench_with(bearers).await;
    bench.emulator.set_outcome("held", Outcome::Review);
    let layer = AuthsignalLayer::new(&bench.authsignal, "held");
    let app = Router::new()
        .route("/held", any(handle).layer(layer.clone().review(MINUTE * 60)))
        .route("/denied", any(handle).layer(layer.clone().review(MINUTE * 60).unenrolled(Unenrolled::Deny)))
        .route("/away", any(handle).layer(layer.clone().review(MINUTE * 60).on_outage(OnOutage::Admit)))
        .route("/plain", any(handle).layer(layer))
        .with_state(bench.effects.clone())
        .merge(bench.authsignal.routes());
    (bench, app)
}

/// Whoever reviews decides about the newest attempt of a user.
fn decide(bench: &Bench, user: &str, state: ActionState) {
    let newest = bench.emulator.actions(user)[0].clone();
    bench.emulator.set_state(user, newest.action.as_str(), newest.idempotency_key.as_str(), state).unwrap();
}

fn asked(bench: &Bench) -> usize {
    bench.emulator.calls(Endpoint::GetAction)
}

/// The path that a link of a page leads to.
fn link(page: &Reply, label: &str) -> String {
    let before = page.text().split_once(&format!("\">{label}</a>")).unwrap_or_else(|| panic!("{}", page.text())).0;
    before.rsplit_once("href=\"").unwrap().1.replace("&#38;", "&").replace("&amp;", "&")
}

/// T107: without the setting, a review is refused as ever.
#[tokio::test]
async fn t107_a_review_is_refused_where_nobody_waits_for_it() {
    let (bench, app) = bench().await;
    let mut ada = Visitor::new(&app, "ada");
    ada.send(&get("/plain")).await.assert_refused(&RefusalReason::State(ActionState::ReviewRequired));
    decide(&bench, "ada", ReviewSucceeded);
    ada.send(&get("/plain")).await.assert_refused(&RefusalReason::State(ActionState::ReviewRequired));
    assert_eq!((bench.effects.count(), asked(&bench)), (0, 0));
}

/// T107: pages' calls and clients without a cookie poll with the very same request; it passes once, and only once it may.
#[tokio::test]
async fn t107_a_program_polls_and_passes_once() {
    let (bench, app) = bench().await;
    for is_bearer in [false, true] {
        let mut ada = Visitor::new(&app, "ada");
        let before = (bench.effects.count(), bench.tracks());
        let send = json("/held", r#"{"amount":10}"#);
        let send = if is_bearer { send.header("x-bearer", "key-1") } else { send };
        let reply = ada.send(&send).await;
        reply.assert_refused(&WAITS);
        assert_eq!((reply.status, reply.header("content-type")), (202, "application/problem+json"));
        assert_eq!(reply.header("retry-after"), "5");
        let problem = reply.json();
        let attempt = bench.emulator.actions("ada")[0].idempotency_key.to_string();
        assert_eq!((&problem["state"], &problem["status"]), (&"REVIEW_REQUIRED".into(), &202.into()), "{problem}");
        assert_eq!(problem["idempotencyKey"], attempt.as_str());
        assert!(problem["type"].as_str().unwrap().ends_with("variant.UnderReview"), "{problem}");
        for _ in 0..3 {
            bench.clock.advance(Duration::from_secs(6));
            let again = ada.send(&send).await;
            again.assert_refused(&WAITS);
            assert_eq!(again.json()["idempotencyKey"], attempt.as_str());
        }
        decide(&bench, "ada", ReviewSucceeded);
        // Somebody has just looked.
        ada.send(&send).await.assert_refused(&WAITS);
        assert_eq!(bench.effects.count(), before.0);
        bench.clock.advance(Duration::from_secs(6));
        ada.send(&json("/held", r#"{"amount":11}"#)).await.assert_refused(&WAITS);
        ada.send(&send).await.assert_passed();
        let verdict = bench.effects.last().verdict.unwrap();
        assert_eq!(verdict.grounds(), &Grounds::Settled(ReviewSucceeded));
        assert!(!verdict.is_verified());
        assert_eq!(verdict.idempotency_key().as_str(), attempt);
        bench.clock.advance(Duration::from_secs(11));
        ada.send(&send).await.assert_refused(&WAITS);
        assert_eq!(bench.effects.count(), before.0 + 1, "once");
        assert_eq!(bench.tracks(), before.1 + 3, "the request, another one, and the next after it had passed");
    }
}

/// T107: what was not let pass is refused, says so, and brings no new review about for a while.
#[tokio::test]
async fn t107_what_was_not_let_pass_says_so() {
    let (bench, app) = bench().await;
    let states = [ReviewFailed, ActionState::Block, ActionState::Allow, ActionState::ChallengeSucceeded, "NEW".into()];
    for (at, state) in states.into_iter().enumerate() {
        let mut ada = Visitor::new(&app, "ada").in_session(&at.to_string());
        let send = json("/held", r#"{"amount":10}"#);
        ada.send(&send).await.assert_refused(&WAITS);
        let tracks = bench.tracks();
        if state.as_str() == "NEW" {
            bench.emulator.inject_fault(Endpoint::GetAction, Fault::merge(serde_json::json!({ "state": "NEW" })));
        } else {
            decide(&bench, "ada", state.clone());
        }
        for _ in 0..5 {
            bench.clock.advance(MINUTE);
            ada.send(&send).await.assert_refused(&RefusalReason::State(state.clone()));
        }
        assert_eq!(bench.tracks(), tracks);
        bench.clock.advance(MINUTE * 6);
        ada.send(&send).await.assert_refused(&WAITS);
    }
    assert_eq!(bench.effects.count(), 0);
}

/// T107: a form's user looks again, and sends it with a click once it may go on; or is told that it may not.
#[tokio::test]
async fn t107_a_form_is_kept_until_somebody_has_looked_at_it() {
    let (bench, app) = bench().await;
    let send = form("/held", "to=bob&amount=10");
    for (language, title, look, resumed) in [
        ("en", "This is being looked at", "Look again", "Somebody has looked at this"),
        ("de", "Das wird gerade geprüft", "Wieder nachsehen", "Jemand hat sich das angesehen"),
        ("fr", "C’est en cours d’examen", "Revoir", "Quelqu’un a examiné ceci"),
        ("es", "Se está revisando", "Volver a mirar", "Alguien lo ha revisado"),
    ] {
        let before = bench.effects.count();
        let mut ada = Visitor::new(&app, "ada").in_session(language);
        let page = ada.send(&send.clone().header("accept-language", language)).await;
        page.assert_refused(&WAITS);
        assert_eq!(page.status, 202);
        assert!(page.text().contains(title), "{}", page.text());
        let flow = link(&page, look);
        assert!(flow.starts_with("/authsignal/callback?flow="), "{flow}");
        let again = get(&flow).navigating().header("accept-language", language);
        bench.clock.advance(Duration::from_secs(30));
        let page = ada.send(&again).await;
        page.assert_refused(&WAITS);
        assert_eq!((page.status, link(&page, look)), (202, flow));
        assert_eq!(page.header("retry-after"), "5");
        // Sent again by its user, it waits for the same review, on a page of its own.
        let twice = ada.send(&send.clone().header("accept-language", language)).await;
        twice.assert_refused(&WAITS);
        decide(&bench, "ada", ReviewSucceeded);
        bench.clock.advance(MINUTE * 30);
        for page in [again, get(&link(&twice, look)).navigating().header("accept-language", language)] {
            let page = ada.send(&page).await;
            assert_eq!((page.status, page.refusal.as_ref()), (200, None));
            assert!(page.text().contains(resumed), "{}", page.text());
            let posts = ["method=\"post\" action=\"/held\"", "name=\"amount\" value=\"10\""];
            assert!(posts.iter().all(|part| page.text().contains(part)), "{}", page.text());
        }
        ada.send(&send).await.assert_passed();
        assert_eq!(bench.effects.count(), before + 1);
    }

    let mut ada = Visitor::new(&app, "ada");
    let flow = link(&ada.send(&send).await, "Look again");
    decide(&bench, "ada", ReviewFailed);
    bench.clock.advance(MINUTE);
    let page = ada.send(&get(&flow).navigating()).await;
    page.assert_refused(&RefusalReason::State(ReviewFailed));
    assert_eq!(page.status, 403);

    // A page that was asked for is led to.
    let mut bob = Visitor::new(&app, "bob");
    let flow = link(&bob.send(&get("/held?a=b").navigating()).await, "Look again");
    decide(&bench, "bob", ReviewSucceeded);
    bench.clock.advance(MINUTE);
    assert_eq!(bob.send(&get(&flow).navigating()).await.location(), "/held?a=b");
    bob.send(&get("/held?a=b").navigating()).await.assert_passed();
}

/// T107, T118: however many look, from wherever, Authsignal is asked once in five seconds; of an outage it is said, and nothing
/// passes for it.
#[tokio::test]
async fn t107_t118_whoever_looks_and_however_often() {
    let (bench, app) = bench().await;
    let mut ada = Visitor::new(&app, "ada");
    let send = json("/away", r#"{"amount":10}"#);
    ada.send(&send).await.assert_refused(&WAITS);
    for second in 0..20 {
        let looks = join_all((0..10).map(|_| {
            let (mut ada, send) = (ada.clone(), send.clone());
            async move { ada.send(&send).await }
        }));
        looks.await.iter().for_each(|reply| reply.assert_refused(&WAITS));
        assert_eq!(asked(&bench), second / 5, "second {second}");
        bench.clock.advance(Duration::from_secs(1));
    }
    println!("200 looks in 20 seconds, asked {} times", asked(&bench));
    bench.emulator.inject_fault(Endpoint::GetAction, Fault::status(503).times(9));
    let reply = ada.send(&send).await;
    reply.assert_refused(&RefusalReason::Outage(Outage::Server));
    assert_eq!(bench.effects.count(), 0, "no failover passes what waits");
    bench.emulator.clear_faults();
    decide(&bench, "ada", ReviewSucceeded);
    bench.clock.advance(Duration::from_secs(6));
    let passed = join_all((0..10).map(|_| {
        let (mut ada, send) = (ada.clone(), send.clone());
        async move { ada.send(&send).await.status }
    }));
    let passed = passed.await.into_iter().filter(|status| *status == 200).count();
    assert_eq!((passed, bench.effects.count()), (1, 1), "one of many at once");
}

/// T107: no token passes what somebody has to look at, nor does anybody else's browser, session or user.
#[tokio::test]
async fn t107_nobody_else_passes_on_a_review_and_no_token() {
    let (bench, app) = bench().await;
    let mut ada = Visitor::new(&app, "ada");
    let send = json("/held", r#"{"amount":10}"#);
    ada.send(&send).await.assert_refused(&WAITS);
    let page = form("/held", "amount=10");
    let flow = link(&ada.send(&page).await, "Look again");
    // A token of a challenge elsewhere, and of this very attempt as the service gave it with `track`.
    let attempt = bench.emulator.actions("ada")[0].clone();
    let client = bench.emulator.client();
    let same = axum_authsignal::client::Track::new("held").idempotency_key(attempt.idempotency_key.clone());
    let tracked = client.track("ada", same);
    let token = tracked.await.unwrap().token.unwrap();
    ada.send(&send.clone().header(TOKEN, token.secret())).await.assert_refused(&WAITS);
    let back = get(&format!("{flow}&token={}", token.secret())).navigating();
    ada.send(&back).await;
    // Also where the service called it proved.
    bench.emulator.set_state("ada", "held", attempt.idempotency_key.as_str(), ActionState::ChallengeSucceeded).unwrap();
    ada.send(&send.clone().header(TOKEN, token.secret())).await.assert_refused(&WAITS);
    let back = ada.send(&back).await;
    assert_ne!(back.reason(), None, "{}", back.text());
    assert_eq!(bench.effects.count(), 0);

    let first = bench.emulator.actions("ada")[1].idempotency_key.clone();
    bench.emulator.set_state("ada", "held", first.as_str(), ReviewSucceeded).unwrap();
    bench.clock.advance(MINUTE);
    for mut other in [ada.elsewhere(), ada.signed_in_as("bob"), ada.in_session("other")] {
        other.send(&send).await.assert_refused(&WAITS);
        other.send(&get(&flow).navigating()).await;
    }
    let mut bearer = Visitor::new(&app, "ada");
    bearer.send(&send.clone().header("x-bearer", "key-1")).await.assert_refused(&WAITS);
    assert_eq!(bench.effects.count(), 0);
    ada.send(&send).await.assert_passed();
    assert_eq!(bench.effects.count(), 1);
}

/// T81, T107: who has nothing enrolled where that is refused is refused there, too, and nobody is asked to look at it.
#[tokio::test]
async fn t81_t107_who_has_nothing_enrolled_does_not_wait_where_that_is_refused() {
    let (bench, app) = bench().await;
    Visitor::new(&app, "eve").send(&get("/denied")).await.assert_refused(&RefusalReason::NotEnrolled);
    Visitor::new(&app, "ada").send(&get("/denied")).await.assert_refused(&WAITS);
    assert_eq!(bench.effects.count(), 0);
}

/// T50, T117: the same request, however often it is sent while it waits, leaves no more in the store than once.
#[tokio::test]
async fn t50_t117_looking_again_leaves_nothing_in_the_store() {
    let store = MemoryStore::new();
    let bench = bench_with(|builder| bearers(builder).store(store.clone())).await;
    bench.emulator.set_outcome("held", Outcome::Review);
    let layer = AuthsignalLayer::new(&bench.authsignal, "held").review(MINUTE * 60);
    let app = Router::new()
        .route("/held", any(handle).layer(layer))
        .with_state(bench.effects.clone())
        .merge(bench.authsignal.routes());
    let mut ada = Visitor::new(&app, "ada");
    let send = form("/held", "to=bob&amount=10");
    let mut pages = Vec::new();
    let mut records = Vec::new();
    for _ in 0..1_000 {
        let reply = ada.send(&send).await;
        reply.assert_refused(&WAITS);
        pages.push(link(&reply, "Look again"));
        records.push(store.len());
    }
    println!("{} records after one look, {} after 1,000", records[0], records[999]);
    assert_eq!(records[0], records[999]);
    pages.dedup();
    assert_eq!(pages.len(), 1, "and each leads to the same page");
    // What is there is the browser's own: nobody else finds it.
    ada.send(&get(&pages[0]).navigating()).await.assert_refused(&WAITS);
    let reply = ada.elsewhere().send(&get(&pages[0]).navigating()).await;
    assert_eq!(reply.reason(), Some(&RefusalReason::UnknownFlow));
}

/// T117: what waits for a review counts for as long as it waits, and not for an hour.
#[tokio::test]
async fn t117_a_review_counts_until_somebody_has_looked() {
    let bench = bench_with(|builder| bearers(builder).pending_flow_budget(1, 1 << 20)).await;
    bench.emulator.set_outcome("held", Outcome::Review);
    let layer = AuthsignalLayer::new(&bench.authsignal, "held").review(MINUTE * 60 * 24);
    let app = Router::new().route("/held", any(handle).layer(layer)).with_state(bench.effects.clone());
    let mut ada = Visitor::new(&app, "ada");
    ada.send(&json("/held", "1")).await.assert_refused(&WAITS);
    for hours in [0, 2, 20] {
        bench.clock.advance(MINUTE * 60 * hours);
        ada.send(&json("/held", "2")).await.assert_refused(&RefusalReason::OverBudget(Budget::PendingFlows));
    }
    let first = bench.emulator.actions("ada").last().unwrap().clone();
    bench.emulator.set_state("ada", "held", first.idempotency_key.as_str(), ReviewSucceeded).unwrap();
    ada.send(&json("/held", "1")).await.assert_passed();
    ada.send(&json("/held", "2")).await.assert_refused(&WAITS);
}

/// What somebody let pass, or did not, is in the audit when it is noticed.
#[tokio::test]
async fn what_came_of_a_review_is_in_the_audit() {
    let sink = Memory::default();
    let bench = bench_with(|builder| builder.audit(sink.clone(), "an audit's key, of 32 bytes or more")).await;
    bench.emulator.set_outcome("held", Outcome::Review);
    let layer = AuthsignalLayer::new(&bench.authsignal, "held").review(MINUTE * 60);
    let app = Router::new().route("/held", any(handle).layer(layer)).with_state(bench.effects.clone());
    for (user, state) in [("ada", ReviewSucceeded), ("bob", ReviewFailed)] {
        let mut visitor = Visitor::new(&app, user);
        visitor.send(&json("/held", "1")).await.assert_refused(&WAITS);
        decide(&bench, user, state);
        bench.clock.advance(MINUTE);
        visitor.send(&json("/held", "1")).await;
    }
    bench.authsignal.close_audit().await.unwrap();
    let told = sink.events().into_iter().map(|event| {
        let event: serde_json::Value = serde_json::from_str(&event.to_line()).unwrap();
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        [text("user"), text("outcome"), text("state")]
    });
    let told: Vec<_> = told.filter(|[user, ..]| !user.is_empty()).collect();
    let want = [
        ["ada", "under_review", "REVIEW_REQUIRED"],
        ["ada", "proved", ""],
        ["ada", "settled", ""],
        ["bob", "under_review", "REVIEW_REQUIRED"],
        ["bob", "failed", "REVIEW_FAILED"],
        ["bob", "refused", "REVIEW_FAILED"],
    ];
    assert_eq!(told, want);
}

/// T61, T107: an inner layer that does not wait for reviews takes none that an outer one let pass.
#[tokio::test]
async fn t61_t107_a_review_passes_no_layer_that_does_not_wait_for_it() {
    let (bench, _) = bench().await;
    let layer = AuthsignalLayer::new(&bench.authsignal, "held");
    let app: Router = Router::new()
        .route("/", any(handle))
        .layer(layer.clone())
        .layer(layer.review(MINUTE * 60))
        .with_state(bench.effects.clone());
    let mut ada = Visitor::new(&app, "ada");
    let send: Ask = json("/", "{}");
    ada.send(&send).await.assert_refused(&WAITS);
    decide(&bench, "ada", ReviewSucceeded);
    bench.clock.advance(MINUTE);
    ada.send(&send).await.assert_refused(&RefusalReason::State(ActionState::ReviewRequired));
    assert_eq!(bench.effects.count(), 0);
}
