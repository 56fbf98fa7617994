//! Somebody who wants a request to pass undecided, and does whatever a caller can do for it.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use authsignal_emulator::Outcome;
use axum::body::Body;
use axum_authsignal::client::TransportError;
use axum_authsignal::store::MemoryStore;
use axum_authsignal::{AuthsignalLayer, Circuit, Client, NoFailover, OnOutage, Outage, RefusalReason};
use bytes::Bytes;
use futures_util::future::join_all;
use http::{Response, StatusCode};
use http_body_util::Full;
use test_support::waiting::{in_time, until};
use tokio::sync::Notify;
use tower::service_fn;

use super::{is_proven, out, route};
use crate::support::{CALLBACK, MINUTE, Visitor, bench_with, clock, get, post, who};

/// A service that answers each request as its user agent makes it: a gateway that refuses what it does not like, in every way
/// that services have for it.
fn touchy() -> Client {
    let answer = |request: http::Request<Bytes>| async move {
        let asked: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
        let how = asked["userAgent"].as_str().unwrap_or_default();
        let status = match how.split('/').next().unwrap_or_default() {
            "hang-up" => return Err(TransportError::interrupted("closed")),
            "garbage" => return Ok(Response::new(Full::new(Bytes::from("<html>ALLOW</html>")))),
            "flood" => StatusCode::TOO_MANY_REQUESTS,
            "large" => StatusCode::PAYLOAD_TOO_LARGE,
            "redirect" => StatusCode::FOUND,
            _ => StatusCode::BAD_REQUEST,
        };
        Ok(Response::builder().status(status).body(Full::new(Bytes::new())).unwrap())
    };
    Client::builder("any-key")
        .base_url("http://127.0.0.1:9/v1")
        .transport(service_fn(answer))
        .retries(0)
        .build()
        .unwrap()
}

fn handle_on(client: Client) -> axum_authsignal::AuthsignalBuilder {
    axum_authsignal::Authsignal::builder(client)
        .callback_url(CALLBACK)
        .clock(clock())
        .failover_budget(10_000, 10_000)
        .identify(|headers: http::HeaderMap| async move { who(&headers) })
}

/// T77, T79: each kind that a caller can make the service answer with, 200 times, under each policy that lets some pass.
#[tokio::test]
async fn t77_t79_nothing_that_a_caller_makes_the_service_answer_lets_a_request_pass() {
    let authsignal = handle_on(touchy()).build().unwrap();
    let mut sent = 0;
    for (how, outage) in [
        ("hang-up", Outage::Interrupted),
        ("garbage", Outage::Malformed),
        ("redirect", Outage::Malformed),
        ("flood", Outage::RateLimited),
        ("large", Outage::Rejected),
        ("odd", Outage::Rejected),
    ] {
        let layer = || AuthsignalLayer::new(&authsignal, "pay");
        for layer in [layer().on_outage(OnOutage::Admit), layer().fallback(is_proven)] {
            let (app, effects) = route([layer]);
            for number in 0..200 {
                let user = format!("user-{}", number % 20);
                let ask = get("/pay").header("user-agent", &format!("{how}/{number}")).header("x-proof", "right");
                let reply = Visitor::new(&app, &user).send(&ask).await;
                assert_eq!((reply.status, reply.reason()), (503, Some(&RefusalReason::Outage(outage))), "{how}");
                assert_eq!(reply.refusal.unwrap().no_failover(), None, "{how}");
                sent += 1;
            }
            assert_eq!(effects.count(), 0, "{how}");
            println!("{how} ({}): 0 of 200 passed", outage.as_str());
        }
    }
    assert_eq!(authsignal.upstream().circuit, Circuit::Closed, "T79");
    println!("0 of {sent} requests passed, and the breaker stays closed");
}

