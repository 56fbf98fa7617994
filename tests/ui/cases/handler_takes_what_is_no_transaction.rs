//~ `Transfer` is no transaction
//~ this type does not say what Authsignal is told and people are shown
//~ derive it: `#[derive(serde::Deserialize, axum_authsignal::Transaction)]`, or write `impl Transaction for Transfer`
//~ required by this bound in `Approved`
use axum::http::Method;
use axum_authsignal::{Approved, AuthsignalLayer, GuardedRouter};

struct Transfer;

async fn transfer(_: Approved<Transfer>) {}

fn app(layer: &AuthsignalLayer) -> GuardedRouter {
    GuardedRouter::new().transaction(Method::POST, "/transfer", layer, transfer)
}

fn main() {}
