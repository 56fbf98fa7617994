//~ unknown attribute of a transaction: there are `name`, `label`, `label_in`, `display`, `hidden` and `skip`
use axum_authsignal::Transaction;

#[derive(serde::Deserialize, Transaction)]
struct Transfer {
    #[transaction(lable = "Amount")]
    amount: u64,
}

fn main() {}
