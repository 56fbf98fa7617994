//! A single-page application, whose calls are proved in a popup beside the page: the module `stepUp`, plain TypeScript, a
//! strict content security policy.
//!
//! Copy `spa/app.ts` (`npx tsc -p examples/recipes/src/spa` makes `app.js` of it, with the module's types) and the headers of the
//! page. The application serves the module itself, at `step-up.js` below its callback.
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{Html, IntoResponse};
use axum::routing::{get, post};
use axum::{Json, Router};
use axum_authsignal::{AuthsignalBuilder, AuthsignalLayer, ConfigError, Verdict};
use serde_json::{Value, json};
use tower_sessions::{MemoryStore, Session, SessionManagerLayer};

use crate::bank::{Bank, Payment};
use crate::with_tower_sessions::{identified, is_signed_in, logins};

/// Scripts and calls of the page's own alone. A challenge in a `dialog` needs `frame-src` for its host besides.
const POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; form-action 'none'; \
                      frame-ancestors 'none'; base-uri 'none'";

const HEADERS: [(HeaderName, &str); 2] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    // With `same-origin` the page would not see its popup; then the dialog is what is left.
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin-allow-popups"),
];

pub(crate) fn app(authsignal: AuthsignalBuilder) -> Result<Router, ConfigError> {
    let authsignal = identified(authsignal).build()?;
    let page = get(async || (HEADERS, Html(include_str!("spa/index.html"))));
    let script = get(async || ([(header::CONTENT_TYPE, "text/javascript")], include_str!("spa/app.js")));
    Ok(Router::new()
        // Calls that the page makes at once share its browser's id.
        .route("/", page.layer(authsignal.browser_layer()))
        .route("/app.js", script)
        .route("/favicon.ico", get(StatusCode::NO_CONTENT))
        .route("/api/account", get(account))
        .route("/api/pay", post(pay).route_layer(AuthsignalLayer::new(&authsignal, "pay")))
        .with_state(Bank::default())
        .merge(logins())
        .merge(authsignal.routes())
        .layer(SessionManagerLayer::new(MemoryStore::default())))
}

async fn account(State(bank): State<Bank>, session: Session) -> Result<Json<Value>, StatusCode> {
    is_signed_in(&session).await?.then(|| account_of(&bank)).ok_or(StatusCode::UNAUTHORIZED)
}

async fn pay(State(bank): State<Bank>, _: Verdict, Json(Payment { amount }): Json<Payment>) -> impl IntoResponse {
    if amount == 0 {
        return Err(StatusCode::UNPROCESSABLE_ENTITY);
    }
    bank.add_payment();
    Ok(account_of(&bank))
}

fn account_of(bank: &Bank) -> Json<Value> {
    Json(json!({ "payments": bank.payments() }))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use axum_authsignal::RefusalReason::Unauthenticated;
    use axum_authsignal_testing::{Outcome, Page, TestAuthsignal};
    use serde_json::json;
    use test_support::processes::root;
    use test_support::visitor::Visitor;

    use crate::way;

    async fn challenged() -> Page {
        let authsignal = TestAuthsignal::new().enroll("ada").outcome("pay", Outcome::Challenge);
        let browser = authsignal.browser(super::app(authsignal.builder()).unwrap());
        browser.post_form("/login", [("user", "ada")]).await;
        browser.fetch_json("/api/pay", &json!({ "amount": 10 })).await.assert_challenged("pay")
    }

    #[tokio::test]
    async fn a_call_is_repeated_with_the_token_and_the_next_one_is_challenged() {
        let challenged = challenged().await;
        let paid = challenged.repeat_with_token().await.assert_verified();
        assert_eq!(paid.json(), json!({ "payments": 1 }));
        // The same once more is another payment.
        challenged.repeat().await.assert_challenged("pay");
    }

    #[tokio::test]
    async fn a_logout_ends_what_was_approved() {
        let challenged = challenged().await;
        challenged.browser().post_form("/logout", way::NOTHING).await;
        challenged.repeat_with_token().await.assert_refused(&Unauthenticated);
    }

    /// Asks to pay, and does this in the popup: what the page says then.
    async fn pays(ada: &Visitor, amount: &str, press: &str, says: &str) {
        let page = ada.tab().await;
        way::pays(ada, amount).await;
        ada.goes_to_the_window_beside(&page).await;
        if press == "Confirm" {
            ada.confirms("Pay").await
        } else {
            ada.click(press).await
        }
        ada.goes_to(&page).await;
        ada.reads(".said", says).await;
    }

    #[tokio::test]
    async fn in_chromium() {
        let (site, _emulator) = way::serve(super::app).await;
        let ada = Visitor::arrive_blocking_popups_at(site).await;
        way::signs_in(&ada).await;
        pays(&ada, "10", "Cancel", "Cancelled, and nothing was paid").await;
        pays(&ada, "10", "Fail this challenge", "That was not you, and nothing was paid").await;
        ada.sees("Payments: 0").await;
        pays(&ada, "10", "Confirm", "Paid").await;
        ada.sees("Payments: 1").await;
        ada.is_at("/").await;
        assert_eq!(ada.browser.windows().await.unwrap().len(), 1, "the popup is closed");
        // The same once more is another payment, and is proved anew.
        pays(&ada, "10", "Confirm", "Paid").await;
        ada.sees("Payments: 2").await;
        ada.leaves().await;
    }

    /// What is served is what is written, and it is what the module's types allow.
    #[test]
    fn the_script_is_what_the_compiler_makes_of_it() {
        let out = std::env::temp_dir().join(format!("recipes-spa-{}", std::process::id()));
        let mut tsc = Command::new(root().join("node_modules/.bin/tsc"));
        let made =
            tsc.arg("-p").arg(root().join("examples/recipes/src/spa")).arg("--outDir").arg(&out).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));
        let script = std::fs::read_to_string(out.join("app.js")).unwrap();
        std::fs::remove_dir_all(&out).unwrap();
        assert_eq!(script, include_str!("spa/app.js"), "run `npx tsc -p examples/recipes/src/spa`");
    }
}
