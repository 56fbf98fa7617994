//! What the feature `testing` gives: handles by script, verdicts for a handler alone, and what neither of them can do.
use std::time::UNIX_EPOCH;

use authsignal_emulator::Outcome as Emulated;
use axum::routing::any;
use axum::{Extension, Router};
use axum_authsignal::client::{ActionState, VerificationMethod};
use axum_authsignal::testing::{Outcome, Script, Witness};
use axum_authsignal::{Action, Authsignal, AuthsignalLayer, Grounds, Outage, RefusalReason, Verdict, VerdictFor};
use http::HeaderMap;

use crate::support::{CALLBACK, Effects, Reply, Visitor, bench, form, get, handle, way_back, who};

fn app(script: &Script) -> (Router, Effects) {
    let authsignal = Authsignal::scripted(script)
        .callback_url(CALLBACK)
        .identify(|headers: HeaderMap| async move { who(&headers) })
        .build()
        .unwrap();
    let effects = Effects::default();
    let guarded = any(handle).layer(AuthsignalLayer::new(&authsignal, "pay"));
    (Router::new().route("/pay", guarded).with_state(effects.clone()).merge(authsignal.routes()), effects)
}

fn script(outcome: Outcome) -> Script {
    Script::new().outcome("pay", outcome)
}

#[tokio::test]
async fn a_script_decides_by_action() {
    let blocked = RefusalReason::State(ActionState::Block);
    for (script, refused) in [
        (script(Outcome::Allow), None),
        (script(Outcome::Block), Some(blocked.clone())),
        (script(Outcome::Challenge), Some(RefusalReason::ChallengeRequired)),
        (script(Outcome::Outage), Some(RefusalReason::Outage(Outage::Server))),
        (Script::new(), Some(blocked)),
    ] {
        let (app, effects) = app(&script);
        let reply = Visitor::new(&app, "ada").send(&get("/pay").navigating()).await;
        assert_eq!(reply.reason(), refused.as_ref());
        assert_eq!(effects.count(), usize::from(refused.is_none()));
    }
}

#[tokio::test]
async fn what_is_proved_by_a_script_passes_once() {
    let script = script(Outcome::Challenge);
    let (app, effects) = app(&script);
    let mut ada = Visitor::new(&app, "ada");
    let ask = form("/pay", "to=bob");
    let challenge = ada.challenge(&ask).await;
    let early = ada.send(&ask).await;
    early.assert_refused(&RefusalReason::ChallengeRequired);

    let back = ada.send(&way_back(&script.prove(&challenge))).await;
    assert_eq!((back.status, back.reason()), (303, None), "{}", back.text());
    ada.send(&ask).await.assert_passed();
    ada.send(&ask).await.assert_refused(&RefusalReason::AlreadyDone);
    assert_eq!(effects.count(), 1);
    let verdict = effects.last().verdict.unwrap();
    assert!(verdict.is_verified());

    script.set_outcome("pay", Outcome::Allow);
    ada.send(&form("/pay", "to=carol")).await.assert_passed();
    let tracked = script.tracked();
    let seen: Vec<_> = tracked.iter().map(|attempt| (attempt.user_id.as_str(), &attempt.state)).collect();
    assert_eq!(seen, [("ada", &ActionState::ChallengeSucceeded), ("ada", &ActionState::Allow)]);
    assert_eq!(verdict.idempotency_key(), &tracked[0].idempotency_key);
}

#[tokio::test]
async fn what_is_declined_by_a_script_is_refused() {
    let script = script(Outcome::Challenge);
    let (app, effects) = app(&script);
    let mut ada = Visitor::new(&app, "ada");
    let challenge = ada.challenge(&get("/pay").navigating()).await;
    let page = ada.send(&way_back(&script.decline(&challenge))).await;
    page.assert_refused(&RefusalReason::State(ActionState::ChallengeFailed));
    assert_eq!(effects.count(), 0);
}

