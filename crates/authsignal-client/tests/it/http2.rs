//! HTTP/2 against real servers: how many connections are opened, and what becomes of calls whose connection goes away.
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use authsignal_client::{Client, ClientBuilder, ErrorKind};
use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;

use crate::support::SECRET;

const AMPLE: Duration = Duration::from_secs(60);

/// Both HTTP clients, with HTTP/2 from the first byte.
fn fillings(addr: SocketAddr) -> [(&'static str, ClientBuilder); 2] {
    let builder =
        || Client::builder(SECRET).base_url(format!("http://{addr}/v1")).deadline(AMPLE).connect_timeout(AMPLE);
    [("reqwest", builder().http2_prior_knowledge()), ("hyper", builder().hyper().http2_prior_knowledge())]
}

/// hyper's own server, which keeps every request waiting until it has a permit.
struct Server {
    addr: SocketAddr,
    state: Arc<State>,
    task: AbortHandle,
}

struct State {
    connections: AtomicUsize,
    /// How often each request came, by its path and idempotency key.
    seen: Mutex<HashMap<String, usize>>,
    came: Notify,
    permits: Semaphore,
    /// Tells the connections that are open to go away in order, or to vanish.
    go_away: Notify,
    vanish: Notify,
}

impl Server {
    async fn start(max_streams: u32, permits: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("a bound address");
        let state = Arc::new(State {
            connections: AtomicUsize::new(0),
            seen: Mutex::default(),
            came: Notify::new(),
            permits: Semaphore::new(permits),
            go_away: Notify::new(),
            vanish: Notify::new(),
        });
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(Arc::clone(&shared).connection(stream, max_streams));
            }
        });
        Self { addr, state, task: task.abort_handle() }
    }

    fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    fn seen(&self) -> Vec<(String, usize)> {
        let seen = self.state.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().map(|(request, times)| (request.clone(), *times)).collect()
    }

    /// Waits until so many requests have come.
    async fn came(&self, requests: usize) {
        let all = async {
            loop {
                let came = self.state.came.notified();
                if self.seen().iter().map(|(_, times)| times).sum::<usize>() >= requests {
                    return;
                }
                came.await;
            }
        };
        timeout(AMPLE, all).await.unwrap_or_else(|_| panic!("not all {requests} came: {:?}", self.seen().len()));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl State {
    async fn connection(self: Arc<Self>, stream: TcpStream, max_streams: u32) {
        let _ = stream.set_nodelay(true);
        let (go_away, vanish) = (self.go_away.notified(), self.vanish.notified());
        let shared = Arc::clone(&self);
        let service = service_fn(move |request| Arc::clone(&shared).answer(request));
        let mut server = http2::Builder::new(TokioExecutor::new());
        let connection = server.max_concurrent_streams(max_streams).serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        tokio::select! {
            _ = &mut connection => {}
            () = go_away => {
                connection.as_mut().graceful_shutdown();
                let _ = connection.await;
            }
            () = vanish => {}
        }
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        assert_eq!(request.version(), Version::HTTP_2);
        let path = request.uri().path().to_owned();
        let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        let key = body["idempotencyKey"].as_str().unwrap_or_default();
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner).entry(format!("{path} {key}")).or_default() += 1;
        self.came.notify_waiters();
        self.permits.acquire().await.expect("it stays open").forget();
        let answer = serde_json::json!({ "state": "ALLOW", "idempotencyKey": key, "isEnrolled": true, "token": "t" });
        Ok(Response::new(Full::new(Bytes::from(answer.to_string()))))
    }
}

/// Servers take about a hundred calls on a connection, and the rest would stand in line: here no call is answered before all
/// have come.
#[tokio::test]
async fn another_connection_is_opened_for_every_hundred_calls_on_their_way() {
    for (at_once, connections) in [(100, 1), (101, 2), (512, 6)] {
        let server = Server::start(100, 0).await;
        let [_, (_, builder)] = fillings(server.addr);
        let client = builder.build().unwrap();
        let mut calls = JoinSet::new();
        for user in 0..at_once {
            let client = client.clone();
            calls.spawn(async move { client.get_user(format!("user-{user}")).await });
        }
        server.came(at_once).await;
        server.state.permits.add_permits(at_once);
        for answer in calls.join_all().await {
            answer.unwrap();
        }
        assert_eq!(server.connections(), connections, "{at_once} at once");

        // They are kept, and the first ones used again.
        server.state.permits.add_permits(1);
        client.get_user("user").await.unwrap();
        assert_eq!(server.connections(), connections);
    }
}

/// A server that takes fewer calls on a connection than is common is used all the same.
#[tokio::test]
async fn a_server_of_fewer_streams_answers_all() {
    let server = Server::start(10, usize::MAX >> 4).await;
    for (name, builder) in fillings(server.addr) {
        let client = builder.build().unwrap();
        let mut calls = JoinSet::new();
        for user in 0..250 {
            let client = client.clone();
            calls.spawn(async move { client.get_user(format!("user-{name}-{user}")).await });
        }
        for answer in calls.join_all().await {
            answer.unwrap();
        }
    }
    assert!(server.seen().iter().all(|(_, times)| *times == 1) && server.seen().len() == 500);
}

