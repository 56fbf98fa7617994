//! A way back that breaks off, by the browser or by an outage.
use std::time::Duration;

use authsignal_emulator::{Endpoint, Fault};
use axum::http::HeaderMap;
use axum_authsignal::{Client, Outage, RefusalReason, Unproven};
use test_support::waiting::until;
use tower::ServiceExt as _;

use super::{assert_sealed, proved};
use crate::support::{CALLBACK, Visitor, app, bench, get, parameter, way_back, who};

/// T13, T85: a browser that hangs up while the service is asked changes nothing; the flow is approved all the same.
#[tokio::test]
async fn t13_t85_a_browser_that_hangs_up_loses_nothing() {
    let bench = bench().await;
    let paid = get("/pay").navigating();
    let (mut ada, back, _) = proved(&bench, &paid).await;
    bench.emulator.inject_fault(Endpoint::ValidateChallenge, Fault::delay(Duration::from_millis(600)));
    let request = ada.request(&back);
    let pending = tokio::spawn(ada.app.clone().oneshot(request));
    until("the service is asked", async || {
        assert!(!pending.is_finished(), "answered without asking");
        bench.validates() > 0
    })
    .await;
    pending.abort();
    assert!(pending.await.unwrap_err().is_cancelled());
    for _ in 0..3000 {
        let reply = ada.send(&paid).await;
        if reply.status == 200 {
            break;
        }
        reply.assert_refused(&RefusalReason::ChallengeRequired);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!((bench.effects.count(), bench.tracks(), bench.validates()), (1, 1, 1));
}

/// An outage on the way back is told apart, asks to wait, and loses nothing.
#[tokio::test]
async fn an_outage_on_the_way_back_loses_nothing() {
    let clock = crate::support::clock();
    let emulator = crate::support::emulator(&clock).await;
    let client = Client::builder(emulator.secret()).base_url(emulator.base_url()).retries(0);
    let client = client.deadline(Duration::from_secs(3)).build().unwrap();
    let handle = axum_authsignal::Authsignal::builder(client).callback_url(CALLBACK).clock(clock.clone());
    let authsignal = handle.identify(|headers: HeaderMap| async move { who(&headers) }).build().unwrap();
    let effects = crate::support::Effects::default();
    let mut ada = Visitor::new(&app(&authsignal, &effects), "ada");
    let paid = get("/pay").navigating();
    let challenge = ada.challenge(&paid).await;
    let back = way_back(&emulator.succeed(&challenge).unwrap());
    let token = parameter(&back.target, "token").unwrap();
    let faults = [
        (Fault::status(503), Outage::Server),
        (Fault::status(500), Outage::Server),
        (Fault::status(429), Outage::RateLimited),
        (Fault::status(403), Outage::Rejected),
        (Fault::status(401), Outage::Rejected),
        (Fault::body(200, "text/html", "<html>"), Outage::Malformed),
        (Fault::body(200, "application/json", "[]"), Outage::Malformed),
        (Fault::body(200, "application/json", "{\"isValid\":\"yes\"}"), Outage::Malformed),
        (Fault::body(302, "text/html", "").header("location", "http://127.0.0.1:1/"), Outage::Malformed),
        (Fault::cut(10), Outage::Malformed),
        (Fault::hang_up(), Outage::Interrupted),
        (Fault::delay(Duration::from_secs(20)), Outage::Timeout),
    ];
    for (fault, outage) in faults {
        emulator.inject_fault(Endpoint::ValidateChallenge, fault.clone());
        let reply = ada.send(&back).await;
        let reason = reply.reason().cloned();
        assert_eq!(reason, Some(RefusalReason::Outage(outage)), "{fault:?}");
        let wait = if outage == Outage::Rejected { "" } else { "5" };
        assert_eq!((reply.status, reply.header("retry-after")), (503, wait), "{fault:?}");
        assert_eq!(reply.text().contains("Try again"), outage != Outage::Rejected, "{}", reply.text());
        assert_sealed(&reply, &token);
    }
    // These say that it is the token that is wrong.
    for fault in [Fault::status(400), Fault::status(422), Fault::body(200, "application/json", "{}")] {
        emulator.inject_fault(Endpoint::ValidateChallenge, fault);
        ada.send(&back).await.assert_refused(&RefusalReason::Unproven(Unproven::Token));
    }
    assert_eq!(effects.count(), 0);
    assert_eq!(ada.send(&back).await.location(), "/pay");
    ada.send(&paid).await.assert_passed();
}
