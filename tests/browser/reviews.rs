//! A form that somebody has to look at, and one that is proved in a way that does not count, as their users see them.
use std::net::SocketAddr;
use std::time::{Duration, UNIX_EPOCH};

use authsignal_emulator::{Emulator, Outcome};
use axum::Router;
use axum::http::HeaderMap;
use axum::response::Html;
use axum::routing::{get, post};
use axum_authsignal::client::VerificationMethod;
use axum_authsignal::{Authsignal, AuthsignalLayer, Clock, User};
use serde_json::json;

use crate::looks::look;
use test_support::visitor::Visitor;

fn page(title: &str, rest: &str) -> Html<String> {
    let head = format!("<meta charset=\"utf-8\"><title>{title}</title>");
    Html(format!(
        "<!DOCTYPE html><html lang=\"en\"><head>{head}</head><body><main><h1>{title}</h1>{rest}</main></body></html>"
    ))
}

fn form(action: &str) -> Html<String> {
    let fields =
        "<input type=\"hidden\" name=\"amount\" value=\"10\"><input type=\"hidden\" name=\"to\" value=\"bob\">";
    page("Form", &format!("<form method=\"post\" action=\"{action}\">{fields}<button>Send</button></form>"))
}

pub(crate) struct Shop {
    pub(crate) site: String,
    emulator: Emulator,
    clock: Clock,
}

pub(crate) async fn shop() -> Shop {
    let clock = Clock::manual(UNIX_EPOCH + Duration::from_secs(1_768_471_200));
    let emulator = Emulator::builder().clock(clock.clone()).start().await.unwrap();
    emulator.set_outcome("withdraw-money", Outcome::Review);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let site = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    let authsignal = Authsignal::builder(emulator.client())
        .callback_url(format!("{site}/authsignal/callback"))
        .with_insecure_cookies()
        .clock(clock.clone())
        .identify(|_: HeaderMap| async { Some(User::new("ada")) })
        .build()
        .unwrap();
    let held = AuthsignalLayer::new(&authsignal, "withdraw-money").review(Duration::from_secs(60 * 60));
    let strict = AuthsignalLayer::new(&authsignal, "delete-account")
        .methods([VerificationMethod::Passkey, VerificationMethod::AuthenticatorApp]);
    let app = Router::new()
        .route("/", get(|| async { page("Home", "") }))
        .route("/blank", get(|| async { page("Sheet", "") }))
        .route("/favicon.ico", get(|| async {}))
        .route("/held", post(|| async { page("Withdrawn", "") }).route_layer(held))
        .route("/form/held", get(|| async { form("/held") }))
        .route("/strict", post(|| async { page("Deleted", "") }).route_layer(strict))
        .route("/form/strict", get(|| async { form("/strict") }))
        .merge(authsignal.routes());
    tokio::spawn(async move {
        axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await.unwrap();
    });
    Shop { site, emulator, clock }
}

impl Shop {
    /// Decides about ada's newest attempt over HTTP, as the dashboard does.
    pub(crate) async fn decide(&self, state: &str) {
        let newest = self.emulator.actions("ada")[0].clone();
        let (action, key) = (newest.action, newest.idempotency_key);
        let url = format!("{}/emulator/actions/ada/{action}/{key}/state", self.emulator.origin());
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.post(url).json(&json!({ "state": state })).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
        self.clock.advance(Duration::from_secs(60));
    }
}

/// T107: whoever sent a form waits on a page, looks again, and goes on with a click; or reads that it was refused. In every
/// language, and on every screen.
#[tokio::test]
async fn t107_a_user_looks_again_until_somebody_has_looked() {
    let shop = shop().await;
    for (language, words) in [
        ("en", ["This is being looked at", "Look again", "One last step", "Continue"]),
        ("de", ["Das wird gerade geprüft", "Wieder nachsehen", "Ein letzter Schritt", "Weiter"]),
        ("fr", ["C’est en cours d’examen", "Revoir", "Une dernière étape", "Continuer"]),
        ("es", ["Se está revisando", "Volver a mirar", "Un último paso", "Continuar"]),
    ] {
        let [waits, again, resumed, on] = words;
        let ada = Visitor::arrive_at(shop.site.clone(), json!({})).await;
        ada.devtools("Network.enable", json!({})).await;
        ada.devtools("Network.setExtraHTTPHeaders", json!({ "headers": { "Accept-Language": language } })).await;
        ada.open("/form/held").await;
        ada.click("Send").await;
        ada.sees(waits).await;
        look(&ada, &format!("under-review-{language}")).await;
        ada.click(again).await;
        ada.sees(waits).await;
        shop.decide("REVIEW_SUCCEEDED").await;
        ada.click(again).await;
        ada.sees(resumed).await;
        look(&ada, &format!("reviewed-{language}")).await;
        ada.click(on).await;
        ada.sees("Withdrawn").await;
        ada.leaves().await;
    }

    let ada = Visitor::arrive_at(shop.site.clone(), json!({})).await;
    ada.open("/form/held").await;
    ada.click("Send").await;
    ada.sees("This is being looked at").await;
    shop.decide("REVIEW_FAILED").await;
    ada.click("Look again").await;
    ada.sees("This was refused").await;
    ada.leaves().await;
}

/// T34: whoever proves it in a way that does not count reads which ways do, and sends the same again with a click.
#[tokio::test]
async fn t34_a_user_is_told_which_ways_count_and_loses_nothing() {
    let shop = shop().await;
    let _app = shop.emulator.user("ada").enroll_email_otp("ada@example.com").enroll_authenticator_app();
    let ada = Visitor::arrive_at(shop.site.clone(), json!({})).await;
    ada.open("/form/strict").await;
    ada.click("Send").await;
    ada.sees("Delete account").await;
    // By e-mail, which does not count.
    let challenge = ada.address().await;
    let back = shop.emulator.succeed_by(challenge.as_str(), &VerificationMethod::EmailOtp).unwrap();
    ada.browser.goto(&back).await.unwrap();
    ada.sees("Please confirm it in another way").await;
    look(&ada, "another-way").await;
    assert!(ada.text("main").await.contains("authenticator app, passkey"));
    ada.click("Try again").await;
    ada.sees("Delete account").await;
    let challenge = ada.address().await;
    let back = shop.emulator.succeed_by(challenge.as_str(), &VerificationMethod::AuthenticatorApp).unwrap();
    ada.browser.goto(&back).await.unwrap();
    ada.sees("One last step").await;
    ada.click("Continue").await;
    ada.sees("Deleted").await;
    ada.leaves().await;
}
