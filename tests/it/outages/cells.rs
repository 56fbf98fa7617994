//! Each fault by each call and policy is what `docs/outages.md` says.
use std::collections::BTreeMap;

use authsignal_emulator::{Emulator, Outcome};
use axum::Router;
use axum::routing::any;
use axum_authsignal::client::ErrorKind;
use axum_authsignal::store::{Error, Key, MemoryStore, Store, Version};
use axum_authsignal::{
    Authsignal, AuthsignalBuilder, AuthsignalLayer, Circuit, Client, Grounds, NoFailover, OnOutage, Outage,
    RefusalReason, Unproven,
};
use futures_util::future::join_all;

use super::is_proven;
use super::wire::{Broken, Server};
use crate::support::{CALLBACK, Effects, Visitor, clock, emulator, get, handle, way_back, who};

const DOCUMENT: &str = include_str!("../../../docs/outages.md");
const POLICIES: [&str; 4] = ["refuse", "admit", "over budget", "fallback"];
const CALLS: [&str; 3] = ["track", "validate", "get_action"];

/// The cells of the rows of a table by the first of each, under the words of its head.
fn table(head: &str) -> Vec<Vec<&'static str>> {
    let rows = DOCUMENT.lines().skip_while(|line| !line.starts_with(head)).skip(2);
    let cells = |line: &'static str| line.trim_matches('|').split('|').map(str::trim).collect();
    rows.take_while(|line| line.starts_with('|')).map(cells).collect()
}

fn outage(name: &str) -> Outage {
    let all = [
        Outage::Connect,
        Outage::Timeout,
        Outage::Server,
        Outage::Interrupted,
        Outage::RateLimited,
        Outage::Rejected,
        Outage::Malformed,
        Outage::Overloaded,
        Outage::Store,
    ];
    all.into_iter().find(|outage| outage.as_str() == name).unwrap_or_else(|| panic!("no outage `{name}`"))
}

fn status(status: &str, more: &str) -> Broken {
    let body = if status.starts_with("401") { "{\"error\":\"unauthorized\"}" } else { "{\"error\":\"broken\"}" };
    let length = body.len();
    Broken::Closes(
        format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{more}\r\n{body}")
            .into_bytes(),
    )
}

/// A success with this body, which may be announced as longer.
fn success(body: &str, announced: usize) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {announced}\r\n\r\n{body}")
        .into_bytes()
}

/// The faults of the wire, in the order of the document; the last is the store's.
fn faults() -> Vec<Option<Broken>> {
    let wrong = "{\"state\":7,\"isValid\":\"yes\",\"idempotencyKey\":[]}";
    let huge = format!("{{\"state\":\"ALLOW\",\"x\":\"{}\"}}", "a".repeat(300 * 1024));
    let cut = "{\"state\":\"ALLOW\",\"idem";
    let wire = [
        Broken::Refused,
        Broken::NoName,
        Broken::NoTls,
        Broken::SilentTls,
        Broken::Reset,
        Broken::Closes(Vec::new()),
        Broken::Closes(b"HTTP/1.1 200 O".to_vec()),
        Broken::Closes(b"220 mail.example.com ESMTP\r\n".to_vec()),
        Broken::Stalls(Vec::new()),
        Broken::Stalls(success("", 100)),
        Broken::Stalls(success(cut, 100)),
        status("500 Internal Server Error", ""),
        status("502 Bad Gateway", ""),
        status("503 Service Unavailable", ""),
        status("503 Service Unavailable", "retry-after: 7\r\n"),
        status("504 Gateway Timeout", ""),
        status("429 Too Many Requests", ""),
        status("429 Too Many Requests", "retry-after: 7\r\n"),
        status("400 Bad Request", ""),
        status("401 Unauthorized", ""),
        status("403 Forbidden", ""),
        status("404 Not Found", ""),
        status("409 Conflict", ""),
        status("413 Content Too Large", ""),
        status("302 Found", "location: https://evil.example/\r\n"),
        Broken::Closes(success("", 0)),
        Broken::Closes(success(cut, 100)),
        Broken::Closes(success(wrong, wrong.len())),
        Broken::Closes(success(&huge, huge.len())),
    ];
    wire.into_iter().map(Some).chain([None]).collect()
}

