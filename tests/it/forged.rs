//! What a client writes into a request changes nothing of how it is decided; and a request to upgrade is decided as any.
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get as getting;
use axum_authsignal::{AuthsignalLayer, RefusalReason, Verdict};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{Effects, Visitor, bench, json};

/// T58: no header says that a request was decided: what is known of one is in its extensions, where no client writes.
#[tokio::test]
async fn t58_no_header_lets_a_request_pass() {
    let bench = bench().await;
    let names = [
        "verdict",
        "x-verdict",
        "authsignal",
        "x-authsignal",
        "x-authsignal-verdict",
        "x-authsignal-action",
        "x-authsignal-state",
        "x-authsignal-token",
        "x-axum-authsignal",
        "x-middleware-subrequest",
        "x-middleware-next",
        "x-middleware-invoke",
        "x-original-url",
        "x-original-uri",
        "x-rewrite-url",
        "x-matched-path",
        "x-http-method-override",
        "x-forwarded-prefix",
        "x-forwarded-user",
        "idempotency-key",
        "x-request-id",
    ];
    let values = [
        "1",
        "true",
        "ALLOW",
        "pay",
        "CHALLENGE_SUCCEEDED",
        "/open",
        "OPTIONS",
        "ada",
        "src/middleware:src/middleware",
    ];
    let mut tried = 0;
    for name in names {
        for value in values {
            bench.visitor("ada").challenge(&json("/pay", "{}").header(name, value)).await;
            tried += 1;
        }
    }
    let all = names.iter().fold(json("/pay", "{}"), |ask, name| ask.header(name, "ALLOW"));
    bench.visitor("ada").challenge(&all).await;
    assert_eq!((bench.effects.count(), bench.tracks()), (0, tried + 1));
    let mut nobody = Visitor { user: None, ..bench.visitor("ada") };
    nobody.send(&all).await.assert_refused(&RefusalReason::Unauthenticated);
    println!("{tried} forged headers: 0 passed");
}

async fn upgraded(State(effects): State<Effects>, verdict: Verdict) -> (StatusCode, [(&'static str, &'static str); 2]) {
    effects.run(verdict);
    (StatusCode::SWITCHING_PROTOCOLS, [("connection", "upgrade"), ("upgrade", "websocket")])
}

/// T59: over a real connection, a request to upgrade is refused without an approval, and one approval opens one.
#[tokio::test]
async fn t59_a_request_to_upgrade_is_decided_like_any() {
    let bench = bench().await;
    let app: Router = Router::new()
        .route("/socket", getting(upgraded).route_layer(AuthsignalLayer::new(&bench.authsignal, "pay")))
        .with_state(bench.effects.clone())
        .merge(bench.authsignal.routes());
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = app.clone();
    tokio::spawn(async move { axum::serve(listener, served).await.unwrap() });
    let upgrade = async |cookie: &str| {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let head = format!(
            "GET /socket HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nx-user: ada\r\n{cookie}\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).await.unwrap();
        String::from_utf8(status.to_vec()).unwrap()
    };
    assert_eq!(upgrade("").await, "HTTP/1.1 403");
    let mut ada = Visitor::new(&app, "ada");
    let challenge = ada.challenge(&crate::support::get("/socket").header("sec-fetch-mode", "websocket")).await;
    ada.send(&bench.prove(&challenge)).await;
    let cookie = format!("Cookie: {}\r\n", ada.cookie.unwrap());
    assert_eq!(bench.effects.count(), 0);
    assert_eq!(upgrade(&cookie).await, "HTTP/1.1 101");
    assert_eq!(upgrade(&cookie).await, "HTTP/1.1 403");
    assert_eq!(bench.effects.count(), 1);
}
