//! Guarded by this package.
use std::time::Duration;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::{get, post};
use axum_authsignal::client::ClientBuilder;
use axum_authsignal::{Authsignal, AuthsignalLayer, Client, Coverage, User};

pub fn client(api_url: &str) -> ClientBuilder {
    Client::builder(super::SECRET).base_url(api_url)
}

fn handle(client: ClientBuilder) -> Authsignal {
    Authsignal::builder(client.build().expect("a client"))
        .callback_url("http://localhost:3000/authsignal/callback")
        .with_insecure_cookies()
        .challenge_host("mfa.example.test")
        // As many wait at once as a measurement lets.
        .max_upstream_calls(1_000_000)
        .identify(|headers: HeaderMap| async move { Some(User::new(headers.get("x-user")?.to_str().ok()?)) })
        .build()
        .expect("a handle")
}

pub fn app(client: ClientBuilder, action: &str) -> Router {
    let authsignal = handle(client);
    let layer = AuthsignalLayer::new(&authsignal, action);
    Router::new().route("/withdraw", post(super::ok).route_layer(layer)).merge(authsignal.routes())
}

/// `GET /card`, which is challenged once and then remembered for an hour.
pub fn remembering(api_url: &str) -> Router {
    let authsignal = handle(client(api_url));
    let layer = AuthsignalLayer::new(&authsignal, "challenge").covers(Coverage::Action);
    let layer = layer.remember(Duration::from_secs(3600));
    Router::new().route("/card", get(super::ok).route_layer(layer)).merge(authsignal.routes())
}