/// A store that answers for as long as it is well.
#[derive(Clone, Debug)]
struct Frail {
    inner: MemoryStore,
    is_well: bool,
}

impl Store for Frail {
    async fn load(&self, key: &Key) -> Result<Option<(Version, bytes::Bytes)>, Error> {
        if self.is_well { Store::load(&self.inner, key).await } else { Err(Error::unavailable("no store")) }
    }

    async fn swap(
        &self,
        key: &Key,
        expected: Option<Version>,
        value: Vec<u8>,
        ttl: std::time::Duration,
    ) -> Result<bool, Error> {
        if self.is_well {
            Store::swap(&self.inner, key, expected, value, ttl).await
        } else {
            Err(Error::unavailable("no store"))
        }
    }
}

/// One node of an application whose route has a policy.
struct Node {
    authsignal: Authsignal,
    app: Router,
    effects: Effects,
}

fn node(client: Client, store: Frail, policy: &str) -> Node {
    let builder: AuthsignalBuilder = Authsignal::builder(client)
        .callback_url(CALLBACK)
        .clock(clock())
        .store(store)
        .identify(|headers: http::HeaderMap| async move { who(&headers) });
    let builder = if policy == "over budget" { builder.failover_budget(0, 0) } else { builder };
    let authsignal = builder.build().unwrap();
    let layer = AuthsignalLayer::new(&authsignal, "pay");
    let layer = match policy {
        "refuse" => layer,
        "admit" | "over budget" => layer.on_outage(OnOutage::Admit),
        "fallback" => layer.fallback(is_proven),
        other => panic!("no policy `{other}`"),
    };
    let effects = Effects::default();
    let app = Router::new().route("/pay", any(handle).layer(layer)).with_state(effects.clone());
    Node { app: app.merge(authsignal.routes()), authsignal, effects }
}

