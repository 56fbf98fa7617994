//! Every kind of fault, told by a program in any language.
use std::time::{Duration, Instant};

use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::refused;
use crate::support::{Bench, bench, read};

async fn fault(bench: &Bench, fault: Value) -> Value {
    bench.control(Method::POST, "faults", Some(fault)).await
}

async fn track(bench: &Bench) -> reqwest::Result<Response> {
    bench.api(Method::POST, "/users/ada/actions/withdrawal").body("{}").send().await
}

#[tokio::test]
async fn each_kind_has_its_effect() {
    let bench = bench().await;
    fault(&bench, json!({ "endpoint": "track", "kind": "status", "status": 503, "headers": { "Retry-After": "7" } }))
        .await;
    let response = track(&bench).await.unwrap();
    assert_eq!(response.headers()["retry-after"], "7");
    let (status, answer) = read(response).await;
    assert_eq!((status, &answer["errorCode"]), (503, &json!("unexpected_error")));

    fault(&bench, json!({ "endpoint": "track", "kind": "rateLimit" })).await;
    let response = track(&bench).await.unwrap();
    assert!(response.headers().contains_key("retry-after"));
    assert_eq!(read(response).await.0, 429);

    fault(
        &bench,
        json!({ "endpoint": "track", "kind": "body", "status": 502, "body": "<h1>", "contentType": "text/html" }),
    )
    .await;
    let response = track(&bench).await.unwrap();
    assert_eq!((response.status().as_u16(), response.headers()["content-type"].to_str().unwrap()), (502, "text/html"));
    assert_eq!(response.text().await.unwrap(), "<h1>");

    fault(&bench, json!({ "endpoint": "track", "kind": "contentType", "contentType": "text/plain" })).await;
    assert_eq!(track(&bench).await.unwrap().headers()["content-type"], "text/plain");

    fault(&bench, json!({ "endpoint": "track", "kind": "state", "state": "SOMETHING_NEW" })).await;
    assert_eq!(read(track(&bench).await.unwrap()).await.1["state"], "SOMETHING_NEW");

    fault(&bench, json!({ "endpoint": "track", "kind": "merge", "members": { "url": null, "more": 1 } })).await;
    let answer = read(track(&bench).await.unwrap()).await.1;
    assert_eq!((answer.get("url"), &answer["more"]), (None, &json!(1)));

    fault(&bench, json!({ "endpoint": "track", "kind": "cut", "bytes": 5 })).await;
    assert!(track(&bench).await.unwrap().bytes().await.is_err());

    fault(&bench, json!({ "endpoint": "track", "kind": "hangUp" })).await;
    assert!(track(&bench).await.is_err());

    let before = Instant::now();
    fault(&bench, json!({ "endpoint": "track", "kind": "delay", "delayMs": 200 })).await;
    assert_eq!(read(track(&bench).await.unwrap()).await.0, 200);
    assert!(before.elapsed() >= Duration::from_millis(200));
    assert_eq!(bench.control(Method::GET, "faults", None).await, json!([]), "each was for one call");
}

#[tokio::test]
async fn how_many_and_which_calls() {
    let bench = bench().await;
    let told = fault(&bench, json!({ "endpoint": "getUser", "kind": "status", "status": 500, "times": 2 })).await;
    assert_eq!(told, json!({ "endpoint": "getUser", "kind": "status", "status": 500, "times": 2 }));
    assert_eq!(bench.get("/users/ada").await.0, 500);
    assert_eq!(bench.control(Method::GET, "faults", None).await[0]["times"], 1);
    assert_eq!(read(track(&bench).await.unwrap()).await.0, 200, "others are spared");
    assert_eq!((bench.get("/users/ada").await.0, bench.get("/users/ada").await.0), (500, 200));

    fault(&bench, json!({ "endpoint": "*", "kind": "status", "status": 500, "always": true })).await;
    for _ in 0..3 {
        assert_eq!((bench.get("/users/ada").await.0, read(track(&bench).await.unwrap()).await.0), (500, 500));
    }
    bench.control(Method::DELETE, "faults", None).await;

    let hits = async |seed: u64| {
        let share = json!({ "endpoint": "getUser", "kind": "status", "status": 500, "share": 0.5, "seed": seed });
        fault(&bench, share).await;
        let mut hits = Vec::new();
        for _ in 0..20 {
            hits.push(bench.get("/users/ada").await.0 == 500);
        }
        bench.control(Method::DELETE, "faults", None).await;
        hits
    };
    let first = hits(7).await;
    assert!(first.contains(&true) && first.contains(&false));
    assert_eq!(first, hits(7).await, "the same seed picks the same calls");
    assert_ne!(first, hits(8).await);
}

#[tokio::test]
async fn what_cannot_be_is_refused_and_does_nothing() {
    let bench = bench().await;
    for (fault, named) in [
        (json!({ "endpoint": "trakc", "kind": "hangUp" }), "body.endpoint"),
        (json!({ "endpoint": "track", "kind": "hangup" }), "body.kind"),
        (json!({ "endpoint": "track", "kind": "status", "status": 42 }), "body.status"),
        (json!({ "endpoint": "track", "kind": "delay", "delayMs": 1, "time": 1 }), "body.time"),
    ] {
        let why = refused(bench.try_control(Method::POST, "faults", Some(fault)).await, 400);
        assert!(why.starts_with(named), "{why}");
    }
    assert_eq!(bench.control(Method::GET, "faults", None).await, json!([]));
}
