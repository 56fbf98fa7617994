//! Without CA certificates, as in an image made from scratch: where no TLS is spoken, none are missed.
use std::process::{Command, Stdio};
use std::sync::mpsc;

use authsignal_client::{ActionState, Track};
use authsignal_emulator::Emulator;
use axum::Router;
use axum::routing::post;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Folder, PATIENCE, Running, program};

/// As if the machine had none.
fn without_roots<'a>(command: &'a mut Command, nothing: &str) -> &'a mut Command {
    command.env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", nothing)
}

/// Somebody who takes webhooks by plain HTTP: the address, and what arrives.
async fn receiver() -> (String, mpsc::Receiver<Value>) {
    let (arrived, events) = mpsc::channel();
    let take = move |body: axum::Json<Value>| async move { arrived.send(body.0).unwrap() };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hooks", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/hooks", post(take))).await });
    (url, events)
}

async fn asked_for_a_code(running: &Running) {
    let ada = json!({ "email": "ada@example.com", "methods": ["EMAIL_OTP"] });
    running.control(Method::PUT, "users/ada", Some(ada)).await;
    let tracked = running.api(Method::POST, "users/ada/actions/withdrawal", Some(json!({}))).await;
    assert_eq!(tracked["state"], "CHALLENGE_REQUIRED");
    running.http.get(tracked["url"].as_str().unwrap()).send().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_answers_and_its_webhooks_arrive() {
    let folder = Folder::new("roots");
    let running = Running::of(without_roots(&mut program(&["--port=0"]), &folder.file("")));
    let (url, events) = receiver().await;
    running.control(Method::PUT, "webhooks", Some(json!({ "url": url }))).await;
    asked_for_a_code(&running).await;
    assert_eq!(events.recv_timeout(PATIENCE).unwrap()["type"], "email.created");

    // One that needs them is not delivered, and that is said.
    running.control(Method::PUT, "webhooks", Some(json!({ "url": "https://hooks.example.test/take" }))).await;
    asked_for_a_code(&running).await;
    running.says(&["WARN", "email.created", "https://hooks.example.test/take", "No CA certificates"]);
    let sent = running.control(Method::GET, "webhooks", None).await;
    assert!(sent.as_array().unwrap().iter().any(|sent| sent["error"].as_str().is_some()), "{sent}");
}

/// An application's own test, in a process of its own: what a process has in its environment is for all of it.
#[tokio::test]
async fn a_test_starts_one_and_its_client_asks_it() {
    const WITHIN: &str = "AUTHSIGNAL_TEST_WITHOUT_ROOTS";
    if std::env::var_os(WITHIN).is_none() {
        let folder = Folder::new("roots-within");
        let mut again = Command::new(std::env::current_exe().unwrap());
        again
            .args(["--exact", "program::roots::a_test_starts_one_and_its_client_asks_it", "--nocapture"])
            .env(WITHIN, "1");
        let output = without_roots(&mut again, &folder.file("")).stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("asked without CA certificates"), "{output:?}");
        return;
    }
    assert_eq!(std::env::var("SSL_CERT_FILE").unwrap(), "/dev/null");
    let refused = reqwest::Client::builder().build();
    assert!(refused.is_err(), "this machine has certificates all the same: the test proves nothing");
    let emulator = Emulator::start().await.unwrap();
    let tracked = emulator.client().track("ada", Track::new("withdrawal")).await.unwrap();
    assert_eq!(tracked.state, ActionState::Allow);
    println!("asked without CA certificates");
}
