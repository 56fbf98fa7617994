//! Where the layer can be put, and what it sees there.
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use authsignal_emulator::Outcome;
use axum::Router;
use axum::handler::Handler as _;
use axum::http::Response;
use axum::routing::{any, get as getting};
use axum_authsignal::client::CustomData;
use axum_authsignal::{Authsignal, AuthsignalLayer, Coverage, RefusalReason, Unenrolled, User, Verdict};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use tower::{Layer as _, ServiceExt as _};

use crate::support::{Bench, CALLBACK, Visitor, ask, bench, builder, get, handle, json};

/// Asked for what is not approved, it does not run; approved, it runs once.
async fn assert_guards(bench: &Bench, app: Router<crate::support::Effects>, why: &str) {
    let app = app.with_state(bench.effects.clone()).merge(bench.authsignal.routes());
    let mut ada = Visitor::new(&app, "ada");
    let before = bench.effects.count();
    let ask = get("/x").navigating();
    bench.approve(&mut ada, &ask).await;
    assert_eq!(bench.effects.count(), before, "{why}");
    ada.send(&ask).await.assert_passed();
    assert_eq!(bench.effects.count(), before + 1, "{why}");
}

#[tokio::test]
async fn it_works_wherever_axum_takes_a_layer() {
    let bench = bench().await;
    let layer = || AuthsignalLayer::new(&bench.authsignal, "pay");
    let x = || getting(handle);
    assert_guards(&bench, Router::new().route("/x", getting(handle.layer(layer()))), "Handler::layer").await;
    assert_guards(&bench, Router::new().route("/x", x().layer(layer())), "MethodRouter::layer").await;
    assert_guards(&bench, Router::new().route("/x", x().route_layer(layer())), "MethodRouter::route_layer").await;
    assert_guards(&bench, Router::new().route("/x", x()).layer(layer()), "Router::layer").await;
    assert_guards(&bench, Router::new().route("/x", x()).route_layer(layer()), "Router::route_layer").await;
    let maybe = tower::util::option_layer(Some(layer()));
    assert_guards(&bench, Router::new().route("/x", x().layer(maybe)), "option_layer").await;
    let stack = tower::ServiceBuilder::new().layer(layer());
    assert_guards(&bench, Router::new().route("/x", x()).layer(stack), "ServiceBuilder").await;
    assert_guards(&bench, Router::new().fallback(handle).layer(layer()), "fallback").await;

    let none = tower::util::option_layer(None::<AuthsignalLayer>);
    let app = Router::new().route("/x", x().layer(none)).with_state(bench.effects.clone());
    Visitor::new(&app, "ada").send(&get("/x")).await.assert_passed();
}

/// No axum at all: a tower service of other bodies, and a closure over the parts of a request.
#[tokio::test]
async fn it_works_around_any_tower_service() {
    let bench = bench().await;
    let authsignal = Authsignal::builder(bench.emulator.client())
        .callback_url(CALLBACK)
        .clock(bench.clock.clone())
        .identify_parts(|parts| Some(User::new(parts.headers.get("x-user")?.to_str().ok()?)))
        .build()
        .unwrap();
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let inner = tower::service_fn(move |request: http::Request<Full<Bytes>>| {
        let counted = Arc::clone(&counted);
        async move {
            counted.fetch_add(1, Ordering::SeqCst);
            assert!(request.extensions().get::<Verdict>().is_some());
            let body = request.into_body().collect().await.unwrap().to_bytes();
            Ok::<_, Infallible>(Response::new(Full::new(body)))
        }
    });
    let service = AuthsignalLayer::new(&authsignal, "pay").layer(inner);
    let request = |cookie: &str| {
        let request = http::Request::post("/x").header("x-user", "ada").header("cookie", cookie);
        request.body(Full::new(Bytes::from("the body"))).unwrap()
    };
    let challenged = service.clone().oneshot(request("a=b")).await.unwrap();
    assert_eq!((challenged.status().as_u16(), runs.load(Ordering::SeqCst)), (403, 0));
    let cookie = challenged.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let problem = challenged.into_body().collect().await.unwrap().to_bytes();
    let problem: serde_json::Value = serde_json::from_slice(&problem).unwrap();

    let app = authsignal.routes();
    let mut ada = Visitor { cookie: Some(cookie.clone()), ..Visitor::new(&app, "ada") };
    let back = ada.send(&bench.prove(problem["url"].as_str().unwrap())).await;
    assert_eq!(back.status, 303);
    let page = ada.send(&get(back.location())).await;
    assert!(page.text().contains("Go back to where you were"), "{}", page.text());
    let passed = service.clone().oneshot(request(&cookie)).await.unwrap();
    assert_eq!(passed.into_body().collect().await.unwrap().to_bytes(), "the body");
    let again = service.oneshot(request(&cookie)).await.unwrap();
    assert_eq!((again.status().as_u16(), runs.load(Ordering::SeqCst)), (403, 1));
}

