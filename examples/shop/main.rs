//! A small shop whose staff prove it once more before money goes back, settings change, or data leave. Its tests are beside it.
//!
//! `cargo run --example shop`, then open the URL that it prints. Nothing leaves your machine: an emulator plays Authsignal.
#![allow(clippy::print_stdout, reason = "it says where it listens, and its tests do not")]

mod app;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;

use authsignal_emulator::Emulator;
use axum_authsignal::Authsignal;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://localhost:{}", listener.local_addr()?.port());
    let emulator = Emulator::start().await?; // In production: `Client::from_env()?`.
    emulator.user("ada").enroll_email_otp("ada@example.com");
    let authsignal = Authsignal::builder(emulator.client())
        .callback_url(format!("{url}/authsignal/callback"))
        .with_insecure_cookies(); // Plain HTTP, on this machine only.
    let app = app::app(authsignal)?;
    println!("The shop is open: {url}");
    Ok(axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?)
}