/// T77: a process that a flood has left without files or ports is not the service's outage.
#[tokio::test]
async fn t77_a_process_without_files_or_ports_lets_nobody_pass() {
    // ENFILE, EMFILE, EADDRNOTAVAIL and ENOBUFS of Linux.
    for number in [23, 24, 99, 105] {
        let exhausted = service_fn(move |_: http::Request<Bytes>| async move {
            Err::<Response<Full<Bytes>>, _>(TransportError::connect(std::io::Error::from_raw_os_error(number)))
        });
        let client = Client::builder("any-key").base_url("http://127.0.0.1:9/v1").transport(exhausted).retries(0);
        let authsignal = handle_on(client.build().unwrap()).build().unwrap();
        let (app, effects) = route([AuthsignalLayer::new(&authsignal, "pay").on_outage(OnOutage::Admit)]);
        for _ in 0..100 {
            let reply = Visitor::new(&app, "ada").send(&get("/pay")).await;
            assert_eq!(
                (reply.status, reply.reason()),
                (503, Some(&RefusalReason::Outage(Outage::Overloaded))),
                "{number}"
            );
        }
        assert_eq!((effects.count(), authsignal.upstream().circuit), (0, Circuit::Closed));
        println!("os error {number}: 0 of 100 passed");
    }
}

/// T77, T84: more calls than there is room for are answered at once, and pass under no policy; room comes back.
#[tokio::test]
async fn t77_t84_a_flood_is_shed_and_never_passes() {
    let release = Arc::new(Notify::new());
    let asked = Arc::new(AtomicUsize::new(0));
    let held = {
        let (release, asked) = (Arc::clone(&release), Arc::clone(&asked));
        service_fn(move |_: http::Request<Bytes>| {
            let release = Arc::clone(&release);
            asked.fetch_add(1, Ordering::SeqCst);
            async move {
                release.notified().await;
                Err::<Response<Full<Bytes>>, _>(TransportError::interrupted("closed"))
            }
        })
    };
    let client = Client::builder("any-key").base_url("http://127.0.0.1:9/v1").transport(held);
    let client = client.retries(0).deadline(Duration::from_secs(600)).build().unwrap();
    let authsignal = handle_on(client).max_upstream_calls(8).build().unwrap();
    let (app, effects) = route([AuthsignalLayer::new(&authsignal, "pay").on_outage(OnOutage::Admit)]);
    let waiting: Vec<_> = (0..8)
        .map(|_| {
            let mut ada = Visitor::new(&app, "ada");
            tokio::spawn(async move { ada.send(&get("/pay")).await.status })
        })
        .collect();
    until("eight calls are on their way", async || authsignal.upstream().in_flight >= 8).await;
    for _ in 0..1_000 {
        let reply = Visitor::new(&app, "eve").send(&get("/pay")).await;
        assert_eq!((reply.status, reply.reason()), (503, Some(&RefusalReason::Outage(Outage::Overloaded))));
        assert_eq!((reply.header("retry-after"), reply.refusal.as_ref().unwrap().no_failover()), ("5", None));
    }
    // T85: those who leave make room.
    for task in &waiting[..4] {
        task.abort();
    }
    until("four calls are left", async || authsignal.upstream().in_flight <= 4).await;
    release.notify_waiters();
    in_time("who was released is answered", join_all(waiting)).await;
    assert_eq!(authsignal.upstream().in_flight, 0);
    assert_eq!((asked.load(Ordering::SeqCst), effects.count()), (8, 0));
    println!("of 1,008 requests 8 were asked about, 1,000 shed with 503, 0 passed");
}

