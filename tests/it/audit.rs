//! What the audit has of each decision, and what becomes of it where its sink fails.
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use authsignal_emulator::{Endpoint, Fault, Outcome};
use axum_authsignal::{AuditError, AuditEvent, AuditJsonLines, AuditKind, AuditSink, ConfigError};
use serde_json::Value;
use test_support::waiting::until;

use crate::logs::Log;
use crate::support::{Visitor, bench_with, builder, clock, emulator, get, json};

const KEY: &str = "an audit's key, of 32 bytes or more";

/// A sink in memory, which fails and hangs as a test wants it.
#[derive(Clone, Default)]
pub(crate) struct Memory(Arc<Seen>);

#[derive(Default)]
pub(crate) struct Seen {
    events: Mutex<Vec<AuditEvent>>,
    fails: AtomicBool,
    hangs: AtomicBool,
}

impl Memory {
    pub(crate) fn events(&self) -> Vec<AuditEvent> {
        self.0.events.lock().unwrap().clone()
    }
}

impl AuditSink for Memory {
    async fn record(&self, event: AuditEvent) -> Result<(), AuditError> {
        if self.0.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        if self.0.fails.load(Ordering::SeqCst) {
            return Err(AuditError::new("the disk is full"));
        }
        self.0.events.lock().unwrap().push(event);
        Ok(())
    }
}

/// One event per decision, from the challenge to the pass, in a file that the verifier takes; users are in it, and neither sessions,
/// addresses nor tokens.
#[tokio::test]
async fn t97_the_audit_has_one_event_of_each_decision_and_no_secret() {
    let file = std::env::temp_dir().join(format!("authsignal-audit-{}.jsonl", std::process::id()));
    let _ = std::fs::remove_file(&file);
    let bench = bench_with(|builder| builder.audit(AuditJsonLines::open(&file).unwrap(), KEY)).await;
    let mut ada = bench.visitor("ada").in_session("canary-session");
    let asked = ada.send(&json("/pay/canary-path", "{\"canary\":\"body\"}")).await;
    let challenge = asked.json()["url"].as_str().unwrap().to_owned();
    ada.send(&bench.prove(&challenge)).await;
    ada.send(&json("/pay/canary-path", "{\"canary\":\"body\"}")).await.assert_passed();
    let members = serde_json::json!({ "state": "BLOCK", "ruleIds": ["rule-1"] });
    bench.emulator.inject_fault(Endpoint::Track, Fault::merge(members));
    ada.send(&get("/other")).await;
    let head = bench.authsignal.close_audit().await.unwrap();
    assert_eq!(bench.authsignal.audit_head(), Some(head.clone()));

    let text = std::fs::read_to_string(&file).unwrap();
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<_> =
        events.iter().map(|event| (event["kind"].as_str().unwrap(), event["outcome"].as_str())).collect();
    assert_eq!(
        told,
        [
            ("begun", None),
            ("decided", Some("challenged")),
            ("decided", Some("proved")),
            ("decided", Some("verified")),
            ("decided", Some("refused")),
            ("closed", None)
        ]
    );
    let id = asked.json()["decisionId"].clone();
    assert!(events[1..4].iter().all(|event| event["decision_id"] == id && event["user"] == "ada"), "{text}");
    assert_eq!((&events[1]["route"], &events[1]["action"]), (&"/pay/{id}".into(), &"pay".into()));
    assert!(events[2]["method"].is_string() && events[2]["method"] == events[3]["method"], "{text}");
    let refused = &events[4];
    assert_eq!((&refused["code"], &refused["state"]), (&"AUTHSIGNAL-R006".into(), &"BLOCK".into()));
    assert_eq!((&refused["rules"][0], refused["upstream_ms"].is_u64()), (&"rule-1".into(), true));
    assert!(!text.contains("canary") && !text.contains("token") && !text.contains("eyJ"), "{text}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let verifier = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/verify_audit.py");
    let head = format!("{}:{}:{}", head.chain, head.sequence, head.mac);
    let output =
        Command::new("python3").arg(verifier).arg(&file).args(["--head", &head]).env("AUDIT_KEY", KEY).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    std::fs::remove_file(&file).unwrap();
}

/// C9: what a sink does not take is counted in the chain itself, is in the log with the setter, and keeps no request.
#[tokio::test]
async fn c9_what_is_lost_is_said_in_the_log_and_in_the_chain() {
    let log = Log::default();
    let _listening = log.listen();
    let sink = Memory::default();
    let bench = bench_with(|builder| builder.audit(sink.clone(), KEY)).await;
    bench.emulator.set_outcome("pay", Outcome::Allow);
    let mut ada = bench.visitor("ada");
    ada.send(&get("/pay")).await.assert_passed();
    until("the first two events are at the sink", async || sink.events().len() >= 2).await;
    sink.0.fails.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        ada.send(&get("/pay")).await.assert_passed();
    }
    until("the log says of the loss", async || log.text().contains("events of the audit are being lost")).await;
    // All three have failed once the last one is no more on its way.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    sink.0.fails.store(false, Ordering::SeqCst);
    ada.send(&get("/pay")).await.assert_passed();
    bench.authsignal.close_audit().await.unwrap();
    let events = sink.events();
    let told: Vec<_> = events.iter().map(|event| (event.kind, event.sequence, event.lost)).collect();
    use AuditKind::{Begun, Closed, Decided};
    assert_eq!(told, [(Begun, 0, 0), (Decided, 1, 0), (Decided, 2, 3), (Closed, 3, 0)]);
    assert!(events.windows(2).all(|pair| pair[1].previous == pair[0].mac));
    let text = log.text();
    assert_eq!(
        text.matches("events of the audit are being lost: `AuthsignalBuilder::audit`").count(),
        1,
        "once, not thrice"
    );
    assert!(text.contains("the disk is full"));
}

/// T84: a sink that hangs keeps no request waiting, and takes no more memory than the queue has.
#[tokio::test]
async fn t84_a_sink_that_hangs_keeps_no_request_and_takes_bounded_memory() {
    let sink = Memory::default();
    sink.0.hangs.store(true, Ordering::SeqCst);
    let bench = bench_with(|builder| builder.audit(sink.clone(), KEY)).await;
    // Refused before anybody is asked, which is quick.
    let asking = get("/pay").header("sec-purpose", "prefetch");
    let log = Log::default();
    let _listening = log.listen();
    let mut ada = Visitor::new(&bench.app, "ada");
    let mut sent = 0;
    while !log.text().contains("8,192 events wait") {
        for _ in 0..500 {
            assert_eq!(ada.send(&asking).await.status, 503);
        }
        sent += 500;
        assert!(sent < 20_000, "nothing was lost");
    }
    println!("{sent} decisions while the sink hung");
    assert!(sent >= 8192 && sink.events().is_empty());
}

/// A key that anybody could find is none.
#[tokio::test]
async fn an_audits_key_that_is_short_is_refused() {
    let clock = clock();
    let emulator = emulator(&clock).await;
    let refused = builder(&emulator, &clock).audit(Memory::default(), "short").build().unwrap_err();
    assert!(matches!(refused, ConfigError::AuditKey { length: 5, least: 32, .. }), "{refused}");
}
