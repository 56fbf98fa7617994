//! One node of an application whose payments have to be proved. All that it shares with others is in the store.
//!
//! Its environment says where the store is (`STORE`) and by which secrets records are sealed (`SECRET`, `OLDER_SECRETS`); the
//! client takes its own. It prints where it listens, and ends when its input does.
#![expect(clippy::print_stdout, reason = "it says where it listens")]

use std::error::Error;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use authsignal_store_redis::RedisStore;
use authsignal_store_redis::redis::sentinel::{SentinelClient, SentinelServerType};
use authsignal_store_sqlx::sqlx::{PgPool, SqlitePool};
use authsignal_store_sqlx::{PostgresStore, SqliteStore};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Form, Router};
use axum_authsignal::{Authsignal, AuthsignalLayer, Client, User, Verdict};
use serde::Deserialize;

/// The payments that this node has made.
type Paid = Arc<Mutex<Vec<u32>>>;

#[derive(Deserialize)]
struct Payment {
    id: u32,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let var = |name: &str| std::env::var(name).map_err(|error| format!("{name}: {error}"));
    // Browsers reach every node at one address.
    let mut builder = Authsignal::builder(Client::from_env()?)
        .callback_url("http://localhost/callback")
        .with_insecure_cookies()
        .challenge_budget(10_000, Duration::from_secs(60))
        // An application asks its session; here a test says who it is.
        .identify(|headers: HeaderMap| async move {
            let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok().map(str::to_owned));
            let user = User::new(said("x-user")?);
            Some(match said("x-session") {
                Some(session) => user.session(session),
                None => user,
            })
        })
        .secret(var("SECRET")?);
    for older in var("OLDER_SECRETS").unwrap_or_default().split(',').filter(|older| !older.is_empty()) {
        builder = builder.older_secret(older);
    }
    let store = var("STORE")?;
    let authsignal = if let Some(sentinel) = store.strip_prefix("sentinel:") {
        let client = SentinelClient::build(vec![sentinel], String::from("flows"), None, SentinelServerType::Master)?;
        builder.store(RedisStore::from_sentinel(client)).build()?
    } else if store.starts_with("redis:") {
        builder.store(RedisStore::new(&store)?).build()?
    } else if store.starts_with("sqlite:") {
        let store = SqliteStore::new(SqlitePool::connect(&store).await?);
        store.migrate().await?;
        builder.store(store).build()?
    } else {
        let store = PostgresStore::new(PgPool::connect(&store).await?);
        store.migrate().await?;
        builder.store(store).build()?
    };

    let (paid, handle) = (Paid::default(), authsignal.clone());
    let sign_out = |headers: HeaderMap| async move {
        let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        handle
            .forget(said("x-user"), said("x-session"))
            .await
            .map_err(|error| (StatusCode::BAD_GATEWAY, error.to_string()))
    };
    let app = Router::new()
        .route("/pay", post(pay).route_layer(AuthsignalLayer::new(&authsignal, "pay")))
        .route("/paid", get(list))
        .route("/sign-out", post(sign_out))
        .with_state(paid)
        .merge(authsignal.routes());
    // It ends with whoever started it, however that ends.
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(0);
    });
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("A node is open: http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?)
}

async fn pay(State(paid): State<Paid>, _: Verdict, Form(Payment { id }): Form<Payment>) -> String {
    paid.lock().unwrap_or_else(PoisonError::into_inner).push(id);
    format!("paid {id}")
}

/// What this node has paid, one a line.
async fn list(State(paid): State<Paid>) -> String {
    paid.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|id| format!("{id}\n")).collect()
}
