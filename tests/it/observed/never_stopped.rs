//! Each reason for which a guarded route stops a request, on the same route while it is only observed: the handler runs.
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use authsignal_emulator::{Endpoint, Fault, Outcome};
use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::routing::any;
use axum_authsignal::client::{CustomData, VerificationMethod};
use axum_authsignal::{Approved, AuthsignalBuilder, AuthsignalLayer};
use axum_authsignal::{MissingTransaction, RefusalReason, Transaction, Unenrolled, Verdict};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http_body_util::Limited;
use serde::Deserialize;

use super::PATIENCE;
use crate::recorded::Memory;
use crate::support::{Ask, Bench, MINUTE, Reply, Visitor, bench, bench_with, form, get, handle, json, post, who};

/// What goes before the request on the guarded route.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    Nothing,
    /// The same was sent by itself.
    Sent,
    /// It was proved and sent.
    Done,
}

/// How its body comes.
#[derive(Clone, Copy, PartialEq)]
enum Comes {
    Whole,
    BreaksOff,
    Slowly,
}

/// A reason, and how a request comes to it.
struct Row {
    /// Its code, which the guarded route answers with.
    code: &'static str,
    /// What is recorded of the observed request: how it would have ended.
    would: &'static str,
    build: fn(AuthsignalBuilder) -> AuthsignalBuilder,
    layer: fn(AuthsignalLayer) -> AuthsignalLayer,
    set: fn(&Bench),
    before: Before,
    ask: Ask,
    comes: Comes,
}

fn row(code: &'static str, would: &'static str, ask: Ask) -> Row {
    let (build, layer, set): (fn(_) -> _, fn(_) -> _, fn(&Bench)) = (|builder| builder, |layer| layer, |_| {});
    Row { code, would, build, layer, set, before: Before::Nothing, ask, comes: Comes::Whole }
}

fn challenge(bench: &Bench) {
    bench.emulator.set_outcome("pay", Outcome::Challenge);
}

fn points(amounts: BTreeMap<String, u64>) -> CustomData {
    CustomData::new().with("amount", amounts.into_values().sum::<u64>())
}

