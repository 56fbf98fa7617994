//! Protection against forged requests, both kinds: by what browsers say of a request (tower-http's `CsrfLayer`), and by a
//! token in each form (axum_csrf).
//!
//! Copy the order: `CsrfLayer` is the outermost, so that what was forged begins no challenge; the token is a field of the
//! form, checked by the handler behind the guard. A challenged form is kept with all its fields, and what is posted again is
//! what was approved, the token included.
use axum::Router;
use axum::extract::{Form, FromRef, State};
use axum::http::StatusCode;
use axum::response::{Html, Redirect};
use axum::routing::{get, post};
use axum_authsignal::{AuthsignalBuilder, AuthsignalLayer, ConfigError, Verdict};
use axum_csrf::{CsrfConfig, CsrfToken};
use serde::Deserialize;
use tower_http::csrf::CsrfLayer;
use tower_sessions::{MemoryStore, Session, SessionManagerLayer};

use crate::bank::{self, Bank};
use crate::with_tower_sessions::{identified, is_signed_in, logins};

pub(crate) fn app(authsignal: AuthsignalBuilder) -> Result<Router, ConfigError> {
    let authsignal = identified(authsignal).build()?;
    let state = AppState {
        bank: Bank::default(),
        // On several nodes the salt and the key are theirs together: `with_salt`, `with_key`.
        csrf: CsrfConfig::default().with_secure(true).with_prefix_with_host(true),
    };
    Ok(Router::new()
        .route("/", get(home))
        .route("/pay", post(pay).route_layer(AuthsignalLayer::new(&authsignal, "pay")))
        .with_state(state)
        .merge(logins())
        .merge(authsignal.routes())
        .layer(SessionManagerLayer::new(MemoryStore::default()))
        .layer(CsrfLayer::new()))
}

#[derive(Clone)]
struct AppState {
    bank: Bank,
    csrf: CsrfConfig,
}

impl FromRef<AppState> for CsrfConfig {
    fn from_ref(state: &AppState) -> Self {
        state.csrf.clone()
    }
}

async fn home(
    State(AppState { bank, .. }): State<AppState>,
    csrf: CsrfToken,
    session: Session,
) -> Result<(CsrfToken, Html<String>), StatusCode> {
    let token = csrf.authenticity_token().map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let field = format!("<input type=hidden name=authenticity_token value=\"{token}\">");
    let page = bank::page(&bank, is_signed_in(&session).await?, &field);
    Ok((csrf, page)) // The token sets its cookie.
}

#[derive(Deserialize)]
struct Payment {
    amount: u32,
    authenticity_token: String,
}

async fn pay(
    State(AppState { bank, .. }): State<AppState>,
    csrf: CsrfToken,
    _: Verdict,
    Form(payment): Form<Payment>,
) -> Result<Redirect, StatusCode> {
    csrf.verify(&payment.authenticity_token).map_err(|_| StatusCode::FORBIDDEN)?;
    if payment.amount > 0 {
        bank.add_payment();
    }
    Ok(Redirect::to("/"))
}

#[cfg(test)]
mod tests {
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

    #[tokio::test]
    async fn in_chromium() {
        way::in_chromium(super::app).await;
    }

    /// A proof is no substitute for the form's token.
    #[tokio::test]
    async fn a_form_with_another_token_is_not_paid_once_it_is_proved() {
        let browser = way::signed_in(super::app).await;
        let challenged = browser.post_form("/pay", [("amount", "10"), ("authenticity_token", "AAAA")]).await;
        challenged.prove().await.press("Continue").await.assert_status(403);
        browser.get("/").await.assert_text("Payments: 0");
    }

    #[tokio::test]
    async fn what_another_site_sends_begins_no_challenge() {
        let (site, emulator) = way::serve(super::app).await;
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let forged = client.post(format!("{site}/pay")).header("origin", "https://elsewhere.example");
        let answer = forged.header("sec-fetch-site", "cross-site").body("amount=10").send().await.unwrap();
        assert_eq!(answer.status(), 403);
        assert!(!answer.headers().contains_key("set-cookie"));
        assert!(emulator.actions("ada").is_empty());
    }
}
