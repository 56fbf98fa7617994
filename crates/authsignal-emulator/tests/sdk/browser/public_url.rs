//! Behind a public URL: a passkey is made for the host by which browsers reach the emulator, and not for `localhost`.
use authsignal_client::{ActionState, Track, Validate};
use authsignal_emulator::Emulator;
use axum::Router;
use axum::response::Html;
use axum::routing::get;
use serde_json::json;
use test_support::visitor::Visitor;

const BACK: &str = "<!DOCTYPE html><html lang=\"en\"><head><title>Shop</title><link rel=\"icon\" href=\"data:,\"></head>\
                    <body><main><h1>Back in the shop</h1></main></body></html>";

/// The token that somebody came back with.
async fn token(visitor: &Visitor) -> String {
    visitor.sees("Back in the shop").await;
    let back = visitor.address().await;
    back.query_pairs().find(|(name, _)| name == "token").expect("a token").1.into_owned()
}

#[tokio::test]
async fn a_passkey_is_made_and_used_by_another_name_than_localhost() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let shop = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let pages = Router::new().route("/back", get(async || Html(BACK)));
    tokio::spawn(async move { axum::serve(listener, pages).await.unwrap() });
    // A URL has to be known before the start: a port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let public = format!("http://passkeys.localhost:{port}");
    let emulator = Emulator::builder().port(port).public_url(&public).start().await.unwrap();
    let client = emulator.client();
    let visitor = Visitor::arrive_at(public.clone(), json!({})).await;
    visitor.gets_authenticator("internal").await;

    for begins in ["Passkey", "Use your passkey"] {
        let track = Track::new("withdrawal").redirect_url(format!("{shop}/back"));
        let url = client.track("ada", track).await.unwrap().url.unwrap();
        visitor.open(url.secret().strip_prefix(&public).expect("the page is at the public URL")).await;
        visitor.sees("Withdrawal").await;
        visitor.click(begins).await;
        if begins == "Passkey" {
            visitor.click("Create a passkey").await;
            visitor.sees("Recovery codes").await;
            assert_eq!(visitor.address().await.host_str(), Some("passkeys.localhost"), "there was no hop elsewhere");
            visitor.click("Continue").await;
        }
        let validated = client.validate_challenge(Validate::new(token(&visitor).await)).await.unwrap();
        assert_eq!((validated.is_valid, validated.state), (true, Some(ActionState::ChallengeSucceeded)), "{begins}");
        assert_eq!(validated.verification_method.unwrap().as_str(), "PASSKEY", "{begins}");
    }
    visitor.leaves().await;
}