fn rows() -> Vec<Row> {
    let body = || json("/x", "{\"amount\":10}");
    let reading = |layer: AuthsignalLayer| layer.custom_json(points);
    vec![
        Row { set: challenge, ..row("R004", "challenged R004", body()) },
        Row { set: |bench| bench.emulator.set_outcome("pay", Outcome::Review), ..row("R005", "refused R005", body()) },
        Row { set: |bench| bench.emulator.set_outcome("pay", Outcome::Block), ..row("R006", "refused R006", body()) },
        Row {
            layer: |layer| layer.unenrolled(Unenrolled::Deny),
            ..row("R007", "refused R007", body().header("x-user", "eve"))
        },
        // What was never told is lost, and recorded so.
        Row {
            set: |bench| bench.emulator.inject_fault(Endpoint::Track, Fault::status(400).always()),
            ..row("R008", " R008", body())
        },
        // It is told once it is over.
        Row {
            set: |bench| bench.emulator.inject_fault(Endpoint::Track, Fault::status(503).times(5)),
            ..row("R009", "challenged R004", body())
        },
        Row {
            set: |bench| {
                challenge(bench);
                let url = serde_json::json!({ "url": "https://evil.example/?token=a" });
                bench.emulator.inject_fault(Endpoint::Track, Fault::merge(url).always());
            },
            ..row("R010", "challenged R004", body())
        },
        Row { layer: reading, ..row("R011", "refused R011", post("/x", "application/json", vec![b' '; 128 * 1024])) },
        Row { layer: reading, comes: Comes::BreaksOff, ..row("R012", "refused R012", body()) },
        Row { layer: reading, comes: Comes::Slowly, ..row("R013", "refused R013", body()) },
        row("R014", "refused R014", crate::support::ask("OPTIONS", "*")),
        row("R015", "skipped prefetch", get("/x").header("sec-purpose", "prefetch")),
        row("R017", "refused R017", body().header("authsignal-token", "no token")),
        Row { set: challenge, ..row("R020", "refused R020", form("/x", "a=b").header("sec-fetch-site", "cross-site")) },
        Row {
            build: |builder| builder.also_at("www.example.com"),
            ..row("R021", "refused R021", body().header("host", "www.example.com"))
        },
        Row { set: challenge, before: Before::Done, ..row("R022", "challenged R004", form("/x", "a=b")) },
        Row {
            set: challenge,
            build: |builder| builder.challenge_budget(1, MINUTE),
            before: Before::Sent,
            ..row("R023", "challenged R004", get("/x").header("x-user", "bob"))
        },
        Row {
            set: |bench| bench.emulator.set_outcome("pay", Outcome::Block),
            build: |builder| builder.refusal_budget(1, MINUTE),
            before: Before::Sent,
            ..row("R024", "refused R006", body())
        },
        Row {
            set: challenge,
            build: |builder| builder.pending_flow_budget(1, 16 * 1024 * 1024),
            before: Before::Sent,
            ..row("R025", "challenged R004", form("/x", "a=b"))
        },
        row("R027", "refused R027", get("/authsignal/callback")),
        Row {
            layer: |layer| layer.methods([VerificationMethod::Passkey]),
            set: |bench| {
                challenge(bench);
                let offered = serde_json::json!({
                    "allowedVerificationMethods": ["SMS"], "enrolledVerificationMethods": ["SMS"],
                });
                bench.emulator.inject_fault(Endpoint::Track, Fault::merge(offered).always());
            },
            ..row("R031", "refused R031", body())
        },
        row("R034", "refused R034", body().header("x-actor", "machine")),
        Row {
            layer: |layer| layer.review(MINUTE),
            set: |bench| bench.emulator.set_outcome("pay", Outcome::Review),
            ..row("R035", "under_review R035", body())
        },
        Row { layer: reading, ..row("R036", "refused R036", post("/x", "multipart/form-data; boundary=x", "--x--")) },
        Row { layer: reading, ..row("R037", "refused R037", json("/x", "{\"a\":1,\"a\":2}")) },
        Row {
            layer: |layer| layer.custom_json(|amount: u64| CustomData::new().with("amount", amount)),
            ..row("R038", "refused R038", json("/x", "{}"))
        },
        Row {
            layer: |layer| layer.custom(|_| CustomData::new().with("amount", 1)).custom_json(points),
            ..row("R039", "refused R039", body())
        },
        // An application whose closures panic: what the guarded route does is refuse, too.
        Row { layer: |layer| layer.custom(|_| panic!("custom")), ..row("R028", "refused R028", body()) },
        Row {
            layer: |layer| layer.custom_json(|_: serde_json::Value| panic!("custom_json")),
            ..row("R028", "refused R028", body())
        },
    ]
}

/// The reasons that no request of an observed route comes to, and why.
const OTHERS: [(&str, &str); 11] = [
    ("R001", "who asks is asked on every route"),
    ("R002", "who asks is asked on every route"),
    ("R003", "who asks is asked on every route"),
    ("R016", "of the callback"),
    ("R018", "of the callback"),
    ("R019", "of the callback"),
    ("R026", "of a token, which an observed route takes off and leaves alone"),
    ("R029", "of a token"),
    ("R030", "of a token"),
    ("R032", "of a token"),
    ("R033", "of a token"),
];

/// The codes of all reasons, as they are documented.
fn all_codes() -> BTreeSet<String> {
    let page = include_str!("../../../docs/refusals.md");
    let titles = page.lines().filter_map(|line| line.strip_prefix("## AUTHSIGNAL-"));
    titles.map(|title| title[..4].to_owned()).collect()
}

fn request(visitor: &Visitor, row: &Row) -> axum::extract::Request {
    let half = row.ask.body.len() / 2;
    let (first, rest) = (row.ask.body.slice(..half), row.ask.body.slice(half..));
    let body = match row.comes {
        Comes::Whole => Body::from(row.ask.body.clone()),
        Comes::BreaksOff => Body::from_stream(stream::iter([Ok(first), Err("it breaks off")])),
        Comes::Slowly => {
            let later = stream::once(async {
                tokio::time::sleep(Duration::from_secs(40)).await;
                rest
            });
            Body::from_stream(stream::iter([first]).chain(later).map(Ok::<Bytes, std::convert::Infallible>))
        }
    };
    visitor.request_with(&row.ask, body)
}

