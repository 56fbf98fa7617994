//! Routes that name the methods that count, and from which age on a proof counts no more.
use std::time::Duration;

use authsignal_emulator::{Endpoint, Fault};
use axum::Router;
use axum::routing::any;
use axum_authsignal::client::VerificationMethod::{self, AuthenticatorApp, EmailOtp, Passkey};
use axum_authsignal::{AuthsignalLayer, Coverage, Grounds, RefusalReason, Unenrolled, Unproven};
use serde_json::json as value;

use crate::programs::{TOKEN, bearers};
use crate::support::{Ask, Bench, MINUTE, Reply, Visitor, bench_with, form, get, handle, json, parameter, way_back};

/// `/strict` takes the app alone, `/strict/kept` remembers that, `/lax/kept` any method for the same action, and `/fresh` and
/// `/fresh/kept` proofs of the last two minutes. Ada has e-mail and the app, bob e-mail alone.
async fn bench() -> (Bench, Router) {
    let bench = bench_with(|builder| bearers(builder).challenge_budget(5, MINUTE * 10)).await;
    bench.emulator.user("ada").enroll_authenticator_app();
    let layer = |action: &str| AuthsignalLayer::new(&bench.authsignal, action);
    let strict = layer("strict").methods([AuthenticatorApp, Passkey]);
    let kept = layer("kept").unenrolled(Unenrolled::Deny).remember(MINUTE * 10);
    let app = Router::new()
        .route("/strict", any(handle).layer(strict.clone()))
        .route("/enrol", any(handle).layer(strict.clone().unenrolled(Unenrolled::Enrol)))
        .route("/lax/kept", any(handle).layer(kept.clone()))
        .route("/strict/kept", any(handle).layer(kept.clone().methods([AuthenticatorApp])))
        .route("/fresh", any(handle).layer(layer("fresh").max_age(MINUTE * 2)))
        .route("/fresh/kept", any(handle).layer(kept.clone().max_age(MINUTE * 2)))
        .route("/shorter", any(handle).layer(layer("shorter").remember(MINUTE * 2).max_age(MINUTE * 60)))
        .with_state(bench.effects.clone())
        .merge(bench.authsignal.routes());
    (bench, app)
}

/// Proves a challenge by this method, and gives the token.
fn proof(bench: &Bench, challenge: &str, method: &VerificationMethod) -> String {
    // A code of an app's is taken once.
    bench.clock.advance(Duration::from_secs(31));
    parameter(&bench.emulator.succeed_by(challenge, method).unwrap(), "token").unwrap()
}

/// The visitor is challenged, proves it by this method, and comes back.
async fn prove_and_return(bench: &Bench, visitor: &mut Visitor, ask: &Ask, method: &VerificationMethod) -> Reply {
    let challenge = visitor.challenge(ask).await;
    bench.clock.advance(Duration::from_secs(31));
    visitor.send(&way_back(&bench.emulator.succeed_by(&challenge, method).unwrap())).await
}

const WEAK: RefusalReason = RefusalReason::Unproven(Unproven::Method);
const STALE: RefusalReason = RefusalReason::Unproven(Unproven::Age);

/// T34: a form that is proved with the weaker method is not passed on; its user is told what counts, goes back, and proves it.
#[tokio::test]
async fn t34_a_form_proved_by_a_weaker_method_is_asked_for_again() {
    let (bench, app) = bench().await;
    let mut ada = Visitor::new(&app, "ada");
    let send = form("/strict", "to=bob&amount=10");
    for (language, counts) in [
        ("en", "What counts here: authenticator app, passkey."),
        ("de", "Hier zählt: Authenticator-App, Passkey."),
        ("fr", "Ici compte : application d’authentification, clé d’accès."),
        ("es", "Aquí vale: aplicación de autenticación, clave de acceso."),
    ] {
        let challenge = ada.challenge(&send).await;
        let back = bench.emulator.succeed_by(&challenge, &EmailOtp).unwrap();
        let page = ada.send(&way_back(&back).header("accept-language", language)).await;
        page.assert_refused(&WEAK);
        assert_eq!(page.status, 403);
        let page = ada
            .send(
                &get(&format!("/authsignal/callback?flow={}", parameter(&back, "flow").unwrap()))
                    .navigating()
                    .header("accept-language", language),
            )
            .await;
        page.assert_refused(&WEAK);
        assert!(page.text().contains(counts), "{}", page.text());
        let posts = ["method=\"post\" action=\"/strict\"", "name=\"amount\" value=\"10\""];
        assert!(posts.iter().all(|part| page.text().contains(part)), "what was sent is not lost: {}", page.text());
        assert_eq!(page.refusal.unwrap().methods(), [AuthenticatorApp, Passkey]);
    }
    let back = prove_and_return(&bench, &mut ada, &send, &AuthenticatorApp).await;
    assert_eq!(back.refusal, None, "{}", back.text());
    ada.send(&send).await.assert_passed();
    assert_eq!(bench.effects.count(), 1);
    let verdict = bench.effects.last().verdict.unwrap();
    assert!(matches!(verdict.grounds(), Grounds::Verified { method: Some(AuthenticatorApp), .. }), "{verdict:?}");
}

