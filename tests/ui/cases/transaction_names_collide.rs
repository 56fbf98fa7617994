//~ two data points are called `amount`
use axum_authsignal::Transaction;

#[derive(serde::Deserialize, Transaction)]
struct Transfer {
    amount: u64,
    #[transaction(name = "amount")]
    fee: u64,
}

fn main() {}
