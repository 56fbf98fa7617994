//! What the service says, and what callers then see.
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use authsignal_emulator::{Endpoint, Fault, Outcome};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::{any, post as posting};
use axum_authsignal::client::ActionState;
use axum_authsignal::{Answer, AuthsignalLayer, Grounds, RefusalReason, Unenrolled, Verdict};
use bytes::Bytes;
use serde_json::json as value;

use crate::support::{Visitor, ask, bench, bench_with, form, get, handle, json, parameter, post};

/// T80: a user who has nothing enrolled passes, and it is said so; other routes ask them to enrol, or refuse them.
#[tokio::test]
async fn t80_the_unenrolled_pass_enrol_or_are_refused() {
    let bench = bench().await;
    let layer = |policy| AuthsignalLayer::new(&bench.authsignal, "rare").unenrolled(policy);
    let app: Router = Router::new()
        .route("/allow", any(handle).layer(layer(Unenrolled::Allow)))
        .route("/enrol", any(handle).layer(layer(Unenrolled::Enrol)))
        .route("/deny", any(handle).layer(layer(Unenrolled::Deny)))
        .with_state(bench.effects.clone())
        .merge(bench.authsignal.routes());
    let mut eve = Visitor::new(&app, "eve");
    eve.send(&get("/allow")).await.assert_passed();
    let verdict = bench.effects.last().verdict.unwrap();
    assert_eq!(verdict.grounds(), &Grounds::Unenrolled);
    assert!(!verdict.is_verified());

    eve.send(&get("/deny")).await.assert_refused(&RefusalReason::NotEnrolled);
    assert_eq!(eve.send(&get("/deny")).await.status, 403);
    let enrol = eve.challenge(&get("/enrol").navigating()).await;
    assert!(enrol.ends_with("&force_enrollment=true"), "{enrol}");
    assert_eq!(bench.effects.count(), 1);

    // An answer that says nothing of enrolment counts as "nothing".
    for members in [value!({ "isEnrolled": null }), value!({ "isEnrolled": false })] {
        bench.emulator.inject_fault(Endpoint::Track, Fault::merge(members));
        bench.emulator.set_outcome("rare", Outcome::Allow);
        Visitor::new(&app, "ada").send(&get("/deny")).await.assert_refused(&RefusalReason::NotEnrolled);
    }
    Visitor::new(&app, "ada").send(&get("/deny")).await.assert_passed();

    // Whoever enrols has proved it.
    let back = eve.send(&bench.prove(&enrol)).await;
    assert_eq!(back.location(), "/enrol");
    eve.send(&get("/enrol")).await.assert_passed();
    assert!(bench.effects.last().verdict.unwrap().is_verified());
}

/// T81: under `Deny` a challenge is none for who has nothing enrolled: whoever holds a stolen session would enrol on its
/// page, and be the first to do so. Under `Enrol` its page lets nobody skip that.
#[tokio::test]
async fn t81_who_has_nothing_enrolled_is_not_led_to_enrol_where_that_is_denied() {
    let bench = bench().await;
    let layer = |policy| AuthsignalLayer::new(&bench.authsignal, "rare").unenrolled(policy);
    let app: Router = Router::new()
        .route("/enrol", any(handle).layer(layer(Unenrolled::Enrol)))
        .route("/deny", any(handle).layer(layer(Unenrolled::Deny)))
        .with_state(bench.effects.clone());
    for members in [
        value!({ "state": "CHALLENGE_REQUIRED", "isEnrolled": false }),
        value!({ "state": "CHALLENGE_REQUIRED", "isEnrolled": null }),
    ] {
        for ask in [get("/deny"), get("/deny").navigating(), json("/deny", "{}")] {
            bench.emulator.inject_fault(Endpoint::Track, Fault::merge(members.clone()));
            let reply = Visitor::new(&app, "eve").send(&ask).await;
            reply.assert_refused(&RefusalReason::NotEnrolled);
            assert_eq!((reply.status, reply.location(), reply.cookie()), (403, "", None), "{members}");
            assert!(!reply.text().contains("token"), "{}", reply.text());
        }
    }
    bench
        .emulator
        .inject_fault(Endpoint::Track, Fault::merge(value!({ "state": "CHALLENGE_REQUIRED", "isEnrolled": false })));
    let enrol = Visitor::new(&app, "eve").challenge(&get("/enrol").navigating()).await;
    assert!(enrol.ends_with("&force_enrollment=true"), "{enrol}");
    assert_eq!(bench.effects.count(), 0);
}