/// M13: what axum does with a method that a route does not serve. Inside `route_layer` of a method router the layer does
/// not run; everywhere else it runs before axum's 405.
#[tokio::test]
async fn m13_methods_that_no_handler_serves() {
    let bench = bench().await;
    let layer = || AuthsignalLayer::new(&bench.authsignal, "pay");
    let served = |app: Router<crate::support::Effects>| app.with_state(bench.effects.clone());
    let cases = [
        ("Handler::layer", served(Router::new().route("/x", getting(handle.layer(layer())))), 405, 0),
        ("MethodRouter::route_layer", served(Router::new().route("/x", getting(handle).route_layer(layer()))), 405, 0),
        ("MethodRouter::layer", served(Router::new().route("/x", getting(handle).layer(layer()))), 403, 1),
        ("Router::route_layer", served(Router::new().route("/x", getting(handle)).route_layer(layer())), 403, 1),
        ("Router::layer", served(Router::new().route("/x", getting(handle)).layer(layer())), 403, 1),
    ];
    for (why, app, status, tracks) in cases {
        let before = bench.tracks();
        for method in ["PUT", "TRACE", "FOO", "DELETE"] {
            let reply = Visitor::new(&app, "ada").send(&ask(method, "/x")).await;
            assert_eq!((reply.status, method), (status, method), "{why}");
        }
        assert_eq!(bench.tracks() - before, 4 * tracks, "{why}");
    }
    assert_eq!(bench.effects.count(), 0);
}

/// M14: in a nested router the way back, and what is covered, is the whole path.
#[tokio::test]
async fn m14_nested_routers_use_the_whole_path() {
    let bench = bench().await;
    let guarded = |coverage| any(handle).layer(AuthsignalLayer::new(&bench.authsignal, "pay").covers(coverage));
    let inner =
        || Router::new().route("/x/{id}", guarded(Coverage::Request)).route("/r/{id}", guarded(Coverage::Route));
    let app = Router::new()
        .nest("/n", inner())
        .nest("/m", Router::new().nest("/deep", inner()))
        .with_state(bench.effects.clone())
        .merge(bench.authsignal.routes());
    for (target, twin) in [
        ("/n/x/7?a=b", "/m/deep/x/7?a=b"),
        ("/m/deep/x/7?a=b", "/n/x/7?a=b"),
        ("/n/r/7", "/m/deep/r/7"),
        ("/m/deep/r/7", "/n/r/7"),
    ] {
        let mut ada = Visitor::new(&app, "ada");
        let challenge = ada.challenge(&get(target).navigating()).await;
        assert_eq!(ada.send(&bench.prove(&challenge)).await.location(), target);
        ada.clone().challenge(&get(twin)).await;
        ada.send(&get(target)).await.assert_passed();
        assert!(
            target.ends_with(bench.effects.last().uri.path_and_query().unwrap().as_str()),
            "stripped for the handler"
        );
    }
    // A callback in a nested router is found at the path that the browser sees.
    let nested = Router::new()
        .route("/pay", getting(handle).layer(AuthsignalLayer::new(&bench.authsignal, "pay")))
        .with_state(bench.effects.clone())
        .nest("/authsignal", Router::new().route("/callback", bench.authsignal.callback()));
    let mut ada = Visitor::new(&nested, "ada");
    let challenge = ada.challenge(&get("/pay").navigating()).await;
    assert_eq!(ada.send(&bench.prove(&challenge)).await.location(), "/pay");
    let challenge = ada.challenge(&get("/pay?3").navigating()).await;
    let mut nobody = Visitor { user: None, ..ada.clone() };
    let clean = nobody.send(&bench.prove(&challenge)).await;
    let hop = nobody.send(&get(clean.location()).navigating()).await;
    assert!(hop.text().contains("url=/authsignal/callback?flow="), "{}", hop.text());
}

