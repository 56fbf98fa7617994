//! One application under two names of this machine (threat T124).
use axum::Router;
use axum::routing::{get, post};
use axum_authsignal::{Authsignal, AuthsignalBuilder, AuthsignalLayer};
use serde_json::json;
use tokio::net::TcpListener;

use crate::looks::look;
use crate::sites::{emulator, handle, listen, page, serve};
use test_support::visitor::Visitor;

const HOME: &str = "<p><a href=\"/card\">Card</a></p><form method=\"post\" action=\"/pay\">\
                    <label>Amount <input name=\"amount\"></label><button>Pay</button></form>";

fn open_shop(listener: TcpListener, authsignal: &Authsignal) {
    let guard = |action| AuthsignalLayer::new(authsignal, action);
    let app = Router::new()
        .route("/", get(async || page("Shop", HOME)))
        .route("/favicon.ico", get(async || ()))
        .route("/card", get(async || page("Your card", "")).route_layer(guard("view-card")))
        .route("/pay", post(async || page("Paid", "")).route_layer(guard("pay")))
        .merge(authsignal.routes());
    serve(listener, app);
}

async fn shop(change: impl FnOnce(AuthsignalBuilder, u16) -> AuthsignalBuilder) -> (u16, impl Sized) {
    let emulator = emulator().await;
    let (listener, port) = listen().await;
    let authsignal = change(handle(&emulator, &format!("http://localhost:{port}")), port).build().unwrap();
    open_shop(listener, &authsignal);
    (port, emulator)
}

#[tokio::test]
async fn t124_who_comes_by_another_name_is_led_to_where_it_ends_well() {
    let (port, _emulator) = shop(|builder, _| builder.also_at("127.0.0.1")).await;
    let ada = Visitor::arrive_at(format!("http://127.0.0.1:{port}"), json!({})).await;
    ada.open("/").await;
    ada.click("Card").await;
    ada.confirms("View card").await;
    ada.sees("Your card").await;
    assert_eq!(ada.address().await.as_str(), format!("http://localhost:{port}/card"));

    ada.open("/").await;
    ada.fill("Amount", "10").await;
    ada.click("Pay").await;
    ada.sees("Please use our main address").await;
    look(&ada, "main-address").await;
    ada.click("Continue").await;
    ada.sees("Shop").await;
    assert_eq!(ada.address().await.as_str(), format!("http://localhost:{port}/"));
    ada.fill("Amount", "10").await;
    ada.click("Pay").await;
    ada.confirms("Pay").await;
    ada.sees("One last step").await;
    ada.click("Continue").await;
    ada.sees("Paid").await;
    ada.leaves().await;
}

#[tokio::test]
async fn t124_a_name_with_a_callback_of_its_own_is_never_left() {
    let (port, _emulator) = shop(|builder, port| {
        builder.callback_url_at("127.0.0.1", format!("http://127.0.0.1:{port}/authsignal/callback"))
    })
    .await;
    for name in ["127.0.0.1", "localhost"] {
        let ada = Visitor::arrive_at(format!("http://{name}:{port}"), json!({})).await;
        ada.open("/").await;
        ada.click("Card").await;
        ada.confirms("View card").await;
        ada.sees("Your card").await;
        ada.is_at("/card").await;
        ada.open("/").await;
        ada.fill("Amount", "10").await;
        ada.click("Pay").await;
        ada.confirms("Pay").await;
        ada.sees("One last step").await;
        ada.click("Continue").await;
        ada.sees("Paid").await;
        ada.is_at("/pay").await;
        ada.leaves().await;
    }
}