/// T34: the same for pages' calls and for programs without a cookie, who are told in the problem, with the next challenge.
#[tokio::test]
async fn t34_a_program_is_told_which_methods_count() {
    let (bench, app) = bench().await;
    for is_bearer in [false, true] {
        let mut ada = Visitor::new(&app, "ada");
        let before = bench.effects.count();
        let send = json("/strict", r#"{"amount":10}"#);
        let send = if is_bearer { send.header("x-bearer", "key-1") } else { send };
        let reply = ada.send(&send).await;
        reply.assert_refused(&RefusalReason::ChallengeRequired);
        assert_eq!(reply.json()["methods"], value!(["AUTHENTICATOR_APP", "PASSKEY"]));
        let challenge = reply.json()["url"].as_str().unwrap().to_owned();
        let weak = proof(&bench, &challenge, &EmailOtp);
        let again = ada.send(&send.clone().header(TOKEN, &weak)).await;
        again.assert_refused(&RefusalReason::ChallengeRequired);
        let problem = again.json();
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("not in a way that is enough"), "{detail}");
        assert_eq!(problem["methods"], value!(["AUTHENTICATOR_APP", "PASSKEY"]));
        let next = problem["url"].as_str().unwrap().to_owned();
        assert_ne!(next, challenge, "another attempt");
        // The old token is none for the new attempt.
        ada.send(&send.clone().header(TOKEN, &weak)).await.assert_refused(&RefusalReason::Unproven(Unproven::Attempt));
        let strong = proof(&bench, &next, &AuthenticatorApp);
        ada.send(&send.clone().header(TOKEN, &strong)).await.assert_passed();
        assert_eq!(bench.effects.count(), before + 1, "{is_bearer}");
    }
}

/// T34: a method that is not named, null, unknown, or in another case is none.
#[tokio::test]
async fn t34_a_method_that_is_not_named_is_none() {
    let (bench, app) = bench().await;
    let mut tried = 0;
    for named in [value!(null), value!("authenticator_app"), value!("AUTHENTICATOR_APP "), value!(""), value!("SMS")] {
        let mut ada = Visitor::new(&app, "ada").in_session(&format!("session-{tried}"));
        let challenge = ada.challenge(&get("/strict").navigating()).await;
        bench.clock.advance(Duration::from_secs(31));
        let back = way_back(&bench.emulator.succeed_by(&challenge, &AuthenticatorApp).unwrap());
        bench.emulator.inject_fault(Endpoint::ValidateChallenge, Fault::merge(value!({ "verificationMethod": named })));
        ada.send(&back).await.assert_refused(&WEAK);
        // Shown once more, it gets the same answer, though the service names the method now.
        ada.send(&back).await.assert_refused(&WEAK);
        ada.send(&get("/strict").navigating()).await.assert_refused(&RefusalReason::ChallengeRequired);
        tried += 1;
    }
    assert_eq!((tried, bench.effects.count()), (5, 0));
}

/// T34, T118: whoever proves it in vain again and again meets the budget of all challenges.
#[tokio::test]
async fn t34_t118_weak_proofs_end_at_the_budget() {
    let (bench, app) = bench().await;
    let mut ada = Visitor::new(&app, "ada");
    let send = get("/strict").navigating();
    for _ in 0..5 {
        let challenge = ada.challenge(&send).await;
        ada.send(&way_back(&bench.emulator.succeed_by(&challenge, &EmailOtp).unwrap())).await.assert_refused(&WEAK);
    }
    let over = ada.send(&send).await;
    assert_eq!(over.status, 429, "{}", over.text());
    assert_eq!((bench.tracks(), bench.effects.count()), (5, 0));
}

