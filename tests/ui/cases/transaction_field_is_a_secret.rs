//~ its name says that it is a secret, which is neither sent nor shown: `#[transaction(skip)]`
use axum_authsignal::Transaction;

#[derive(serde::Deserialize, Transaction)]
struct Transfer {
    amount: u64,
    card_pin: String,
}

fn main() {}
