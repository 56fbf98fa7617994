//! How requests were answered: those that are over, and one that is under way.
use std::time::Duration;

use authsignal_emulator::{Endpoint, Fault, RequestAnswer};
use reqwest::{Method, StatusCode};
use serde_json::json;
use test_support::waiting::until;

use crate::support::{Bench, bench};

/// Waits until the newest request has this answer. The test's own patience ends it otherwise.
async fn until_answered(bench: &Bench, expected: RequestAnswer) {
    let is_there = || bench.emulator.received_requests().last().is_some_and(|seen| seen.answer == expected);
    until(&format!("{expected:?}"), async || is_there()).await;
}

#[tokio::test]
async fn requests_say_how_they_were_answered() {
    let bench = bench().await;
    let emulator = &bench.emulator;
    bench.get("/users/ada").await;
    bench.http.get(format!("{}/nowhere", emulator.origin())).send().await.unwrap();
    bench.http.get(format!("{}/users/ada", emulator.base_url())).send().await.unwrap();
    emulator.inject_fault(Endpoint::GetUser, Fault::status(503));
    bench.get("/users/ada").await;
    emulator.inject_fault(Endpoint::GetUser, Fault::cut(1));
    bench.api(Method::GET, "/users/ada").send().await.unwrap();
    emulator.inject_fault(Endpoint::GetUser, Fault::hang_up());
    assert!(bench.api(Method::GET, "/users/ada").send().await.is_err());

    let answers: Vec<_> = emulator.received_requests().iter().map(|seen| seen.answer).collect();
    let of = |status: u16| RequestAnswer::Status(StatusCode::from_u16(status).unwrap());
    assert_eq!(answers, [of(200), of(404), of(401), of(503), of(200), RequestAnswer::Unanswered]);
    let statuses: Vec<_> =
        emulator.received_requests().iter().map(|seen| seen.status().map_or(0, |s| s.as_u16())).collect();
    assert_eq!(statuses, [200, 404, 401, 503, 200, 0]);
    let told = bench.control(Method::GET, "requests", None).await;
    let told: Vec<_> = told.as_array().unwrap().iter().map(|seen| (&seen["status"], &seen["isUnderWay"])).collect();
    let (no, nothing) = (json!(false), json!(null));
    let expected = [200, 404, 401, 503, 200].map(|status| json!(status));
    assert_eq!(told[..5], expected.each_ref().map(|status| (status, &no)));
    assert_eq!(told[5], (&nothing, &no), "there was no answer");
}

#[tokio::test]
async fn a_request_under_way_says_so_until_it_is_over() {
    let bench = bench().await;
    let late = Fault::delay(Duration::from_secs(3600));
    bench.emulator.inject_fault(Endpoint::GetUser, late.clone());
    let asked = tokio::spawn(bench.api(Method::GET, "/users/ada").send());
    until_answered(&bench, RequestAnswer::UnderWay).await;
    let told = bench.control(Method::GET, "requests", None).await;
    assert_eq!((&told[0]["isUnderWay"], told[0].get("status")), (&json!(true), None));
    // One after it is answered before it.
    bench.get("/users/eve").await;
    let answers: Vec<_> = bench.emulator.received_requests().iter().map(|seen| seen.answer).collect();
    assert_eq!(answers, [RequestAnswer::UnderWay, RequestAnswer::Status(StatusCode::OK)]);

    // Its sender goes away; what is forgotten meanwhile stays forgotten, and nothing else takes its answer.
    bench.emulator.clear_received_requests();
    bench.get("/users/bob").await;
    asked.abort();
    bench.emulator.inject_fault(Endpoint::GetUser, late);
    let asked = tokio::spawn(bench.api(Method::GET, "/users/ada").send());
    until_answered(&bench, RequestAnswer::UnderWay).await;
    asked.abort();
    until_answered(&bench, RequestAnswer::Unanswered).await;
    let answers: Vec<_> = bench.emulator.received_requests().iter().map(|seen| seen.answer).collect();
    assert_eq!(answers, [RequestAnswer::Status(StatusCode::OK), RequestAnswer::Unanswered]);
}
