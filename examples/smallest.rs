//! The README's program: one guarded route, and nothing to set up. `cargo run --example smallest`
#![expect(clippy::print_stdout, reason = "it says where it listens")]

use std::net::SocketAddr;

use authsignal_emulator::Emulator;
use axum::Router;
use axum::http::HeaderMap;
use axum::routing::get;
use axum_authsignal::{Authsignal, AuthsignalLayer, User, Verdict};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://localhost:{}", listener.local_addr()?.port());

    // The emulator plays Authsignal; in production this is `Client::from_env()?`.
    let emulator = Emulator::start().await?;
    emulator.user("ada").enroll_email_otp("ada@example.com");

    let authsignal = Authsignal::builder(emulator.client())
        .callback_url(format!("{url}/authsignal/callback"))
        .with_insecure_cookies() // Plain HTTP, on this machine only.
        .identify(|_: HeaderMap| async { User::new("ada") }) // In an application: the extractors of its session.
        .build()?;

    let app = Router::new()
        .route("/card", get(card).route_layer(AuthsignalLayer::new(&authsignal, "view-card")))
        .merge(authsignal.routes());

    println!("Your card: {url}/card");
    Ok(axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?)
}

async fn card(verdict: Verdict) -> String {
    format!("Here is your card. You were let through because: {:?}", verdict.grounds())
}