/// A server that goes away in order answers what is on its way; what comes then takes another connection, and nothing is sent
/// twice.
#[tokio::test]
async fn a_connection_that_goes_away_is_replaced() {
    for index in 0..2 {
        let server = Server::start(100, 0).await;
        let (name, builder) = fillings(server.addr).into_iter().nth(index).unwrap();
        // No repetition of ours: it is the HTTP client that sees a connection go.
        let client = builder.build().unwrap();
        let mut calls = JoinSet::new();
        let mut begin = |from: usize, to: usize| {
            for user in from..to {
                let client = client.clone();
                calls.spawn(async move { client.claim_challenge((format!("c-{user}"), "user-1")).await.map(drop) });
            }
        };
        begin(0, 50);
        server.came(50).await;
        server.state.go_away.notify_waiters();
        begin(50, 90);
        server.came(90).await;
        server.state.permits.add_permits(91);
        for answer in calls.join_all().await {
            answer.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        }
        client.claim_challenge(("c-last", "user-1")).await.unwrap();
        let seen: usize = server.seen().iter().map(|(_, times)| times).sum();
        assert_eq!((seen, server.connections()), (91, 2), "{name}");
    }
}

/// A connection that is lost while calls are on their way: those that are safe to repeat are, under the same key; the others are
/// not, since they may have been looked at.
#[tokio::test]
async fn a_connection_that_is_lost_is_replaced_and_doubles_nothing() {
    for index in 0..2 {
        let server = Server::start(100, 0).await;
        let (name, builder) = fillings(server.addr).into_iter().nth(index).unwrap();
        let client = builder.build().unwrap();
        let (mut tracks, mut claims) = (JoinSet::new(), JoinSet::new());
        for user in 0..5 {
            let (tracking, claiming) = (client.clone(), client.clone());
            tracks.spawn(async move { tracking.track(format!("user-{user}"), "withdrawal").await });
            claims.spawn(async move { claiming.claim_challenge((format!("c-{user}"), "user-1")).await });
        }
        server.came(10).await;
        server.state.vanish.notify_waiters();
        for outcome in claims.join_all().await {
            assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Interrupted, "{name}");
        }
        server.state.permits.add_permits(100);
        for outcome in tracks.join_all().await {
            outcome.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        }
        for (request, times) in server.seen() {
            let expected = if request.starts_with("/v1/claim") { 5 } else { 2 };
            assert_eq!(times, expected, "{name}: {request}");
        }
        assert_eq!((server.seen().len(), server.connections()), (6, 2), "{name}");
    }
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;

/// Kind, flags, stream and payload of a frame (RFC 9113, section 4.1).
async fn next_frame(stream: &mut TcpStream) -> Option<(u8, u8, u32)> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.ok()?;
    let [a, b, c, kind, flags, d, e, f, g] = head;
    let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
    stream.read_exact(&mut payload).await.ok()?;
    Some((kind, flags, u32::from_be_bytes([d & 0x7f, e, f, g])))
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = u32::try_from(payload.len()).expect("a short frame").to_be_bytes();
    let mut frame = vec![a, b, c, kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Serves one connection frame by frame. `refuses` says what the first request of all gets in place of an answer.
async fn by_hand(mut stream: TcpStream, refuses: fn(u32) -> Vec<u8>, requests: Arc<AtomicUsize>) -> Option<()> {
    stream.read_exact(&mut [0; 24]).await.ok()?;
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await.ok()?;
    let mut refused = None;
    loop {
        let (kind, flags, id) = next_frame(&mut stream).await?;
        let answer = match kind {
            SETTINGS if flags == 0 => frame(SETTINGS, 1, 0, &[]),
            HEADERS if requests.fetch_add(1, Ordering::SeqCst) == 0 => {
                refused = Some(id);
                refuses(id)
            }
            DATA if flags & END_STREAM != 0 && refused != Some(id) => {
                // 0x88 is `:status: 200` (RFC 7541, appendix A).
                [frame(HEADERS, 4, id, &[0x88]), frame(DATA, END_STREAM, id, br#"{"token":"t"}"#)].concat()
            }
            _ => continue,
        };
        stream.write_all(&answer).await.ok()?;
    }
}

/// A server that says of a request that it did not look at it: it is sent anew, whatever it is.
#[tokio::test]
async fn what_the_server_did_not_look_at_is_sent_anew() {
    let refused: fn(u32) -> Vec<u8> = |id| frame(RST_STREAM, 0, id, &7_u32.to_be_bytes());
    let left_behind: fn(u32) -> Vec<u8> = |_| frame(GOAWAY, 0, 0, &[0; 8]);
    let cancelled: fn(u32) -> Vec<u8> = |id| frame(RST_STREAM, 0, id, &8_u32.to_be_bytes());
    let in_error: fn(u32) -> Vec<u8> = |_| frame(GOAWAY, 0, 0, &[0, 0, 0, 0, 0, 0, 0, 2]);
    let lost = Err(ErrorKind::Interrupted);
    for (reason, refuses, expected) in [
        ("refused", refused, (Ok(()), 2)),
        ("left behind", left_behind, (Ok(()), 2)),
        ("cancelled", cancelled, (lost, 1)),
        ("in error", in_error, (lost, 1)),
    ] {
        for index in 0..2 {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let requests = Arc::new(AtomicUsize::new(0));
            let (name, builder) = fillings(listener.local_addr().unwrap()).into_iter().nth(index).unwrap();
            let counted = Arc::clone(&requests);
            let server = tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(by_hand(stream, refuses, Arc::clone(&counted)));
                }
            });
            let client = builder.build().unwrap();
            let outcome = client.claim_challenge(("c-1", "user-1")).await.map(drop).map_err(|error| error.kind());
            assert_eq!((outcome, requests.load(Ordering::SeqCst)), expected, "{name}, {reason}");
            server.abort();
        }
    }
}
