//! Handlers that name their action: a layer around the whole router is none for them (threat T60).
use std::convert::Infallible;

use authsignal_emulator::Outcome;
use axum::Router;
use axum::extract::State;
use axum::routing::{any, get as getting, post};
use axum_authsignal::{Action, AuthsignalLayer, RefusalReason, Verdict, VerdictFor};

use crate::support::{Effects, Visitor, bench, get, json};

struct Withdrawal;

impl Action for Withdrawal {
    const CODE: &'static str = "withdraw";
}

async fn withdraw(State(effects): State<Effects>, verdict: VerdictFor<Withdrawal>) -> String {
    let action = verdict.action().to_string();
    effects.run(verdict.into());
    action
}

async fn plain(State(effects): State<Effects>, verdict: Verdict) -> &'static str {
    effects.run(verdict);
    "ran"
}

/// T60: under a router-wide layer, a route whose own was forgotten does not run by what that one decided.
#[tokio::test]
async fn t60_a_forgotten_layer_is_a_fault_that_says_so() {
    let bench = bench().await;
    for action in ["browse", "withdraw"] {
        bench.emulator.set_outcome(action, Outcome::Allow);
    }
    let browse = || AuthsignalLayer::new(&bench.authsignal, "browse");
    let own = || AuthsignalLayer::for_action::<Withdrawal>(&bench.authsignal);
    let routes = || Router::new().route("/withdraw", post(withdraw)).route("/plain", any(plain));
    let state = || bench.effects.clone();
    let mut refused = 0;
    let forgotten = [
        ("no layer at all", routes().with_state(state())),
        ("a layer around the router", routes().layer(browse()).with_state(state())),
        ("a route_layer around the router", routes().route_layer(browse()).with_state(state())),
        ("nested under one", Router::new().nest("/a", routes()).merge(routes()).layer(browse()).with_state(state())),
        ("another inside its own", routes().layer(browse()).layer(own()).with_state(state())),
        ("added after its own layer", {
            let before = Router::new().route("/other", getting(|| async {})).layer(own());
            before.merge(Router::new().route("/withdraw", post(withdraw))).layer(browse()).with_state(state())
        }),
        ("in a fallback", Router::new().fallback(withdraw).layer(browse()).with_state(state())),
    ];
    for (why, app) in forgotten {
        let reply = Visitor::new(&app, "ada").send(&json("/withdraw", "{}")).await;
        assert_eq!((reply.status, reply.reason()), (500, Some(&RefusalReason::Unguarded)), "{why}");
        reply.assert_private();
        assert!(reply.text().contains("`withdraw`") || why == "no layer at all", "{}", reply.text());
        refused += 1;
    }
    assert_eq!(bench.effects.count(), 0);
    let guarded = [
        ("its own", routes().layer(own()).with_state(state())),
        ("its own inside another", routes().layer(own()).layer(browse()).with_state(state())),
        ("by its name", routes().layer(AuthsignalLayer::new(&bench.authsignal, "withdraw")).with_state(state())),
        ("on the method", {
            Router::new().route("/withdraw", post(withdraw).route_layer(own())).layer(browse()).with_state(state())
        }),
    ];
    for (why, app) in guarded {
        let before = bench.effects.count();
        let reply = Visitor::new(&app, "ada").send(&json("/withdraw", "{}")).await;
        assert_eq!((reply.status, reply.text(), bench.effects.count()), (200, "withdraw", before + 1), "{why}");
    }
    println!("{refused} ways to forget a layer: 0 ran");
    // What `Verdict` alone shows is that some layer did.
    let app = routes().layer(browse()).with_state::<()>(state());
    assert_eq!(Visitor::new(&app, "ada").send(&get("/plain")).await.text(), "ran");
}

/// The log of the application names both actions.
#[tokio::test]
async fn t60_the_log_names_both_actions() {
    use axum::extract::FromRequestParts as _;
    use axum::response::IntoResponse as _;
    let bench = bench().await;
    bench.emulator.set_outcome("browse", Outcome::Allow);
    let catch = tower::service_fn(|request: axum::extract::Request| async move {
        let (mut parts, _) = request.into_parts();
        let missing = VerdictFor::<Withdrawal>::from_request_parts(&mut parts, &()).await.unwrap_err();
        let text = missing.to_string();
        assert!(text.contains("`withdraw`") && text.contains("`browse`"), "{text}");
        Ok::<_, Infallible>(missing.into_response())
    });
    let app = Router::new().route_service("/x", catch).layer(AuthsignalLayer::new(&bench.authsignal, "browse"));
    assert_eq!(Visitor::new(&app, "ada").send(&get("/x")).await.status, 500);
}
