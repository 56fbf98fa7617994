//! A page that uses htmx: its buttons are no dead ends (complaint C8).
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use authsignal_emulator::{Emulator, Endpoint};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::Html;
use axum::routing::{get, post};
use axum_authsignal::{Authsignal, AuthsignalLayer, User, Verdict};
use serde_json::json;

use crate::sites::page;
use test_support::visitor::Visitor;

const PAGE: &str = r#"<!DOCTYPE html><html lang="en"><head><title>Cart</title><script src="/htmx.js"></script></head>
<body><main><h1>Cart</h1><button hx-post="/pay" hx-target=".paid" hx-vals='{"amount":"10"}'>Pay</button>
<p class="paid">Not paid</p>
<form hx-post="/pay" hx-target=".paid"><input type="hidden" name="amount" value="20 €"><button>Pay by form</button></form>
<form hx-boost="true" action="/send" method="post"><input type="hidden" name="to" value="Zoë"><button>Send</button></form>
<form hx-boost="true" action="/send" method="post" enctype="multipart/form-data">
<textarea name="to" aria-label="To">Zoë Co
x</textarea><button>Send in parts</button></form>
<form hx-boost="true" action="/send" method="post"><input type="hidden" name="to" value="Zoë Co"><button>Send blanks</button></form>
<p><a hx-boost="true" href="/card">Card</a></p></main></body></html>"#;

async fn paid(State(ran): State<Ran>, verdict: Verdict, body: String) -> String {
    assert!(verdict.is_verified());
    ran.fetch_add(1, Ordering::SeqCst);
    format!("Paid: {body}")
}

async fn sent(State(ran): State<Ran>, verdict: Verdict, body: String) -> Html<String> {
    assert!(verdict.is_verified() && (body.is_empty() || body.contains("Zo")));
    ran.fetch_add(1, Ordering::SeqCst);
    page("Sent", "")
}

/// How often something guarded was done.
type Ran = Arc<AtomicUsize>;

/// A shop whose one button is guarded, with this version of htmx.
async fn shop(package: &str) -> (String, Emulator, Ran) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("node_modules").join(package).join("dist/htmx.min.js");
    let script = std::fs::read_to_string(&script).unwrap_or_else(|error| panic!("run `npm ci`: {script:?}: {error}"));
    let ran = Ran::default();
    let emulator = Emulator::start().await.unwrap();
    emulator.user("ada").enroll_email_otp("ada@example.com");
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let site = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    let authsignal = Authsignal::builder(emulator.client())
        .challenge_budget(10_000, std::time::Duration::from_secs(60))
        .pending_flow_budget(1_000, 16 * 1024 * 1024)
        .callback_url(format!("{site}/authsignal/callback"))
        .with_insecure_cookies()
        .identify(|_: HeaderMap| async { User::new("ada") })
        .build()
        .unwrap();
    let app = Router::new()
        .route("/cart", get(|| async { Html(PAGE) }))
        .route("/htmx.js", get(|| async { ([(header::CONTENT_TYPE, "text/javascript")], script) }))
        .route("/favicon.ico", get(|| async {}))
        .route("/pay", post(paid).route_layer(AuthsignalLayer::new(&authsignal, "pay")))
        .route("/send", post(sent).route_layer(AuthsignalLayer::new(&authsignal, "pay")))
        .route("/card", get(sent).route_layer(AuthsignalLayer::new(&authsignal, "pay")))
        .with_state(Arc::clone(&ran))
        .merge(authsignal.routes());
    tokio::spawn(async move {
        axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await.unwrap();
    });
    (site, emulator, ran)
}

async fn a_button_leads_through_its_challenge(package: &str) {
    let (site, _emulator, _) = shop(package).await;
    let ada = Visitor::arrive_at(site, json!({})).await;
    ada.open("/cart").await;
    ada.sees("Cart").await;
    ada.click("Pay").await;
    ada.confirms("Pay").await;
    ada.sees("One last step").await;
    ada.click("Continue").await;
    ada.sees("Cart").await;
    ada.is_at("/cart").await;
    ada.click("Pay").await;
    ada.reads(".paid", "Paid: amount=10").await;
    ada.leaves().await;
}

#[tokio::test]
async fn c8_a_button_of_htmx_2_leads_through_its_challenge() {
    a_button_leads_through_its_challenge("htmx.org").await;
}

#[tokio::test]
async fn c8_a_button_of_htmx_4_leads_through_its_challenge() {
    a_button_leads_through_its_challenge("htmx4").await;
}

/// C8: what a page shows of htmx's answers is sent again by its user, what a page of its own answers by ours; each is done once.
async fn forms_are_proved_and_done_once(package: &str) {
    let (site, emulator, ran) = shop(package).await;
    let counts = || (emulator.calls(Endpoint::Track), ran.load(Ordering::SeqCst));
    let ada = Visitor::arrive_at(site, json!({})).await;
    let encodes_as_forms_do = package == "htmx4";
    let forms = [
        ("Pay by form", false, ""),
        ("Send", true, "/send"),
        ("Send in parts", true, "/send"),
        ("Send blanks", encodes_as_forms_do, "/send"),
    ];
    for (index, (button, is_kept, ends)) in forms.into_iter().enumerate() {
        ada.open("/cart").await;
        ada.sees("Cart").await;
        ada.click(button).await;
        ada.confirms("Pay").await;
        ada.sees("One last step").await;
        assert_eq!(counts(), (index + 1, index), "{button}");
        ada.click("Continue").await;
        if !is_kept {
            ada.sees("Cart").await;
            ada.is_at("/cart").await;
            ada.click(button).await;
        }
        if ends.is_empty() {
            ada.reads(".paid", "Paid: amount=20").await;
        } else {
            ada.sees("Sent").await;
            ada.is_at(ends).await;
        }
        assert_eq!(counts(), (index + 1, index + 1), "{button}");
    }
    ada.open("/cart").await;
    ada.click("Card").await;
    ada.confirms("Pay").await;
    ada.sees("Sent").await;
    ada.is_at("/card").await;
    assert_eq!(counts(), (forms.len() + 1, forms.len() + 1));
    ada.leaves().await;
}

#[tokio::test]
async fn c8_forms_of_htmx_2_are_proved_and_done_once() {
    forms_are_proved_and_done_once("htmx.org").await;
}

#[tokio::test]
async fn c8_forms_of_htmx_4_are_proved_and_done_once() {
    forms_are_proved_and_done_once("htmx4").await;
}

/// C8: who leaves the challenge, and who fails it, is told so, and nothing is done.
#[tokio::test]
async fn c8_a_challenge_of_htmx_that_is_left_is_told_from_one_that_failed() {
    for package in ["htmx.org", "htmx4"] {
        let (site, _emulator, ran) = shop(package).await;
        let ada = Visitor::arrive_at(site, json!({})).await;
        for button in ["Pay", "Pay by form", "Send", "Send in parts"] {
            ada.open("/cart").await;
            ada.sees("Cart").await;
            ada.click(button).await;
            ada.leaves_and_then_fails("Pay").await;
        }
        assert_eq!(ran.load(Ordering::SeqCst), 0);
        ada.leaves().await;
    }
}
