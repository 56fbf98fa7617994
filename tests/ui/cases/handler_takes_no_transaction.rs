//~ this handler's first argument is no `Approved<..>`, but a `String`
//~ write `async fn handler(transfer: Approved<Transfer>, ..)`, or add the route with `GuardedRouter::guarded`
//~ required by a bound in `GuardedRouter::<S>::transaction`
use axum::http::Method;
use axum_authsignal::{AuthsignalLayer, GuardedRouter};

async fn transfer(_: String) {}

fn app(layer: &AuthsignalLayer) -> GuardedRouter {
    GuardedRouter::new().transaction(Method::POST, "/transfer", layer, transfer)
}

fn main() {}