/// T34, T81: who has none of the methods is refused at once, or sent to enrol, and is never challenged in vain; who may use none
/// of them is told so, and the operator in the log.
#[tokio::test]
async fn t34_t81_who_has_no_such_method_is_not_sent_round_and_round() {
    let (bench, app) = bench().await;
    let mut bob = Visitor::new(&app, "bob");
    let refused = bob.send(&get("/strict")).await;
    refused.assert_refused(&RefusalReason::NotEnrolled);
    assert_eq!(refused.json()["methods"], value!(["AUTHENTICATOR_APP", "PASSKEY"]));
    let enrol = bob.challenge(&get("/enrol").navigating()).await;
    assert!(enrol.ends_with("&force_enrollment=true"), "{enrol}");
    // Nothing at all, and let pass elsewhere for that.
    Visitor::new(&app, "eve").send(&get("/strict")).await.assert_refused(&RefusalReason::NotEnrolled);

    bench.emulator.inject_fault(
        Endpoint::Track,
        Fault::merge(value!({ "allowedVerificationMethods": ["SMS"], "enrolledVerificationMethods": ["PASSKEY"] })),
    );
    let refused = Visitor::new(&app, "ada").send(&get("/strict")).await;
    refused.assert_refused(&RefusalReason::MethodsNotOffered);
    assert_eq!((refused.status, bench.effects.count()), (403, 0));

    // Its own decision that no proof is needed passes, for those who could give one.
    bench.emulator.set_outcome("strict", authsignal_emulator::Outcome::Allow);
    Visitor::new(&app, "ada").send(&get("/strict")).await.assert_passed();
    Visitor::new(&app, "bob").send(&get("/strict")).await.assert_refused(&RefusalReason::NotEnrolled);
    // That it is proved already says nothing of how.
    for (state, passes) in [("CHALLENGE_SUCCEEDED", false), ("REVIEW_SUCCEEDED", true)] {
        bench.emulator.inject_fault(Endpoint::Track, Fault::merge(value!({ "state": state })));
        let reply = Visitor::new(&app, "ada").send(&get("/strict")).await;
        assert_eq!(reply.status == 200, passes, "{state}");
        assert_eq!(reply.reason(), (!passes).then_some(&WEAK), "{state}");
    }
}

/// T34, T61: what a laxer route remembers passes no stricter one, unless its proof is enough there too; and what is remembered
/// there is left as it was.
#[tokio::test]
async fn t34_a_remembered_action_passes_a_stricter_route_by_its_proof_alone() {
    let (bench, app) = bench().await;
    let mut ada = Visitor::new(&app, "ada");
    let [lax, strict] = ["/lax/kept", "/strict/kept"].map(|target| get(target).navigating());
    assert_eq!(prove_and_return(&bench, &mut ada, &lax, &EmailOtp).await.refusal, None);
    ada.send(&lax).await.assert_passed();
    ada.send(&strict).await.assert_refused(&RefusalReason::ChallengeRequired);
    ada.send(&lax).await.assert_passed();
    assert_eq!((bench.effects.count(), bench.tracks()), (2, 2));

    let mut other = Visitor::new(&app, "ada").in_session("other");
    assert_eq!(prove_and_return(&bench, &mut other, &lax, &AuthenticatorApp).await.refusal, None);
    other.send(&strict).await.assert_passed();
    assert_eq!(bench.tracks(), 3, "nobody is asked twice for what was proved well enough");
    // The other way round nothing is shared: what is bound to the stricter route stays there.
    let mut third = Visitor::new(&app, "ada").in_session("third");
    assert_eq!(prove_and_return(&bench, &mut third, &strict, &AuthenticatorApp).await.refusal, None);
    third.send(&lax).await.assert_refused(&RefusalReason::ChallengeRequired);
}

/// T31: used each minute for an hour, a remembered approval passes until it is two minutes old on the route that says so, and
/// ten on the one that gave it. Neither use nor the other route makes it younger, or takes it away.
#[tokio::test]
async fn t31_max_age_ends_what_is_remembered_for_longer() {
    let (bench, app) = bench().await;
    let mut ada = Visitor::new(&app, "ada");
    let [lax, fresh, shorter] = ["/lax/kept", "/fresh/kept", "/shorter"].map(|target| get(target).navigating());
    assert_eq!(prove_and_return(&bench, &mut ada, &lax, &EmailOtp).await.refusal, None);
    let (mut passed, mut refused) = ([0, 0], [0, 0]);
    for _ in 0..60 {
        for (at, ask) in [&fresh, &lax].into_iter().enumerate() {
            let reply = ada.send(ask).await;
            if reply.status == 200 { passed[at] += 1 } else { refused[at] += 1 }
        }
        bench.clock.advance(MINUTE);
    }
    println!("passed {passed:?}, refused {refused:?} of 60 each");
    assert_eq!((passed, refused), ([2, 10], [58, 50]));

    // The smaller of both counts.
    let mut other = Visitor::new(&app, "ada").in_session("other");
    assert_eq!(prove_and_return(&bench, &mut other, &shorter, &EmailOtp).await.refusal, None);
    other.send(&shorter).await.assert_passed();
    bench.clock.advance(MINUTE * 2);
    other.send(&shorter).await.assert_refused(&RefusalReason::ChallengeRequired);
}

