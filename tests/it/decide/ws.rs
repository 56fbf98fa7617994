//! A WebSocket whose messages are decided one by one, over a real socket.
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use authsignal_emulator::{Emulator, Endpoint, Outcome};
use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::any;
use axum_authsignal::client::CustomData;
use axum_authsignal::{Authsignal, AuthsignalLayer, Decision, User, Waited};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message as ClientMessage};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::support::{CALLBACK, who};

#[derive(Clone)]
struct Desk {
    authsignal: Authsignal,
    paid: Arc<AtomicUsize>,
}

async fn upgrade(State(desk): State<Desk>, parts: Parts, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(move |socket| async move { desk.serve(socket, &parts).await })
}

impl Desk {
    /// Each message is a sum to pay.
    async fn serve(&self, mut socket: WebSocket, parts: &Parts) {
        while let Some(Ok(Message::Text(sum))) = socket.recv().await {
            let Ok(sum) = sum.parse::<u64>() else { continue };
            let data = CustomData::new().with("amount", sum);
            let decided = self.authsignal.decide(User::new("ada"), "pay").data(data).request(parts).await;
            let said = match decided {
                Decision::Passed(_) => self.pay(sum),
                Decision::Pending(pending) => {
                    let url = pending.url().unwrap_or_default().to_owned();
                    if socket.send(Message::text(format!("prove {url}"))).await.is_err() {
                        return;
                    }
                    match pending.wait(Duration::from_secs(30)).await {
                        Waited::Verified(_) => self.pay(sum),
                        other => format!("not paid: {other:?}"),
                    }
                }
                Decision::Refused(refusal) => format!("refused: {}", refusal.reason().as_str()),
                other => format!("not paid: {other:?}"),
            };
            if socket.send(Message::text(said)).await.is_err() {
                return;
            }
        }
    }

    fn pay(&self, sum: u64) -> String {
        self.paid.fetch_add(1, Ordering::SeqCst);
        format!("paid {sum}")
    }
}

type Client = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn says(client: &mut Client, text: &str) -> String {
    client.send(ClientMessage::text(text)).await.unwrap();
    hears(client).await
}

async fn hears(client: &mut Client) -> String {
    client.next().await.unwrap().unwrap().into_text().unwrap().to_string()
}

/// T59: the upgrade is decided, and then each message; none is paid that was not.
#[tokio::test]
async fn t59_each_message_of_a_websocket_is_decided() {
    let emulator = Emulator::start().await.unwrap();
    emulator.user("ada").enroll_email_otp("ada@example.com");
    emulator.set_outcome("connect", Outcome::Allow);
    emulator.set_outcome("pay", Outcome::Allow);
    let authsignal = Authsignal::builder(emulator.client())
        .callback_url(CALLBACK)
        .identify(|headers: HeaderMap| async move { who(&headers) })
        .build()
        .unwrap();
    let desk = Desk { authsignal: authsignal.clone(), paid: Arc::default() };
    let app = Router::new()
        .route("/desk", any(upgrade).layer(AuthsignalLayer::new(&authsignal, "connect")))
        .with_state(desk.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    let server = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    let request = |headers: &[(&'static str, &str)]| {
        let mut request = format!("ws://{address}/desk").into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        request
    };
    let Err(Error::Http(refused)) = tokio_tungstenite::connect_async(request(&[])).await else { panic!("upgraded") };
    assert_eq!(refused.status(), 401);

    let signed_in = [("x-user", "ada"), ("user-agent", "desk/1")];
    let (mut client, _) = tokio_tungstenite::connect_async(request(&signed_in)).await.unwrap();
    assert_eq!(says(&mut client, "10").await, "paid 10");
    let tracked = emulator.received_requests().into_iter().rfind(|request| request.endpoint == Endpoint::Track);
    let tracked = tracked.unwrap().json();
    assert_eq!((&tracked["ipAddress"], &tracked["userAgent"]), (&"127.0.0.1".into(), &"desk/1".into()));

    emulator.set_outcome("pay", Outcome::Challenge);
    let asked = says(&mut client, "5000").await;
    assert_eq!(desk.paid.load(Ordering::SeqCst), 1);
    emulator.succeed(asked.strip_prefix("prove ").unwrap()).unwrap();
    assert_eq!(hears(&mut client).await, "paid 5000");
    // One proof is one message's.
    let asked = says(&mut client, "5000").await;
    emulator.decline(asked.strip_prefix("prove ").unwrap()).unwrap();
    assert!(hears(&mut client).await.starts_with("not paid"));
    emulator.set_outcome("pay", Outcome::Block);
    assert_eq!(says(&mut client, "1").await, "refused: state");
    assert_eq!((desk.paid.load(Ordering::SeqCst), emulator.calls(Endpoint::Track)), (2, 5));
    println!("1 upgrade and 4 messages, each decided: 2 paid");

    // What a page of another site opened is challenged for nothing.
    emulator.set_outcome("pay", Outcome::Challenge);
    let foreign = [("x-user", "ada"), ("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")];
    let (mut client, _) = tokio_tungstenite::connect_async(request(&foreign)).await.unwrap();
    assert_eq!(says(&mut client, "5000").await, "refused: cross_site");
    server.abort();
}