/// T17, T18, T57, M10, M16: nothing that a client writes into its target takes the browser off the origin.
#[tokio::test]
async fn t17_t18_t57_no_target_leads_off_the_origin() {
    let bench = bench().await;
    let app = Router::new()
        .fallback(handle)
        .layer(AuthsignalLayer::new(&bench.authsignal, "pay"))
        .with_state(bench.effects.clone());
    let app = Router::new().merge(bench.authsignal.routes()).fallback_service(app);
    let base = url::Url::parse(crate::support::ORIGIN).unwrap();
    let targets = [
        "//evil.example",
        "///evil.example",
        "//evil.example/%2e%2e",
        "//evil.example:80/x",
        "//user@evil.example/",
        "/%2f/evil.example",
        "/%5cevil.example",
        "/%09/evil.example",
        "/%0d%0aLocation:evil",
        "/.//evil.example",
        "/..//evil.example",
        "/./%5cevil.example",
        "http://evil.example/",
        "http://evil.example//evil.example",
        "https://evil.example/x?y",
        "http://evil.example",
        "/;//evil.example",
        "/x?//evil.example",
        "/x?u=https://evil.example",
        "//",
        "/%2f%2fevil.example",
        "/%00//evil.example",
        "/@evil.example",
    ];
    for target in targets {
        let mut ada = Visitor::new(&app, "ada");
        let ask = get(target).navigating();
        let Ok(_) = target.parse::<axum::http::Uri>() else { continue };
        let challenge = ada.challenge(&ask).await;
        assert!(challenge.starts_with(bench.emulator.origin()));
        let back = ada.send(&bench.prove(&challenge)).await;
        assert_eq!(back.status, 303, "{target}");
        let location = base.join(back.location()).unwrap();
        assert_eq!(location.origin(), base.origin(), "{target}: {}", back.location());
        assert!(back.location().starts_with('/') && !back.location().starts_with("//"), "{target}");
        ada.send(&ask).await.assert_passed();
    }
    // Not a path at all.
    for target in ["*", "evil.example:443"] {
        let reply = Visitor::new(&app, "ada").send(&ask("OPTIONS", target)).await;
        assert!(matches!(reply.status, 400 | 404), "{target}: {}", reply.status);
    }
}

/// T19: no way back leads to our own callback.
#[tokio::test]
async fn t19_the_callback_is_no_place_to_return_to() {
    let bench = bench().await;
    let mut ada = bench.visitor("ada");
    let referer = format!("{CALLBACK}?flow=x");
    let challenge = ada.challenge(&json("/pay", "{}").header("referer", &referer)).await;
    let back = ada.send(&bench.prove(&challenge)).await;
    let page = ada.send(&get(back.location())).await;
    assert!(page.text().contains("Go back to where you were") && !page.text().contains("flow=x"), "{}", page.text());
}

/// T61: two layers on one route. The same action is decided once, different actions are both enforced, and an inner
/// layer that asks for more is not answered by the outer one.
#[tokio::test]
async fn t61_two_layers_on_one_route() {
    let bench = bench().await;
    let layer = |action: &str| AuthsignalLayer::new(&bench.authsignal, action);
    let app: Router = Router::new()
        .route("/same", any(handle).layer((layer("pay"), layer("pay"))))
        .route("/two", any(handle).layer((layer("outer"), layer("inner"))))
        .route("/strict", any(handle).layer((layer("pay"), layer("pay").unenrolled(Unenrolled::Deny))))
        .with_state(bench.effects.clone())
        .merge(bench.authsignal.routes());
    let mut ada = Visitor::new(&app, "ada");
    let ask = get("/same").navigating();
    bench.approve(&mut ada, &ask).await;
    ada.send(&ask).await.assert_passed();
    assert_eq!((bench.effects.count(), bench.tracks()), (1, 1));
    bench.emulator.set_outcome("pay", Outcome::Allow);
    ada.send(&get("/same?2")).await.assert_passed();
    assert_eq!((bench.effects.count(), bench.tracks()), (2, 2));

    bench.emulator.set_outcome("outer", Outcome::Allow);
    ada.challenge(&get("/two")).await;
    assert_eq!((bench.effects.count(), bench.tracks()), (2, 4));
    bench.emulator.set_outcome("outer", Outcome::Block);
    bench.emulator.set_outcome("inner", Outcome::Allow);
    assert!(matches!(ada.send(&get("/two")).await.reason(), Some(RefusalReason::State(_))));
    bench.emulator.set_outcome("outer", Outcome::Allow);
    ada.challenge(&get("/two")).await;
    ada.send(&get("/two?2")).await.assert_passed();
    assert_eq!(bench.effects.last().verdict.unwrap().action().as_str(), "inner");

    let count = bench.effects.count();
    Visitor::new(&app, "eve").send(&get("/strict")).await.assert_refused(&RefusalReason::NotEnrolled);
    assert_eq!(bench.effects.count(), count);
}

