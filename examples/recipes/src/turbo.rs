//! Turbo 8: forms, frames and streams.
//!
//! Nothing is needed but the layer: Turbo is led to the challenge in the place of the whole page. What a form sent is kept, and
//! posted again after the proof by a page of the layer's, as an ordinary form: copy that a handler for a frame or a stream
//! answers such a post with a page or a redirect.
use axum::Router;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum_authsignal::{AuthsignalBuilder, AuthsignalLayer, ConfigError, Verdict};
use tower_sessions::{MemoryStore, Session, SessionManagerLayer};

use crate::bank::{self, Bank, Payment};
use crate::with_tower_sessions::{identified, is_signed_in, logins};

pub(crate) fn app(authsignal: AuthsignalBuilder) -> Result<Router, ConfigError> {
    let authsignal = identified(authsignal).build()?;
    let guard = || AuthsignalLayer::new(&authsignal, "pay");
    Ok(Router::new()
        .route("/", get(home))
        .route("/turbo.js", get(async || bank::script("@hotwired/turbo/dist/turbo.es2017-esm.js")))
        .route("/pay", post(bank::pay).route_layer(guard()))
        .route("/pay/frame", post(pay_in_frame).route_layer(guard()))
        .route("/pay/stream", post(pay_by_stream).route_layer(guard()))
        .with_state(Bank::default())
        .merge(logins())
        .merge(authsignal.routes())
        .layer(SessionManagerLayer::new(MemoryStore::default())))
}

const FORMS: &str = "<form method=post action=/pay><label>Amount <input name=amount></label><button>Pay</button></form>\
     <turbo-frame id=box><form method=post action=/pay/frame><input type=hidden name=amount value=20>\
     <button>Pay 20 in a frame</button></form></turbo-frame>\
     <form method=post action=/pay/stream><input type=hidden name=amount value=30><button>Pay 30 by a stream</button></form>\
     <p id=streamed class=streamed></p><form method=post action=/logout><button>Sign out</button></form>";

async fn home(State(bank): State<Bank>, session: Session) -> Result<Html<String>, StatusCode> {
    let head = "<script type=module src=/turbo.js></script>";
    Ok(bank::page_with(head, &bank, is_signed_in(&session).await?, FORMS))
}

async fn pay_in_frame(State(bank): State<Bank>, headers: HeaderMap, _: Verdict, _: Form<Payment>) -> Response {
    bank.add_payment();
    if !headers.contains_key("turbo-frame") {
        return Redirect::to("/").into_response();
    }
    Html(format!("<turbo-frame id=box><p class=framed>Payments: {}</p></turbo-frame>", bank.payments())).into_response()
}

async fn pay_by_stream(State(bank): State<Bank>, headers: HeaderMap, _: Verdict, _: Form<Payment>) -> Response {
    const STREAM: &str = "text/vnd.turbo-stream.html";
    bank.add_payment();
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if !accept.contains(STREAM) {
        return Redirect::to("/").into_response();
    }
    let said = format!("Payments: {}", bank.payments());
    let stream = format!("<turbo-stream action=update target=streamed><template>{said}</template></turbo-stream>");
    ([(header::CONTENT_TYPE, STREAM)], stream).into_response()
}

#[cfg(test)]
mod tests {
    use authsignal_emulator::Outcome;
    use serde_json::json;
    use test_support::visitor::Visitor;

    use crate::way;

    #[tokio::test]
    async fn a_form_in_chromium() {
        way::in_chromium(super::app).await;
    }

    #[tokio::test]
    async fn frames_and_streams_in_chromium() {
        let (site, emulator) = way::serve(super::app).await;
        let ada = Visitor::arrive_at(site, json!({})).await;
        way::signs_in(&ada).await;
        // What is allowed is answered in its place.
        emulator.set_outcome("pay", Outcome::Allow);
        ada.click("Pay 20 in a frame").await;
        ada.reads(".framed", "Payments: 1").await;
        ada.click("Pay 30 by a stream").await;
        ada.reads(".streamed", "Payments: 2").await;
        ada.sees("Payments: 0").await;

        emulator.set_outcome("pay", Outcome::Challenge);
        ada.open("/").await;
        for (button, paid) in [("Pay 20 in a frame", "Payments: 3"), ("Pay 30 by a stream", "Payments: 4")] {
            ada.click(button).await;
            ada.sees("Pay").await;
            ada.click("Cancel").await;
            ada.sees("Not confirmed yet").await;
            ada.click("Try again").await;
            ada.confirms("Pay").await;
            ada.sees("One last step").await;
            ada.click("Continue").await;
            ada.sees(paid).await;
            ada.is_at("/").await;
        }
        ada.leaves().await;
    }
}
