//! Where two rules meet: routes that share an action, requests that cross, answers that come late.
use std::time::Duration;

use authsignal_emulator::{Endpoint, Fault, Outcome};
use axum::Router;
use axum::routing::{any, get as on_get};
use axum_authsignal::client::CustomData;
use axum_authsignal::{AuthsignalLayer, Coverage, RefusalReason, Unenrolled};
use serde_json::json as value;

use crate::support::{Bench, MINUTE, Visitor, ask, bench, bench_with, form, get, handle, json, post, way_back};

/// An application of routes by hand, on a bench's emulator.
fn app(bench: &Bench, routes: &[(&str, AuthsignalLayer)]) -> Router {
    let guarded = |router: Router<_>, (path, layer): &(&str, AuthsignalLayer)| {
        router.route(path, any(handle).layer(layer.clone()))
    };
    let router = routes.iter().fold(Router::new(), guarded);
    router.with_state(bench.effects.clone()).merge(bench.authsignal.routes())
}

/// The address of the newest flow's own page.
fn page_of_flow(bench: &Bench) -> crate::support::Ask {
    way_back(bench.tracked()["redirectUrl"].as_str().unwrap())
}

/// T31: a route never lives on what was approved for another that remembers longer, or at all.
#[tokio::test]
async fn t31_routes_of_one_action_keep_their_own_memory() {
    let bench = bench().await;
    let layer = || AuthsignalLayer::new(&bench.authsignal, "account");
    let routes = [
        ("/long", layer().remember(MINUTE * 60)),
        ("/short", layer().remember(MINUTE * 5)),
        ("/once", layer().covers(Coverage::Action)),
        ("/twin", layer().remember(MINUTE * 60)),
    ];
    let mut ada = Visitor::new(&app(&bench, &routes), "ada");
    bench.approve(&mut ada, &get("/long")).await;
    ada.send(&get("/long")).await.assert_passed();
    ada.send(&get("/twin")).await.assert_passed();
    ada.challenge(&get("/short")).await;
    ada.challenge(&get("/once")).await;
    assert_eq!(bench.effects.count(), 2);
}

/// T33: remembering for no time is not remembering, and the order of the setters says nothing.
#[tokio::test]
async fn t33_remembering_for_no_time_widens_nothing() {
    let bench = bench().await;
    let layer = || AuthsignalLayer::new(&bench.authsignal, "account");
    let routes = [
        ("/zero", layer().remember(Duration::ZERO)),
        ("/route/{id}", layer().covers(Coverage::Route).remember(MINUTE)),
        ("/other/{id}", layer().remember(MINUTE).covers(Coverage::Route)),
    ];
    let mut ada = Visitor::new(&app(&bench, &routes), "ada");
    bench.approve(&mut ada, &json("/zero", "10")).await;
    ada.challenge(&json("/zero", "10000")).await;
    ada.send(&json("/zero", "10")).await.assert_passed();
    for [one, other] in [["/route/1", "/other/1"], ["/other/1", "/route/1"]] {
        let mut ada = ada.elsewhere();
        bench.approve(&mut ada, &get(one)).await;
        ada.send(&get(one)).await.assert_passed();
        ada.challenge(&get(other)).await;
    }
}

/// Only what a browser sends as a preflight is one: on nobody's behalf, and with nothing in it.
#[tokio::test]
async fn a_preflight_with_credentials_or_a_body_is_decided() {
    let bench = bench().await;
    let preflight = || {
        ask("OPTIONS", "/pay").header("origin", "https://other.example").header("access-control-request-method", "POST")
    };
    let nobody = || Visitor { user: None, ..bench.visitor("ada") };
    nobody().send(&preflight()).await.assert_passed();
    assert_eq!(bench.emulator.received_requests().len(), 0);
    let mut no_origin = preflight();
    no_origin.headers.remove("origin");
    let with_body = crate::support::Ask { body: "a=b".into(), ..preflight() };
    for ask in [
        preflight().header("cookie", "session=1"),
        preflight().header("authorization", "Bearer x"),
        with_body,
        no_origin,
    ] {
        bench.visitor("ada").challenge(&ask).await;
        nobody().send(&ask).await.assert_refused(&RefusalReason::Unauthenticated);
    }
    assert_eq!(bench.effects.count(), 1);
}

