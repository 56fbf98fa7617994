//~ a transaction is derived for a struct with named fields: for anything else write `impl Transaction`
use axum_authsignal::Transaction;

#[derive(serde::Deserialize, Transaction)]
enum Transfer {
    Wire,
}

fn main() {}