/// T31: a proof of a while ago is none, whoever brings it and however late; and is told apart from a wrong one.
#[tokio::test]
async fn t31_a_proof_that_is_too_old_is_asked_for_again() {
    let (bench, app) = bench().await;
    // A form: proved, and left in the browser for three minutes before it comes back.
    let mut ada = Visitor::new(&app, "ada");
    let send = form("/fresh", "amount=10");
    let challenge = ada.challenge(&send).await;
    let back = way_back(&bench.emulator.succeed(&challenge).unwrap());
    bench.clock.advance(MINUTE * 3);
    let page = ada.send(&back).await;
    page.assert_refused(&STALE);
    assert!(page.text().contains("too long ago"), "{}", page.text());
    // Anew, and in time: until it is two minutes old, whatever it was approved for.
    let challenge = ada.challenge(&send).await;
    let back = way_back(&bench.emulator.succeed(&challenge).unwrap());
    bench.clock.advance(MINUTE);
    assert_eq!(ada.send(&back).await.refusal, None);
    bench.clock.advance(MINUTE - Duration::from_secs(1));
    ada.send(&send).await.assert_passed();
    bench.clock.advance(Duration::from_secs(11));
    let challenge = ada.challenge(&send).await;
    let back = way_back(&bench.emulator.succeed(&challenge).unwrap());
    assert_eq!(ada.send(&back).await.refusal, None);
    bench.clock.advance(MINUTE * 2);
    ada.send(&send).await.assert_refused(&RefusalReason::ChallengeRequired);

    for bearer in [false, true] {
        let mut ada = Visitor::new(&app, "ada").in_session(if bearer { "bearer" } else { "script" });
        let send = json("/fresh", r#"{"amount":10}"#);
        let send = if bearer { send.header("x-bearer", "key-1") } else { send };
        let before = bench.effects.count();
        let challenge = ada.challenge(&send).await;
        let token = parameter(&bench.emulator.succeed(&challenge).unwrap(), "token").unwrap();
        bench.clock.advance(MINUTE * 2);
        let reply = ada.send(&send.clone().header(TOKEN, &token)).await;
        reply.assert_refused(&RefusalReason::ChallengeRequired);
        assert!(reply.json()["detail"].as_str().unwrap().contains("too long ago"), "{}", reply.text());
        let token =
            parameter(&bench.emulator.succeed(reply.json()["url"].as_str().unwrap()).unwrap(), "token").unwrap();
        bench.clock.advance(MINUTE + Duration::from_secs(59));
        ada.send(&send.clone().header(TOKEN, &token)).await.assert_passed();
        assert_eq!(bench.effects.count(), before + 1);
    }
}

/// T61: a layer that asks for less never answers for one further in that asks for more of the proof.
#[tokio::test]
async fn t61_t34_an_inner_layer_that_names_methods_decides_itself() {
    let (bench, _) = bench().await;
    let layer = || AuthsignalLayer::new(&bench.authsignal, "nested").covers(Coverage::Request);
    let any_method = || layer().unenrolled(Unenrolled::Deny);
    let cases = [
        (any_method(), any_method().methods([AuthenticatorApp]), 2),
        (layer().methods([AuthenticatorApp]), layer().methods([AuthenticatorApp, Passkey]), 1),
        (layer().methods([AuthenticatorApp, Passkey]), layer().methods([AuthenticatorApp]), 2),
        (layer().methods([AuthenticatorApp]), any_method(), 1),
        (layer(), layer().max_age(MINUTE), 2),
        (layer().max_age(MINUTE), layer().max_age(MINUTE * 2), 1),
        (layer().max_age(MINUTE * 2), layer().max_age(MINUTE), 2),
    ];
    bench.emulator.set_outcome("nested", authsignal_emulator::Outcome::Allow);
    for (at, (outer, inner, tracks)) in cases.into_iter().enumerate() {
        let before = bench.tracks();
        let app: Router =
            Router::new().route("/", any(handle)).layer(inner).layer(outer).with_state(bench.effects.clone());
        Visitor::new(&app, "ada").send(&get("/")).await.assert_passed();
        assert_eq!(bench.tracks() - before, tracks, "case {at}");
    }
}
