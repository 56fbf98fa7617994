//! `action.verify`: Authsignal asks once more before a proof counts, and the application can say no.
//!
//! Copy `verify`, and where its route is added: outside the sessions and every guard, since nobody is signed in there, and
//! the signature is the proof. Tell Authsignal its address in the portal, at the action, as its verification webhook.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use axum::response::Html;
use axum::routing::{get, post};
use axum_authsignal::webhook::{Delivery, EventData, Webhook};
use axum_authsignal::{AuthsignalBuilder, AuthsignalLayer, ConfigError};
use tower_sessions::{MemoryStore, Session, SessionManagerLayer};

use crate::bank::{self, Bank};
use crate::with_tower_sessions::{identified, is_signed_in, logins};

pub(crate) fn app(authsignal: AuthsignalBuilder) -> Result<Router, ConfigError> {
    let authsignal = identified(authsignal).build()?;
    // Of the client, so that its API key is what signatures are checked with.
    let hooks = Hooks { webhook: Webhook::from(authsignal.client()), is_frozen: Arc::default() };
    Ok(Router::new()
        .route("/", get(home))
        .route("/pay", post(bank::pay).route_layer(AuthsignalLayer::new(&authsignal, "pay")))
        .with_state(Bank::default())
        .route("/freeze", post(freeze).with_state(hooks.clone()))
        .merge(logins())
        .merge(authsignal.routes())
        .layer(SessionManagerLayer::new(MemoryStore::default()))
        .route("/webhooks/authsignal", post(verify).with_state(hooks)))
}

/// Answer soon, and with 200: anything else is a no.
async fn verify(State(hooks): State<Hooks>, delivery: Delivery) -> StatusCode {
    for event in delivery {
        match event.data {
            EventData::ActionVerify(_) if hooks.is_frozen.load(Ordering::Relaxed) => return StatusCode::FORBIDDEN,
            // What cannot be read was looked at by nobody.
            EventData::Unknown(event) if event.kind == "action.verify" => return StatusCode::FORBIDDEN,
            // Other events, also those that this version does not know.
            _ => {}
        }
    }
    StatusCode::OK
}

#[derive(Clone)]
struct Hooks {
    webhook: Webhook,
    /// Whether payments are frozen. In an application this is asked about the event's `user_id`.
    is_frozen: Arc<AtomicBool>,
}

/// What `Delivery` needs.
impl FromRef<Hooks> for Webhook {
    fn from_ref(hooks: &Hooks) -> Self {
        hooks.webhook.clone()
    }
}

async fn freeze(State(hooks): State<Hooks>) -> Html<String> {
    hooks.is_frozen.store(true, Ordering::Relaxed);
    bank::document("", "Payments are frozen", "")
}

async fn home(State(bank): State<Bank>, session: Session) -> Result<Html<String>, StatusCode> {
    let freeze = "<button formaction=freeze formnovalidate>Freeze payments</button>";
    Ok(bank::page(&bank, is_signed_in(&session).await?, freeze))
}

#[cfg(test)]
mod tests {
    use axum_authsignal::webhook::{SIGNATURE_HEADER, Webhook};
    use serde_json::json;
    use test_support::visitor::Visitor;

    use crate::way;

    #[tokio::test]
    async fn a_payment_is_proved_and_made_once() {
        way::pays_once(super::app).await;
    }

    #[tokio::test]
    async fn a_logout_ends_what_was_approved() {
        way::a_logout_ends_what_was_approved(super::app).await;
    }

    #[tokio::test]
    async fn cancel_leads_back() {
        way::cancel_leads_back(super::app).await;
    }

    /// A proof counts, until payments are frozen; what is frozen while its challenge is open is not paid.
    #[tokio::test]
    async fn a_proof_counts_unless_the_application_says_no() {
        let (site, emulator) = way::serve(super::app).await;
        emulator.send_webhooks(None, None, &[("pay", &format!("{site}/webhooks/authsignal"))]).unwrap();
        let ada = Visitor::arrive_at(site, json!({})).await;
        way::signs_in(&ada).await;
        way::pays(&ada, "10").await;
        ada.confirms("Pay").await;
        ada.sees("One last step").await;
        ada.click("Continue").await;
        ada.sees("Payments: 1").await;

        way::pays(&ada, "20").await;
        ada.sees("Pay").await;
        let challenge = ada.tab().await;
        ada.opens_a_tab().await;
        ada.open("/").await;
        ada.click("Freeze payments").await;
        ada.sees("Payments are frozen").await;
        ada.goes_to(&challenge).await;
        ada.confirms("Pay").await;
        ada.reads(".problem", "The application didn’t accept this").await;
        ada.click("Cancel").await;
        ada.sees("Not confirmed yet").await;
        ada.click("Cancel").await;
        ada.sees("Payments: 1").await;
        let asked = emulator.webhooks();
        assert_eq!(asked.iter().map(|sent| &*sent.kind).collect::<Vec<_>>(), ["action.verify"; 2]);
        ada.leaves().await;
    }

    #[tokio::test]
    async fn what_authsignal_did_not_sign_is_not_heard() {
        let (site, _emulator) = way::serve(super::app).await;
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let forged = || client.post(format!("{site}/webhooks/authsignal")).body("{}");
        assert_eq!(forged().send().await.unwrap().status(), 400);
        let theirs = Webhook::new("the-key-of-somebody-else").unwrap().sign(b"{}");
        assert_eq!(forged().header(SIGNATURE_HEADER, theirs).send().await.unwrap().status(), 401);
    }
}
