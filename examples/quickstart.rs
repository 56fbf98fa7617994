//! A small bank that asks for one more proof where a session is not enough.
//!
//! `cargo run --example quickstart`, then open the URL that it prints; `PORT` chooses the port. Nothing leaves your
//! machine: an emulator plays Authsignal. With `AUTHSIGNAL_API_SECRET_KEY` set, the bank asks the real service instead,
//! by the rules that you set there for the actions below.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "it says where it listens; no lock is ever poisoned")]

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use askama::Template;
use authsignal_emulator::{Emulator, Outcome};
use axum::extract::{Form, FromRequestParts, Path, State};
use axum::http::{StatusCode, header, request::Parts};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, Router, get, post};
use axum_authsignal::{Action, Authsignal, AuthsignalLayer, Client, Grounds, Unenrolled, User, Verdict, VerdictFor};
use tracing_subscriber::filter::LevelFilter;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Warnings and errors, such as what the real service says to a wrong key.
    tracing_subscriber::fmt().with_max_level(LevelFilter::WARN).with_writer(std::io::stderr).init();
    let port = std::env::var("PORT").map_or(Ok(0), |port| port.parse())?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let url = format!("http://localhost:{}", listener.local_addr()?.port());

    let emulator = Emulator::start().await?; // It stops when it is dropped.
    emulator.user("ada").enroll_email_otp("ada@example.com");
    emulator.user("alan").enroll_email_otp("alan@example.com");
    emulator.set_outcome("view-balance", Outcome::Allow);
    emulator.set_outcome("close-account", Outcome::Block);
    let real = std::env::var_os("AUTHSIGNAL_API_SECRET_KEY").is_some();
    let client = if real { Client::from_env()? } else { emulator.client() };

    let bank = Bank::default();
    let authsignal = Authsignal::builder(client)
        .callback_url(format!("{url}/authsignal/callback"))
        .with_insecure_cookies() // Plain HTTP, on this machine only.
        .identify_with_state(bank.clone(), |session: Session| async move {
            User::new(session.user).session(session.id).email(format!("{}@example.com", session.user))
        })
        .build()?;
    let guard = |action| AuthsignalLayer::new(&authsignal, action);
    let ten_minutes = Duration::from_secs(600);

    let app = Router::new()
        .route("/", get(home))
        .route("/sign-in/{user}", post(sign_in))
        .route("/sign-out", post(sign_out))
        .route("/balance", page("Your balance").route_layer(guard("view-balance")))
        .route("/card", page("Your card").route_layer(guard("view-card")))
        .route("/statement", page("Your statement").route_layer(guard("view-statement").remember(ten_minutes)))
        .route("/limit", page("Your limit").route_layer(guard("view-limit").unenrolled(Unenrolled::Enrol)))
        .route("/close", page("Account closed").route_layer(guard("close-account")))
        .route("/transfer", post(transfer).route_layer(AuthsignalLayer::for_action::<Sending>(&authsignal)))
        .with_state(bank)
        .merge(authsignal.routes());
    println!("The bank is open: {url}");
    Ok(axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?)
}

async fn home(session: Result<Session, Redirect>) -> Page {
    Page { title: "Welcome", session: session.ok(), verdict: None }
}

fn page(title: &'static str) -> MethodRouter<Bank> {
    get(async move |session, verdict| Page { title, session: Some(session), verdict: Some(verdict) })
}

/// Sending money. Its handler does not run behind the layer of any other action.
struct Sending;

impl Action for Sending {
    const CODE: &'static str = "transfer";
}

async fn transfer(session: Session, verdict: VerdictFor<Sending>, Form(transfer): Form<Transfer>) -> Page {
    session.bank.lock().unwrap().transfers.push((session.user, transfer));
    Page { title: "Money sent", session: Some(session), verdict: Some(verdict.into_verdict()) }
}

async fn sign_in(State(bank): State<Bank>, Path(user): Path<String>) -> Result<impl IntoResponse, StatusCode> {
    let user = ["ada", "alan", "grace"].into_iter().find(|known| user == *known).ok_or(StatusCode::NOT_FOUND)?;
    let id = uuid::Uuid::new_v4().to_string();
    // `Strict`: no other site's link brings the session along. The way back from a challenge copes with that.
    let cookie = format!("bank={id}; HttpOnly; SameSite=Strict; Path=/");
    bank.lock().unwrap().sessions.insert(id, user);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/")))
}

async fn sign_out(session: Session) -> Redirect {
    session.bank.lock().unwrap().sessions.remove(&session.id);
    Redirect::to("/")
}

type Bank = Arc<Mutex<Books>>;
#[derive(Default)]
struct Books {
    sessions: HashMap<String, &'static str>,
    transfers: Vec<(&'static str, Transfer)>,
}
#[derive(Clone, serde::Deserialize)]
struct Transfer {
    to: String,
    amount: u16,
}
struct Session {
    id: String,
    user: &'static str,
    bank: Bank,
}

impl Session {
    fn transfers(&self) -> Vec<Transfer> {
        let books = self.bank.lock().unwrap();
        books.transfers.iter().filter(|(user, _)| *user == self.user).map(|(_, transfer)| transfer.clone()).collect()
    }
}

impl FromRequestParts<Bank> for Session {
    type Rejection = Redirect;

    async fn from_request_parts(parts: &mut Parts, bank: &Bank) -> Result<Self, Redirect> {
        let cookies = parts.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let id = cookies.flat_map(|all| all.split("; ")).find_map(|cookie| cookie.strip_prefix("bank="));
        let session =
            id.and_then(|id| bank.lock().unwrap().sessions.get_key_value(id).map(|(id, user)| (id.clone(), *user)));
        let (id, user) = session.ok_or(Redirect::to("/"))?;
        Ok(Self { id, user, bank: bank.clone() })
    }
}

#[derive(Template)]
#[template(path = "quickstart.html")]
struct Page {
    title: &'static str,
    session: Option<Session>,
    verdict: Option<Verdict>,
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        match self.render() {
            Ok(html) => ([(header::CACHE_CONTROL, "no-store")], Html(html)).into_response(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}
