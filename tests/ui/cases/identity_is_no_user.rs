//~ this closure cannot tell who the user is
//~ and `User` or `Option<User>` as the outcome
use axum_authsignal::{Authsignal, Client};
use http::HeaderMap;

fn main() {
    let client = Client::builder("secret").build().unwrap();
    let _ = Authsignal::builder(client).identify(|_: HeaderMap| async move { String::from("ada") });
}
