//~ expected function signature `fn(axum_authsignal::Approved<_>) -> _`
//~ required by a bound in `GuardedRouter::<S>::transaction`
use axum::http::Method;
use axum_authsignal::{AuthsignalLayer, GuardedRouter};

async fn transfer(_: String) {}

fn app(layer: &AuthsignalLayer) -> GuardedRouter {
    GuardedRouter::new().transaction(Method::POST, "/transfer", layer, transfer)
}

fn main() {}
