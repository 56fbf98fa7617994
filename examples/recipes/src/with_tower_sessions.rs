//! tower-sessions 0.15 alone: who is signed in is a value in the session.
//!
//! Copy `identify`, `cycle_id` at the login, and the order: everything that needs to know who is asking is inside
//! `SessionManagerLayer`, the callback (`authsignal.routes()`) too. The recipes that are about something else take this one's
//! sessions.
use axum::Router;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{Html, Redirect};
use axum::routing::{get, post};
use axum_authsignal::{AuthsignalBuilder, AuthsignalLayer, ConfigError, User};
use tower_sessions::session::Error;
use tower_sessions::{MemoryStore, Session, SessionManagerLayer};

use crate::bank::{self, Bank, Login};

const USER: &str = "user";

pub(crate) fn app(authsignal: AuthsignalBuilder) -> Result<Router, ConfigError> {
    let authsignal = identified(authsignal).build()?;
    Ok(Router::new()
        .route("/", get(home))
        .route("/pay", post(bank::pay).route_layer(AuthsignalLayer::new(&authsignal, "pay")))
        .with_state(Bank::default())
        .merge(logins())
        .merge(authsignal.routes())
        // `SameSite=Strict` and `Secure` by default, which the way back from a challenge copes with.
        .layer(SessionManagerLayer::new(MemoryStore::default())))
}

/// Who is asking, by the session.
pub(crate) fn identified(authsignal: AuthsignalBuilder) -> AuthsignalBuilder {
    authsignal.identify(|session: Session| async move {
        let user: Option<String> = session.get(USER).await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
        // The session's id ends with a logout, and so does what was approved in it.
        let signed_in = user.zip(session.id());
        Ok::<_, StatusCode>(signed_in.map(|(user, id)| User::new(user).session(id.to_string())))
    })
}

pub(crate) fn logins<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/login", post(login)).route("/logout", post(logout))
}

async fn home(State(bank): State<Bank>, session: Session) -> Result<Html<String>, StatusCode> {
    Ok(bank::page(&bank, is_signed_in(&session).await?, ""))
}

pub(crate) async fn is_signed_in(session: &Session) -> Result<bool, StatusCode> {
    Ok(session.get_value(USER).await.map_err(unavailable)?.is_some())
}

async fn login(session: Session, Form(Login { user }): Form<Login>) -> Result<Redirect, StatusCode> {
    if !bank::is_user(&user) {
        return Err(StatusCode::UNAUTHORIZED);
    }
    // Another id than before, so that nobody signs in with one that somebody else has given them.
    session.cycle_id().await.map_err(unavailable)?;
    session.insert(USER, user).await.map_err(unavailable)?;
    Ok(Redirect::to("."))
}

async fn logout(session: Session) -> Result<Redirect, StatusCode> {
    session.flush().await.map_err(unavailable)?;
    Ok(Redirect::to("."))
}

fn unavailable(_: Error) -> StatusCode {
    StatusCode::SERVICE_UNAVAILABLE
}

#[cfg(test)]
mod tests {
    use axum_authsignal::RefusalReason::OtherUser;

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

    /// `cycle_id` in the middle of a challenge: the session is another, and what waits is not its.
    #[tokio::test]
    async fn a_login_in_the_middle_ends_the_flow() {
        let browser = way::signed_in(super::app).await;
        let challenged = way::asks_to_pay(&browser).await;
        browser.post_form("/login", [("user", "ada")]).await;
        challenged.prove().await.assert_refused(&OtherUser).press("Continue").await.assert_text("Payments: 0");
    }
}
