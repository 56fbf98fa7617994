//~ the trait bound `fn(axum_authsignal::Approved<Transfer>)
//~ required by a bound in `GuardedRouter::<S>::transaction`
use axum::http::Method;
use axum_authsignal::{Approved, AuthsignalLayer, GuardedRouter};

struct Transfer;

async fn transfer(_: Approved<Transfer>) {}

fn app(layer: &AuthsignalLayer) -> GuardedRouter {
    GuardedRouter::new().transaction(Method::POST, "/transfer", layer, transfer)
}

fn main() {}