async fn send(app: &Router, row: &Row) -> Reply {
    let mut visitor = Visitor::new(app, "ada");
    let request = request(&visitor, row);
    if row.comes != Comes::Slowly {
        return visitor.send_request(request).await;
    }
    // Nothing else is waited for meanwhile.
    tokio::time::pause();
    let reply = visitor.send_request(request).await;
    tokio::time::resume();
    reply
}

async fn bench_of(row: &Row, events: &Memory) -> Bench {
    bench_with(|builder| {
        let builder = (row.build)(builder).audit(events.clone(), [7; 32]);
        builder.identify_parts(|parts| {
            let user = who(&parts.headers)?;
            Some(if parts.headers.contains_key("x-actor") { user.machine() } else { user })
        })
    })
    .await
}

/// Every request, whatever its path, behind one layer.
fn app(bench: &Bench, layer: AuthsignalLayer) -> Router {
    Router::new().fallback(handle).layer(layer).with_state(bench.effects.clone())
}

#[tokio::test]
async fn every_reason_stops_a_guarded_request_and_no_observed_one() {
    let (mut ran, mut tried, mut faults) = (0, 0, String::new());
    let mut codes: BTreeSet<String> = OTHERS.iter().map(|(code, _)| (*code).to_owned()).collect();
    for row in rows() {
        codes.insert(row.code.to_owned());
        let events = Memory::default();
        let bench = bench_of(&row, &events).await;
        (row.set)(&bench);
        let layer = || (row.layer)(AuthsignalLayer::new(&bench.authsignal, "pay"));

        // The guarded route stops it.
        let mut guarded = app(&bench, layer());
        if row.before == Before::Done {
            guarded = guarded.merge(bench.authsignal.routes());
        }
        let mut ada = Visitor::new(&guarded, "ada");
        match row.before {
            Before::Nothing => {}
            Before::Sent => {
                let other = Ask { target: "/y".to_owned(), ..row.ask.clone() };
                ada.send(&other).await;
            }
            Before::Done => {
                bench.approve(&mut ada, &row.ask).await;
                ada.send(&row.ask).await.assert_passed();
            }
        }
        let before = bench.effects.count();
        let reply = if row.before == Before::Nothing { send(&guarded, &row).await } else { ada.send(&row.ask).await };
        let code = reply.reason().map(RefusalReason::code);
        let is_stopped = code == Some(&*format!("AUTHSIGNAL-{}", row.code)) && bench.effects.count() == before;
        if !is_stopped {
            faults += &format!("{}: the guarded route answers {} {code:?}\n", row.code, reply.status);
        }

        // A handle of its own, so that the first has used nothing up.
        let events = Memory::default();
        let bench = bench_of(&row, &events).await;
        (row.set)(&bench);
        let observed = app(&bench, (row.layer)(AuthsignalLayer::new(&bench.authsignal, "pay")).observe());
        tried += 1;
        let reply = send(&observed, &row).await;
        // A body that breaks off does so for the handler, which answers as it would by itself.
        let by_itself = app_by_itself(&bench, &row).await;
        let is_same = reply.refusal.is_none() && (reply.status, &reply.body) == (by_itself.status, &by_itself.body);
        bench.authsignal.drain(PATIENCE).await;
        bench.authsignal.close_audit().await;
        let events = events.0.lock().unwrap();
        let recorded: Vec<_> = events
            .iter()
            .filter_map(|event| {
                let outcome = event.outcome?;
                let code = event.code.unwrap_or_default().trim_start_matches("AUTHSIGNAL-");
                Some(match (&event.skipped, event.would) {
                    (Some(skipped), _) => format!("{outcome} {skipped}"),
                    (None, would) => format!("{} {code}", would.unwrap_or_default()),
                })
            })
            .collect();
        if is_same && recorded == [row.would] {
            ran += 1;
        } else {
            let Row { code, would, .. } = row;
            faults += &format!(
                "{code}: observed, it is {} {:?}, recorded {recorded:?}, wanted {} {would:?}\n",
                reply.status,
                reply.reason(),
                by_itself.status,
            );
        }
    }
    println!(
        "observed: the handler ran {ran} of {tried}, {} reasons are none of an observed route's requests",
        OTHERS.len()
    );
    assert!(faults.is_empty(), "{faults}");
    assert_eq!(codes, all_codes(), "each reason is a row or has a reason to be none");
}

