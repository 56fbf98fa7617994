//! When no decision can be had: whatever is broken, and whatever a route asks for, the handler does not run.
use std::time::Duration;

use authsignal_emulator::{Emulator, Endpoint, Fault, Outcome};
use axum::Router;
use axum::http::HeaderMap;
use axum::routing::any;
use axum_authsignal::client::{ActionState, ClientBuilder};
use axum_authsignal::{Authsignal, AuthsignalLayer, Client, Coverage, Outage, RefusalReason, Unenrolled};
use serde_json::json as value;

use crate::support::{CALLBACK, Effects, MINUTE, Visitor, clock, emulator, get, handle, who};

/// An application whose client does not repeat and does not wait long, with a route for each kind of policy.
struct Fragile {
    emulator: Emulator,
    effects: Effects,
    app: Router,
}

const ROUTES: [&str; 5] = ["/plain", "/enrol", "/deny", "/kept", "/route"];

async fn fragile(change: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Fragile {
    let clock = clock();
    let emulator = emulator(&clock).await;
    let client = Client::builder(emulator.secret()).base_url(emulator.base_url()).retries(0);
    let authsignal = Authsignal::builder(change(client).build().unwrap())
        .callback_url(CALLBACK)
        .challenge_budget(10_000, MINUTE)
        .pending_flow_budget(1_000, 16 * 1024 * 1024)
        .refusal_budget(10_000, MINUTE)
        .without_circuit_breaker()
        .clock(clock)
        .identify(|headers: HeaderMap| async move { who(&headers) })
        .build()
        .unwrap();
    let effects = Effects::default();
    let layer = || AuthsignalLayer::new(&authsignal, "pay");
    let app = Router::new()
        .route("/plain", any(handle).layer(layer()))
        .route("/enrol", any(handle).layer(layer().unenrolled(Unenrolled::Enrol)))
        .route("/deny", any(handle).layer(layer().unenrolled(Unenrolled::Deny)))
        .route("/kept", any(handle).layer(layer().remember(MINUTE)))
        .route("/route", any(handle).layer(layer().covers(Coverage::Route)))
        .with_state(effects.clone());
    Fragile { emulator, effects, app }
}

/// T20, T72 to T75, T77: each fault of an answer to `track`, for each route and each kind of caller, with whatever the
/// service would have said otherwise.
#[tokio::test]
async fn t20_t72_t73_t74_t75_t77_no_fault_lets_a_request_pass() {
    let fragile = fragile(|client| client).await;
    let outage = RefusalReason::Outage;
    let state = |state: &str| RefusalReason::State(ActionState::from(state));
    let body = |body: &str| Fault::body(200, "application/json", body.to_owned());
    let deep = format!("{{\"state\":\"ALLOW\",\"a\":{}{}}}", "[".repeat(5000), "]".repeat(5000));
    let huge = format!("{{\"state\":\"ALLOW\",\"x\":\"{}\"}}", "a".repeat(300 * 1024));
    let faults = [
        (Fault::status(500), outage(Outage::Server)),
        (Fault::status(502), outage(Outage::Server)),
        (Fault::status(503), outage(Outage::Server)),
        (Fault::status(503).header("retry-after", "120"), outage(Outage::Server)),
        (Fault::status(429), outage(Outage::RateLimited)),
        (Fault::status(400), outage(Outage::Rejected)),
        (Fault::status(401), outage(Outage::Rejected)),
        (Fault::status(403), outage(Outage::Rejected)),
        (Fault::status(404), outage(Outage::Rejected)),
        (Fault::status(413), outage(Outage::Rejected)),
        (Fault::status(302).header("location", "https://evil.example/"), outage(Outage::Malformed)),
        (Fault::status(204), outage(Outage::Malformed)),
        (Fault::body(200, "text/html", "<html>ALLOW</html>"), outage(Outage::Malformed)),
        (body(""), outage(Outage::Malformed)),
        (body("null"), outage(Outage::Malformed)),
        (body("\"ALLOW\""), outage(Outage::Malformed)),
        (body("{\"state\":\"ALLOW\"}"), outage(Outage::Malformed)),
        (body(&deep), outage(Outage::Malformed)),
        (body(&huge), outage(Outage::Malformed)),
        (Fault::cut(40), outage(Outage::Malformed)),
        (Fault::cut(0), outage(Outage::Malformed)),
        (Fault::hang_up(), outage(Outage::Interrupted)),
        (Fault::merge(value!({ "state": 7 })), outage(Outage::Malformed)),
        (Fault::merge(value!({ "state": ["ALLOW"] })), outage(Outage::Malformed)),
        (Fault::merge(value!({ "state": { "ALLOW": true } })), outage(Outage::Malformed)),
        (Fault::merge(value!({ "state": true })), outage(Outage::Malformed)),
        (Fault::merge(value!({ "state": null })), outage(Outage::Malformed)),
        (Fault::state("allow"), state("allow")),
        (Fault::state("ALLOW "), state("ALLOW ")),
        (Fault::state("CHALLENGE_SUCCEEDED\u{0}"), state("CHALLENGE_SUCCEEDED\u{0}")),
        (Fault::state(""), state("")),
        (Fault::merge(value!({ "idempotencyKey": "5d1f9c52-8c1a-4c55-8e35-0b6a0ad0a001" })), outage(Outage::Malformed)),
        (Fault::merge(value!({ "idempotencyKey": null })), outage(Outage::Malformed)),
        (Fault::merge(value!({ "idempotencyKey": 7 })), outage(Outage::Malformed)),
        (Fault::merge(value!({ "isEnrolled": "true" })), outage(Outage::Malformed)),
        (Fault::merge(value!({ "isEnrolled": 1 })), outage(Outage::Malformed)),
        (Fault::merge(value!({ "url": 7 })), outage(Outage::Malformed)),
    ];
    let mut cells = 0;
    for (fault, reason) in &faults {
        for otherwise in [Outcome::Allow, Outcome::Challenge] {
            fragile.emulator.set_outcome("pay", otherwise);
            for route in ROUTES {
                for ask in [get(route), get(route).navigating(), get(route).header("hx-request", "true")] {
                    fragile.emulator.inject_fault(Endpoint::Track, fault.clone());
                    let reply = Visitor::new(&fragile.app, "ada").send(&ask).await;
                    assert_eq!(reply.reason(), Some(reason), "{route} {fault:?}");
                    let is_outage = matches!(reason, RefusalReason::Outage(_));
                    assert_eq!(reply.status, if is_outage { 503 } else { 403 }, "{route} {fault:?}");
                    let wait = reply.header("retry-after");
                    let told = [("120", "120"), ("99999", "600"), ("0", "1")]
                        .into_iter()
                        .find(|(sent, _)| format!("{fault:?}").contains(&format!("(\"retry-after\", \"{sent}\")")));
                    match told {
                        Some((_, bounded)) => assert_eq!(wait, bounded, "{fault:?}"),
                        // A wrong key is right in five seconds no more than now.
                        None if *reason == outage(Outage::Rejected) => assert_eq!(wait, "", "{fault:?}"),
                        None if is_outage => assert!(matches!(wait, "5" | "1"), "{wait} {fault:?}"),
                        None => assert_eq!(wait, ""),
                    }
                    assert_eq!((reply.location(), reply.cookie()), ("", None));
                    cells += 1;
                }
            }
        }
    }
    assert_eq!(fragile.effects.count(), 0);
    println!("{cells} of {cells} requests refused");
    fragile.emulator.set_outcome("pay", Outcome::Allow);
    Visitor::new(&fragile.app, "ada").send(&get("/plain")).await.assert_passed();
}

/// T20, T21: a challenge whose URL leads elsewhere is shown to nobody, in no form.
#[tokio::test]
async fn t20_t21_a_challenge_that_leads_elsewhere_is_shown_to_nobody() {
    let fragile = fragile(|client| client).await;
    let origin = fragile.emulator.origin().to_owned();
    let port = origin.rsplit(':').next().unwrap();
    let urls = [
        value!(null),
        value!(""),
        value!("javascript:alert(1)"),
        value!("data:text/html,<script>alert(1)</script>"),
        value!("https://evil.example/?token=a"),
        value!("http://evil.example/?token=a"),
        value!("http://mfa.authsignal.com/?token=a"),
        value!("https://mfa.authsignal.com.evil.example/"),
        value!("https://evilauthsignal.com/"),
        value!("https://evil.example/mfa.authsignal.com"),
        value!("https://user:pw@mfa.authsignal.com/"),
        value!("https://mfa.authsignal.com@evil.example/"),
        value!("https://mfa.authsignal.com:8443/"),
        value!("https://mfa.authsignal.com\\@evil.example/"),
        value!("//evil.example/"),
        value!("/relative"),
        value!("https://mfa.authsignal.com/\r\nSet-Cookie: a=b"),
        value!("https://mfa.authsignal.com/\t/evil"),
        value!("https://127.0.0.1/"),
        value!("http://127.0.0.1:1/?token=a"),
        value!("http://127.0.0.2:1/?token=a"),
        value!("http://localhost:1/?token=a"),
        value!(format!("https://127.0.0.1:{port}/?token=a")),
        value!(format!("{origin}@evil.example/")),
        value!(format!("{origin}/{}", "a".repeat(9000))),
        value!("<script>alert(1)</script>"),
    ];
    for url in &urls {
        for ask in [get("/plain"), get("/plain").navigating(), get("/plain").header("hx-request", "true")] {
            fragile.emulator.inject_fault(Endpoint::Track, Fault::merge(value!({ "url": url })));
            let mut ada = Visitor::new(&fragile.app, "ada");
            let reply = ada.send(&ask).await;
            let malformed = reply.reason() == Some(&RefusalReason::Outage(Outage::Malformed));
            assert!(
                malformed || reply.reason() == Some(&RefusalReason::UntrustedChallenge),
                "{url}: {:?}",
                reply.reason()
            );
            assert!(matches!(reply.status, 502 | 503), "{url}");
            for header in ["location", "hx-redirect", "set-cookie", "refresh"] {
                assert_eq!(reply.header(header), "", "{url}");
            }
            assert!(!reply.text().contains("evil") && !reply.text().contains("alert(1)"), "{url}");
            assert!(!reply.text().contains("token"), "{url}");
        }
    }
    assert_eq!(fragile.effects.count(), 0);
    println!("{} hostile URLs, none shown", urls.len());
}

/// T80: an absent `isEnrolled` lets nobody pass where the route asks for enrolment.
#[tokio::test]
async fn t80_what_is_not_said_of_enrolment_counts_as_nothing() {
    let fragile = fragile(|client| client).await;
    fragile.emulator.set_outcome("pay", Outcome::Allow);
    for members in [value!({ "isEnrolled": null }), value!({ "isEnrolled": false })] {
        for (route, reason) in [("/deny", RefusalReason::NotEnrolled), ("/enrol", RefusalReason::ChallengeRequired)] {
            fragile.emulator.inject_fault(Endpoint::Track, Fault::merge(members.clone()));
            let reply = Visitor::new(&fragile.app, "ada").send(&get(route)).await;
            assert_eq!(reply.reason(), Some(&reason), "{route} {members}");
        }
    }
    assert_eq!(fragile.effects.count(), 0);
}

/// A service that hangs, and one that is not there at all.
#[tokio::test]
async fn a_service_that_hangs_or_is_gone_lets_nothing_pass() {
    let fragile = fragile(|client| client.deadline(Duration::from_millis(150))).await;
    fragile.emulator.set_outcome("pay", Outcome::Allow);
    for route in ROUTES {
        fragile.emulator.inject_fault(Endpoint::Track, Fault::delay(Duration::from_secs(30)));
        let reply = Visitor::new(&fragile.app, "ada").send(&get(route)).await;
        assert_eq!((reply.status, reply.header("retry-after")), (503, "5"));
        reply.assert_refused(&RefusalReason::Outage(Outage::Timeout));
    }
    let Fragile { emulator, effects, app } = fragile;
    drop(emulator);
    for route in ROUTES {
        let reply = Visitor::new(&app, "ada").send(&get(route).navigating()).await;
        assert_eq!((reply.status, reply.header("retry-after")), (503, "5"));
        assert!(
            matches!(reply.reason(), Some(RefusalReason::Outage(Outage::Connect | Outage::Timeout))),
            "{:?}",
            reply.reason()
        );
        assert!(reply.text().contains("Try again"));
    }
    assert_eq!(effects.count(), 0);
}

/// A fault that passes is got over by repeating, with one action at the service.
#[tokio::test]
async fn a_short_fault_is_not_noticed() {
    let bench = crate::support::bench().await;
    bench.emulator.inject_fault(Endpoint::Track, Fault::status(503));
    let mut ada = bench.visitor("ada");
    let ask = get("/pay").navigating();
    let challenge = ada.challenge(&ask).await;
    assert_eq!((bench.tracks(), bench.emulator.actions("ada").len()), (2, 1));
    bench.emulator.inject_fault(Endpoint::ValidateChallenge, Fault::hang_up());
    assert_eq!(ada.send(&bench.prove(&challenge)).await.location(), "/pay");
    ada.send(&ask).await.assert_passed();
}