/// The common path: one call upstream, and the body goes on as it came, unread.
#[tokio::test]
async fn an_allowed_request_costs_one_call_and_its_body_is_not_touched() {
    let bench = bench().await;
    bench.emulator.set_outcome("pay", Outcome::Allow);
    let polled = Arc::new(AtomicBool::new(false));
    let body = Body::new(Telling(Arc::clone(&polled)));
    let app: Router = Router::new().route(
        "/pay",
        posting(|verdict: Verdict, _: Request| async move { assert_eq!(verdict.grounds(), &Grounds::Allowed) })
            .layer(AuthsignalLayer::new(&bench.authsignal, "pay")),
    );
    let mut ada = Visitor::new(&app, "ada");
    let reply = ada.send_request(ada.request_with(&ask("POST", "/pay"), body)).await;
    assert_eq!((reply.status, reply.cookie(), reply.refusal), (200, None, None));
    assert!(!polled.load(Ordering::SeqCst), "the body was read");
    assert_eq!(bench.emulator.received_requests().len(), 1);
}

/// A body that says when it is read.
pub(crate) struct Telling(pub(crate) Arc<AtomicBool>);

impl http_body::Body for Telling {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        self.0.store(true, Ordering::SeqCst);
        Poll::Ready(None)
    }
}

/// T73: `BLOCK`, reviews, failures and whatever is new are refused, to every kind of caller, with the typed reason.
#[tokio::test]
async fn t73_what_does_not_pass_is_refused() {
    let bench = bench().await;
    let mut ada = bench.visitor("ada");
    for state in ["BLOCK", "REVIEW_REQUIRED", "REVIEW_FAILED", "CHALLENGE_FAILED", "SOMETHING_NEW", "allow", ""] {
        for ask in [get("/pay"), get("/pay").navigating(), get("/pay").header("hx-request", "true"), json("/pay", "{}")]
        {
            bench.emulator.inject_fault(Endpoint::Track, Fault::state(state));
            let reply = ada.send(&ask).await;
            reply.assert_refused(&RefusalReason::State(ActionState::from(state)));
            assert_eq!((reply.status, reply.cookie()), (403, None), "{state}");
            assert_eq!(reply.refusal.as_ref().unwrap().action().unwrap().as_str(), "pay");
            for header in ["location", "hx-redirect", "www-authenticate"] {
                assert_eq!(reply.header(header), "");
            }
            if ask.headers.contains_key("accept") {
                assert_eq!(reply.header("content-type"), "text/html; charset=utf-8");
                assert!(reply.text().contains("<h1>"));
                continue;
            }
            assert_eq!(reply.header("content-type"), "application/problem+json");
            let problem = reply.json();
            assert_eq!(problem["status"], 403);
            assert_eq!(problem["action"], "pay");
            assert!(problem["type"].as_str().unwrap().ends_with("enum.RefusalReason.html#variant.State"));
            let members: Vec<_> = problem.as_object().unwrap().keys().map(String::as_str).collect();
            if state.is_empty() {
                let usual = ["action", "code", "decisionId", "detail", "status", "title", "type"];
                assert_eq!(members, usual, "what is no word is not repeated");
                continue;
            }
            assert_eq!(problem["state"], state);
            assert_eq!(members, ["action", "code", "decisionId", "detail", "state", "status", "title", "type"]);
        }
    }
    for state in ["CHALLENGE_SUCCEEDED", "REVIEW_SUCCEEDED"] {
        bench.emulator.inject_fault(Endpoint::Track, Fault::state(state));
        ada.send(&get("/pay")).await.assert_passed();
        let verdict = bench.effects.last().verdict.unwrap();
        assert_eq!(verdict.grounds(), &Grounds::Settled(state.into()));
    }
    assert_eq!(bench.effects.count(), 2);
}

