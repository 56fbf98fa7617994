//! An application behind a real nginx that strips the prefix under which browsers know it, beside another one on the same
//! origin (threat T123).
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{Method, Uri};
use axum::routing::{get, post};
use axum_authsignal::AuthsignalLayer;
use serde_json::json;

use crate::sites::{emulator, handle, listen, page, serve};
use test_support::processes::Nginx;
use test_support::visitor::Visitor;

const HOME: &str = "<p><a href=\"card\">Card</a></p><form method=\"post\" action=\"withdraw\">\
                    <label>Amount <input name=\"amount\"></label><button>Withdraw</button></form>";

/// An nginx that serves what is under `/app/` from one port with the prefix taken away, and everything else from another.
fn nginx(app: u16, other: u16) -> Nginx {
    let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(|kind| format!("{kind}_temp_path {kind};"));
    let paths = paths.join(" ");
    Nginx::start(|port| {
        format!(
            "pid nginx.pid; error_log stderr crit; events {{}}\n\
             http {{ access_log off; {paths} server {{ listen 127.0.0.1:{port};\n\
             location /app/ {{ proxy_pass http://127.0.0.1:{app}/; }}\n\
             location / {{ proxy_pass http://127.0.0.1:{other}; }} }} }}\n"
        )
    })
}

#[tokio::test]
async fn t123_behind_a_stripped_prefix_everything_leads_back_to_this_application() {
    let emulator = emulator().await;
    let ((app, app_port), (other, other_port)) = (listen().await, listen().await);
    let nginx = nginx(app_port, other_port);
    let site = format!("http://localhost:{}", nginx.port);
    let authsignal = handle(&emulator, &format!("{site}/app")).public_prefix("/app").build().unwrap();
    let guard = |action| AuthsignalLayer::new(&authsignal, action);
    let withdrawn = async |body: String| page("Withdrawn", &format!("<p class=\"sent\">{body}</p>"));
    let shop = Router::new()
        .route("/", get(async || page("Shop", HOME)))
        .route("/card", get(async || page("Your card", "")).route_layer(guard("view-card")))
        .route("/withdraw", post(withdrawn).route_layer(guard("withdraw")))
        .merge(authsignal.routes());
    serve(app, shop);
    // The other application has a page of the same name.
    let received = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&received);
    let elsewhere = async move |method: Method, uri: Uri| {
        if uri.path() != "/favicon.ico" {
            log.lock().unwrap().push(format!("{method} {uri}"));
        }
        page("Another application", "")
    };
    serve(other, Router::new().fallback(elsewhere));

    let ada = Visitor::arrive_at(site, json!({})).await;
    ada.open("/app/").await;
    ada.click("Card").await;
    ada.confirms("View card").await;
    ada.sees("Your card").await;
    ada.is_at("/app/card").await;

    ada.open("/app/").await;
    ada.fill("Amount", "10").await;
    ada.click("Withdraw").await;
    ada.confirms("Withdraw").await;
    ada.sees("One last step").await;
    ada.click("Continue").await;
    ada.sees("Withdrawn").await;
    ada.is_at("/app/withdraw").await;
    ada.reads(".sent", "amount=10").await;

    ada.open("/app/card").await;
    ada.sees("View card").await;
    ada.click("Cancel").await;
    ada.sees("Not confirmed yet").await;
    ada.click("Cancel").await;
    ada.sees("Shop").await;
    ada.is_at("/app/").await;
    assert_eq!(*received.lock().unwrap(), Vec::<String>::new(), "the other application received something");
    ada.open("/withdraw").await;
    ada.sees("Another application").await;
    assert_eq!(received.lock().unwrap().len(), 1);
    ada.leaves().await;
}
