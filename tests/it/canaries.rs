//! T43, T97, S15: secrets that are searched for, after whole flows, in all that was logged by anybody at TRACE, in spans, in `Debug`,
//! in errors with their causes, and in every byte that went to the store.
use std::error::Error as StdError;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use authsignal_client::{Token, Track, Validate};
use authsignal_emulator::{Endpoint, Fault};
use axum_authsignal::store::{Error, Key, MemoryStore, Store, Version};
use axum_authsignal::webhook::Webhook;
use axum_authsignal::{Answer, AuthsignalLayer, RefusalReason, request_span};
use bytes::Bytes;
use metrics_util::debugging::DebuggingRecorder;
use serde_json::json as value;
use tower_http::trace::TraceLayer;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::audit::Memory;
use crate::logs::Log;
use crate::support::{Visitor, app, bench_with, form, get, json, parameter, way_back};

const MASTER: &str = "canary-master-secret-of-32-bytes";
const OLDER: &str = "canary-older-secret-of-32-bytes!";
const AUDIT: &str = "canary-key-of-the-audit-of-32-bytes";
const WEBHOOK: &str = "canary-webhook-secret";

/// A store, and a copy of every byte that ever went there.
#[derive(Clone, Debug)]
struct Recorded {
    inner: MemoryStore,
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl Store for Recorded {
    async fn load(&self, key: &Key) -> Result<Option<(Version, Bytes)>, Error> {
        Store::load(&self.inner, key).await
    }

    async fn swap(&self, key: &Key, expected: Option<Version>, record: Vec<u8>, ttl: Duration) -> Result<bool, Error> {
        self.bytes.lock().unwrap().extend([&key.as_bytes()[..], &record[..], key.to_string().as_bytes()].concat());
        Store::swap(&self.inner, key, expected, record, ttl).await
    }
}

/// An error as people and programs see it, with all its causes.
fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut shown = format!("{error:?} {error:#?}");
    let mut next = Some(error);
    while let Some(error) = next {
        write!(shown, " {error}").unwrap();
        next = error.source();
    }
    shown + "\n"
}

/// The errors of a client whose service repeats all that it was told.
async fn errors(bench: &crate::support::Bench, token: &str) -> (usize, String) {
    let (client, secret) = (bench.authsignal.client(), bench.emulator.secret());
    let faults = |sent: &str| {
        let echo =
            format!("{{\"errorCode\":\"{secret}\",\"errorDescription\":\"{sent} for {secret}\",\"state\":\"NEW\"}}");
        [
            Fault::status(401),
            Fault::status(429),
            Fault::body(200, "text/html", format!("<p>{sent} {secret}")),
            Fault::body(200, "application/json", echo.clone()),
            Fault::body(200, "application/json", format!("[\"{sent}\", \"{secret}\"")),
            Fault::body(400, "application/json", echo.clone()),
            Fault::body(403, "text/plain", echo),
            Fault::merge(value!({ "state": 7, "url": [sent], "isValid": secret })),
        ]
    };
    let (mut count, mut shown) = (0, String::new());
    for (of_track, of_validate) in faults(secret).into_iter().zip(faults(token)) {
        bench.emulator.inject_fault(Endpoint::Track, of_track);
        bench.emulator.inject_fault(Endpoint::ValidateChallenge, of_validate);
        let (track, validate) = (Track::new("pay"), Validate::new(token));
        shown += &format!("{track:?} {validate:?} {:?}\n", Token::new(token));
        match client.track("ada", track).await {
            Ok(tracked) => shown += &format!("{tracked:?}\n"),
            Err(error) => (count, shown) = (count + 1, shown + &chain(&error)),
        }
        match client.validate_challenge(validate).await {
            Ok(validated) => shown += &format!("{validated:?}\n"),
            Err(error) => (count, shown) = (count + 1, shown + &chain(&error)),
        }
        bench.emulator.clear_faults();
    }
    (count, shown)
}