/// C1: of two forms under one challenge it is the later one that the user goes on with; a script leads nobody away.
#[tokio::test]
async fn c1_the_later_form_is_the_one_that_is_kept() {
    let bench = bench().await;
    let mut ada = bench.visitor("ada");
    let challenge = ada.challenge(&form("/route/1", "amount=10")).await;
    assert_eq!(ada.challenge(&form("/route/1", "amount=20")).await, challenge);
    assert_eq!(ada.challenge(&json("/route/1", "{}")).await, challenge);
    ada.send(&bench.prove(&challenge)).await;
    let page = ada.send(&page_of_flow(&bench)).await;
    assert!(page.text().contains("value=\"20\"") && !page.text().contains("value=\"10\""), "{}", page.text());

    // A page that was asked for leads away from what a script had asked for before.
    let challenge = ada.challenge(&get("/kept").header("referer", "https://app.example.com/app")).await;
    assert_eq!(ada.challenge(&get("/kept").navigating()).await, challenge);
    assert_eq!(ada.send(&bench.prove(&challenge)).await.location(), "/kept");
    assert_eq!(bench.tracks(), 2);
}

/// C3: an answer that was asked for before the proof, and comes after it, takes nothing back.
#[tokio::test]
async fn c3_a_slow_not_yet_takes_no_approval_back() {
    let bench = bench().await;
    let mut ada = bench.visitor("ada");
    let ask = get("/pay").navigating();
    let challenge = ada.challenge(&ask).await;
    let back = bench.prove(&challenge);
    ada.send(&back).await;
    let not_yet = value!({ "isValid": false, "state": "CHALLENGE_REQUIRED" });
    bench.emulator.inject_fault(Endpoint::ValidateChallenge, Fault::merge(not_yet));
    assert_eq!(ada.send(&back).await.location(), "/pay");
    ada.send(&ask).await.assert_passed();
}

/// C2: a callback behind its own guard could never be reached; it says so, and asks nothing.
#[tokio::test]
async fn c2_a_guarded_callback_says_so() {
    let bench = bench().await;
    let layer = AuthsignalLayer::new(&bench.authsignal, "all");
    let app = Router::new().route("/x", on_get(|| async {})).merge(bench.authsignal.routes()).layer(layer);
    let mut ada = Visitor::new(&app, "ada");
    let challenge = ada.challenge(&get("/x").navigating()).await;
    let reply = ada.send(&bench.prove(&challenge)).await;
    reply.assert_refused(&RefusalReason::CallbackGuarded);
    assert_eq!((reply.status, bench.tracks()), (500, 1));
}

/// A user sent to enrol, about whom the service then says `ALLOW`, is asked about anew and not sent to a dead end.
#[tokio::test]
async fn an_enrolment_that_ends_in_allow_is_tracked_again() {
    let bench = bench().await;
    let layer = AuthsignalLayer::new(&bench.authsignal, "limit").unenrolled(Unenrolled::Enrol);
    let mut grace = Visitor::new(&app(&bench, &[("/limit", layer)]), "grace");
    bench.emulator.set_outcome("limit", Outcome::Allow);
    let ask = get("/limit").navigating();
    let challenge = grace.challenge(&ask).await;
    let back = way_back(&bench.emulator.quit(&challenge).unwrap());
    let page = grace.send(&back).await;
    let page = grace.send(&get(page.location()).navigating()).await;
    assert!(page.text().contains("Not confirmed yet") && page.text().contains("href=\"/limit\""), "{}", page.text());
    assert_ne!(grace.challenge(&ask).await, challenge, "a challenge of its own");
    bench.emulator.user("grace").enroll_email_otp("grace@example.com");
    let back = way_back(&bench.emulator.quit(&grace.challenge(&ask).await).unwrap());
    let page = grace.send(&back).await;
    grace.send(&get(page.location()).navigating()).await;
    grace.send(&ask).await.assert_passed();
}

