//~ this handler does not take an `Approved<..>` as its first argument
//~ or add the route with `GuardedRouter::guarded`
use axum::http::Method;
use axum_authsignal::{AuthsignalLayer, GuardedRouter};

async fn transfer(_: String) {}

fn app(layer: &AuthsignalLayer) -> GuardedRouter {
    GuardedRouter::new().transaction(Method::POST, "/transfer", layer, transfer)
}

fn main() {}
