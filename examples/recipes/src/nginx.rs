//! Behind nginx, below a prefix that it takes away: browsers ask for `/app/pay`, and `/pay` is what arrives.
//!
//! Copy `callback_url`, `public_prefix` and `ip_source`, and the `location` of `nginx.conf`, which stands beside this file. The
//! application's own redirects and forms are relative, or begin with the prefix.
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Html;
use axum::routing::{get, post};
use axum_authsignal::{AuthsignalBuilder, AuthsignalLayer, ConfigError, IpSource};
use tower_sessions::{MemoryStore, Session, SessionManagerLayer};

use crate::bank::{self, Bank};
use crate::with_tower_sessions::{identified, is_signed_in, logins};

/// `origin` is nginx's, as browsers know it: `https://app.example.com`.
pub(crate) fn app(authsignal: AuthsignalBuilder, origin: &str) -> Result<Router, ConfigError> {
    let authsignal = identified(authsignal)
        .callback_url(format!("{origin}/app/authsignal/callback"))
        .public_prefix("/app")
        // What nginx sets, and nobody can reach the application but through it.
        .ip_source(IpSource::XRealIp)
        .build()?;
    Ok(Router::new()
        .route("/", get(home))
        .route("/pay", post(bank::pay).route_layer(AuthsignalLayer::new(&authsignal, "pay")))
        .with_state(Bank::default())
        .merge(logins())
        .merge(authsignal.routes())
        // The other applications of this origin are not sent the session.
        .layer(SessionManagerLayer::new(MemoryStore::default()).with_path("/app")))
}

async fn home(State(bank): State<Bank>, session: Session) -> Result<Html<String>, StatusCode> {
    Ok(bank::page(&bank, is_signed_in(&session).await?, ""))
}

#[cfg(test)]
mod tests {
    use axum_authsignal::Authsignal;
    use test_support::processes::Nginx;

    use crate::way;

    #[tokio::test]
    async fn in_chromium() {
        let (listener, port) = way::listen().await;
        let nginx = Nginx::start(|nginx| {
            let configuration = include_str!("nginx.conf");
            configuration.replace("8080", &nginx.to_string()).replace("3000", &port.to_string())
        });
        let origin = format!("http://localhost:{}", nginx.port);
        let emulator = way::emulator().await;
        let authsignal = Authsignal::builder(emulator.client()).with_insecure_cookies();
        way::serve_at(listener, super::app(authsignal, &origin).unwrap());
        way::walks(format!("{origin}/app")).await;

        let address = emulator.actions("ada")[0].ip_address.clone();
        assert_eq!(address.as_deref(), Some("127.0.0.1"));
        let log = std::fs::read_to_string(nginx.folder.join("access.log")).unwrap();
        assert!(log.contains("\"GET /app/authsignal/callback\" 303") && !log.contains("token"), "{log}");
    }
}
