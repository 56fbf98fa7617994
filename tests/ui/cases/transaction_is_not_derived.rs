//~ `Transfer` is no transaction
//~ derive it: `#[derive(serde::Deserialize, axum_authsignal::Transaction)]`
use axum_authsignal::AuthsignalLayer;

#[derive(serde::Deserialize)]
struct Transfer {
    amount: u64,
}

fn layer(layer: AuthsignalLayer) -> AuthsignalLayer {
    layer.transaction::<Transfer>()
}

fn main() {}
