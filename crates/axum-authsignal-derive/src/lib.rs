//! The derive macro of `axum-authsignal`, which re-exports it: `#[derive(Transaction)]`.
//!
//! Its attributes are described at [`axum_authsignal::Transaction`](https://docs.rs/axum-authsignal/latest/axum_authsignal/trait.Transaction.html).
mod attributes;
mod expand;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Says what a struct's fields are for Authsignal and for people: implements `axum_authsignal::Transaction`.
///
/// See the trait for what it does and for its attributes.
#[proc_macro_derive(Transaction, attributes(transaction))]
pub fn derive_transaction(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand::expand(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}
