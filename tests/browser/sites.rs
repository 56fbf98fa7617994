//! Small applications of the tests' own, each on a free port of this machine.
use std::net::SocketAddr;

use authsignal_emulator::Emulator;
use axum::Router;
use axum::http::HeaderMap;
use axum::response::Html;
use axum_authsignal::{Authsignal, AuthsignalBuilder, User};
use tokio::net::TcpListener;

/// A port that nobody else has.
pub(crate) async fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// Serves an application until the test ends.
pub(crate) fn serve(listener: TcpListener, app: Router) {
    tokio::spawn(async move {
        axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await.unwrap();
    });
}

/// An emulator that knows Ada.
pub(crate) async fn emulator() -> Emulator {
    let emulator = Emulator::start().await.unwrap();
    emulator.user("ada").enroll_email_otp("ada@example.com");
    emulator
}

/// A handle for an application where it is always Ada who asks.
pub(crate) fn handle(emulator: &Emulator, site: &str) -> AuthsignalBuilder {
    Authsignal::builder(emulator.client())
        .challenge_budget(10_000, std::time::Duration::from_secs(60))
        .pending_flow_budget(1_000, 16 * 1024 * 1024)
        .callback_url(format!("{site}/authsignal/callback"))
        .with_insecure_cookies()
        .identify(|_: HeaderMap| async { User::new("ada") })
}

/// A page with what every page has to have.
pub(crate) fn page(heading: &str, content: &str) -> Html<String> {
    Html(format!(
        "<!DOCTYPE html><html lang=\"en\"><head><title>{heading}</title></head>\
         <body><main><h1>{heading}</h1>{content}</main></body></html>"
    ))
}
