//! The application: all that differs between production and tests is in the builder that it gets.
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect};
use axum::routing::{get, post};
use axum::{Json, Router};
use axum_authsignal::{AuthsignalBuilder, AuthsignalLayer, ConfigError, Coverage, Unenrolled, User, Verdict};
use serde::{Deserialize, Serialize};

/// The shop behind a builder that says which Authsignal is asked, and where browsers reach the shop.
pub(crate) fn app(authsignal: AuthsignalBuilder) -> Result<Router, ConfigError> {
    let shop = Shop::default();
    let authsignal = authsignal
        .identify_with_state(shop.clone(), |State(shop): State<Shop>, headers: HeaderMap| async move {
            let (session, user) = shop.session(&headers)?;
            Some(User::new(user).session(session))
        })
        .build()?;
    let guard = |action| AuthsignalLayer::new(&authsignal, action);
    let settings = guard("settings").covers(Coverage::Action).remember(Duration::from_secs(600));
    Ok(Router::new()
        .route("/", get(overview))
        .route("/sign-in", post(sign_in))
        .route("/sign-out", post(sign_out))
        .route("/refund", post(refund).route_layer(guard("refund").unenrolled(Unenrolled::Deny)))
        .route("/settings", get(show_settings).post(change_settings).route_layer(settings))
        .route("/api/export", post(export).route_layer(guard("export")))
        .with_state(shop)
        .merge(authsignal.routes()))
}

async fn overview(State(shop): State<Shop>, headers: HeaderMap) -> Html<String> {
    let Some((_, user)) = shop.session(&headers) else {
        return Html(page(
            "Who are you?",
            r#"<form method="post" action="/sign-in"><input name="user"><button>Sign in</button></form>"#,
        ));
    };
    let form = r#"<form method="post" action="/refund"><input name="order"><input name="amount"><button>Refund</button></form>
        <p><a href="/settings">Settings</a></p><form method="post" action="/sign-out"><button>Sign out</button></form>"#;
    Html(page(&format!("Hello, {}", escaped(&user)), &format!("<p>Refunds: {}</p>{form}", shop.books().refunds.len())))
}

async fn sign_in(State(shop): State<Shop>, Form(SignIn { user }): Form<SignIn>) -> impl IntoResponse {
    let id = uuid::Uuid::new_v4().to_string();
    // `Strict`: no other site's link brings the session along. The way back from a challenge copes with that.
    let cookie = format!("shop={id}; HttpOnly; SameSite=Strict; Path=/");
    shop.books().sessions.insert(id, user);
    ([(header::SET_COOKIE, cookie)], Redirect::to("/"))
}

async fn sign_out(State(shop): State<Shop>, headers: HeaderMap) -> Redirect {
    if let Some((id, _)) = shop.session(&headers) {
        shop.books().sessions.remove(&id);
    }
    Redirect::to("/")
}

async fn refund(State(shop): State<Shop>, _: Verdict, Form(refund): Form<Refund>) -> Result<Redirect, StatusCode> {
    if refund.order == 0 || refund.amount == 0 {
        return Err(StatusCode::UNPROCESSABLE_ENTITY);
    }
    shop.books().refunds.push(refund);
    Ok(Redirect::to("/"))
}

async fn show_settings(State(shop): State<Shop>, _: Verdict) -> Html<String> {
    let email = escaped(&shop.books().email);
    let form = format!(r#"<form method="post"><input name="email" value="{email}"><button>Save</button></form>"#);
    Html(page("Settings", &form))
}

async fn change_settings(State(shop): State<Shop>, _: Verdict, Form(settings): Form<Settings>) -> Redirect {
    shop.books().email = settings.email;
    Redirect::to("/settings")
}

async fn export(State(shop): State<Shop>, _: Verdict, Json(export): Json<Export>) -> impl IntoResponse {
    Json(serde_json::json!({ "year": export.year, "refunds": shop.books().refunds }))
}

#[derive(Clone, Default)]
struct Shop(Arc<Mutex<Books>>);

#[derive(Default)]
struct Books {
    /// Users, by the id of their session.
    sessions: HashMap<String, String>,
    refunds: Vec<Refund>,
    email: String,
}

#[derive(Deserialize)]
struct SignIn {
    user: String,
}

#[derive(Clone, Deserialize, Serialize)]
struct Refund {
    order: u32,
    amount: u32,
}

#[derive(Deserialize)]
struct Settings {
    email: String,
}

#[derive(Deserialize)]
struct Export {
    year: u16,
}

impl Shop {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session that a request brings, with its user.
    fn session(&self, headers: &HeaderMap) -> Option<(String, String)> {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let id = cookies.flat_map(|all| all.split("; ")).find_map(|cookie| cookie.strip_prefix("shop="))?;
        self.books().sessions.get_key_value(id).map(|(id, user)| (id.clone(), user.clone()))
    }
}

fn page(title: &str, body: &str) -> String {
    format!("<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><h1>{title}</h1>{body}</html>")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
