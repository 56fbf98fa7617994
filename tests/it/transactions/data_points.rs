//! Data points without a type, where the handler reads the body by itself: axum's own readers stand behind the layer.
use std::sync::{Arc, Mutex};

use authsignal_emulator::Outcome;
use axum::Router;
use axum::extract::Form;
use axum::routing::any;
use axum_authsignal::client::CustomData;
use axum_authsignal::{AuthsignalLayer, RefusalReason, Transaction};
use serde::Deserialize;
use serde_json::json;

use super::of_form;
use crate::support::{Visitor, ask, bench};

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
struct Payment {
    to: String,
    amount: String,
}

fn told(payment: Payment) -> CustomData {
    CustomData::new().with("to", payment.to).with("amount", payment.amount)
}

/// T63, T110: a form of GET or HEAD is its query for axum's `Form`; what Authsignal was told is what the handler read, or nobody ran.
#[tokio::test]
async fn t63_t110_what_the_handlers_form_reads_is_what_was_told() {
    #[derive(Deserialize, Transaction)]
    struct Paid {
        #[serde(rename = "to")]
        _to: Option<String>,
    }
    let bench = bench().await;
    bench.emulator.set_outcome("pay", Outcome::Allow);
    let read = Arc::new(Mutex::new(None));
    let reads = Arc::clone(&read);
    let handler = move |Form(payment): Form<Payment>| async move { *reads.lock().unwrap() = Some(payment) };
    let layer = || AuthsignalLayer::new(&bench.authsignal, "pay");
    let app = Router::new()
        .route("/form", any(handler.clone()).layer(layer().custom_form(told)))
        .route("/value", any(handler).layer(layer().transaction::<Paid>()));
    let mut ada = Visitor::new(&app, "ada");
    let (mut ran, mut refused) = (0, 0);
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] {
        for target in ["/form", "/form?to=mallory&amount=9999", "/form?"] {
            for (body, is_typed) in [("to=bob&amount=1", true), ("", true), ("", false)] {
                let mut ask = if is_typed { of_form(target, body) } else { ask("POST", target) };
                ask.method = method.parse().unwrap();
                let reply = ada.send(&ask).await;
                let Some(read) = read.lock().unwrap().take() else {
                    refused += 1;
                    continue;
                };
                ran += 1;
                let told = &bench.tracked()["custom"];
                assert_eq!(*told, json!({ "to": read.to, "amount": read.amount }), "{method} {target} {body}");
                assert!(!target.contains("mallory") || !matches!(method, "GET" | "HEAD"), "{}", reply.status);
            }
        }
        let mut form = of_form("/value?to=mallory", "to=bob");
        form.method = method.parse().unwrap();
        let is_refused = ada.send(&form).await.reason() == Some(&RefusalReason::BodyUnsupported);
        assert_eq!(is_refused, matches!(method, "GET" | "HEAD"), "{method}");
        *read.lock().unwrap() = None;
    }
    println!("{ran} forms read as they were told, {refused} refused");
    assert_eq!((ran, refused), (26, 28));
}
