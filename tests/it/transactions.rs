//! One transaction, one value: what is told, shown, approved and given to the handler is the same.
mod altered;
mod data_points;
mod misuse;
mod shown;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::routing::{any, post};
use axum_authsignal::client::CustomData;
use axum_authsignal::{Approved, AuthsignalLayer, BodyFaultKind, Coverage, RefusalReason, Transaction};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::{Ask, Bench, Visitor, ask, bench, get, post as posted};

/// What is transferred.
#[derive(Clone, Debug, Deserialize, PartialEq, Transaction)]
#[serde(deny_unknown_fields)]
pub(super) struct Transfer {
    to: String,
    amount: u64,
    rate: Option<f64>,
    #[serde(default)]
    urgent: bool,
    #[transaction(skip)]
    csrf_token: Option<String>,
}

/// What handlers were given: the value, and the bytes beside it.
#[derive(Clone, Default)]
pub(super) struct Given(Arc<Mutex<Vec<(Transfer, Bytes)>>>);

impl Given {
    fn all(&self) -> Vec<(Transfer, Bytes)> {
        self.0.lock().unwrap().clone()
    }
}

async fn transfer(State(given): State<Given>, transfer: Approved<Transfer>, body: Bytes) -> &'static str {
    given.0.lock().unwrap().push((transfer.into_value(), body));
    "done"
}

/// `/transfer` covers the request, `/route` the route, `/action` the action; all give what they were given to `given`.
pub(super) fn app(bench: &Bench, given: &Given) -> Router {
    let layer = |action: &str| AuthsignalLayer::new(&bench.authsignal, action).transaction::<Transfer>();
    Router::new()
        .route("/transfer", any(transfer).layer(layer("transfer")))
        .route("/route", any(transfer).layer(layer("route").covers(Coverage::Route)))
        .route("/action", any(transfer).layer(layer("action").covers(Coverage::Action)))
        .with_state(given.clone())
        .merge(bench.authsignal.routes())
}

pub(super) async fn with_app() -> (Bench, Given, Visitor) {
    let bench = bench().await;
    let given = Given::default();
    let ada = Visitor::new(&app(&bench, &given), "ada");
    (bench, given, ada)
}

pub(super) fn of_json(target: &str, body: &str) -> Ask {
    posted(target, "application/json", body.to_owned())
}

pub(super) fn of_form(target: &str, body: &str) -> Ask {
    posted(target, "application/x-www-form-urlencoded", body.to_owned())
        .header("sec-fetch-site", "same-origin")
        .navigating()
}

/// The data points that the last track had.
fn custom(bench: &Bench) -> Value {
    bench.tracked()["custom"].clone()
}

