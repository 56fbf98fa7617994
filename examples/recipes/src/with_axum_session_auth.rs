//! axum_session_auth 0.22, on axum_session 0.22.
//!
//! Copy the closure of `identify`, and the order of the layers: `SessionLayer` is the outermost, inside it
//! `AuthSessionLayer`, inside that the guard and the callback (`authsignal.routes()`).
use axum::Router;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{Html, Redirect};
use axum::routing::{get, post};
use axum_authsignal::{AuthsignalBuilder, AuthsignalLayer, ConfigError, User};
use axum_session::{SessionConfig, SessionLayer, SessionNullPool, SessionStore};
use axum_session_auth::{AuthSessionLayer, Authentication};

use crate::bank::{self, Bank, Login};

/// There is no database here: the pool that sessions are kept in and the one that users are loaded from are `SessionNullPool`.
type AuthSession = axum_session_auth::AuthSession<Account, String, SessionNullPool, SessionNullPool>;
type AuthLayer = AuthSessionLayer<Account, String, SessionNullPool, SessionNullPool>;

pub(crate) fn app(
    authsignal: AuthsignalBuilder,
    sessions: SessionStore<SessionNullPool>,
) -> Result<Router, ConfigError> {
    let authsignal = authsignal
        .identify(|auth: AuthSession| async move {
            // `current_user` may be a guest. A logout gives the session another id, which ends what was approved.
            let user = auth.is_authenticated().then(|| User::new(&auth.id));
            user.map(|user| user.session(auth.session.get_session_id()))
        })
        .build()?;
    Ok(Router::new()
        .route("/", get(home))
        .route("/login", post(login))
        .route("/logout", post(logout))
        .route("/pay", post(bank::pay).route_layer(AuthsignalLayer::new(&authsignal, "pay")))
        .with_state(Bank::default())
        .merge(authsignal.routes())
        .layer(AuthLayer::new(None))
        .layer(SessionLayer::new(sessions)))
}

/// For `SessionStore::new(None, config())`. Its cookie is not `Secure` by default.
pub(crate) fn config() -> SessionConfig {
    SessionConfig::default().with_secure(true)
}

async fn home(State(bank): State<Bank>, auth: AuthSession) -> Html<String> {
    bank::page(&bank, auth.is_authenticated(), "")
}

async fn login(auth: AuthSession, Form(Login { user }): Form<Login>) -> Result<Redirect, StatusCode> {
    if !bank::is_user(&user) {
        return Err(StatusCode::UNAUTHORIZED);
    }
    auth.login_user(user); // Gives the session another id, also where somebody is signed in already.
    Ok(Redirect::to("/"))
}

async fn logout(auth: AuthSession) -> Redirect {
    auth.logout_user();
    Redirect::to("/")
}

#[derive(Clone, Debug)]
pub(crate) struct Account;

#[async_trait::async_trait]
impl Authentication<Self, String, SessionNullPool> for Account {
    async fn load_user(name: String, _: Option<&SessionNullPool>) -> anyhow::Result<Self> {
        anyhow::ensure!(bank::is_user(&name), "no such user");
        Ok(Self)
    }

    fn is_authenticated(&self) -> bool {
        true
    }

    fn is_active(&self) -> bool {
        true
    }

    fn is_anonymous(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use axum_authsignal::RefusalReason::OtherUser;
    use axum_session::SessionStore;

    use super::{app, config};
    use crate::way::{self, App};

    async fn recipe() -> impl App {
        let sessions = SessionStore::new(None, config()).await.unwrap();
        |authsignal| app(authsignal, sessions)
    }

    #[tokio::test]
    async fn a_payment_is_proved_and_made_once() {
        way::pays_once(recipe().await).await;
    }

    #[tokio::test]
    async fn a_logout_ends_what_was_approved() {
        way::a_logout_ends_what_was_approved(recipe().await).await;
    }

    #[tokio::test]
    async fn cancel_leads_back() {
        way::cancel_leads_back(recipe().await).await;
    }

    #[tokio::test]
    async fn in_chromium() {
        way::in_chromium(recipe().await).await;
    }

    #[tokio::test]
    async fn a_login_in_the_middle_ends_the_flow() {
        let browser = way::signed_in(recipe().await).await;
        let challenged = way::asks_to_pay(&browser).await;
        browser.post_form("/login", [("user", "ada")]).await;
        challenged.prove().await.assert_refused(&OtherUser).press("Continue").await.assert_text("Payments: 0");
    }
}
