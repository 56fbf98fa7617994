//! axum-login 0.18, with the tower-sessions that it is made for: 0.14.
//!
//! Copy the closure of `identify`, and the order: everything that needs to know who is asking is inside `AuthManagerLayer`,
//! the callback (`authsignal.routes()`) too.
use std::convert::Infallible;

use axum::Router;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{Html, Redirect};
use axum::routing::{get, post};
use axum_authsignal::{AuthsignalBuilder, AuthsignalLayer, ConfigError, User};
use axum_login::tower_sessions::{MemoryStore, SessionManagerLayer};
use axum_login::{AuthManagerLayerBuilder, AuthUser, AuthnBackend};

use crate::bank::{self, Bank, Login};

pub(crate) fn app(authsignal: AuthsignalBuilder) -> Result<Router, ConfigError> {
    let sessions = SessionManagerLayer::new(MemoryStore::default());
    let authsignal = authsignal
        .identify(|auth: AuthSession| async move {
            // The session's id ends with a logout, and so does what was approved in it.
            let session = auth.session.id()?;
            Some(User::new(auth.user?.name).session(session.to_string()))
        })
        .build()?;
    Ok(Router::new()
        .route("/", get(home))
        .route("/login", post(login))
        .route("/logout", post(logout))
        .route("/pay", post(bank::pay).route_layer(AuthsignalLayer::new(&authsignal, "pay")))
        .with_state(Bank::default())
        .merge(authsignal.routes())
        .layer(AuthManagerLayerBuilder::new(Users, sessions).build()))
}

type AuthSession = axum_login::AuthSession<Users>;

async fn home(State(bank): State<Bank>, auth: AuthSession) -> Html<String> {
    bank::page(&bank, auth.user.is_some(), "")
}

async fn login(mut auth: AuthSession, Form(login): Form<Login>) -> Result<Redirect, StatusCode> {
    let user = auth.authenticate(login).await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    // Gives the session another id, unless somebody is signed in already.
    auth.login(&user.ok_or(StatusCode::UNAUTHORIZED)?).await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(Redirect::to("/"))
}

async fn logout(mut auth: AuthSession) -> Result<Redirect, StatusCode> {
    auth.logout().await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(Redirect::to("/"))
}

#[derive(Clone)]
struct Users;

#[derive(Clone, Debug)]
struct Account {
    name: String,
}

impl AuthUser for Account {
    type Id = String;

    fn id(&self) -> String {
        self.name.clone()
    }

    fn session_auth_hash(&self) -> &[u8] {
        b"the hash of the password: a change of it ends the user's sessions"
    }
}

impl AuthnBackend for Users {
    type User = Account;
    type Credentials = Login;
    type Error = Infallible;

    async fn authenticate(&self, login: Login) -> Result<Option<Account>, Infallible> {
        self.get_user(&login.user).await
    }

    async fn get_user(&self, name: &String) -> Result<Option<Account>, Infallible> {
        Ok(bank::is_user(name).then(|| Account { name: name.clone() }))
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use axum_authsignal::RefusalReason::{OtherUser, Unauthenticated};
    use axum_authsignal::{AuthsignalLayer, User};
    use axum_authsignal_testing::TestAuthsignal;

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

    /// axum-login gives a session another id only where nobody was signed in: what waits is still this session's.
    #[tokio::test]
    async fn a_login_in_the_middle_keeps_the_flow() {
        let browser = way::signed_in(super::app).await;
        let challenged = way::asks_to_pay(&browser).await;
        browser.post_form("/login", [("user", "ada")]).await;
        challenged.prove().await.press("Continue").await.assert_verified().assert_text("Payments: 1");
    }

    #[tokio::test]
    async fn a_logout_and_a_login_in_the_middle_end_the_flow() {
        let browser = way::signed_in(super::app).await;
        let challenged = way::asks_to_pay(&browser).await;
        browser.post_form("/logout", way::NOTHING).await;
        let back = challenged.prove().await.assert_refused(&Unauthenticated);
        browser.post_form("/login", [("user", "ada")]).await;
        back.repeat().await.assert_refused(&OtherUser).press("Continue").await.assert_text("Payments: 0");
    }

    /// Why versions have to go together: the session of another tower-sessions is none, and nobody gets through.
    #[tokio::test]
    async fn the_session_of_another_version_is_none() {
        let service = TestAuthsignal::new();
        let identified =
            |session: axum_login::tower_sessions::Session| async move { session.id().map(|_| User::new("ada")) };
        let authsignal = service.builder().identify(identified).build().unwrap();
        let guarded = get(async || "seen").route_layer(AuthsignalLayer::new(&authsignal, "see"));
        let other = tower_sessions::SessionManagerLayer::new(tower_sessions::MemoryStore::default());
        let app = Router::new().route("/", guarded).layer(other);
        service.browser(app).get("/").await.assert_status(500).assert_text("Is `SessionManagerLayer` enabled?");
    }
}