#[tokio::test]
async fn the_value_is_told_approved_and_given_with_its_bytes() {
    let (bench, given, mut ada) = with_app().await;
    for (ask, told) in [
        (
            of_json("/transfer", "{ \"to\":\"bob\", \"amount\":10, \"rate\": 1.50,\n\"csrf_token\":\"x\" }"),
            json!({ "to": "bob", "amount": 10, "rate": 1.5, "urgent": false }),
        ),
        (
            of_form("/transfer", "to=b%C3%B6b&amount=10&urgent=true"),
            json!({ "to": "böb", "amount": 10, "urgent": true }),
        ),
        (of_json("/route", r#"{"to":"bob","amount":11}"#), json!({ "to": "bob", "amount": 11, "urgent": false })),
        (of_json("/action", r#"{"to":"bob","amount":12}"#), json!({ "to": "bob", "amount": 12, "urgent": false })),
    ] {
        bench.approve(&mut ada, &ask).await;
        assert_eq!(custom(&bench), told);
        let tracks = bench.tracks();
        ada.send(&ask).await.assert_passed();
        assert_eq!(bench.tracks(), tracks);
        let (value, body) = given.all().pop().unwrap();
        assert_eq!(body, ask.body, "T62: the very bytes");
        assert_eq!((json!(value.to), json!(value.amount)), (told["to"].clone(), told["amount"].clone()));
        assert_eq!(json!(value.rate), told["rate"]);
    }
    assert_eq!(given.all().len(), 4);
}

/// T62 to T65: what cannot be read in one way is refused before anybody is asked, and says why.
#[tokio::test]
async fn t62_t63_t64_t65_what_is_no_transaction_is_refused_before_track() {
    use BodyFaultKind::*;
    let (bench, given, mut ada) = with_app().await;
    let json_of = |body: &str| of_json("/transfer", body);
    let fault = |path: &str, kind| Some((path.to_owned(), kind));
    let long = format!(r#"{{"to":"{}","amount":1}}"#, "x".repeat(513));
    let typed = |content_type: &str| posted("/transfer", content_type, r#"{"to":"bob","amount":10}"#);
    let table = [
        (json_of(""), 400, fault("", Syntax)),
        (json_of(r#"{"to":"bob","amount":10,"amount":10000}"#), 400, fault("amount", DuplicateName)),
        (json_of(r#"{"to":"bob","amount":10,"Amount":10000}"#), 400, fault("Amount", DuplicateName)),
        (json_of(r#"{"to":"bob","amount":9007199254740993}"#), 400, fault("amount", Number)),
        (json_of(r#"{"to":"bob","amount":1e1}"#), 400, fault("amount", Number)),
        (json_of("\u{feff}{\"to\":\"bob\",\"amount\":10}"), 400, fault("", ByteOrderMark)),
        (posted("/transfer", "application/json", &b"{\"to\":\"b\xf6b\",\"amount\":10}"[..]), 400, fault("", NotUtf8)),
        (json_of(r#"{"to":"bob","amount":10}{"#), 400, fault("", Syntax)),
        (
            of_form("/transfer", "to=bob&amount=10&amount=999").header("accept", "*/*"),
            400,
            fault("amount", DuplicateName),
        ),
        (of_form("/transfer", "to=bob&amount=%FF").header("accept", "*/*"), 400, fault("amount", NotUtf8)),
        (of_form("/transfer", "to=bob&amount=%1").header("accept", "*/*"), 400, fault("amount", Syntax)),
        (json_of(r#"{"to":"bob"}"#), 422, fault("amount", MissingField)),
        (json_of(r#"{"to":"bob","amount":10,"more":1}"#), 422, fault("more", UnknownField)),
        (json_of(r#"{"to":"bob","amount":"10"}"#), 422, fault("amount", WrongType)),
        (json_of(r#"{"to":"bob","amount":-10}"#), 422, fault("amount", WrongValue)),
        (json_of(&long), 422, fault("To", TooLong)),
        (of_form("/transfer", "to=bob&amount=%2B10").header("accept", "*/*"), 422, fault("amount", Number)),
        (ask("POST", "/transfer"), 422, fault("to", MissingField)),
        (get("/transfer"), 422, fault("to", MissingField)),
        (Ask { body: "to=bob&amount=10".into(), ..ask("POST", "/transfer") }, 415, None),
        (typed("application/json; charset=utf-16"), 415, None),
        (typed("application/problem+json"), 415, None),
        (typed("text/plain"), 415, None),
        (typed("multipart/form-data; boundary=x"), 415, None),
        (typed("application/json").header("content-encoding", "gzip"), 415, None),
        (json_of(&format!(r#"{{"to":"{}","amount":1}}"#, "x".repeat(65 * 1024))), 413, None),
    ];
    let count = table.len();
    for (mut ask, status, fault) in table {
        ask.headers.remove("sec-fetch-mode");
        let said = String::from_utf8_lossy(&ask.body[..ask.body.len().min(80)]).into_owned();
        let reply = ada.send(&ask).await;
        assert_eq!(reply.status, status, "{said}: {}", reply.text());
        let problem = reply.json();
        let found = match reply.reason().unwrap() {
            RefusalReason::BodyMalformed(fault) | RefusalReason::BodyInvalid(fault) => {
                assert_eq!(problem["fault"], fault.kind.as_str());
                assert_eq!(problem["path"].as_str().unwrap_or_default(), fault.path);
                Some((fault.path.clone(), fault.kind))
            }
            reason => {
                let is_plain = matches!(reason, RefusalReason::BodyUnsupported | RefusalReason::BodyTooLarge);
                assert!(is_plain && problem.get("fault").is_none(), "{reason:?}");
                None
            }
        };
        assert_eq!(found, fault, "{said}");
        assert!(!problem["detail"].as_str().unwrap().contains("bob"), "nothing that somebody typed: {problem}");
        if fault.as_ref().is_some_and(|(_, kind)| *kind == Number) {
            assert!(problem["detail"].as_str().unwrap().contains("send any other as a string"), "{problem}");
        }
    }
    let two = of_json("/transfer", r#"{"to":"bob","amount":10}"#);
    let mut request = ada.request(&two);
    request.headers_mut().append("content-type", "application/json".parse().unwrap());
    assert_eq!(ada.send_request(request).await.reason(), Some(&RefusalReason::BodyUnsupported));
    println!("{} bodies refused, 0 tracks", count + 1);
    assert_eq!((bench.tracks(), given.all().len()), (0, 0));
    // A browser is told as people are.
    let page = ada.send(&of_form("/transfer", "to=bob").header("accept-language", "de")).await;
    assert!(page.status == 422 && page.text().contains("Das ist nicht vollständig"), "{}", page.text());
}

/// T27: the value is bound whatever else is covered, and what is covered beside it may change.
#[tokio::test]
async fn t27_an_approval_is_for_its_value_whatever_it_covers() {
    let (bench, given, mut ada) = with_app().await;
    for target in ["/route", "/action"] {
        let original = of_json(target, r#"{"to":"bob","amount":10}"#);
        bench.approve(&mut ada, &original).await;
        for other in [r#"{"to":"bob","amount":10000}"#, r#"{"to":"eve","amount":10}"#, r#"{"amount":10,"to":"bob"}"#] {
            ada.challenge(&of_json(target, other)).await;
        }
        ada.challenge(&of_form(target, "to=bob&amount=10").header("accept", "*/*")).await;
        let same = of_json(&format!("{target}?again=1"), "{ \"to\" : \"b\\u006fb\", \"amount\":10 }");
        ada.send(&same).await.assert_passed();
        assert_eq!(given.all().pop().unwrap().0.amount, 10);
        ada.send(&original).await;
    }
    assert_eq!(given.all().len(), 2);
}

/// T54, T63: what becomes of no body is the type's affair, for whatever method.
#[tokio::test]
async fn no_body_is_what_the_type_makes_of_it() {
    #[derive(Deserialize, Transaction)]
    struct Close {
        reason: Option<String>,
    }
    let bench = bench().await;
    let handler = |close: Approved<Close>| async move { format!("{:?}", close.reason) };
    let layer = AuthsignalLayer::new(&bench.authsignal, "close").transaction::<Close>();
    let app = Router::new().route("/close", any(handler).layer(layer)).merge(bench.authsignal.routes());
    let mut ada = Visitor::new(&app, "ada");
    for ask in [get("/close"), ask("HEAD", "/close").navigating(), ask("POST", "/close"), ask("DELETE", "/close")] {
        bench.approve(&mut ada, &ask).await;
        assert_eq!(bench.tracked().get("custom"), None);
        let reply = ada.send(&ask).await;
        assert_eq!(
            (reply.status, reply.text().trim_matches(char::is_whitespace)),
            (200, if ask.method == "HEAD" { "" } else { "None" })
        );
    }
    let with = Ask { method: axum::http::Method::GET, ..of_json("/close", r#"{"reason":"moved"}"#) };
    bench.approve(&mut ada, &with).await;
    assert_eq!(custom(&bench), json!({ "reason": "moved" }));
    assert_eq!(ada.send(&with).await.text(), "Some(\"moved\")");
}

/// Without a type of one's own: read as strictly, told and bound alike.
#[tokio::test]
async fn t63_t64_data_points_without_a_type_are_read_as_strictly() {
    let bench = bench().await;
    let json_layer = AuthsignalLayer::new(&bench.authsignal, "json")
        .custom_json(|order: BTreeMap<String, u64>| order.into_iter().collect::<CustomData>())
        .custom(|parts| CustomData::new().with("path", parts.uri.path()));
    let form_layer = AuthsignalLayer::new(&bench.authsignal, "form")
        .covers(Coverage::Route)
        .custom_form(|order: BTreeMap<String, String>| CustomData::new().with("total", order["total"].as_str()));
    let app = Router::new()
        .route("/json", post(async |body: String| body).route_layer(json_layer))
        .route("/form", post(async |body: String| body).route_layer(form_layer))
        .merge(bench.authsignal.routes());
    let mut ada = Visitor::new(&app, "ada");
    let order = of_json("/json", r#"{"total":10}"#);
    bench.approve(&mut ada, &order).await;
    assert_eq!(custom(&bench), json!({ "total": 10, "path": "/json" }));
    assert_eq!(ada.send(&order).await.text(), r#"{"total":10}"#);

    let order = of_form("/form", "total=10");
    bench.approve(&mut ada, &order).await;
    assert_eq!(custom(&bench), json!({ "total": "10" }));
    ada.challenge(&of_form("/form", "total=11")).await;
    assert_eq!(ada.send(&of_form("/form", "total=%310")).await.text(), "total=%310", "the same value");

    let tracks = bench.tracks();
    assert_eq!(ada.send(&of_json("/json", r#"{"total":10,"total":11}"#)).await.status, 400);
    assert_eq!(ada.send(&of_json("/json", r#"{"total":"10"}"#)).await.status, 422);
    assert_eq!(ada.send(&posted("/json", "application/x-www-form-urlencoded", "total=10")).await.status, 415);
    assert_eq!(ada.send(&of_json("/form", r#"{"total":"10"}"#)).await.status, 415);
    assert_eq!(ada.send(&posted("/form", "application/x-www-form-urlencoded", "total=1&total=2")).await.status, 400);
    assert_eq!(bench.tracks(), tracks);
}

/// What a page asks before the click is about the same value.
#[tokio::test]
async fn a_requirement_is_of_the_value() {
    let bench = bench().await;
    let given = Given::default();
    let layer = AuthsignalLayer::new(&bench.authsignal, "transfer").covers(Coverage::Route).transaction::<Transfer>();
    let app = Router::new()
        .route("/transfer/step-up", layer.requirement())
        .route("/transfer", any(transfer).layer(layer))
        .with_state(given)
        .merge(bench.authsignal.routes());
    let mut ada = Visitor::new(&app, "ada");
    bench.approve(&mut ada, &of_json("/transfer", r#"{"to":"bob","amount":10}"#)).await;
    for (body, status) in [
        (r#"{"to":"bob","amount":10}"#, "approved"),
        (r#"{"to":"bob","amount":11}"#, "unknown"),
        (r#"{"to":"bob","amount":10,"amount":10}"#, "unknown"),
        ("", "unknown"),
    ] {
        assert_eq!(ada.send(&of_json("/transfer/step-up", body)).await.json()["status"], status, "{body}");
    }
}

/// T61: an outer layer's answer stands for an inner one only for the same value, and the handler is given the inner one's.
#[tokio::test]
async fn t61_an_outer_answer_is_for_the_same_value_alone() {
    let (bench, given, _) = with_app().await;
    let layer = || AuthsignalLayer::new(&bench.authsignal, "transfer");
    let both =
        post(transfer).route_layer(layer().transaction::<Transfer>()).route_layer(layer().transaction::<Transfer>());
    let plain = post(transfer).route_layer(layer().transaction::<Transfer>()).route_layer(layer());
    let app = Router::new()
        .route("/both", both)
        .route("/plain", plain)
        .with_state(given.clone())
        .merge(bench.authsignal.routes());
    bench.emulator.set_outcome("transfer", authsignal_emulator::Outcome::Allow);
    let mut ada = Visitor::new(&app, "ada");
    for (target, tracks) in [("/both", 1), ("/plain", 3)] {
        ada.send(&of_json(target, r#"{"to":"bob","amount":10}"#)).await.assert_passed();
        assert_eq!(bench.tracks(), tracks, "{target}");
    }
    assert_eq!(given.all().len(), 2);
}
