//! What cannot work is said: when the program is built, when the router is, or with the first request.
use std::panic::{AssertUnwindSafe, catch_unwind};

use authsignal_emulator::Outcome;
use axum::Router;
use axum::http::Method;
use axum::routing::post;
use axum_authsignal::client::CustomData;
use axum_authsignal::{
    Approved, AuthsignalLayer, ConfigError, Coverage, GuardedRouter, MissingTransaction, RefusalReason, Transaction,
};
use serde::Deserialize;

use super::{Transfer, of_json};
use crate::support::{Bench, MINUTE, Visitor, bench};

#[derive(Deserialize, Transaction)]
struct Refund {
    order: u64,
}

const TRANSFER: &str = r#"{"to":"bob","amount":10}"#;

async fn transfer(transfer: Approved<Transfer>) -> String {
    transfer.to.clone()
}

async fn allowed() -> Bench {
    let bench = bench().await;
    for action in ["transfer", "other"] {
        bench.emulator.set_outcome(action, Outcome::Allow);
    }
    bench
}

/// A handler without its layer, or behind another type's, does not run, and says which layer it wants.
#[tokio::test]
async fn a_handler_without_its_layer_says_which_one_is_missing() {
    let bench = allowed().await;
    let layer = |action: &str| AuthsignalLayer::new(&bench.authsignal, action);
    let twice = |one: Approved<Transfer>, other: Result<Approved<Transfer>, MissingTransaction>| async move {
        format!("{} {}", one.to, other.unwrap_err())
    };
    let app = Router::new()
        .route("/open", post(transfer))
        .route("/plain", post(transfer).route_layer(layer("transfer")))
        .route("/refund", post(transfer).route_layer(layer("transfer").transaction::<Refund>()))
        .route(
            "/inner",
            post(transfer).route_layer(layer("other")).route_layer(layer("transfer").transaction::<Transfer>()),
        )
        .route(
            "/inner-json",
            post(transfer)
                .route_layer(layer("other").custom_json(|_: serde_json::Value| CustomData::new()))
                .route_layer(layer("transfer").transaction::<Transfer>()),
        )
        .route("/twice", post(twice).route_layer(layer("transfer").transaction::<Transfer>()));
    let mut ada = Visitor::new(&app, "ada");
    let wanted = ".transaction::<it::transactions::Transfer>()";
    for (target, body, says) in [
        ("/open", TRANSFER, "reads none"),
        ("/plain", TRANSFER, "reads none"),
        ("/inner", TRANSFER, "reads none"),
        ("/inner-json", TRANSFER, "reads none"),
        ("/refund", r#"{"order":1}"#, "reads a `it::transactions::misuse::Refund`"),
    ] {
        let reply = ada.send(&of_json(target, body)).await;
        assert_eq!((reply.status, reply.reason()), (500, Some(&RefusalReason::Unguarded)), "{target}");
        assert!(reply.text().contains(wanted) && reply.text().contains(says), "{target}: {}", reply.text());
    }
    let reply = ada.send(&of_json("/twice", TRANSFER)).await;
    assert!(
        reply.status == 200 && reply.text().starts_with("bob ") && reply.text().contains("taken already"),
        "{}",
        reply.text()
    );
}

/// A guarded router finds it before there is a request.
#[tokio::test]
async fn a_guarded_router_does_not_start_with_a_handler_of_another_type() {
    let bench = allowed().await;
    let layer = || AuthsignalLayer::new(&bench.authsignal, "transfer");
    let router = GuardedRouter::new;
    let starts = |build: &dyn Fn() -> GuardedRouter| catch_unwind(AssertUnwindSafe(|| drop(build()))).is_ok();
    let optional = |_: Result<Approved<Transfer>, MissingTransaction>| async {};
    assert!(!starts(&|| router().unguarded(Method::POST, "/t", transfer)));
    assert!(!starts(&|| router().guarded(Method::POST, "/t", &layer(), transfer)));
    assert!(!starts(&|| router().guarded(Method::POST, "/t", &layer().transaction::<Refund>(), transfer)));
    assert!(!starts(&|| router().guarded(Method::POST, "/t", &layer(), optional)));
    assert!(starts(&|| router().guarded(Method::POST, "/t", &layer().transaction::<Transfer>(), optional)));
    assert!(starts(&|| router().guarded(Method::POST, "/t", &layer().transaction::<Refund>(), async || "none")));
    let app = router()
        .guarded(Method::POST, "/one", &layer().transaction::<Transfer>(), transfer)
        // Reads what the handler takes, whatever the layer said before.
        .transaction(Method::POST, "/two", &layer().transaction::<Refund>(), transfer);
    assert!(app.routes().iter().all(|route| route.guard().unwrap().transaction == Some("it::transactions::Transfer")));
    assert!(app.routes()[1].to_string().contains("reads it::transactions::Transfer"), "{}", app.routes()[1]);
    let mut ada = Visitor::new(&app.into_router(), "ada");
    for target in ["/one", "/two"] {
        assert_eq!(ada.send(&of_json(target, TRANSFER)).await.text(), "bob");
    }
}

/// An approval of a value is spent on it.
#[tokio::test]
async fn a_transaction_that_is_remembered_is_a_mistake() {
    let bench = allowed().await;
    let layer = || AuthsignalLayer::new(&bench.authsignal, "transfer");
    let wrong = [
        layer().transaction::<Transfer>().remember(MINUTE),
        layer().remember(MINUTE).transaction::<Transfer>(),
        layer().remember(MINUTE).custom_json(|_: serde_json::Value| CustomData::new()),
        layer().covers(Coverage::Route).remember(MINUTE).custom_form(|_: serde_json::Value| CustomData::new()),
    ];
    for layer in wrong {
        let error = layer.clone().checked().unwrap_err();
        assert!(matches!(&error, ConfigError::Policies { .. }) && error.to_string().contains("remember"), "{error}");
        let app = || Router::new().route("/", post(transfer).route_layer(layer)).with_state::<()>(());
        let put = catch_unwind(AssertUnwindSafe(|| drop(app())));
        assert!(put.is_err());
    }
    for coverage in [Coverage::Request, Coverage::Route, Coverage::Action] {
        assert!(layer().covers(coverage).transaction::<Transfer>().checked().is_ok());
    }
}

/// Two data points of one name would leave one of them unsaid.
#[tokio::test]
async fn a_data_point_of_the_layers_and_of_the_values_is_refused() {
    let bench = allowed().await;
    let layer = |name: &'static str| {
        let layer = AuthsignalLayer::new(&bench.authsignal, "transfer").transaction::<Transfer>();
        post(transfer).route_layer(layer.custom(move |_| CustomData::new().with(name, 1)))
    };
    let app = Router::new().route("/clash", layer("amount")).route("/joined", layer("channel"));
    let mut ada = Visitor::new(&app, "ada");
    let reply = ada.send(&of_json("/clash", TRANSFER)).await;
    assert_eq!((reply.status, reply.reason()), (500, Some(&RefusalReason::DataConflict)));
    assert_eq!(bench.tracks(), 0);
    assert_eq!(ada.send(&of_json("/joined", TRANSFER)).await.text(), "bob");
    let told = serde_json::json!({ "to": "bob", "amount": 10, "urgent": false, "channel": 1 });
    assert_eq!(bench.tracked()["custom"], told);
}