/// The same request at the same handler, with no layer around it.
async fn app_by_itself(bench: &Bench, row: &Row) -> Reply {
    let app = Router::new().fallback(handle).with_state(bench.effects.clone());
    send(&app, row).await
}

/// A body that breaks off with an error that its handler's extractor tells apart is no other error for our having read it.
#[tokio::test]
async fn a_body_breaks_for_the_handler_with_its_own_error() {
    let bench = bench().await;
    let reads = async |body: Result<Bytes, axum::extract::rejection::BytesRejection>| match body {
        Ok(body) => (StatusCode::OK, body.len().to_string()),
        Err(error) => (error.status(), error.body_text()),
    };
    let app = Router::new()
        .route("/plain", any(reads))
        .route(
            "/observed",
            any(reads).layer(AuthsignalLayer::new(&bench.authsignal, "pay").custom_json(points).observe()),
        )
        .with_state(());
    let mut answers = Vec::new();
    for target in ["/plain", "/observed"] {
        let visitor = Visitor::new(&app, "ada");
        let ask = json(target, "{\"amount\":10000}");
        // As a limit outside of the layer has it, whose error axum answers with 413.
        let body = Body::new(Limited::new(Body::from(ask.body.clone()), 8));
        let reply = visitor.clone().send_request(visitor.request_with(&ask, body)).await;
        answers.push((reply.status, reply.text().to_owned()));
    }
    assert_eq!(answers[0].0, 413);
    assert_eq!(answers[0], answers[1]);
}

#[derive(Debug, Deserialize, Transaction)]
struct Transfer {
    amount: u64,
}

/// A handler that takes the value is called for a body that is none, and its own extractor says so, as the layer would; one that
/// takes it or else does runs.
#[tokio::test]
async fn a_value_that_is_none_is_refused_by_its_extractor_and_not_by_the_layer() {
    let bench = bench().await;
    bench.emulator.set_outcome("pay", Outcome::Allow);
    let taking = async |value: Approved<Transfer>| value.amount.to_string();
    let either =
        async |verdict: Verdict, value: Result<Approved<Transfer>, MissingTransaction>, body: Bytes| match value {
            Ok(value) => value.amount.to_string(),
            Err(error) => format!("{:?} {} {error}", verdict.grounds(), body.len()),
        };
    let other = async |value: Approved<Other>| value.amount.to_string();
    let layer = || AuthsignalLayer::new(&bench.authsignal, "pay").transaction::<Transfer>();
    let app = Router::new()
        .route("/guarded", any(taking).layer(layer()))
        .route("/observed", any(taking).layer(layer().observe()))
        .route("/off", any(taking).layer(layer().off("an incident")))
        .route("/observed/either", any(either).layer(layer().observe()))
        .route("/off/either", any(either).layer(layer().off("an incident")))
        .route("/observed/other", any(other).layer(layer().observe()))
        .with_state(bench.effects.clone());
    let mut ada = Visitor::new(&app, "ada");
    let asks = |target: &str| {
        [
            post(target, "application/json", "{\"amount\":10}"),
            post(target, "application/json", "{"),
            post(target, "application/json", "{}"),
            post(target, "text/plain", "{}"),
            post(target, "application/json", vec![b' '; 128 * 1024]),
        ]
    };
    for (number, ask) in asks("/guarded").into_iter().enumerate() {
        let at = |target: &str| Ask { target: target.to_owned(), ..ask.clone() };
        let guarded = ada.send(&ask).await;
        for policy in ["/observed", "/off"] {
            let reply = ada.send(&at(policy)).await;
            assert_eq!((reply.status, reply.reason()), (guarded.status, guarded.reason()), "{policy} {number}");
            let either = ada.send(&at(&format!("{policy}/either"))).await;
            let wanted = if number == 0 { "10".to_owned() } else { format!(" {} axum-authsignal: ", ask.body.len()) };
            assert!(either.status == 200 && either.text().contains(&wanted), "{policy} {number}: {}", either.text());
        }
        let reply = ada.send(&at("/observed/other")).await;
        assert_eq!(reply.reason(), Some(&RefusalReason::Unguarded), "another type is another mistake");
    }
}

#[derive(Debug, Deserialize, Transaction)]
struct Other {
    amount: u64,
}