/// What a user cannot do, a script does not do in their place; and no message repeats an address with its token.
#[tokio::test]
async fn a_script_says_what_it_cannot_do() {
    let script = script(Outcome::Challenge);
    let (app, _) = app(&script);
    let challenge = Visitor::new(&app, "ada").challenge(&get("/pay").navigating()).await;
    let said = |url: &str, prove: bool| {
        let (script, url) = (script.clone(), url.to_owned());
        let thread = std::thread::spawn(move || if prove { script.prove(&url) } else { script.decline(&url) });
        let said = thread.join().expect_err("it panics");
        said.downcast_ref::<String>().cloned().or(said.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap()
    };
    for url in ["", "no address", "http://localhost/", "http://localhost/?token=", "http://localhost/?token=other"] {
        assert_eq!(said(url, true), "this is the address of no challenge of the script's");
    }
    let _ = script.prove(&challenge);
    let text = said(&challenge, false);
    assert_eq!(text, "an attempt at `pay` that is CHALLENGE_SUCCEEDED can't become CHALLENGE_FAILED");
    let shown = format!("{script:?}");
    assert!(!shown.contains(challenge.split_once("token=").unwrap().1), "{shown}");
}

struct Withdrawal;

impl Action for Withdrawal {
    const CODE: &'static str = "withdraw";
}

/// A handler is a function, and a verdict what it is called with.
#[tokio::test]
async fn a_handler_is_tested_alone() {
    async fn withdraw(verdict: VerdictFor<Withdrawal>) -> String {
        format!("{} by {}: {}", verdict.action(), verdict.user_id(), verdict.is_verified())
    }
    let grounds = Grounds::verified_for_test(VerificationMethod::Passkey, UNIX_EPOCH);
    assert_eq!(withdraw(VerdictFor::for_test("ada", grounds.clone())).await, "withdraw by ada: true");
    assert_eq!(withdraw(VerdictFor::for_test("bob", Grounds::Allowed)).await, "withdraw by bob: false");
    assert_eq!(Verdict::for_test("ada", "pay", grounds.clone()).grounds(), &grounds);
}

#[test]
#[should_panic(expected = "invalid action code `with draw`: ")]
fn a_verdict_for_a_test_names_a_code_that_cannot_be_one() {
    let _ = Verdict::for_test("ada", "with draw", Grounds::Allowed);
}

/// T103: a verdict that a test made lets nothing through a layer, in front of which somebody may have put it.
#[tokio::test]
async fn t103_a_verdict_for_a_test_passes_no_layer() {
    let bench = bench().await;
    bench.emulator.set_outcome("pay", Emulated::Block);
    let verified = Verdict::for_test("ada", "pay", Grounds::verified_for_test(None, UNIX_EPOCH));
    let app = bench.app.clone().layer(Extension(verified));
    let reply = Visitor::new(&app, "ada").send(&get("/pay").navigating()).await;
    reply.assert_refused(&RefusalReason::State(ActionState::Block));
    bench.emulator.set_outcome("pay", Emulated::Allow);
    Visitor::new(&app, "ada").send(&get("/pay").navigating()).await.assert_passed();
    assert_eq!(bench.effects.last().verdict.unwrap().grounds(), &Grounds::Allowed, "the layer's own verdict");
    assert_eq!(bench.tracks(), 2);
}

/// T58: who sees verdicts is chosen in this process, and by no header.
#[tokio::test]
async fn a_witness_sees_why_a_request_passed() {
    let bench = bench().await;
    bench.emulator.set_outcome("pay", Emulated::Allow);
    let witness = Witness::new();
    let ada = Visitor::new(&bench.app, "ada");
    let mut request = ada.request(&get("/pay").navigating());
    request.extensions_mut().insert(witness.clone());
    let response = tower::ServiceExt::oneshot(bench.app.clone(), request).await.unwrap();
    Reply::of(response).await.assert_passed();
    let seen: Vec<_> = witness.verdicts().iter().map(|verdict| verdict.action().to_string()).collect();
    assert_eq!(seen, ["pay"]);

    bench.emulator.set_outcome("pay", Emulated::Block);
    let mut request = ada.request(&get("/pay").navigating());
    let unseeing = Witness::new();
    request.extensions_mut().insert(unseeing.clone());
    let _ = tower::ServiceExt::oneshot(bench.app.clone(), request).await.unwrap();
    assert!(unseeing.verdicts().is_empty(), "what did not pass has none");
}
