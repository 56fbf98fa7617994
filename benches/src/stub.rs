//! A cheap stand-in for the Server API, on loopback only: answers of the service's size after a delay that can be set.
//!
//! `track` answers ALLOW, or what the action's name says: `block`, `challenge`. `validate` answers that the challenge which
//! was begun last succeeded, `get_action` that its action has. `/__callback` says where its user is to come back. `/__delay/100` delays all
//! later answers by 100 ms, `/__spread/40` by up to 40 ms more, `/__slow/100` every hundredth by a second; `/__calls` says how many
//! calls there were.
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket};

#[derive(Default)]
struct Stub {
    delay_ms: AtomicU64,
    spread_ms: AtomicU64,
    slow_every: AtomicU64,
    calls: AtomicU64,
    /// User, action and idempotency key of the newest challenge.
    challenged: Mutex<[String; 3]>,
    callback: Mutex<Value>,
}

const KEY: &str = "f7f6ff4c-600f-4d61-99a2-b1157fe43777";
const KEY_FIELD: &[u8] = br#""idempotencyKey":""#;

/// About 2.2 kB, as the service's answers are, with a token of 0.9 kB once by itself and once in `url`.
fn tracked(state: &str, key: &str) -> String {
    let token = format!("e30.{}.{}", "eyJvdGhlciI6e".repeat(64), "s".repeat(43));
    let answer = json!({
        "state": state,
        "idempotencyKey": key,
        "ruleIds": ["6f2e2d8c-9f7b-4f0e-9a53-0d6f6f0f4a11"],
        "url": format!("https://mfa.example.test/?token={token}"),
        "token": token,
        "isEnrolled": true,
        "enrolledVerificationMethods": ["AUTHENTICATOR_APP", "PASSKEY"],
        "allowedVerificationMethods": ["AUTHENTICATOR_APP", "PASSKEY", "EMAIL_OTP"],
        "defaultVerificationMethod": "PASSKEY",
    });
    answer.to_string()
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

/// The idempotency key in a request's body, if it has one of a UUID's length.
fn named_key(body: &[u8]) -> Option<&str> {
    let at = find(body, KEY_FIELD)? + KEY_FIELD.len();
    std::str::from_utf8(body.get(at..at + KEY.len())?).ok()
}

impl Stub {
    /// How long the answer takes that so many came before: the same in every run.
    fn delay(&self, before: u64) -> Duration {
        let every = self.slow_every.load(Relaxed);
        if every > 0 && before % every == every / 2 {
            return Duration::from_secs(1);
        }
        let spread = self.spread_ms.load(Relaxed);
        // Neighbours are far from each other, and each delay comes as often as any other.
        let more = before.wrapping_mul(37) % (spread + 1);
        Duration::from_millis(self.delay_ms.load(Relaxed) + more)
    }

    async fn answer(&self, allowed: &str, request: Request<Incoming>) -> String {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        let parts: Vec<&str> = head.uri.path().split('/').collect();
        match parts[1..] {
            ["__delay", ms] => {
                self.delay_ms.store(ms.parse().unwrap_or(0), Relaxed);
                return "{}".to_owned();
            }
            ["__spread", ms] => {
                self.spread_ms.store(ms.parse().unwrap_or(0), Relaxed);
                return "{}".to_owned();
            }
            ["__slow", every] => {
                self.slow_every.store(every.parse().unwrap_or(0), Relaxed);
                return "{}".to_owned();
            }
            ["__callback"] => return self.callback.lock().expect("nobody panics").to_string(),
            ["__calls"] => return self.calls.load(Relaxed).to_string(),
            _ => {}
        }
        let before = self.calls.fetch_add(1, Relaxed);
        let delay = self.delay(before);
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let key = named_key(&body).unwrap_or(KEY);
        match parts[1..] {
            [.., "users", _, "actions", "block"] => tracked("BLOCK", key),
            [.., "users", user, "actions", "challenge"] => {
                *self.challenged.lock().expect("nobody panics") = [user, "challenge", key].map(str::to_owned);
                let sent: Value = serde_json::from_slice(&body).unwrap_or_default();
                *self.callback.lock().expect("nobody panics") = sent["redirectUrl"].clone();
                tracked("CHALLENGE_REQUIRED", key)
            }
            [.., "users", _, "actions", _, _] => {
                let at = "2026-01-15T10:00:00.000Z";
                json!({ "state": "CHALLENGE_SUCCEEDED", "createdAt": at, "stateUpdatedAt": at, "output": {} })
                    .to_string()
            }
            [.., "validate"] => {
                let [user, action, key] = self.challenged.lock().expect("nobody panics").clone();
                let answer = json!({
                    "isValid": true, "state": "CHALLENGE_SUCCEEDED", "userId": user, "actionCode": action,
                    "idempotencyKey": key, "verificationMethod": "PASSKEY",
                });
                answer.to_string()
            }
            // Made ready, so that the stub costs little beside what it is asked by.
            _ => allowed.replacen(KEY, key, 1),
        }
    }
}

/// Listens on a port of its own and serves until it is dropped.
pub fn listen() -> std::io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(([127, 0, 0, 1], 0).into())?;
    socket.listen(16_384)
}

pub async fn serve(listener: TcpListener) {
    let (stub, allowed) = (Arc::new(Stub::default()), Arc::new(tracked("ALLOW", KEY)));
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        let (stub, allowed) = (Arc::clone(&stub), Arc::clone(&allowed));
        let service = service_fn(move |request| {
            let (stub, allowed) = (Arc::clone(&stub), Arc::clone(&allowed));
            async move {
                let mut response = Response::new(Full::new(Bytes::from(stub.answer(&allowed, request).await)));
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                Ok::<_, Infallible>(response)
            }
        });
        tokio::spawn(async move {
            let mut server = auto::Builder::new(TokioExecutor::new());
            server.http2().max_concurrent_streams(128); // As common gateways have it.
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// What the stub says of itself at a path.
pub fn ask(address: &str, path: &str) -> std::io::Result<Value> {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(address)?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: stub\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Ok(serde_json::from_str(body)?)
}
