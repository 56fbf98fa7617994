//! Data points without a type, where the handler reads the body by itself: axum's own readers stand behind the layer.
use std::sync::{Arc, Mutex};

use authsignal_emulator::Outcome;
use axum::Extension;
use axum::Router;
use axum::extract::Form;
use axum::routing::any;
use axum_authsignal::client::CustomData;
use axum_authsignal::{AuthsignalLayer, Grounds, RefusalReason, SkipReason, Transaction, Verdict};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use super::{of_form, of_json};
use crate::support::{Ask, Visitor, ask, bench, post};

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

/// A route that is off or observed stops no body that its handler would read otherwise, and hands it on whole.
#[tokio::test]
async fn what_is_off_or_observed_hands_on_whatever_comes() {
    let bench = bench().await;
    let handler = async |Extension(verdict): Extension<Verdict>, body: Bytes| {
        let grounds = match verdict.grounds() {
            Grounds::Skipped { reason: SkipReason::Off(_), .. } => "off",
            Grounds::Observed => "observed",
            _ => "else",
        };
        format!("{grounds} {}", body.len())
    };
    let layer = || AuthsignalLayer::new(&bench.authsignal, "pay");
    let app = Router::new()
        .route("/off/json", any(handler).layer(layer().custom_json(told).off("an incident")))
        .route("/off/form", any(handler).layer(layer().custom_form(told).off("an incident")))
        .route("/observed/json", any(handler).layer(layer().custom_json(told).observe()))
        .route("/observed/form", any(handler).layer(layer().custom_form(told).observe()));
    let mut ada = Visitor::new(&app, "ada");
    for (policy, kind) in [("off", "json"), ("off", "form"), ("observed", "json"), ("observed", "form")] {
        let target = format!("/{policy}/{kind}");
        let bodies: [Ask; 7] = [
            of_json(&target, "{\"to\":\"bob\",\"to\":\"eve\"}"),
            of_json(&target, "{\"to\":1}"),
            of_json(&target, "{"),
            of_form(&target, "to=bob&to=eve"),
            post(&target, "text/plain", "bob"),
            of_json(&target, &format!("{{\"to\":\"{}\"}}", "x".repeat(128 * 1024))),
            of_form(&target, &format!("to={}", "x".repeat(128 * 1024))),
        ];
        for ask in bodies {
            let reply = ada.send(&ask).await;
            assert_eq!(
                (reply.status, reply.text()),
                (200, format!("{policy} {}", ask.body.len()).as_str()),
                "{target}"
            );
        }
    }
    let good = of_json("/observed/json", "{\"to\":\"bob\",\"amount\":\"1\"}");
    assert_eq!(ada.send(&good).await.status, 200);
    bench.authsignal.drain(std::time::Duration::from_secs(10)).await;
    assert_eq!(bench.tracks(), 15, "what is observed is told, and what is off is not");
}
