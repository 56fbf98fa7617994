//~ this closure cannot tell who the user is
//~ write `|session: MySession| async move { session.user_id.map(User::new) }`
use axum_authsignal::{Authsignal, Client};

struct Session;

fn main() {
    let client = Client::builder("secret").build().unwrap();
    let _ = Authsignal::builder(client).identify_with_state((), not_async);
}

fn not_async() -> Session {
    Session
}
