// What the other cases get wrong, right: the harness itself works.
use axum::extract::State;
use axum::routing::post;
use axum_authsignal::{Approved, Authsignal, AuthsignalLayer, Client, GuardedRouter, MissingTransaction, Transaction, User};
use http::{HeaderMap, Method};
use serde::Deserialize;

#[derive(Clone)]
struct App;

#[derive(Deserialize, Transaction)]
struct Transfer {
    to: String,
}

async fn transfer(_: Approved<Transfer>, _: String) {}

async fn transfer_or_else(_: Result<Approved<Transfer>, MissingTransaction>) {}

fn main() {
    let client = Client::builder("secret").build().unwrap();
    let builder = Authsignal::builder(client).callback_url("https://app.example.com/callback");
    let authsignal = builder
        .identify_with_state(App, |State(App): State<App>, headers: HeaderMap| async move {
            headers.get("x-user").and_then(|user| user.to_str().ok()).map(User::new)
        })
        .build()
        .unwrap();
    // The layer's type has no parameters, so it is a plain field.
    struct Layers {
        pay: AuthsignalLayer,
    }
    let layers = Layers { pay: AuthsignalLayer::new(&authsignal, "pay") };
    let _: GuardedRouter = GuardedRouter::new()
        .transaction(Method::POST, "/transfer", &layers.pay, transfer)
        .transaction(Method::POST, "/transfer/else", &layers.pay, transfer_or_else);
    let _: axum::Router = axum::Router::new().route("/pay", post(|| async {}).route_layer(layers.pay));
}
