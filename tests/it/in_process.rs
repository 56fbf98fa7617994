//! A guarded application tested without a socket, a port or a moment of waiting.
use std::time::{Duration, Instant};

use authsignal_emulator::{Emulator, Endpoint, Fault, Outcome};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, Response, StatusCode};
use axum::routing::get;
use axum_authsignal::{Authsignal, AuthsignalLayer, Refusal, RefusalReason};
use serde_json::json;
use tower::ServiceExt as _;

use crate::support::{CALLBACK, who};

fn app(emulator: &Emulator) -> Router {
    let authsignal = Authsignal::builder(emulator.client())
        .callback_url(CALLBACK)
        .identify(|headers: HeaderMap| async move { who(&headers) })
        .build()
        .unwrap();
    let guarded = get(|| async { "done" }).route_layer(AuthsignalLayer::new(&authsignal, "export"));
    Router::new().route("/export", guarded).merge(authsignal.routes())
}

async fn ask(app: &Router, target: &str, cookie: Option<&str>) -> Response<Body> {
    let mut request = Request::get(target).header("x-user", "ada").header("accept", "text/html");
    if let Some(cookie) = cookie {
        request = request.header("cookie", cookie);
    }
    app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

fn location(response: &Response<Body>) -> &str {
    response.headers()["location"].to_str().unwrap()
}

/// From the first request to the handler, on a clock that stands still.
#[tokio::test(start_paused = true)]
async fn a_guarded_route_is_tested_without_a_socket() {
    let emulator = Emulator::in_process().unwrap();
    emulator.user("ada").enroll_email_otp("ada@example.com");
    let app = app(&emulator);
    // The key of the emulator's tokens is made once in a process.
    assert_eq!(ask(&app, "/export", None).await.status(), StatusCode::SEE_OTHER);

    let (began, paused) = (Instant::now(), tokio::time::Instant::now());
    let challenged = ask(&app, "/export", None).await;
    assert_eq!(challenged.status(), StatusCode::SEE_OTHER);
    let cookie = challenged.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let back = emulator.succeed(location(&challenged)).unwrap();
    let back = back.strip_prefix("https://app.example.com").unwrap();
    let returned = ask(&app, back, Some(&cookie)).await;
    assert_eq!(returned.status(), StatusCode::SEE_OTHER);
    let passed = ask(&app, location(&returned), Some(&cookie)).await;
    assert_eq!(passed.status(), StatusCode::OK);
    println!("challenged, proved and passed in {:?}", began.elapsed());
    assert_eq!(paused.elapsed(), Duration::ZERO, "nothing was waited for");

    emulator.set_outcome("export", Outcome::Allow);
    let began = Instant::now();
    for _ in 0..20 {
        assert_eq!(ask(&app, "/export", None).await.status(), StatusCode::OK);
    }
    println!("allowed in {:?}", began.elapsed() / 20);
    emulator.set_outcome("export", Outcome::Block);
    assert_eq!(ask(&app, "/export", None).await.status(), StatusCode::FORBIDDEN);
}

/// The hosts that users are sent to are looked at as over a socket: this machine's, and no other.
#[tokio::test]
async fn no_check_of_a_challenges_host_is_looser_without_a_socket() {
    let emulator = Emulator::in_process().unwrap();
    emulator.user("ada").enroll_email_otp("ada@example.com");
    let app = app(&emulator);
    for url in [
        "http://evil.example/?token=t",
        "https://evil.example/?token=t",
        "http://localhost.evil.example/?token=t",
        "http://localhost@evil.example/?token=t",
        "javascript:alert(1)",
    ] {
        emulator.inject_fault(Endpoint::Track, Fault::merge(json!({ "url": url })));
        let refused = ask(&app, "/export", None).await;
        let refusal = refused.extensions().get::<Refusal>().expect("a refusal");
        assert_eq!(refusal.reason(), &RefusalReason::UntrustedChallenge, "{url}");
        assert!(refused.headers().get("location").is_none(), "{url}");
    }
    let elsewhere = Emulator::builder().public_url("https://evil.example").in_process().unwrap();
    elsewhere.user("ada").enroll_email_otp("ada@example.com");
    let refused = ask(&self::app(&elsewhere), "/export", None).await;
    assert_eq!(
        refused.extensions().get::<Refusal>().map(Refusal::reason),
        Some(&RefusalReason::UntrustedChallenge),
        "its own origin is no exception"
    );
}