#[tokio::test]
async fn t43_t97_canaries_are_in_no_log_debug_error_or_store() {
    let log = Log::default();
    let _listening = log.listen_to(FmtSpan::NEW | FmtSpan::CLOSE);
    let (shown, bytes) = (Arc::new(Mutex::new(String::new())), Arc::default());
    let store = Recorded { inner: MemoryStore::new().clock(crate::support::clock()), bytes: Arc::clone(&bytes) };
    let audit = Memory::default();
    let recorder = DebuggingRecorder::new();
    let metrics = recorder.snapshotter();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let bench = bench_with(|builder| {
        let builder = builder.audit(audit.clone(), AUDIT).keep_explanations(1000);
        let seen = Arc::clone(&shown);
        let builder = builder.store(store.clone()).secret(MASTER).older_secret(OLDER).respond(move |_, answer| {
            *seen.lock().unwrap() += &format!("{answer:?} {answer:#?}\n");
            if let Answer::Challenge(challenge) = answer {
                *seen.lock().unwrap() += &format!("{challenge:?} {:?}\n", challenge.token());
            }
            None
        });
        *shown.lock().unwrap() += &format!("{builder:?}\n");
        builder
    })
    .await;
    let traced = app(&bench.authsignal, &bench.effects).layer(TraceLayer::new_for_http().make_span_with(request_span));

    let mut secrets = vec![
        ("API key", bench.emulator.secret().to_owned()),
        ("master secret", MASTER.to_owned()),
        ("older secret", OLDER.to_owned()),
        ("webhook secret", WEBHOOK.to_owned()),
        ("audit's key", AUDIT.to_owned()),
        ("session", "canary-session".to_owned()),
        ("form value", "canary-value".to_owned()),
        ("password", "canary-password".to_owned()),
        ("JSON", "canary-json".to_owned()),
    ];
    let mut ada = Visitor::new(&traced, "ada").in_session("canary-session");
    for ask in [
        form("/pay", "to=canary-value&password=canary-password"),
        json("/pay", "{\"a\":\"canary-json\"}"),
        get("/kept").navigating(),
        get("/action").navigating(),
    ] {
        let challenge = ada.challenge(&ask).await;
        let left = bench.emulator.quit(&challenge).unwrap();
        ada.send(&way_back(&left)).await;
        let back = bench.emulator.succeed(&challenge).unwrap();
        for url in [&challenge, &left, &back] {
            let token = parameter(url, "token").unwrap();
            secrets.push(("signature of a token", token.rsplit('.').next().unwrap().to_owned()));
            secrets.push(("token", token));
        }
        secrets.push(("ticket", parameter(&back, "flow").unwrap()));
        for fault in [Fault::status(401), Fault::body(200, "text/html", "x"), Fault::merge(value!({"userId": "bob"}))] {
            bench.emulator.inject_fault(Endpoint::ValidateChallenge, fault);
            ada.send(&way_back(&back)).await;
        }
        ada.signed_in_as("bob").send(&way_back(&back)).await;
        ada.elsewhere().send(&way_back(&back)).await;
        assert_eq!(ada.send(&way_back(&back)).await.status, 303);
        ada.send(&ask).await.assert_passed();
    }
    let declined = ada.challenge(&get("/other").navigating()).await;
    secrets.push(("token", parameter(&declined, "token").unwrap()));
    ada.send(&way_back(&bench.emulator.decline(&declined).unwrap())).await;
    secrets.push(("cookie", ada.cookie.clone().unwrap().split_once('=').unwrap().1.to_owned()));
    let token = secrets.iter().rfind(|(what, _)| *what == "token").unwrap().1.clone();

    let (failed, of_errors) = errors(&bench, &token).await;
    let webhook = Webhook::new(WEBHOOK).unwrap();
    let header = webhook.sign(b"{");
    let mut of_errors = of_errors + &format!("{webhook:?}\n");
    for (body, header) in [("{", &*header), ("{}", &*header), ("{}", "t=1,v2=a"), ("{}", WEBHOOK)] {
        of_errors += &chain(&webhook.construct_event(body.as_bytes(), header).unwrap_err());
    }
    let refusal = ada.send(&json("/other", "{}")).await.refusal.unwrap();
    assert_eq!(refusal.reason(), &RefusalReason::ChallengeRequired);
    let mut shown = shown.lock().unwrap().clone() + &of_errors;
    write!(
        shown,
        "{:?} {:?} {:?} {refusal:?} {:?}",
        bench.authsignal,
        bench.authsignal.client(),
        bench.emulator,
        store.inner
    )
    .unwrap();
    write!(shown, "{:?} {:?}", AuthsignalLayer::new(&bench.authsignal, "pay"), bench.effects.last().verdict).unwrap();
    // What the audit, the explanations and the metrics have of it all.
    bench.authsignal.close_audit().await.unwrap();
    let events = audit.events();
    for event in &events {
        let id = event.decision_id.as_deref().unwrap_or_default();
        let explained = bench.authsignal.explain(id);
        writeln!(shown, "{} {event:?} {explained:?} {explained:#?}", event.to_line()).unwrap();
    }
    let series = metrics.snapshot().into_vec();
    writeln!(shown, "{series:?}").unwrap();
    assert!(events.len() > 30 && series.len() > 8, "{} events, {} series", events.len(), series.len());
    let (log, bytes) = (log.text(), bytes.lock().unwrap().clone());

    for expected in ["DEBUG", "request passed", "way back refused", "make_span"] {
        assert!(log.contains(expected), "{expected} is not in the log: {log}");
    }
    let targets = ["axum_authsignal", "authsignal_client", "tower_http"].map(|target| log.matches(target).count());
    let mut searched = 0;
    for (what, secret) in &secrets {
        assert!(secret.len() >= 10, "{what}");
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        for form in [secret, &hex] {
            searched += 1;
            let line = log.lines().find(|line| line.contains(form.as_str()));
            assert_eq!(line, None, "{what} in the log");
            let line = shown.lines().find(|line| line.contains(form.as_str()));
            assert_eq!(line, None, "{what} in Debug or an error");
            assert!(!bytes.windows(form.len()).any(|window| window == form.as_bytes()), "{what} in the store");
        }
    }
    println!(
        "{} secrets, each as it is and in hex ({searched} searches), in {} bytes of log ({targets:?} lines of axum_authsignal, \
         authsignal_client and tower_http), {} of Debug with {failed} failed calls of the client, {} of the store: 0 hits",
        secrets.len(),
        log.len(),
        shown.len(),
        bytes.len(),
    );
    assert!(failed >= 8 && bytes.len() > 4096 && targets[0] > 0 && targets[2] > 0);
}