/// T61, C2: where two layers differ in what they tell Authsignal alone, one approval passes both, or nobody ever got through.
#[tokio::test]
async fn t61_one_approval_passes_two_layers_that_share_its_flow() {
    let bench = bench().await;
    let layer = || AuthsignalLayer::new(&bench.authsignal, "pay");
    let both = any(handle).layer((layer(), layer().custom(|_| CustomData::new().with("inside", true))));
    let app = Router::new().route("/x", both).with_state(bench.effects.clone()).merge(bench.authsignal.routes());
    let mut ada = Visitor::new(&app, "ada");
    let ask = get("/x").navigating();
    bench.approve(&mut ada, &ask).await;
    ada.send(&ask).await.assert_passed();
    assert_eq!((bench.effects.count(), bench.tracks()), (1, 1));
    ada.challenge(&ask).await;
}

/// T61, T81: a layer that asks for more of users with nothing enrolled takes no approval that was given under one that asks for
/// less; each is proved, and its user gets through.
#[tokio::test]
async fn t61_t81_a_stricter_layer_inside_is_proved_by_itself() {
    let bench = bench().await;
    let layer = || AuthsignalLayer::new(&bench.authsignal, "pay");
    let strict = || layer().unenrolled(Unenrolled::Deny);
    // The outer one, the inner one, and the outer one again, whose approval was spent on the way to the inner one; or the strict
    // one alone, which has answered for both.
    for (both, proofs) in [((layer(), strict()), 3), ((strict(), layer()), 1)] {
        let app = Router::new()
            .route("/x", any(handle).layer(both))
            .with_state(bench.effects.clone())
            .merge(bench.authsignal.routes());
        let mut ada = Visitor::new(&app, "ada");
        let (ask, before) = (get("/x").navigating(), bench.effects.count());
        for _ in 0..proofs {
            bench.approve(&mut ada, &ask).await;
        }
        ada.send(&ask).await.assert_passed();
        assert_eq!(bench.effects.count() - before, 1);
    }
}

/// T61: what an outer layer says counts for its own user and its own application alone.
#[tokio::test]
async fn t61_an_outer_pass_is_for_its_own_user_and_application() {
    let bench = bench().await;
    bench.emulator.set_outcome("pay", Outcome::Allow);
    let inner = |callback: &str, user: &'static str| {
        let handle = builder(&bench.emulator, &bench.clock).callback_url(callback);
        handle.identify_parts(move |parts| Some(User::new(parts.headers.get(user)?.to_str().ok()?))).build().unwrap()
    };
    for (why, inner, tracks) in [
        ("the same", inner(CALLBACK, "x-user"), 1),
        ("another user", inner(CALLBACK, "x-other"), 2),
        ("another application", inner("https://app.example.com/two/callback", "x-user"), 2),
    ] {
        let both = (AuthsignalLayer::new(&bench.authsignal, "pay"), AuthsignalLayer::new(&inner, "pay"));
        let app = Router::new().route("/x", any(handle).layer(both)).with_state(bench.effects.clone());
        let before = bench.tracks();
        Visitor::new(&app, "ada").send(&get("/x").header("x-other", "bob")).await.assert_passed();
        assert_eq!(bench.tracks() - before, tracks, "{why}");
    }
}

/// A handler that takes a verdict cannot run unguarded by mistake.
#[tokio::test]
async fn a_verdict_on_an_unguarded_route_is_a_fault_that_says_so() {
    let app = Router::new().route("/x", getting(|_: Verdict| async {}));
    let reply = Visitor::new(&app, "ada").send(&get("/x")).await;
    reply.assert_refused(&RefusalReason::Unguarded);
    assert_eq!(reply.status, 500);
    assert!(reply.text().contains("AuthsignalLayer"), "{}", reply.text());
}
