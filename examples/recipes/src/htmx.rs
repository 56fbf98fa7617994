//! htmx: boosted forms, and `hx-post` into a part of the page.
//!
//! Nothing is needed but the layer: htmx is led to the challenge by `HX-Redirect`. What a boosted form sent is kept, and posted
//! again after the proof by a page of the layer's, as an ordinary form: copy that the handler answers such a post with a page
//! or a redirect. What an `hx-post` sent has its answer in the page that it was on, so its user sends it again from there, and
//! it passes.
use axum::Router;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::Html;
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
        .route("/htmx.js", get(async || bank::script("htmx.org/dist/htmx.min.js")))
        .route("/pay", post(bank::pay).route_layer(guard()))
        .route("/pay/here", post(pay_here).route_layer(guard()))
        .with_state(Bank::default())
        .merge(logins())
        .merge(authsignal.routes())
        .layer(SessionManagerLayer::new(MemoryStore::default())))
}

/// The bank's own form, boosted, and one that changes the heading alone.
const FORMS: &str = "<form hx-post=/pay/here hx-target=h1><input type=hidden name=amount value=20><button>Pay 20 here</button>\
                     </form><form hx-boost=true method=post action=/pay><label>Amount <input name=amount></label>\
                     <button>Pay</button></form><form method=post action=/logout><button>Sign out</button></form>";

async fn home(State(bank): State<Bank>, session: Session) -> Result<Html<String>, StatusCode> {
    let head = "<script src=/htmx.js></script>";
    Ok(bank::page_with(head, &bank, is_signed_in(&session).await?, FORMS))
}

async fn pay_here(State(bank): State<Bank>, _: Verdict, Form(payment): Form<Payment>) -> Html<String> {
    bank.add_payment();
    Html(format!("Payments: {}, the last one of {}", bank.payments(), payment.amount))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use test_support::visitor::Visitor;

    use crate::way;

    #[tokio::test]
    async fn a_boosted_form_in_chromium() {
        way::in_chromium(super::app).await;
    }

    #[tokio::test]
    async fn a_part_of_the_page_in_chromium() {
        let (site, _emulator) = way::serve(super::app).await;
        let ada = Visitor::arrive_at(site, json!({})).await;
        way::signs_in(&ada).await;
        ada.click("Pay 20 here").await;
        ada.sees("Pay").await;
        ada.click("Cancel").await;
        ada.sees("Not confirmed yet").await;
        ada.click("Cancel").await;
        ada.sees("Payments: 0").await;

        ada.click("Pay 20 here").await;
        ada.confirms("Pay").await;
        ada.sees("One last step").await;
        ada.click("Continue").await;
        ada.sees("Payments: 0").await;
        ada.is_at("/").await;
        ada.click("Pay 20 here").await;
        ada.sees("Payments: 1, the last one of 20").await;
        ada.click("Pay 20 here").await;
        ada.sees("Pay").await;
        ada.open("/").await;
        ada.sees("Payments: 1").await;
        ada.leaves().await;
    }
}
