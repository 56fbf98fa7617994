//~ a transaction is derived for named fields, whose names Authsignal is told: for others write `impl Transaction`
use axum_authsignal::Transaction;

#[derive(serde::Deserialize, Transaction)]
struct Transfer(u64);

fn main() {}
