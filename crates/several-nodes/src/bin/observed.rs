//! An application whose payments are only observed, and which ends in order on SIGTERM: it answers what it has begun, and then
//! tells Authsignal of all of it.
//!
//! The client takes its settings from the environment. It prints where it listens and, at its end, what became of the events.
#![expect(clippy::print_stdout, reason = "it says where it listens, and how it ended")]

use std::error::Error;
use std::time::Duration;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::post;
use axum_authsignal::{Authsignal, AuthsignalLayer, Client, User, Verdict};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let authsignal = Authsignal::builder(Client::from_env()?)
        .callback_url("http://localhost/callback")
        .with_insecure_cookies()
        // An application asks its session; here a test says who it is.
        .identify(|headers: HeaderMap| async move {
            headers.get("x-user").and_then(|user| user.to_str().ok()).map(User::new)
        })
        // A test asks for more in a second than people do.
        .max_observed(100_000)
        .build()?;
    let pay = post(pay).route_layer(AuthsignalLayer::new(&authsignal, "pay").observe());
    let app = Router::new().route("/pay", pay).merge(authsignal.routes());
    // It ends with whoever started it, however that ends.
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(0);
    });
    let mut terminated = signal(SignalKind::terminate())?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("A node is open: http://{}", listener.local_addr()?);
    axum::serve(listener, app)
        .with_graceful_shutdown(async move {
            terminated.recv().await;
        })
        .await?;
    let observed = authsignal.drain(Duration::from_secs(30)).await;
    println!("sent {} lost {} waiting {}", observed.sent, observed.lost, observed.waiting);
    Ok(())
}

/// It answers with the name that Authsignal knows the payment by.
async fn pay(verdict: Verdict) -> String {
    verdict.idempotency_key().to_string()
}