/// T77, T42, T106: in an outage, who was refused, or was asked for a proof, is not let through, nor what another site's page sends.
#[tokio::test]
async fn t77_whoever_was_stopped_does_not_wait_for_an_outage() {
    let bench = bench_with(|builder| builder.failover_budget(1_000, 1_000)).await;
    let layer = AuthsignalLayer::new(&bench.authsignal, "pay").on_outage(OnOutage::Admit);
    let (app, effects) = route([layer]);
    let user = |name: &str| Visitor::new(&app, name).in_session("one");
    for name in ["blocked", "challenged"] {
        bench.emulator.user(name).enroll_email_otp(format!("{name}@example.com"));
    }
    bench.emulator.set_outcome("pay", Outcome::Block);
    assert_eq!(user("blocked").send(&get("/pay")).await.status, 403);
    bench.emulator.set_outcome("pay", Outcome::Challenge);
    // Without keeping the cookie, so that the challenge that waits is no answer.
    user("challenged").challenge(&get("/pay")).await;
    bench.emulator.inject_fault(authsignal_emulator::Endpoint::Track, authsignal_emulator::Fault::status(503).always());
    for name in ["blocked", "challenged"] {
        for number in 0..50 {
            // A header that any program can write makes nobody another.
            let site = ["same-origin", "cross-site", "same-site", "none", "other"][number % 5];
            let reply = user(name).send(&get("/pay").header("sec-fetch-site", site)).await;
            assert_eq!((reply.status, reply.reason()), (503, Some(&RefusalReason::Outage(Outage::Server))));
            assert_eq!(reply.refusal.unwrap().no_failover(), Some(NoFailover::Unsettled), "{name}");
        }
    }
    for _ in 0..50 {
        let foreign = post("/pay", "text/plain", "to=eve").header("sec-fetch-site", "cross-site");
        let reply = user("ada").send(&foreign).await;
        assert_eq!((reply.status, reply.refusal.unwrap().no_failover()), (503, None));
    }
    assert_eq!(effects.count(), 0);
    user("ada").send(&get("/pay")).await.assert_passed();
    bench.clock.advance(MINUTE * 10);
    user("blocked").send(&get("/pay")).await.assert_passed();
    println!("0 of 150 requests passed");
}

/// T77: proofs are guessed three times in a minute, whoever tries.
#[tokio::test]
async fn t77_a_proof_is_not_guessed_without_end() {
    let authsignal = out(|builder| builder);
    let (app, effects) = route([AuthsignalLayer::new(&authsignal, "pay").fallback(is_proven)]);
    let mut tried = 0;
    for number in 0..1_000 {
        let mut thief = Visitor::new(&app, "ada").in_session(&format!("session-{number}"));
        let reply = thief.send(&get("/pay").header("x-proof", &number.to_string())).await;
        assert_eq!(reply.status, 503);
        tried += usize::from(reply.refusal.unwrap().no_failover() == Some(NoFailover::Unproven));
    }
    assert_eq!((tried, effects.count()), (3, 0));
    println!("3 of 1,000 guesses were looked at");
}

/// T66, T77, T78: a body of the caller's own that is slow, long or broken is no way around a proof, and no outage.
#[tokio::test(start_paused = true)]
async fn t66_t77_t78_a_slow_or_oversized_request_is_the_callers_own() {
    let authsignal = out(|builder| builder.body_limit(100).failover_budget(1_000, 1_000));
    let (app, effects) = route([AuthsignalLayer::new(&authsignal, "pay").fallback(is_proven)]);
    let ask = post("/pay", "text/plain", "").header("x-proof", "right");
    let never = || Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
    let broken =
        || Body::from_stream(futures_util::stream::iter([Ok(Bytes::from("a")), Err(std::io::Error::other("cut"))]));
    for (body, reason, status) in [
        (never(), RefusalReason::BodyTooSlow, 408),
        (Body::from("a".repeat(101)), RefusalReason::BodyTooLarge, 413),
        (broken(), RefusalReason::BodyUnreadable, 400),
    ] {
        let mut ada = Visitor::new(&app, "ada");
        let request = ada.request_with(&ask, body);
        let reply = ada.send_request(request).await;
        assert_eq!((reply.status, reply.reason()), (status, Some(&reason)));
    }
    assert_eq!(effects.count(), 0);
}

/// T77, T117: a store that somebody has filled lets nobody pass.
#[tokio::test]
async fn t77_a_store_that_was_filled_lets_nobody_pass() {
    let store = MemoryStore::new().limits(1, 1);
    let authsignal = out(|builder| builder.store(store.clone()).failover_budget(1_000, 1_000));
    let (app, effects) = route([AuthsignalLayer::new(&authsignal, "pay").fallback(is_proven)]);
    for number in 0..100 {
        let ask = post("/pay", "text/plain", number.to_string()).header("x-proof", "right");
        let reply = Visitor::new(&app, "ada").send(&ask).await;
        assert_eq!((reply.status, reply.reason()), (503, Some(&RefusalReason::Outage(Outage::Store))));
    }
    assert_eq!(effects.count(), 0);
    println!("0 of 100 requests passed with a store that is full");
}
