//~ this closure cannot tell who the user is
//~ an extractor that needs the router's state goes with `identify_with_state(state, closure)`
use axum::extract::State;
use axum_authsignal::{Authsignal, Client, User};

#[derive(Clone)]
struct App;

fn main() {
    let client = Client::builder("secret").build().unwrap();
    let _ = Authsignal::builder(client).identify(|State(App): State<App>| async move { User::new("ada") });
}
