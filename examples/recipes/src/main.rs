//! `axum-authsignal` beside what an application has already: each recipe is a file to read and to copy from, with its tests.
//!
//! `cargo run -p recipes -- tower-sessions` runs one at <http://localhost:3000>; without a name, it says which there are. An
//! emulator plays Authsignal. What matters in each, and which versions go together: `docs/recipes.md`.
#![allow(clippy::print_stdout, reason = "it says where it listens, and its tests do not")]

mod bank;
mod csrf;
#[cfg(test)]
mod docs;
mod jwt;
mod nginx;
mod spa;
#[cfg(test)]
mod way;
mod webhook;
mod with_axum_login;
mod with_axum_session_auth;
mod with_tower_sessions;

use std::net::SocketAddr;

use authsignal_emulator::Emulator;
use axum_authsignal::Authsignal;
use axum_session::SessionStore;
use tokio::net::TcpListener;

const SITE: &str = "http://localhost:3000";
const NAMES: [&str; 8] =
    ["axum-login", "tower-sessions", "axum-session-auth", "jwt", "spa", "csrf", "webhook", "nginx"];

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let name = std::env::args().nth(1).unwrap_or_default();
    let emulator = Emulator::start().await?; // In production: `Client::from_env()?`.
    emulator.user("ada").enroll_email_otp("ada@example.com");
    let authsignal = Authsignal::builder(emulator.client())
        .callback_url(format!("{SITE}/authsignal/callback"))
        .with_insecure_cookies(); // Plain HTTP, on this machine only.
    let app = match &*name {
        "axum-login" => with_axum_login::app(authsignal)?,
        "tower-sessions" => with_tower_sessions::app(authsignal)?,
        "axum-session-auth" => {
            let sessions = SessionStore::new(None, with_axum_session_auth::config()).await?;
            with_axum_session_auth::app(authsignal, sessions)?
        }
        "nginx" => nginx::app(authsignal, "http://localhost:8080")?,
        "spa" => spa::app(authsignal)?,
        "jwt" => jwt::app(authsignal)?,
        "csrf" => csrf::app(authsignal)?,
        "webhook" => {
            emulator.send_webhooks(None, None, &[("pay", &format!("{SITE}/webhooks/authsignal"))])?;
            webhook::app(authsignal)?
        }
        _ => return Err(format!("no recipe `{name}`: {}", NAMES.join(", ")).into()),
    };
    let listener = TcpListener::bind(("127.0.0.1", 3000)).await?;
    println!("{name}: {SITE}, where Ada signs in as `ada`; the dashboard: {}/emulator", emulator.origin());
    Ok(axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?)
}