/// T86: a closure of the application's that panics takes its own request with it, or gets a 500, and nothing else.
#[tokio::test]
async fn t86_a_closure_that_panics_lets_nothing_pass_and_spoils_nothing() {
    fn panics_in(parts: &axum::http::request::Parts, closure: &str) {
        assert!(parts.headers.get("x-panic").is_none_or(|name| name != closure), "as it was asked to");
    }
    let bench = bench_with(|builder| {
        let identified = builder.identify_parts(|parts| {
            panics_in(parts, "identify");
            crate::support::who(&parts.headers)
        });
        identified.respond(|parts, _| {
            panics_in(parts, "respond");
            None
        })
    })
    .await;
    let layer = AuthsignalLayer::new(&bench.authsignal, "account").custom(|parts| {
        panics_in(parts, "custom");
        CustomData::new()
    });
    let mut ada = Visitor::new(&app(&bench, &[("/x", layer)]), "ada");
    let panics = async |ada: &Visitor, ask: &crate::support::Ask, closure: &str| {
        let (mut ada, ask) = (ada.clone(), ask.clone().header("x-panic", closure));
        let outcome = tokio::spawn(async move { ada.send(&ask).await.status }).await;
        assert!(outcome.is_err_and(|error| error.is_panic()), "{closure}");
    };
    let ask = get("/x").navigating();
    for closure in ["identify", "respond"] {
        panics(&ada, &ask, closure).await;
    }
    let reply = ada.send(&ask.clone().header("x-panic", "custom")).await;
    assert_eq!((reply.status, reply.reason()), (500, Some(&RefusalReason::Unguarded)));
    let challenge = ada.challenge(&ask).await;
    let back = bench.prove(&challenge);
    panics(&ada, &back, "identify").await;
    panics(&ada, &get("/authsignal/callback"), "respond").await;
    assert_eq!((ada.send(&back).await.location(), bench.effects.count()), ("/x", 0));
    ada.send(&ask).await.assert_passed();
}

/// A challenge in its last minute is not handed out again.
#[tokio::test]
async fn a_challenge_that_nobody_gets_through_is_begun_anew() {
    let bench = bench_with(|builder| builder.challenge_ttl(MINUTE * 5)).await;
    let mut ada = bench.visitor("ada");
    let first = ada.challenge(&get("/pay")).await;
    bench.clock.advance(MINUTE * 4);
    assert_eq!(ada.challenge(&get("/pay")).await, first);
    bench.clock.advance(Duration::from_secs(1));
    let second = ada.challenge(&get("/pay")).await;
    assert_ne!(second, first);
    ada.send(&bench.prove(&first)).await;
    ada.challenge(&get("/pay")).await;
    ada.send(&bench.prove(&second)).await;
    ada.send(&get("/pay")).await.assert_passed();
}

/// T51: a form is offered once, also where its approval is remembered.
#[tokio::test]
async fn t51_a_remembered_form_is_offered_once() {
    let bench = bench().await;
    let mut ada = bench.visitor("ada");
    let posted = form("/kept", "to=bob&amount=10");
    bench.approve(&mut ada, &posted).await;
    assert!(ada.send(&page_of_flow(&bench)).await.text().contains("<form"));
    assert!(ada.send(&page_of_flow(&bench)).await.text().contains("<form"), "looking at it is not sending it");
    ada.send(&posted).await.assert_passed();
    let page = ada.send(&page_of_flow(&bench)).await;
    assert!(page.text().contains("Already passed on") && !page.text().contains("<form"), "{}", page.text());
    ada.send(&form("/kept", "to=eve&amount=1")).await.assert_passed();
}

