// What the other cases get wrong, right: the harness itself works.
use axum::extract::State;
use axum::routing::post;
use axum_authsignal::{Authsignal, AuthsignalLayer, Client, User};
use http::HeaderMap;

#[derive(Clone)]
struct App;

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
    let _: axum::Router = axum::Router::new().route("/pay", post(|| async {}).route_layer(layers.pay));
}
