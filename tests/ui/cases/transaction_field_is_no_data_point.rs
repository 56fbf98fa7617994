//~ `Money` is no data point
//~ say `#[transaction(display)]` to send and show it as its `Display` says
use axum_authsignal::Transaction;

#[derive(serde::Deserialize)]
struct Money(u64);

#[derive(serde::Deserialize, Transaction)]
struct Transfer {
    amount: Money,
}

fn main() {}