/// Runs one cell, and fails unless it is as documented.
async fn run(emulator: &Emulator, fault: Option<&Broken>, call: &str, policy: &str, kind: &str, outcome: &str) {
    let server = Server::start(fault.cloned().unwrap_or(Broken::Refused)).await;
    let store = MemoryStore::new().clock(clock());
    let frail = |is_well| Frail { inner: store.clone(), is_well };
    let well = || server.well(emulator);
    let before = node(well(), frail(true), policy);
    let after = match fault {
        Some(_) => node(server.client(emulator.secret()), frail(true), policy),
        None => node(well(), frail(false), policy),
    };
    let cell = format!("{fault:.60?} {call} {policy}");
    let ask = get("/pay").header("x-proof", "right").navigating();
    match call {
        "track" => {
            let mut ada = Visitor::new(&after.app, "ada");
            if fault.is_none() {
                // The store is asked about browsers that were challenged before.
                let mut known = Visitor::new(&before.app, "ada");
                known.challenge(&ask).await;
                ada.cookie = known.cookie;
            }
            let reply = ada.send(&ask).await;
            let is_failover = || {
                let verdict = after.effects.last().verdict.unwrap();
                matches!(verdict.grounds(), Grounds::Failover { outage: found, is_proven, .. }
                    if *found == outage(kind) && *is_proven == (policy == "fallback"))
            };
            match outcome {
                "passes" => assert!(reply.status == 200 && is_failover(), "{cell}: {:?}", reply.refusal),
                _ => {
                    assert_eq!(
                        (reply.status, reply.reason()),
                        (503, Some(&RefusalReason::Outage(outage(kind)))),
                        "{cell}"
                    );
                    let is_own = matches!(kind, "connect" | "timeout" | "server");
                    let why = (is_own && policy == "over budget").then_some(NoFailover::OverBudget);
                    assert_eq!(reply.refusal.unwrap().no_failover(), why, "{cell}");
                }
            }
            assert_eq!(after.effects.count(), usize::from(outcome == "passes"), "{cell}");
        }
        "validate" => {
            let mut ada = Visitor::new(&before.app, "ada");
            let challenge = ada.challenge(&ask).await;
            let challenge = challenge.replace(server.origin(), emulator.origin());
            let back = way_back(&emulator.succeed(&challenge).unwrap());
            ada.app = after.app.clone();
            let reply = ada.send(&back).await;
            let refused = match kind {
                "unproven" => (403, RefusalReason::Unproven(Unproven::Token)),
                kind => (503, RefusalReason::Outage(outage(kind))),
            };
            assert_eq!((reply.status, reply.reason()), (refused.0, Some(&refused.1)), "{cell}");
            assert_eq!(after.effects.count(), 0, "{cell}");
        }
        "get_action" => {
            let found =
                after.authsignal.client().get_action("ada", "pay", "5d1f9c52-8c1a-4c55-8e35-0b6a0ad0a001").await;
            let error = found.unwrap_err();
            let found = match error.kind() {
                ErrorKind::Connect => "connect",
                ErrorKind::Timeout => "timeout",
                ErrorKind::Server => "server",
                ErrorKind::Interrupted => "interrupted",
                ErrorKind::RateLimited => "rate_limited",
                // The emulator has no such action.
                ErrorKind::Rejected if fault.is_none() && error.is_not_found() => "answered",
                ErrorKind::Rejected | ErrorKind::Unauthorized => "rejected",
                ErrorKind::Malformed | ErrorKind::TooLarge | ErrorKind::Redirected => "malformed",
                other => panic!("{cell}: {other:?}"),
            };
            assert_eq!(found, kind, "{cell}");
            assert_eq!(after.effects.count(), 0, "{cell}");
        }
        other => panic!("no call `{other}`"),
    }
    let state = after.authsignal.upstream();
    assert_eq!((state.circuit, state.in_flight), (Circuit::Closed, 0), "{cell}: room for calls comes back");
}

/// T74, T77: 30 faults, 3 calls, 4 policies.
#[tokio::test]
async fn t74_t77_each_fault_by_each_call_and_policy_is_as_documented() {
    let emulator = emulator(&clock()).await;
    emulator.set_outcome("pay", Outcome::Challenge);
    let by_kind: BTreeMap<_, _> = table("| kind |").into_iter().map(|row| (row[0], row[1..].to_vec())).collect();
    let rows = table("| # | fault |");
    let faults = faults();
    assert_eq!((rows.len(), faults.len(), by_kind.len()), (30, 30, 9));
    let emulator = &emulator;
    let (mut cells, mut passed, mut not_made) = (0, 0, 0);
    for (number, (row, fault)) in rows.iter().zip(&faults).enumerate() {
        assert_eq!(row[0], (number + 1).to_string(), "{row:?}");
        let each = CALLS
            .iter()
            .zip(&row[2..])
            .flat_map(|(call, kind)| POLICIES.iter().enumerate().map(move |(at, policy)| (*call, *kind, *policy, at)));
        let each: Vec<_> = each
            .map(|(call, kind, policy, at)| {
                let outcome = if call == "track" { by_kind[kind][at] } else { "503" };
                cells += 1;
                passed += usize::from(outcome == "passes");
                not_made += usize::from(call == "get_action");
                run(emulator, fault.as_ref(), call, policy, kind, outcome)
            })
            .collect();
        join_all(each).await;
    }
    assert_eq!(cells, 360);
    println!(
        "{cells} cells as documented: {passed} pass, {} refuse, {not_made} are of `get_action`, by the application's own client",
        cells - passed - not_made
    );
}
