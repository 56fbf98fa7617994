//~ `Transfer` is no transaction
//~ derive it: `#[derive(serde::Deserialize, axum_authsignal::Transaction)]`, or write `impl Transaction for Transfer`
use axum::Router;
use axum::routing::post;
use axum_authsignal::{Approved, MissingTransaction};

struct Transfer;

async fn transfer(_: Result<Approved<Transfer>, MissingTransaction>) {}

fn app() -> Router {
    Router::new().route("/transfer", post(transfer))
}

fn main() {}
