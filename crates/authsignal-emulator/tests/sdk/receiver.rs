//! Receives the emulator's webhooks, and hands on what came to whoever asks for it.
use std::sync::{Arc, Mutex, Weak};

use authsignal_emulator::Emulator;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

/// What came, each with its signature.
#[derive(Clone)]
struct Received {
    events: Arc<Mutex<Vec<Value>>>,
    batches: Arc<Mutex<Vec<Value>>>,
    /// Not the emulator itself, which would never end then.
    emulator: Weak<Emulator>,
}

/// Has an emulator send its webhooks to a receiver, where a `GET` tells what came: at this URL of events, and at `/logs`
/// below it of batches of log records, those that wait included. It agrees to proofs for one action, and to none for
/// another.
pub(crate) async fn receive_webhooks(emulator: &Arc<Emulator>) -> String {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let [refused, logs] = ["refused", "logs"].map(|path| format!("{url}/{path}"));
    emulator.send_webhooks(Some(&url), Some(&logs), &[("asked-first", &url), ("refused-always", &refused)]).unwrap();
    let received = Received { events: Arc::default(), batches: Arc::default(), emulator: Arc::downgrade(emulator) };
    let app = Router::new()
        .route("/", get(events).post(take))
        .route("/refused", post(refuse))
        .route("/logs", get(batches).post(take_batch))
        .with_state(received);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    url
}

fn put(book: &Mutex<Vec<Value>>, headers: &HeaderMap, body: &str) {
    let signature = headers["x-signature-v2"].to_str().unwrap();
    book.lock().unwrap().push(json!({ "signature": signature, "body": body }));
}

async fn take(State(received): State<Received>, headers: HeaderMap, body: String) {
    put(&received.events, &headers, &body);
}

async fn refuse(State(received): State<Received>, headers: HeaderMap, body: String) -> StatusCode {
    put(&received.events, &headers, &body);
    StatusCode::FORBIDDEN
}

async fn take_batch(State(received): State<Received>, headers: HeaderMap, body: String) {
    put(&received.batches, &headers, &body);
}

async fn events(State(received): State<Received>) -> Json<Vec<Value>> {
    Json(received.events.lock().unwrap().clone())
}

async fn batches(State(received): State<Received>) -> Json<Vec<Value>> {
    if let Some(emulator) = received.emulator.upgrade() {
        emulator.flush_logs().await;
    }
    Json(received.batches.lock().unwrap().clone())
}
