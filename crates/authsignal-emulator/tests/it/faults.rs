//! Answers that a test has written.
use std::time::{Duration, Instant};

use authsignal_emulator::{Endpoint, Fault};
use reqwest::Method;
use serde_json::json;

use crate::support::{bench, read};

#[tokio::test]
async fn each_kind_once_and_then_the_real_thing() {
    let bench = bench().await;
    let emulator = &bench.emulator;
    let track = || bench.api(Method::POST, "/users/ada/actions/withdrawal").body("{}").send();

    emulator.inject_fault(Endpoint::Track, Fault::state("WEIRD"));
    let (status, answer) = read(track().await.unwrap()).await;
    assert_eq!((status, &answer["state"]), (200, &json!("WEIRD")));
    assert!(answer["token"].is_string(), "the rest is real");
    assert_eq!(emulator.actions("ada").len(), 1);

    emulator.inject_fault(Endpoint::Track, Fault::merge(json!({ "isEnrolled": "yes", "url": null, "more": [1] })));
    let (_, answer) = read(track().await.unwrap()).await;
    assert_eq!((&answer["isEnrolled"], &answer["more"], answer.get("url")), (&json!("yes"), &json!([1]), None));

    for (status, code) in
        [(400, "invalid_request"), (401, "unauthorized"), (429, "too_many_requests"), (503, "unexpected_error")]
    {
        emulator.inject_fault(Endpoint::Track, Fault::status(status));
        let response = track().await.unwrap();
        assert_eq!(response.headers().contains_key("retry-after"), status == 429);
        let (found, answer) = read(response).await;
        assert_eq!((found, &answer["error"], &answer["errorCode"]), (status, &json!(code), &json!(code)));
    }
    emulator.inject_fault(Endpoint::Track, Fault::body(502, "text/html", "<h1>Bad gateway</h1>"));
    let response = track().await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["content-type"]), (502, &"text/html".parse().unwrap()));
    assert_eq!(response.text().await.unwrap(), "<h1>Bad gateway</h1>");
    assert_eq!(emulator.actions("ada").len(), 2, "what isn't really answered doesn't happen");

    emulator.inject_fault(Endpoint::Track, Fault::hang_up());
    assert!(track().await.unwrap_err().is_request());
    assert_eq!(emulator.actions("ada").len(), 2);

    assert_eq!(read(track().await.unwrap()).await.0, 200, "then it is itself again");
    assert_eq!(emulator.calls(Endpoint::Track), 9, "and has seen every one");
}

#[tokio::test]
async fn a_cut_body_promises_more_than_it_brings() {
    let bench = bench().await;
    for bytes in [0, 1, 40] {
        bench.emulator.inject_fault(Endpoint::Track, Fault::cut(bytes));
        let mut response = bench.api(Method::POST, "/users/ada/actions/withdrawal").send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(response.content_length().unwrap() > 100);
        let mut found = 0;
        let end = loop {
            match response.chunk().await {
                Ok(Some(piece)) => found += piece.len(),
                end => break end,
            }
        };
        assert!(end.is_err(), "the body does not end, it breaks off");
        assert_eq!(found, bytes);
    }
    assert_eq!(bench.emulator.actions("ada").len(), 3, "the service did its part");
}

#[tokio::test]
async fn answers_can_be_late() {
    let bench = bench().await;
    let pause = Duration::from_millis(60);
    for injected in [Fault::delay(pause), Fault::status(500).after(pause), Fault::hang_up().after(pause)] {
        bench.emulator.inject_fault(Endpoint::GetUser, injected);
        let begun = Instant::now();
        let _ = bench.api(Method::GET, "/users/ada").send().await;
        assert!(begun.elapsed() >= pause);
    }
}

#[tokio::test]
async fn headers_and_repetitions() {
    let bench = bench().await;
    let injected = Fault::status(429).header("retry-after", "17").header("x-cause", "test").times(2);
    bench.emulator.inject_fault(Endpoint::ValidateChallenge, injected);
    bench
        .emulator
        .inject_fault(Endpoint::ValidateChallenge, Fault::merge(json!({ "isValid": true })).header("x-cause", "lie"));
    let validate = || bench.api(Method::POST, "/validate").body(r#"{"token":"x"}"#).send();
    for (status, cause) in [(429, Some("test")), (429, Some("test")), (200, Some("lie")), (200, None)] {
        let response = validate().await.unwrap();
        let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!((response.status().as_u16(), header("x-cause").as_deref()), (status, cause));
        assert_eq!(header("retry-after").as_deref(), (status == 429).then_some("17"));
    }
}

#[tokio::test]
async fn the_page_and_unknown_routes_can_have_faults_too() {
    let bench = bench().await;
    bench.emulator.inject_fault(Endpoint::ChallengePage, Fault::status(503));
    bench.emulator.inject_fault(Endpoint::Unknown, Fault::body(200, "text/plain", "here"));
    assert_eq!(bench.open(bench.emulator.origin(), "/").await.0, 503);
    assert_eq!(bench.open(bench.emulator.origin(), "/anything").await, (200, "here".into()));
}
