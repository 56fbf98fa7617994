//~ fields `value` and `verdict` of struct `axum_authsignal::Approved` are private
use axum_authsignal::{Approved, Transaction, Verdict};

#[derive(serde::Deserialize, Transaction)]
struct Transfer {
    amount: u64,
}

fn approve(value: Transfer, verdict: Verdict) -> Approved<Transfer> {
    Approved { value, verdict }
}

fn main() {}