/// The table of callers: what a challenge looks like to each.
#[tokio::test]
async fn a_challenge_looks_as_its_caller_can_use_it() {
    let bench = bench().await;
    let chrome = get("/pay").navigating();
    for ask in [chrome.clone(), form("/pay", "a=b"), get("/pay").header("accept", "text/html")] {
        let reply = bench.visitor("ada").send(&ask).await;
        assert_eq!((reply.status, reply.text()), (303, ""), "never 302 or 307");
        assert!(reply.location().starts_with(bench.emulator.origin()), "{}", reply.location());
        assert!(reply.cookie().unwrap().starts_with("__Host-authsignal="));
        reply.assert_refused(&RefusalReason::ChallengeRequired);
    }
    let htmx = bench.visitor("ada").send(&chrome.clone().header("hx-request", "true")).await;
    assert_eq!((htmx.status, htmx.location()), (403, ""));
    assert!(htmx.header("hx-redirect").starts_with(bench.emulator.origin()));
    assert_eq!(htmx.header("content-type"), "application/problem+json");

    let fetch = bench.visitor("ada").send(&json("/pay", "{}").header("sec-fetch-mode", "cors")).await;
    assert_eq!((fetch.status, fetch.location(), fetch.header("hx-redirect")), (403, "", ""));
    assert_eq!(fetch.header("content-type"), "application/problem+json");
    let problem = fetch.json();
    let members: Vec<_> = problem.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        members,
        [
            "action",
            "callbackOrigin",
            "code",
            "decisionId",
            "detail",
            "expiresAt",
            "idempotencyKey",
            "state",
            "status",
            "title",
            "token",
            "type",
            "url"
        ]
    );
    assert_eq!(problem["callbackOrigin"], "https://app.example.com");
    assert_eq!(problem["state"], "CHALLENGE_REQUIRED");
    assert_eq!(problem["idempotencyKey"], bench.tracked()["idempotencyKey"]);
    assert_eq!(problem["expiresAt"], bench.clock.unix_seconds() + 600);
    let url = problem["url"].as_str().unwrap();
    assert!(url.starts_with(bench.emulator.origin()) && parameter(url, "token").is_some());
    assert!(problem["token"].as_str().unwrap().starts_with("eyJ"));

    // A bearer token changes nothing unless that was chosen.
    let bearer = get("/pay").header("authorization", "Bearer abc");
    assert_eq!(bench.visitor("ada").send(&bearer).await.status, 403);
    let bench = bench_with(|builder| builder.bearer_challenges()).await;
    let reply = bench.visitor("ada").send(&bearer).await;
    assert_eq!(reply.status, 401);
    assert!(reply.header("www-authenticate").starts_with("Bearer error=\"insufficient_user_authentication\""));
    assert_eq!(reply.json()["status"], 401);
    assert_eq!(bench.visitor("ada").send(&get("/pay")).await.status, 403);
    assert_eq!(bench.effects.count(), 0);
}

/// A server function of Leptos, as its client asks for it in a browser (server_fn 0.7 and 0.8, `request/browser.rs`; assumed,
/// since the client itself is not run here): it is led by `serverfnredirect`, and repeated by its user. A form without its
/// script is led like any other.
#[tokio::test]
async fn a_server_function_is_led_by_its_own_header() {
    let bench = bench_with(|builder| {
        builder.respond(|parts, answer| match answer {
            Answer::Challenge(challenge) if parts.uri.path() == "/pay" => challenge.server_fn_redirect(parts),
            _ => None,
        })
    })
    .await;
    let mut ada = bench.visitor("ada");
    let called = post("/pay", "application/x-www-form-urlencoded", "to=bob")
        .header("accept", "application/json")
        .header("sec-fetch-mode", "cors")
        .header("sec-fetch-site", "same-origin")
        .header("referer", "https://app.example.com/form");
    let reply = ada.send(&called).await;
    reply.assert_refused(&RefusalReason::ChallengeRequired);
    reply.assert_private();
    assert_eq!((reply.status, reply.text(), reply.header("content-type")), (200, "null", "application/json"));
    assert!(reply.headers.contains_key("serverfnredirect"));
    let back = ada.send(&bench.prove(reply.location())).await;
    let page = ada.send(&get(back.location()).navigating()).await;
    assert_eq!(crate::support::goes_on(&page), Some("/form"));
    ada.send(&called).await.assert_passed();
    assert_eq!((bench.effects.count(), bench.tracks()), (1, 1));

    let plain = bench.visitor("bob").send(&form("/pay", "to=bob")).await;
    assert_eq!((plain.status, plain.headers.contains_key("serverfnredirect")), (303, false));
    let elsewhere = bench.visitor("bob").send(&json("/other", "{}")).await;
    assert_eq!((elsewhere.status, elsewhere.headers.contains_key("serverfnredirect")), (403, false));
}

