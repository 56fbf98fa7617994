//! `axum-authsignal` beside what an application has already: each recipe is a file to read and to copy from, with its tests.
//!
//! `cargo run -p recipes -- tower-sessions` runs one at <http://localhost:3000>; without a name, it says which there are. An
//! emulator plays Authsignal. What matters in each, and which versions go together: `docs/recipes.md`.
#![allow(clippy::print_stdout, reason = "it says where it listens, and its tests do not")]

mod amount;
mod bank;
mod csrf;
#[cfg(test)]
mod docs;
mod htmx;
mod jwt;
mod nginx;
mod spa;
mod turbo;
#[cfg(test)]
mod way;
mod webhook;
mod with_axum_login;
mod with_axum_session_auth;
mod with_tower_sessions;

use std::error::Error;
use std::net::SocketAddr;

use authsignal_emulator::Emulator;
use axum::Router;
use axum_authsignal::{Authsignal, AuthsignalBuilder};
use axum_session::SessionStore;
use tokio::net::TcpListener;

const NAMES: [&str; 11] = [
    "axum-login",
    "tower-sessions",
    "axum-session-auth",
    "jwt",
    "spa",
    "htmx",
    "turbo",
    "csrf",
    "webhook",
    "nginx",
    "amount",
];

/// Where browsers find the recipes, and where they find the one behind nginx.
const SITE: &str = "http://localhost:3000";
const NGINX: &str = "http://localhost:8080";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let name = std::env::args().nth(1).unwrap_or_default();
    let emulator = Emulator::start().await?; // In production: `Client::from_env()?`.
    emulator.user("ada").enroll_email_otp("ada@example.com");
    let authsignal = Authsignal::builder(emulator.client())
        .callback_url(format!("{SITE}/authsignal/callback"))
        .with_insecure_cookies(); // Plain HTTP, on this machine only.
    let Some(app) = recipe(&name, authsignal).await? else {
        println!("cargo run -p recipes -- NAME, where NAME is one of {}", NAMES.join(", "));
        return Ok(());
    };
    if name == "webhook" {
        emulator.send_webhooks(None, None, &[("pay", &format!("{SITE}/webhooks/authsignal"))])?;
    }
    let listener = TcpListener::bind(("127.0.0.1", 3000)).await?;
    let site = if name == "nginx" { format!("{NGINX}/app/") } else { SITE.to_owned() };
    println!("{name}: {site}, whose user is `ada`; the dashboard: {}/emulator", emulator.origin());
    Ok(axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?)
}

/// The recipe of this name, if there is one.
async fn recipe(name: &str, authsignal: AuthsignalBuilder) -> Result<Option<Router>, Box<dyn Error>> {
    Ok(Some(match name {
        "axum-login" => with_axum_login::app(authsignal)?,
        "tower-sessions" => with_tower_sessions::app(authsignal)?,
        "axum-session-auth" => {
            let sessions = SessionStore::new(None, with_axum_session_auth::config()).await?;
            with_axum_session_auth::app(authsignal, sessions)?
        }
        "jwt" => jwt::app(authsignal)?,
        "spa" => spa::app(authsignal)?,
        "htmx" => htmx::app(authsignal)?,
        "turbo" => turbo::app(authsignal)?,
        "csrf" => csrf::app(authsignal)?,
        "webhook" => webhook::app(authsignal)?,
        "nginx" => nginx::app(authsignal, NGINX)?,
        "amount" => amount::app(authsignal)?,
        _ => return Ok(None),
    }))
}
