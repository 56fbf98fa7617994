//! An API on another origin than the pages that call it.
use axum::Router;
use axum::http::{HeaderValue, Response};
use axum::response::IntoResponse as _;
use axum::routing::get;
use axum_authsignal::AuthsignalLayer;
use serde_json::json;

use crate::sites::{emulator, handle, listen, page, serve};
use test_support::visitor::Visitor;

#[tokio::test]
async fn c20_who_proves_it_for_an_api_goes_back_to_the_page_that_called() {
    let emulator = emulator().await;
    let ((api, api_port), (pages, pages_port)) = (listen().await, listen().await);
    let origin = format!("http://localhost:{pages_port}");
    let authsignal = handle(&emulator, &format!("http://localhost:{api_port}")).page_origin(&origin).build().unwrap();
    let allowed = HeaderValue::from_str(&origin).unwrap();
    // What a layer for CORS does.
    let cors = move |mut response: Response<_>| {
        response.headers_mut().insert("access-control-allow-origin", allowed.clone());
        response.headers_mut().insert("access-control-allow-credentials", HeaderValue::from_static("true"));
        std::future::ready(response)
    };
    let paid = get(async || "paid").route_layer(AuthsignalLayer::new(&authsignal, "pay"));
    let app = Router::new().route("/pay", paid).layer(axum::middleware::map_response(cors));
    serve(api, app.merge(authsignal.routes()));
    let script = format!(
        "<button>Pay</button><p class=\"done\"></p><script>document.querySelector('button').onclick = async () => {{\
         const answer = await fetch('http://localhost:{api_port}/pay', {{ credentials: 'include' }});\
         if (answer.ok) document.querySelector('.done').textContent = await answer.text();\
         else location = (await answer.json()).url; }}</script>"
    );
    let (root, cart) = (page("Shop", &script), page("Cart", &script));
    let full = [("referrer-policy", "no-referrer-when-downgrade")];
    let app = Router::new()
        .route("/", get(async || root))
        .route(
            "/quiet",
            get({
                let quiet = cart.clone();
                async || quiet
            }),
        )
        .route("/cart", get(async move || (full, cart).into_response()))
        .route("/favicon.ico", get(async || ()));
    serve(pages, app);

    let ada = Visitor::arrive_at(origin, json!({})).await;
    // The page says where it is, or no more than its origin, which is what browsers do when it says nothing.
    for (path, heading, back, at) in [("/cart", "Cart", "Cart", "/cart"), ("/quiet", "Cart", "Shop", "/")] {
        ada.open(path).await;
        ada.sees(heading).await;
        ada.click("Pay").await;
        ada.confirms("Pay").await;
        ada.sees(back).await;
        ada.is_at(at).await;
        ada.click("Pay").await;
        ada.reads(".done", "paid").await;
    }
    ada.leaves().await;
}
