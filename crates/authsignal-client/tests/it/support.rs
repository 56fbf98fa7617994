//! A server that speaks from a script, on a free port of this machine.
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use authsignal_client::Client;
use authsignal_client::ClientBuilder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::calls::{Api, Call, Settings};
use crate::through::Through as _;

pub(crate) const SECRET: &str = "my-secret";
pub(crate) const KEY: &str = "5d1f9c52-8c1a-4c55-8e35-0b6a0ad0a001";

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// `POST /v1/validate HTTP/1.1`
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// `POST /v1/validate`
    pub(crate) fn target(&self) -> &str {
        self.line.strip_suffix(" HTTP/1.1").expect("HTTP/1.1")
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).expect("a request body is JSON")
    }

    /// The idempotency key that a track carries.
    pub(crate) fn key(&self) -> String {
        self.json()["idempotencyKey"].as_str().expect("a key").to_owned()
    }
}

/// What the server does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Writes these bytes and listens on.
    Send(Vec<u8>),
    /// Writes these bytes and hangs up.
    SendAndClose(Vec<u8>),
    /// Writes these bytes and never anything more.
    SendAndHang(Vec<u8>),
}

impl Reply {
    pub(crate) fn json(status: u16, body: &str) -> Self {
        Self::with(status, "Content-Type: application/json\r\n", body)
    }

    /// A success without a body.
    pub(crate) fn nothing() -> Self {
        Self::Send(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec())
    }

    /// An answer with these header lines, each with its line end.
    pub(crate) fn with(status: u16, headers: &str, body: &str) -> Self {
        let length = body.len();
        Self::Send(format!("HTTP/1.1 {status} Text\r\nContent-Length: {length}\r\n{headers}\r\n{body}").into_bytes())
    }

    pub(crate) fn bytes(text: impl Into<String>) -> Self {
        Self::SendAndClose(text.into().into_bytes())
    }

    /// The same without its last bytes, and hangs up.
    pub(crate) fn cut(self, by: usize) -> Self {
        let (Self::Send(mut bytes) | Self::SendAndClose(mut bytes) | Self::SendAndHang(mut bytes)) = self;
        bytes.truncate(bytes.len() - by);
        Self::SendAndClose(bytes)
    }

    pub(crate) fn hang_up() -> Self {
        Self::SendAndClose(Vec::new())
    }

    pub(crate) fn hang() -> Self {
        Self::SendAndHang(Vec::new())
    }

    /// A good answer to whatever was asked.
    pub(crate) fn good(request: &Request) -> Self {
        Call::of(request).good(request)
    }
}

type Script = dyn Fn(usize, &Request) -> Reply + Send + Sync;

#[derive(Default)]
struct Log {
    requests: Mutex<Vec<Request>>,
    connections: AtomicUsize,
}

/// It stops when it is dropped.
pub(crate) struct Server {
    addr: SocketAddr,
    log: Arc<Log>,
    task: JoinHandle<()>,
}

impl Server {
    /// Starts a server that asks `script` for every reply, with how many requests came before.
    pub(crate) async fn start(script: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("a bound address");
        let log = Arc::new(Log::default());
        let (script, shared): (Arc<Script>, _) = (Arc::new(script), log.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, shared.clone(), script.clone()));
            }
        });
        Self { addr, log, task }
    }

    pub(crate) async fn replying(reply: Reply) -> Self {
        Self::start(move |_, _| reply.clone()).await
    }

    pub(crate) fn host(&self) -> String {
        self.addr.to_string()
    }

    /// A builder of a client of this server, with a deadline that a slow machine keeps.
    pub(crate) fn builder(&self) -> ClientBuilder {
        let base = format!("http://{}/v1", self.addr);
        let ample = Duration::from_secs(60);
        Client::builder(SECRET).base_url(base).deadline(ample).connect_timeout(ample).through()
    }

    pub(crate) fn client(&self) -> Client {
        self.builder().build().expect("a client")
    }

    /// Both clients of this server.
    pub(crate) fn api(&self) -> Api {
        self.api_with(Settings::default())
    }

    pub(crate) fn api_with(&self, settings: Settings) -> Api {
        Api::new(format!("http://{}", self.addr), settings)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.log.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.log.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, log: Arc<Log>, script: Arc<Script>) {
    let mut buffer = Vec::new();
    while let Some(request) = next_request(&mut stream, &mut buffer).await {
        let reply = {
            let mut requests = log.requests.lock().unwrap_or_else(PoisonError::into_inner);
            requests.push(request.clone());
            script(requests.len() - 1, &request)
        };
        let (Reply::Send(bytes) | Reply::SendAndClose(bytes) | Reply::SendAndHang(bytes)) = &reply;
        if stream.write_all(bytes).await.is_err() {
            return;
        }
        match reply {
            Reply::Send(_) => {}
            Reply::SendAndClose(_) => return,
            Reply::SendAndHang(_) => std::future::pending().await,
        }
    }
}

async fn next_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Request> {
    let head_end = loop {
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(buffer[..head_end].to_vec()).ok()?;
    let mut lines = head.split("\r\n");
    let line = lines.next()?.to_owned();
    let headers: Vec<_> =
        lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.into(), value.into())).collect();
    let mut request = Request { line, headers, body: String::new() };
    let length: usize = request.header("content-length").map_or(Some(0), |length| length.parse().ok())?;
    buffer.drain(..head_end + 4);
    while buffer.len() < length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    request.body = String::from_utf8(buffer.drain(..length).collect()).ok()?;
    Some(request)
}
