//! Over real sockets: a form, a script and a program each ask a handler that asks back, and each runs once.
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use authsignal_emulator::{Emulator, Endpoint};
use axum::Router;
use axum::http::request::Parts;
use axum::routing::post;
use axum_authsignal::{Authsignal, AuthsignalLayer, User};
use reqwest::{Client, redirect};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{Shop, by_form, by_json};
use crate::programs::TOKEN;
use crate::support::{Effects, parameter};

/// A browser's session is a cookie, and a program's key is in `Authorization`.
fn identify(parts: &Parts) -> Option<User> {
    let header = |name: &str| parts.headers.get(name)?.to_str().ok();
    if let Some(key) = header("authorization").and_then(|value| value.strip_prefix("Bearer ")) {
        return (key == "key-of-ada").then(|| User::new("ada").bearer("key"));
    }
    let cookies = header("cookie")?;
    cookies.split("; ").any(|pair| pair == "session=ada").then(|| User::new("ada").session("s"))
}

#[tokio::test]
async fn a_form_a_script_and_a_program_each_run_once_after_their_proof() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let origin = format!("http://localhost:{}", address.port());
    let emulator = Emulator::start().await.unwrap();
    emulator.user("ada").enroll_email_otp("ada@example.com");
    let authsignal = Authsignal::builder(emulator.client())
        .callback_url(format!("{origin}/authsignal/callback"))
        .with_insecure_cookies()
        .identify_parts(identify)
        .build()
        .unwrap();
    let effects = Effects::default();
    let shop = Shop {
        effects: effects.clone(),
        owed: Arc::new(AtomicU64::new(0)),
        layer: AuthsignalLayer::new(&authsignal, "unused"),
    };
    let app = Router::new()
        .route("/form", post(by_form).route_layer(authsignal.step_up_layer()))
        .route("/json", post(by_json).route_layer(authsignal.step_up_layer()))
        .with_state(shop)
        .merge(authsignal.routes());
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    let server = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });

    let client = || Client::builder().redirect(redirect::Policy::none()).no_proxy().resolve("localhost", address);
    let browser = client().build().unwrap();
    let url = |target: &str| format!("{origin}{target}");
    // The session's cookie, and ours beside it.
    let post_form = |ours: Option<&str>| {
        let cookies = ours.map_or("session=ada".to_owned(), |ours| format!("session=ada; {ours}"));
        let request = browser.post(url("/form")).header("accept", "text/html").header("origin", &origin);
        request.header("cookie", cookies).form(&[("amount", "5000")]).send()
    };
    let challenged = post_form(None).await.unwrap();
    assert_eq!(challenged.status(), 303);
    let ours = challenged.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let challenge = challenged.headers()["location"].to_str().unwrap().to_owned();
    let cookies = format!("session=ada; {ours}");
    let back = emulator.succeed(&challenge).unwrap();
    let first = browser.get(&back).header("cookie", &cookies).send().await.unwrap();
    assert_eq!(first.status(), 303);
    let page = url(first.headers()["location"].to_str().unwrap());
    let html = browser.get(page).header("cookie", &cookies).send().await.unwrap().text().await.unwrap();
    assert!(html.contains("action=\"/form\"") && html.contains("value=\"5000\""), "{html}");
    assert_eq!(effects.count(), 0);
    assert_eq!(post_form(Some(&ours)).await.unwrap().text().await.unwrap(), "done");
    assert_eq!(post_form(Some(&ours)).await.unwrap().status(), 409, "and not again");
    assert_eq!(effects.count(), 1);

    let post_json = || {
        let request = browser.post(url("/json")).header("cookie", &cookies).header("sec-fetch-site", "same-origin");
        request.header("sec-fetch-mode", "cors").json(&json!({ "amount": 5000 })).send()
    };
    let problem: Value = post_json().await.unwrap().json().await.unwrap();
    let back = emulator.succeed(problem["url"].as_str().unwrap()).unwrap();
    assert_eq!(browser.get(&back).header("cookie", &cookies).send().await.unwrap().status(), 303);
    assert_eq!(post_json().await.unwrap().text().await.unwrap(), "done");
    assert_eq!((post_json().await.unwrap().status().as_u16(), effects.count()), (403, 2));

    let program = client().build().unwrap();
    let post_as_program = |token: &str| {
        let request = program.post(url("/json")).bearer_auth("key-of-ada").json(&json!({ "amount": 5000 }));
        if token.is_empty() { request.send() } else { request.header(TOKEN, token).send() }
    };
    let problem: Value = post_as_program("").await.unwrap().json().await.unwrap();
    let back = emulator.succeed(problem["url"].as_str().unwrap()).unwrap();
    let token = parameter(&back, "token").unwrap();
    assert_eq!(post_as_program(&token).await.unwrap().text().await.unwrap(), "done");
    assert_eq!((post_as_program(&token).await.unwrap().status().as_u16(), effects.count()), (409, 3));
    let tracks = emulator.received_requests().into_iter().filter(|request| request.endpoint == Endpoint::Track);
    let told: Vec<_> = tracks.map(|request| request.json()["custom"].clone()).collect();
    // The script's third call began anew.
    assert_eq!(told, vec![json!({ "amount": 5000 }); 4]);
    println!("form, script and program: 3 runs of the handler after 3 proofs, over sockets");
    server.abort();
}