/// T70: ids that cannot be one path segment are refused before anything is asked.
#[tokio::test]
async fn t70_nobody_and_hostile_ids_are_refused_without_a_call() {
    let bench = bench().await;
    let mut nobody = Visitor { user: None, ..bench.visitor("x") };
    let reply = nobody.send(&get("/pay")).await;
    reply.assert_refused(&RefusalReason::Unauthenticated);
    assert_eq!((reply.status, reply.header("content-type")), (401, "application/problem+json"));
    assert_eq!(nobody.send(&get("/pay").navigating()).await.status, 401);
    let long = "a".repeat(1025);
    for id in ["", ".", "..", "a\tb", &long] {
        let reply = bench.visitor(id).send(&get("/pay")).await;
        assert!(matches!(reply.reason(), Some(RefusalReason::InvalidUser(_))), "{id:?}: {:?}", reply.reason());
        assert_eq!(reply.status, 403);
    }
    assert_eq!((bench.effects.count(), bench.emulator.received_requests().len()), (0, 0));
    // Ids that only look like paths reach the service as themselves.
    bench.emulator.set_outcome("pay", Outcome::Allow);
    for id in ["a/b", "%2e%2e", "a?b", "a#b", "..;", "a b", "\\..", "a:b"] {
        bench.visitor(id).send(&get("/pay")).await.assert_passed();
        assert_eq!(bench.effects.last().verdict.unwrap().user_id().as_str(), id);
        assert_eq!(bench.emulator.actions(id).len(), 1, "{id}");
    }
}

#[tokio::test]
async fn a_preflight_passes_and_nothing_else_of_options_does() {
    let bench = bench().await;
    let mut nobody = Visitor { user: None, ..bench.visitor("x") };
    let preflight = ask("OPTIONS", "/pay").header("origin", "https://x.example");
    nobody.send(&preflight.clone().header("access-control-request-method", "POST")).await.assert_passed();
    assert_eq!(bench.effects.last().verdict.map(|_| ()), None);
    nobody.send(&preflight).await.assert_refused(&RefusalReason::Unauthenticated);
    nobody
        .send(&get("/pay").header("access-control-request-method", "POST"))
        .await
        .assert_refused(&RefusalReason::Unauthenticated);
    assert_eq!((bench.effects.count(), bench.tracks()), (1, 0));
}

/// T53, M12: HEAD is guarded as the GET whose handler it runs.
#[tokio::test]
async fn t53_head_is_guarded() {
    let bench = bench().await;
    let reply = bench.visitor("ada").send(&ask("HEAD", "/pay")).await;
    reply.assert_refused(&RefusalReason::ChallengeRequired);
    let mut nobody = Visitor { user: None, ..bench.visitor("x") };
    nobody.send(&ask("HEAD", "/pay")).await.assert_refused(&RefusalReason::Unauthenticated);
    assert_eq!(bench.effects.count(), 0);
}

#[tokio::test]
async fn what_is_not_guarded_is_not_asked_about() {
    let bench = bench().await;
    for ask in [get("/open"), form("/open", "a=b"), get("/open").navigating()] {
        bench.visitor("ada").send(&ask).await.assert_passed();
    }
    assert_eq!(bench.emulator.received_requests().len(), 0);
}

/// A responder of the application's own decides how it looks, and nothing of what makes it safe.
#[tokio::test]
async fn a_custom_responder_keeps_reason_cookie_and_privacy() {
    let bench = bench_with(|builder| {
        builder.respond(|parts, answer| {
            let text = match answer {
                Answer::Challenge(challenge) => {
                    format!("prove {} at {} as {}", challenge.action(), challenge.url(), challenge.state())
                }
                Answer::Refusal(refusal) if *refusal.reason() == RefusalReason::Unauthenticated => return None,
                Answer::Refusal(refusal) => format!("no: {}", refusal.reason().as_str()),
                _ => return None,
            };
            assert_eq!(parts.uri.path(), "/pay");
            let response = http::Response::builder().status(418).header("cache-control", "public, max-age=600");
            Some(response.body(Bytes::from(text)).unwrap())
        })
    })
    .await;
    let mut ada = bench.visitor("ada");
    let reply = ada.send(&post("/pay", "text/plain", "x")).await;
    assert_eq!(reply.status, 418);
    let challenge = reply.text().strip_prefix("prove pay at ").unwrap().strip_suffix(" as CHALLENGE_REQUIRED").unwrap();
    reply.assert_refused(&RefusalReason::ChallengeRequired);
    assert!(reply.cookie().is_some());
    assert!(bench.emulator.succeed(challenge).is_ok());

    bench.emulator.set_outcome("pay", Outcome::Block);
    let reply = bench.visitor("ada").send(&get("/pay")).await;
    assert_eq!((reply.status, reply.text()), (418, "no: state"));
    reply.assert_refused(&RefusalReason::State(ActionState::Block));
    let reply = Visitor { user: None, ..ada }.send(&get("/pay")).await;
    assert_eq!((reply.status, reply.header("content-type")), (401, "application/problem+json"));
    assert_eq!(bench.effects.count(), 0);
}