/// What has to be sent again says for how long, by the time that is left and not by the time that there was.
#[tokio::test]
async fn the_time_that_is_left_to_send_it_again_is_said() {
    let bench = bench().await;
    let layer = || AuthsignalLayer::new(&bench.authsignal, "upload");
    let routes =
        [("/once", layer()), ("/day", layer().remember(MINUTE * 60 * 24)), ("/short", layer().remember(MINUTE))];
    let app = app(&bench, &routes);
    for (path, left, says) in [
        ("/once", MINUTE * 5, "within 5 minutes"),
        ("/once", MINUTE * 2 - Duration::from_secs(1), "within a minute"),
        ("/once", MINUTE - Duration::from_secs(1), "once more now"),
        ("/day", MINUTE * 60 * 24, "within an hour"),
        ("/short", MINUTE, "within a minute"),
    ] {
        let mut ada = Visitor::new(&app, "ada");
        bench.approve(&mut ada, &post(path, "text/plain", "a file").navigating()).await;
        if path == "/once" {
            bench.clock.advance(MINUTE * 5 - left);
        }
        let page = ada.send(&page_of_flow(&bench)).await;
        assert!(page.text().contains(says), "{path} {left:?}: {}", page.text());
    }
}

/// C8: what a page's script sent, and cannot send again by itself, is said plainly.
#[tokio::test]
async fn c8_the_user_of_htmx_is_told_to_send_it_again() {
    let bench = bench().await;
    let mut ada = bench.visitor("ada");
    let pressed =
        form("/pay", "a=b").header("hx-request", "true").header("hx-current-url", "https://app.example.com/cart");
    bench.approve(&mut ada, &pressed).await;
    let page = ada.send(&page_of_flow(&bench)).await;
    assert!(
        page.text().contains("Send the same once more") && page.text().contains("href=\"/cart\""),
        "{}",
        page.text()
    );
    ada.send(&pressed).await.assert_passed();
}

/// C13, C20: the hop goes to the address that browsers know, whatever a proxy or a router made of the path.
#[tokio::test]
async fn c13_c20_the_hop_goes_to_the_configured_address() {
    let bench = bench().await;
    let mut ada = bench.visitor("ada");
    let challenge = ada.challenge(&get("/pay").navigating()).await;
    let back = bench.prove(&challenge);
    let mounted = Router::new().route("/stripped", bench.authsignal.callback());
    let query = back.target.split_once('?').unwrap().1;
    let mut stranger = Visitor { app: mounted, user: None, ..ada.clone() };
    let clean = stranger.send(&get(&format!("/stripped?{query}")).navigating()).await.location().to_owned();
    assert!(clean.starts_with("/authsignal/callback?flow=") && !clean.contains("token"), "{clean}");
    let clean = clean.replace("/authsignal/callback", "/stripped");
    let hop = stranger.send(&get(&clean).navigating()).await;
    assert!(hop.text().contains("url=/authsignal/callback?flow="), "{}", hop.text());
    hop.assert_private();
}

/// T50: a long form is not kept, and passes when it is sent again; a file does too, whatever boundary it then has.
#[tokio::test]
async fn t50_long_forms_and_files_are_sent_again_by_their_users() {
    let bench = bench().await;
    let browser = |ask: crate::support::Ask| ask.navigating().header("sec-fetch-site", "same-origin");
    let long = browser(post("/pay", "application/x-www-form-urlencoded", format!("a={}", "b".repeat(17_000))));
    let file = |boundary: &str, content: &str| {
        let body =
            format!("--{boundary}\r\ncontent-disposition: form-data; name=a\r\n\r\n{content}\r\n--{boundary}--\r\n");
        browser(post("/pay", &format!("multipart/form-data; boundary={boundary}"), body))
    };
    for (sent, again) in [(long.clone(), long), (file("x1", "hello"), file("y-2", "hello"))] {
        let mut ada = bench.visitor("ada");
        bench.approve(&mut ada, &sent).await;
        let page = ada.send(&page_of_flow(&bench)).await;
        assert!(page.text().contains("Send the same once more"), "{}", page.text());
        let before = bench.effects.count();
        ada.challenge(&file("z3", "goodbye")).await;
        ada.send(&again).await.assert_passed();
        assert_eq!(bench.effects.count(), before + 1);
    }
}
